/** What an EQL query says. `at` is the offset in the text, for errors that are found after parsing. */

export type Field = {
  kind: 'field';
  /** The parts between the dots, unquoted: `process.name` is two, `` `process.name` `` is one. */
  path: readonly string[];
  /** `?field`: need not exist; as a join key its absence is a value. */
  optional: boolean;
  at: number;
};

export type Literal = {
  kind: 'literal';
  value: string | number | boolean | null;
  /** Of numbers: written without point and exponent; `text` holds all digits. */
  integer?: boolean;
  text?: string;
  at: number;
};

export type CompareOperator = '==' | '!=' | '<' | '<=' | '>' | '>=';
export type MatchOperator = ':' | 'like' | 'like~' | 'regex' | 'regex~';
export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%';

export type Expression =
  | Field
  | Literal
  | { kind: 'call'; name: string; insensitive: boolean; args: readonly Expression[]; at: number }
  | { kind: 'arithmetic'; operator: ArithmeticOperator; left: Expression; right: Expression; at: number }
  | { kind: 'negate'; of: Expression; at: number }
  | { kind: 'compare'; operator: CompareOperator; left: Expression; right: Expression; at: number }
  | { kind: 'match'; operator: MatchOperator; left: Expression; patterns: readonly string[]; at: number }
  | { kind: 'in'; insensitive: boolean; negated: boolean; left: Expression; list: readonly Expression[]; at: number }
  | { kind: 'and' | 'or'; items: readonly Expression[]; at: number }
  | { kind: 'not'; of: Expression; at: number }
  /** True where `of` is true, false also where it is unknown. Not EQL: what a Query DSL clause means. */
  | { kind: 'certain'; of: Expression; at: number }
  /** True where so many of the items are. Not EQL: `minimum_should_match` of Query DSL. */
  | { kind: 'least'; count: number; items: readonly Expression[]; at: number };

/** `category where condition`; without category: `any`. */
export type EventFilter = { category?: string; where: Expression };

export type Step = {
  event: EventFilter;
  /** Join keys of this step, after those of the whole. */
  by: readonly Field[];
  /** `![...]`: no such event. */
  missing: boolean;
  /** `with runs=N`: so many events in a row. */
  runs: number;
  at: number;
};

export type Pipe =
  | { kind: 'head' | 'tail'; count: number; at: number }
  /** Not in Elasticsearch: how many, in all or by the values of fields. */
  | { kind: 'count'; by: readonly Field[]; at: number }
  /** Not in Elasticsearch: the first of each value; ascending by fields. */
  | { kind: 'unique' | 'sort'; by: readonly Field[]; at: number };

export type EventQuery = { kind: 'event'; event: EventFilter; pipes: readonly Pipe[] };
export type SequenceQuery = {
  kind: 'sequence';
  by: readonly Field[];
  /** ns from the first to the last event, inclusive. */
  maxspan?: bigint;
  steps: readonly Step[];
  until?: Pick<Step, 'event' | 'by'>;
  pipes: readonly Pipe[];
};
export type SampleQuery = { kind: 'sample'; by: readonly Field[]; steps: readonly Step[]; pipes: readonly Pipe[] };

export type EqlQuery = EventQuery | SequenceQuery | SampleQuery;
