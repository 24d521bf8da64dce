import { fieldName } from './fields.ts';

/** Times are written in many ways, so one of a pasted line is not looked for. */
const times = /^(?:@?timestamp|time|ts|date|datetime|@t)$/i;
const fieldsMax = 50;

const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;

/** Search text of the fields of an object; undefined where there is nothing that could be looked for. */
function conditions(object: Record<string, unknown>, prefix: string, into: string[]): string[] {
  for (const [key, value] of Object.entries(object)) {
    const name = prefix + key;
    if (into.length >= fieldsMax || (prefix === '' && times.test(key)) || fieldName(name) === 'timestamp') continue;
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
      into.push(`${quoted(name)}:${quoted(String(value))}`);
    else if (typeof value === 'object' && value !== null && !Array.isArray(value))
      conditions(value as Record<string, unknown>, `${name}.`, into);
  }
  return into;
}

/**
 * Search text for what somebody pasted that begins like a JSON object: its fields when it is one, else the text as it is. `note` says which.
 */
export function searchOfJson(text: string): { search: string; note: string } {
  const whole = {
    search: quoted(text),
    note: 'this looks like JSON and is searched as text; for a field write level:error',
  };
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return whole;
  }
  const found = conditions(parsed as Record<string, unknown>, '', []);
  if (found.length === 0) return whole;
  return {
    search: found.join(' AND '),
    note: 'this looks like JSON: its fields are looked for; put it in single quotes to look for the text',
  };
}
