/** JSON with the text of its numbers, the order of its keys and all repeated keys; undefined when the text is not one JSON value. */
export type Json =
  | { type: 'object'; fields: [string, Json][]; raw: string }
  | { type: 'array'; items: Json[]; raw: string }
  | { type: 'string'; value: string; raw: string }
  | { type: 'other'; raw: string };

export function readJson(text: string): Json | undefined {
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  let at = 0;
  const skip = (): void => {
    while (/\s/.test(text[at] ?? '')) at++;
  };
  const string = (): string => {
    const raw = /"(?:[^"\\]|\\.)*"/y;
    raw.lastIndex = at;
    const found = raw.exec(text)?.[0] ?? '';
    at += found.length;
    return found;
  };
  const list = (close: string, item: () => void): void => {
    at++;
    skip();
    while (text[at] !== close) {
      item();
      skip();
      if (text[at] === ',') at++;
      skip();
    }
    at++;
  };
  const value = (): Json => {
    skip();
    const start = at;
    if (text[at] === '{') {
      const fields: [string, Json][] = [];
      list('}', () => {
        const key = JSON.parse(string()) as string;
        skip();
        at++;
        fields.push([key, value()]);
      });
      return { type: 'object', fields, raw: text.slice(start, at) };
    }
    if (text[at] === '[') {
      const items: Json[] = [];
      list(']', () => items.push(value()));
      return { type: 'array', items, raw: text.slice(start, at) };
    }
    if (text[at] === '"') {
      const raw = string();
      return { type: 'string', value: JSON.parse(raw) as string, raw };
    }
    while (/[^\s,\]}]/.test(text[at] ?? ' ')) at++;
    return { type: 'other', raw: text.slice(start, at) };
  };
  return value();
}

/** Text of a value as a label; undefined for what `json` skips. */
export const scalarText = (value: Json): string | undefined => {
  if (value.type === 'string') return value.value;
  return value.type === 'other' && value.raw !== 'null' ? value.raw : undefined;
};
