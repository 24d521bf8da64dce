/** What page, CLI and server share about EQL. */

/** `POST /_eql/search`, in Elasticsearch's shape. The request is in docs/eql.md. */
export type EqlEvent = {
  _index: string;
  _id: string;
  _source: Record<string, unknown>;
  /** Values by name, of the fields that were asked for. */
  fields?: Record<string, unknown[]>;
  /** No such event was there, as the sequence wanted. */
  missing?: true;
};

export type EqlAnswer = {
  /** Of a search that goes on or whose answer is kept. */
  id?: string;
  is_partial: boolean;
  is_running: boolean;
  took: number;
  timed_out: boolean;
  hits: {
    total: { value: number; relation: 'eq' | 'gte' };
    /** Of event queries; with `| count`, `_source` is {count, percent, key}. */
    events?: EqlEvent[];
    sequences?: { join_keys: unknown[]; events: EqlEvent[] }[];
  };
  /** Why the answer is not whole. */
  shard_failures?: { index: string; reason: { type: string; reason: string } }[];
};

// Alternatives of one repetition begin with different signs and end where they must, so that no text takes more than linear time.
const gap = String.raw`(?:\s|//[^\n]*(?:\n|$)|/\*(?:[^*]|\*(?!/))*\*/)`;
const text = String.raw`"""(?:(?!""")[^])*"""|"(?:\\[^]|[^"\\\n])*"`;
const field = String.raw`\??(?:[@A-Za-z_]\w*|\`[^\`]*\`)(?:\.(?:[@A-Za-z_]\w*|\`[^\`]*\`))*`;
const operator = String.raw`==|!=|[<>]=?|=|:(?!//)|[-+*/%]${gap}|(?:not${gap}+)?(?:in|like|regex)(?:~|\b)${gap}*[("]`;
const condition = String.raw`(?:not${gap}+|\(${gap}*)*(?:(?:true|false)\b${gap}*(?:$|[)\]|]|and\b|or\b|[=!]=)|[A-Za-z]+~?\(|(?:${text}|${field}|\d[\d.]*)${gap}*(?:${operator}))`;
const eql = new RegExp(
  `^${gap}*(?:sequence${gap}*!?\\[|sequence${gap}+(?:by|with)${gap}+\\S|sample${gap}+by${gap}+\\S|(?:[A-Za-z_@]\\w*|${text})${gap}*\\bwhere\\b${gap}*${condition})`,
);

/**
 * True for a text that is EQL by its form: `sequence by ..`, `sequence with ..`, `sequence [..`, `sample by ..`, or one word or quoted text, `where`, and the beginning of
 * a condition. `where` among other words is a word to search for, and so is one that no condition follows. The one rule of page, CLI and server.
 */
export const looksEql = (query: string): boolean => eql.test(query);
