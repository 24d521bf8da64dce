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
  is_partial: boolean;
  is_running: false;
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
