import type { LookupTables } from './lookup-table.ts';

/** The tree of a LogQL query: plain data, no SQL, no positions. Printing it gives the normal form of the query. */

/** 1-based. */
export type Position = { line: number; column: number };

export type MatchOperator = '=' | '!=' | '=~' | '!~';
/** `{name="value"}`, also inside `drop`, `keep` and label filters. Regular expressions are anchored at both ends. */
export type Matcher = { name: string; op: MatchOperator; value: string };

export type LineFilterOperator = '|=' | '!=' | '|~' | '!~' | '|>' | '!>';
export type LineOperand = { value: string; ip: boolean };
/** One filter with its `or` chain: `|= "a" or "b"`. */
export type LineFilter = { kind: 'line_filter'; op: LineFilterOperator; operands: LineOperand[] };

/** `name` or `name="path"` of `json` and `logfmt`. */
export type Extraction = { name: string; path: string };
export type Json = { kind: 'json'; extractions: Extraction[] };
export type Logfmt = { kind: 'logfmt'; strict: boolean; keepEmpty: boolean; extractions: Extraction[] };
export type Pattern = { kind: 'pattern'; pattern: string };
export type Regexp = { kind: 'regexp'; regex: string };
export type Unpack = { kind: 'unpack' };
export type Decolorize = { kind: 'decolorize' };
export type LineFormat = { kind: 'line_format'; template: string };
export type LabelFormat = { kind: 'label_format'; assignments: LabelAssignment[] };
export type LabelAssignment = { target: string; from: { label: string } | { template: string } };
/** `drop a, b="x"`: without matcher the label goes, with one only where it matches. */
export type LabelSelection = { name: string; matcher?: Matcher };
export type Drop = { kind: 'drop'; labels: LabelSelection[] };
export type Keep = { kind: 'keep'; labels: LabelSelection[] };

export type CompareOperator = '=' | '!=' | '>' | '>=' | '<' | '<=';
export type LabelCondition =
  | { type: 'string'; matcher: Matcher }
  | { type: 'number'; name: string; op: CompareOperator; value: number; text: string }
  /** `value` in ns. */
  | { type: 'duration'; name: string; op: CompareOperator; value: number; text: string }
  | { type: 'bytes'; name: string; op: CompareOperator; value: number; text: string }
  | { type: 'ip'; name: string; op: '=' | '!='; value: string }
  | { type: 'and' | 'or'; left: LabelCondition; right: LabelCondition };
export type LabelFilter = { kind: 'label_filter'; condition: LabelCondition };

/** How a text is looked for in the message: a whole token, a substring (both in any case), a word with `*` and `?`, or RE2. */
export type TextMatch = { match: 'word' | 'phrase' | 'wildcard' | 'regex'; text: string };
/** What is asked of a field's value. Amounts: a number, seconds, or bytes; `text` as it was written. */
export type FieldTest =
  | { op: '='; value: string }
  | { op: 'wildcard'; pattern: string }
  | { op: 'regex'; regex: string }
  | { op: 'exists' }
  | { op: 'ip'; range: string }
  | { op: 'fuzzy'; word: string; edits: number }
  | {
      op: '>' | '>=' | '<' | '<=';
      as: 'number' | 'duration' | 'bytes' | 'text';
      amount: number;
      text: string;
    };
/** A boolean condition over words and fields. No items: `and` is true, `or` is false. */
export type SearchCondition =
  | { type: 'and' | 'or'; items: SearchCondition[] }
  | { type: 'not'; item: SearchCondition }
  | ({ type: 'text' } & TextMatch)
  /** Words of the line close to each other, at most `slop` places out of their order. */
  | { type: 'near'; text: string; slop: number }
  /** A word of the line that is at most `edits` letters away. */
  | { type: 'fuzzy'; word: string; edits: number }
  | { type: 'field'; name: string; test: FieldTest }
  /** Event time from `start` on (inclusive), or up to `end` (exclusive); ns since 1970. */
  | { type: 'time'; start: bigint }
  | { type: 'time'; end: bigint }
  /** An id wherever one may stand: message, trace, span, or the value of an attribute. */
  | { type: 'id'; value: string; prefix: boolean };
