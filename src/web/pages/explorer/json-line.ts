/** A JSON object as one line to read: what it says, then its other fields as `key=value`. */
export type JsonLine = { text: string; fields: string };

/** Longer lines are shown as they came: reading one must stay cheap, since every row that comes into view is read. */
const lineMax = 16_384;

/** Fields that hold what the line says, the likeliest first (pino, bunyan, zerolog: msg; logrus, winston, ECS: message; Serilog: @m; GELF: short_message). */
const textNames = ['msg', 'message', '@m', 'short_message', 'log', 'body', 'event'];
/** Shown by the row already, by its time and level. */
const shownNames = new Set(['time', 'ts', 'timestamp', '@timestamp', '@t', 'level', 'severity', 'lvl', '@l']);
/** The same in every line of a program: after what differs. */
const lastNames = new Set(['pid', 'hostname', 'v', 'name']);

const blank = '[ \\t\\r\\n]*';
const string = '"(?:\\\\.|[^"\\\\])*"';
// `<_>` is a gap of a pattern, see patterns-view.tsx.
const scalar = `${string}|[-+.\\w]+|<_>`;
const field = new RegExp(`${blank}(${string})${blank}:${blank}(?:(${scalar})|(?=[{[]))`, 'y');
const nested = new RegExp(`${string}|[^"{}[\\]]+|[{}[\\]]`, 'y');
const next = new RegExp(`${blank}([,}])`, 'y');

/** Null where the line is no JSON object with a text that says something: such a line is best shown as it came. */
export function readJsonLine(line: string): JsonLine | null {
  if (line[0] !== '{' || line.length > lineMax) return null;
  const fields = topFields(line);
  if (!fields) return null;
  const name = textNames.find(each => fields.get(each)?.startsWith('"') && fields.get(each) !== '""');
  const text = name === undefined ? undefined : unquoted(fields.get(name) ?? '');
  if (name === undefined || text === undefined) return null;
  const others = [...fields].filter(([key]) => key !== name && !shownNames.has(key));
  const parts = [...others.filter(([key]) => !lastNames.has(key)), ...others.filter(([key]) => lastNames.has(key))].map(
    ([key, value]) => `${key}=${plain(value)}`,
  );
  return { text, fields: parts.join(' ') };
}

/** The value of a field of the first level: texts without quotes, all else as it is written; '' where there is none. */
export function jsonField(line: string, name: string): string {
  if (line[0] !== '{' || line.length > lineMax) return '';
  const source = topFields(line)?.get(name) ?? '';
  return source.startsWith('"') ? (unquoted(source) ?? source) : source;
}

/** Names and source texts of the fields of an object, or null when the text is not exactly one. Of a name that is there twice the last counts. */
function topFields(line: string): Map<string, string> | null {
  const fields = new Map<string, string>();
  for (let at = 1; ; ) {
    field.lastIndex = at;
    const found = field.exec(line);
    const name = found && unquoted(found[1] ?? '');
    if (!found || name === undefined || name === null) return null;
    at = field.lastIndex;
    const end = found[2] === undefined ? nestedEnd(line, at) : at;
    if (end < 0) return null;
    fields.set(name, found[2] ?? line.slice(at, end));
    next.lastIndex = end;
    const sign = next.exec(line)?.[1];
    at = next.lastIndex;
    if (sign === '}') return line.slice(at).trim() === '' ? fields : null;
    if (sign !== ',') return null;
  }
}

/** Where the object or array that begins at an offset ends, or -1. */
function nestedEnd(line: string, from: number): number {
  nested.lastIndex = from;
  for (let depth = 0; ; ) {
    const sign = nested.exec(line)?.[0];
    if (sign === undefined) return -1;
    if (sign === '{' || sign === '[') depth++;
    else if (sign === '}' || sign === ']') depth--;
    if (depth === 0) return nested.lastIndex;
  }
}

/** Undefined for a text with escapes that JSON does not know. */
function unquoted(source: string): string | undefined {
  if (!source.includes('\\')) return source.slice(1, -1);
  try {
    return JSON.parse(source) as string;
  } catch {
    return undefined;
  }
}

/** A string without its quotes where nothing in it needs them; all other values as they are written. */
const plain = (source: string): string => (/^"[^\s"=\\,{}[\]]+"$/.test(source) ? source.slice(1, -1) : source);
