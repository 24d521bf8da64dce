/** As the json stage names labels. */
const sanitised = (key: string): string =>
  key
    .trim()
    .replace(/[^A-Za-z0-9_]/g, '_')
    .replace(/^(?=\d)/, '_');

/**
 * Where in a JSON line the labels of the json stage come from: label -> keys from the outside in. Empty for what is no JSON object; objects nested
 * deeper than 32 are left out.
 */
export function jsonPaths(line: string): Map<string, string[]> {
  const paths = new Map<string, string[]>();
  const visit = (value: object, path: readonly string[]): void => {
    for (const [key, inner] of Object.entries(value) as [string, unknown][]) {
      const here = [...path, key];
      if (typeof inner === 'object' && inner !== null && !Array.isArray(inner)) {
        if (here.length < 32) visit(inner, here);
        continue;
      }
      const name = here.map((part, i) => (i === 0 ? sanitised(part) : part.replace(/[^A-Za-z0-9_]/g, '_'))).join('_');
      if (!paths.has(name)) paths.set(name, here);
    }
  };
  try {
    const value = JSON.parse(line) as unknown;
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) visit(value, []);
  } catch {
    // Not JSON: no paths.
  }
  return paths;
}