/** Extension of LogQL: `search "words and field:value"`. */
export type Search = { kind: 'search'; condition: SearchCondition };

/** Extension of LogQL: `lookup users on user_id get name, team as squad`; see with-lookups.ts for `tables`. */
export type Lookup = {
  kind: 'lookup';
  table: string;
  on: string;
  /** None: all. */
  columns: { column: string; label: string }[];
  tables?: LookupTables;
};

export type Stage =
  | Lookup
  | LineFilter
  | Json
  | Logfmt
  | Pattern
  | Regexp
  | Unpack
  | Decolorize
  | LineFormat
  | LabelFormat
  | Drop
  | Keep
  | LabelFilter
  | Search;

export type Conversion = 'bytes' | 'duration' | 'duration_seconds';
export type Unwrap = { label: string; conversion?: Conversion; filters: LabelFilter[] };

export type LogQuery = { kind: 'logs'; selector: Matcher[]; stages: Stage[] };

export type Grouping = { without: boolean; labels: string[] };

/** A log query over a window: `{..} | .. | unwrap x [5m] offset 1h`. Times in ns. */
export type LogRange = { selector: Matcher[]; stages: Stage[]; unwrap?: Unwrap; rangeNs: bigint; offsetNs: bigint };
export type RangeFunction =
  | 'rate'
  | 'rate_counter'
  | 'count_over_time'
  | 'bytes_rate'
  | 'bytes_over_time'
  | 'absent_over_time'
  | 'sum_over_time'
  | 'avg_over_time'
  | 'min_over_time'
  | 'max_over_time'
  | 'stddev_over_time'
  | 'stdvar_over_time'
  | 'quantile_over_time'
  | 'first_over_time'
  | 'last_over_time';
export type RangeAggregation = {
  kind: 'range';
  fn: RangeFunction;
  parameter?: number;
  range: LogRange;
  grouping?: Grouping;
};

export type VectorFunction =
  | 'sum'
  | 'avg'
  | 'min'
  | 'max'
  | 'count'
  | 'stddev'
  | 'stdvar'
  | 'topk'
  | 'bottomk'
  | 'approx_topk'
  | 'sort'
  | 'sort_desc';
export type VectorAggregation = {
  kind: 'vector_aggregation';
  fn: VectorFunction;
  parameter?: number;
  grouping?: Grouping;
  inner: MetricQuery;
};

export type BinaryOperator =
  | '^'
  | '*'
  | '/'
  | '%'
  | '+'
  | '-'
  | '=='
  | '!='
  | '<'
  | '<='
  | '>'
  | '>='
  | 'and'
  | 'unless'
  | 'or';
/** `on(..)` / `ignoring(..)` with an optional many-side. `include` are the labels in `group_left(..)`. */
export type VectorMatching = { on: boolean; labels: string[]; group?: 'left' | 'right'; include: string[] };
export type Binary = {
  kind: 'binary';
  op: BinaryOperator;
  bool: boolean;
  matching?: VectorMatching;
  left: MetricQuery;
  right: MetricQuery;
};

export type Literal = { kind: 'literal'; value: number };
export type VectorLiteral = { kind: 'vector'; value: number };
export type LabelReplace = {
  kind: 'label_replace';
  inner: MetricQuery;
  target: string;
  replacement: string;
  source: string;
  regex: string;
};
export type MetricQuery = RangeAggregation | VectorAggregation | Binary | Literal | VectorLiteral | LabelReplace;

export type Query = LogQuery | MetricQuery;

export const isLogQuery = (query: Query): query is LogQuery => query.kind === 'logs';
