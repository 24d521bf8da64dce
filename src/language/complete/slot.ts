/** Something that may stand at the cursor whatever is stored. */
export type Suggestion = {
  kind: 'function' | 'stage' | 'operator' | 'keyword' | 'field' | 'value';
  label: string;
  insert: string;
  detail?: string;
};

/**
 * What the grammar allows at the cursor. The text from `from` to `to` is what a choice replaces; `typed` of it stands before the cursor. `fields`
 * and `values` are to be looked up: names of fields, or the values of one.
 */
export type Slot = {
  from: number;
  to: number;
  /** End of the condition that `to` lies in, where that is more. */
  conditionEnd?: number;
  typed: string;
  suggestions: Suggestion[];
  /** How the name of a field is written here. */
  fields?: (name: string) => { label: string; insert: string } | undefined;
  /** The value of a label may be typed here, to become a whole condition. */
  labelValues?: (label: string, value: string) => { insert: string; detail: string };
  /** Only stream labels may stand here. */
  labelsOnly?: boolean;
  /** What stands around does not tell which records are meant, so the newest of all are looked at. */
  alone?: true;
  /** `write`: undefined for a value that cannot stand here. */
  values?: { field: string; write: (value: string) => string | undefined };
  /** What is inside of objects has names here, too. */
  paths?: true;
};
