import { WeirError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import { checkCondition } from './types.ts';
import { parseCondition } from './expression.ts';
import { meaningError } from './lexer.ts';
import { EqlReader } from './reader.ts';
import type { EqlQuery, EventFilter, Field, Pipe, SequenceQuery, Step } from './tree.ts';

const unitNs: Record<string, number> = { nanos: 1, micros: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9, d: 86400e9 };
const otherPipes = ['filter', 'unique_count'];

/** Parses an EQL query. Throws `bad_query` with line and column, what was found and what was expected. */
export function parseEql(text: string): EqlQuery {
  if (Buffer.byteLength(text) > limits.queryTextBytesMax)
    throw new WeirError('bad_query', {
      reason: `query text is longer than ${limits.queryTextBytesMax} bytes; shorten it`,
    });
  const reader = new EqlReader(text);
  if (reader.peek().type === 'end') throw reader.unexpected('a query such as: process where process.name == "cmd.exe"');
  let query: EqlQuery;
  if (reader.isWord('sequence')) query = sequence(reader);
  else if (reader.isWord('sample')) query = sample(reader);
  else if (reader.isWord('join') && !reader.isWord('where', 1))
    throw reader.fault('join is not supported; write a sequence, or sample by for events in any order');
  else query = { kind: 'event', event: eventFilter(reader), pipes: [] };
  const piped = pipes(reader, query.kind);
  if (reader.peek().type !== 'end')
    throw reader.unexpected(query.kind === 'event' ? 'and, or, a pipe or the end' : 'a step [...], a pipe or the end');
  return { ...query, pipes: piped };
}

function eventFilter(reader: EqlReader): EventFilter {
  const token = reader.peek();
  let category: string | undefined;
  if (token.type === 'string' || (token.type === 'word' && token.text !== 'where' && !token.text.endsWith('~'))) {
    reader.next();
    if (token.type === 'string' || token.text !== 'any') category = token.value;
  } else throw reader.unexpected('an event category (a name, "a name", or any)');
  if (token.type === 'word' && (reader.isOperator('.') || reader.isOperator('-')))
    throw reader.fault(
      `an event category with a dot or hyphen needs quotes; before "where" stands a category, any matches all`,
    );
  reader.word('where');
  const where = parseCondition(reader);
  checkCondition(reader.text, where);
  return category === undefined ? { where } : { category, where };
}

/** What stands in brackets, and the join keys after it. */
function bracketed(reader: EqlReader): { event: EventFilter; missing: boolean; by: Field[]; at: number } {
  const at = reader.peek().from;
  const missing = reader.takeOperator('![');
  if (!missing) reader.operator('[');
  const event = eventFilter(reader);
  reader.operator(']');
  const by = reader.takeWord('by') ? reader.fields('a field to join by') : [];
  return { event, missing, by, at };
}

function step(reader: EqlReader, runsAllowed: boolean): Step {
  const head = bracketed(reader);
  let runs = 1;
  if (reader.isWord('with')) {
    const at = reader.next().from;
    if (!runsAllowed) throw reader.fault('with is not allowed here', at);
    const option = reader.peek();
    if (option.text !== 'runs') throw reader.unexpected('runs (with runs=3)');
    reader.next();
    reader.operator('=');
    const { value, at: where } = reader.count('a number from 1 to 100');
    if (head.missing) throw reader.fault('runs cannot be used with a missing event ![...]', at);
    if (value < 1 || value > 100) throw reader.fault(`runs must be from 1 to 100, found ${value}`, where);
    runs = value;
  }
  return { ...head, runs };
}

function sameKeys(reader: EqlReader, steps: readonly Pick<Step, 'by' | 'at'>[]): void {
  const first = steps[0]?.by.length ?? 0;
  for (const { by, at } of steps)
    if (by.length !== first)
      throw reader.fault(
        `inconsistent number of join keys: the first step has ${first}, this one ${by.length}; they are joined by position`,
        at,
      );
}

function withMaxspan(reader: EqlReader): bigint | undefined {
  if (!reader.isWord('with')) return undefined;
  reader.next();
  if (!reader.isWord('maxspan')) throw reader.unexpected('maxspan (with maxspan=30s)');
  reader.next();
  reader.operator('=');
  const amount = reader.peek();
  if (amount.type !== 'number') throw reader.unexpected('a duration such as 30s, 15m, 1h');
  reader.next();
  const unit = reader.peek();
  const ns = unit.type === 'word' && Object.hasOwn(unitNs, unit.text) ? unitNs[unit.text] : undefined;
  if (ns === undefined)
    throw reader.fault(
      unit.type === 'word'
        ? `unknown time unit "${unit.text}"; use ms, s, m, h or d`
        : `maxspan needs a time unit: ${amount.text}s, ${amount.text}m, ${amount.text}h ...`,
      amount.from,
    );
  reader.next();
  const span = Number(amount.text) * ns;
  if (!(span > 0) || span > 2 ** 63)
    throw reader.fault(`maxspan ${amount.text}${unit.text} must be above 0 and below 292 years`, amount.from);
  return BigInt(Math.round(span));
}

function sequence(reader: EqlReader): SequenceQuery {
  const start = reader.next();
  const by = reader.takeWord('by') ? reader.fields('a field to join by') : [];
  const maxspan = withMaxspan(reader);
  if (reader.isWord('by')) throw reader.fault('by stands before with: sequence by user.name with maxspan=5m');
  const steps: Step[] = [];
  while (reader.isOperator('[') || reader.isOperator('![')) steps.push(step(reader, true));
  if (steps.length === 0) throw reader.unexpected('a step [category where condition]');
  let until: SequenceQuery['until'];
  const untilAt = reader.peek().from;
  if (reader.takeWord('until')) {
    const { missing, ...rest } = bracketed(reader);
    if (missing) throw reader.fault('until takes an event [...], not a missing one', rest.at);
    until = rest;
    sameKeys(reader, [steps[0] ?? rest, rest]);
  }
  sameKeys(reader, steps);
  const positive = steps.filter(s => !s.missing);
  if (positive.length === 0)
    throw reader.fault(
      'a sequence needs at least one event that is there; all steps are missing events ![...]',
      start.from,
    );
  if (steps.reduce((sum, s) => sum + s.runs, 0) < 2)
    throw reader.fault('a sequence needs at least 2 steps (with runs=N counts as N)', start.from);
  if (positive.length < steps.length && maxspan === undefined)
    throw reader.fault('missing events ![...] need a time limit: sequence with maxspan=5m', start.from);
  checkDistinct(reader, steps.length + (until ? 1 : 0), until ? untilAt : start.from);
  return { kind: 'sequence', by, ...(maxspan !== undefined && { maxspan }), steps, ...(until && { until }), pipes: [] };
}

function sample(reader: EqlReader): EqlQuery {
  const start = reader.next();
  const by = reader.takeWord('by') ? reader.fields('a field to join by') : [];
  if (reader.isWord('with')) throw reader.fault('sample has no maxspan; use sequence with maxspan');
  const steps: Step[] = [];
  while (reader.isOperator('[') || reader.isOperator('![')) steps.push(step(reader, false));
  if (reader.isWord('until')) throw reader.fault('sample has no until; use sequence');
  const missing = steps.find(s => s.missing);
  if (missing) throw reader.fault('sample cannot have missing events ![...]; use sequence', missing.at);
  if (steps.length < 2) throw reader.fault(`a sample needs at least 2 events [...], found ${steps.length}`, start.from);
  sameKeys(reader, steps);
  if (by.length === 0 && steps[0]?.by.length === 0)
    throw reader.fault('a sample needs at least one join key: sample by host.name [...] [...]', start.from);
  checkDistinct(reader, steps.length, start.from);
  return { kind: 'sample', by, steps, pipes: [] };
}

function checkDistinct(reader: EqlReader, count: number, at: number): void {
  if (count > limits.eqlStepsMax)
    throw reader.fault(`${count} steps are more than ${limits.eqlStepsMax}; repeat an event by "with runs=N"`, at);
}

function pipes(reader: EqlReader, kind: EqlQuery['kind']): Pipe[] {
  const list: Pipe[] = [];
  while (reader.takeOperator('|')) {
    const token = reader.peek();
    const { text: name, from: at } = token;
    if (token.type !== 'word') throw reader.unexpected('a pipe: head, tail, count, unique or sort');
    if (kind === 'sample') throw meaningError(reader.text, at, 'sample takes no pipes; use the parameter size');
    reader.next();
    if (name === 'head' || name === 'tail') {
      const { value } = reader.count(`a number of events (${name} 10)`);
      list.push({ kind: name, count: value, at });
      continue;
    }
    if (name !== 'count' && name !== 'unique' && name !== 'sort') {
      const known = otherPipes.includes(name) ? `Pipe [${name}] is not supported` : `Unknown pipe [${name}]`;
      throw meaningError(reader.text, at, `${known}; there are head, tail, count, unique and sort`);
    }
    if (kind !== 'event')
      throw meaningError(reader.text, at, `Pipe [${name}] works on events; after a sequence there are head and tail`);
    const by = reader.isField() ? reader.fields('a field') : [];
    if (name !== 'count' && by.length === 0) throw reader.unexpected(`a field (${name} user.name)`);
    list.push({ kind: name, by, at });
    if (name === 'count' && reader.isOperator('|') && !['head', 'tail'].includes(reader.peek(1).text))
      throw meaningError(
        reader.text,
        reader.peek(1).from,
        'after count there are only head and tail: its rows are counts, not events',
      );
  }
  return list;
}
