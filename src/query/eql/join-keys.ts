import { WeirError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import { parseWhole } from './source.ts';

/**
 * The join keys of an event, each a JSON array of texts and nulls. A field with several values joins by each of them, and several such fields by each
 * combination, as in Elasticsearch. `text`: the values as they are stored, where one with several is itself the text of a JSON array.
 * Throws `query_limit` where an event has more than `eqlKeysPerEventMax`.
 */
export function joinKeysOf(text: string): readonly string[] {
  // Only a value that begins with a bracket has this, or a quote inside of a text.
  if (!text.includes('"[')) return [text];
  const choices = (JSON.parse(text) as (string | null)[]).map(value => (value === null ? [null] : valuesOf(value)));
  const count = choices.reduce((product, values) => product * values.length, 1);
  if (count > limits.eqlKeysPerEventMax)
    throw new WeirError('query_limit', {
      reason: `an event has ${count} combinations of values to join by, at most ${limits.eqlKeysPerEventMax}; join by fields with fewer values, or leave the event out by a condition`,
    });
  let keys: (string | null)[][] = [[]];
  for (const values of choices) keys = keys.flatMap(key => values.map(value => [...key, value]));
  return keys.map(key => JSON.stringify(key));
}

/** What is in an array, once each; else the value itself. */
function valuesOf(value: string): string[] {
  if (!value.startsWith('[')) return [value];
  let parsed: unknown;
  try {
    parsed = parseWhole(value);
  } catch {
    return [value];
  }
  return [...new Set(leavesOf(parsed).map(keyText))];
}

const leavesOf = (value: unknown): unknown[] =>
  Array.isArray(value) ? value.flatMap(leavesOf) : isKey(value) ? [value] : [];

const isKey = (value: unknown): boolean =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || JSON.isRawJSON(value);

const keyText = (value: unknown): string => (JSON.isRawJSON(value) ? JSON.stringify(value) : String(value));

/** The value of a key as it was sent, where the event has it, alone or among others. */
export function sentKey(sent: unknown, text: string | null): unknown {
  if (isKey(sent)) return sent;
  return leavesOf(sent).find(value => keyText(value) === text) ?? text;
}
