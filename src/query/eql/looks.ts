import type { PartsView, Sources } from '../../flow.ts';
import type { Tenant } from '../../base/record.ts';
import { limits } from '../../base/limits.ts';

/** Event times, ns, inclusive; an absent bound is open. */
export type Span = { start?: bigint; end?: bigint };

/** A source and the times of it that have not been looked at; undefined: none. */
export type Leg = { table: string; span: Span };

type Looked = Span & { generation: number };

/** What has to be looked at now; `done` notes that it was, with what was found. */
export type Look = { legs: Leg[]; done: () => void };

/** An end before a start; both may be open. */
const before = (end: bigint | undefined, start: bigint | undefined): boolean =>
  end !== undefined && start !== undefined && end < start;

/**
 * Where in the parts a question about a tenant's records has been asked, so that it is asked of new records and other times only. For questions whose
 * answers are kept by whoever asks and can only grow, such as which names occur: what was seen stays true enough when records are removed.
 * One span of time for each question; another that does not touch it takes its place.
 */
export class Looks {
  readonly #looked = new Map<string, Looked>();
  readonly #max: number;

  constructor(max: number = limits.eqlLooksMax) {
    this.#max = max;
  }

  /** True when the parts need not be asked and no tail has rows. */
  isDone(tenant: Tenant, question: string, range: Span, view: PartsView | undefined): boolean {
    return view?.whole === true && this.#open(tenant, question, range, view).spans.length === 0;
  }

  /** Parts are asked where they have not been, tails always. */
  open(tenant: Tenant, question: string, range: Span, sources: Sources): Look {
    const [parts, ...tails] = sources.records;
    const { parts: view } = sources;
    if (view === undefined || parts === undefined)
      return { legs: sources.records.map(table => ({ table, span: range })), done: () => {} };
    const { spans, looked } = this.#open(tenant, question, range, view);
    return {
      legs: [...spans.map(span => ({ table: parts, span })), ...tails.map(table => ({ table, span: range }))],
      done: () => this.#note(tenant, question, looked),
    };
  }

  /** Remember nothing of a tenant. */
  forget(tenant: Tenant): void {
    const start = `${JSON.stringify([tenant]).slice(0, -1)},`;
    for (const name of this.#looked.keys()) if (name.startsWith(start)) this.#looked.delete(name);
  }

  #open(tenant: Tenant, question: string, range: Span, view: PartsView): { spans: Span[]; looked: Looked } {
    const { generation } = view;
    const known = this.#looked.get(key(tenant, question));
    const fresh = known && view.since(known.generation);
    const apart =
      known === undefined || before(range.end, known.start) || before(known.end, range.start) || fresh === undefined;
    if (apart) return { spans: [range], looked: { ...range, generation } };
    const { generation: _, ...covered } = known;
    const spans: Span[] = [];
    for (const { from, to } of fresh)
      if (!before(to, covered.start) && !before(covered.end, from)) spans.push({ start: from, end: to });
    const merged = spans.length > spansMax ? [covered] : spans;
    const looked: Looked = { generation };
    if (known.start !== undefined && (range.start === undefined || range.start < known.start)) {
      merged.push({ ...(range.start !== undefined && { start: range.start }), end: known.start - 1n });
      if (range.start !== undefined) looked.start = range.start;
    } else if (known.start !== undefined) looked.start = known.start;
    if (known.end !== undefined && (range.end === undefined || range.end > known.end)) {
      merged.push({ start: known.end + 1n, ...(range.end !== undefined && { end: range.end }) });
      if (range.end !== undefined) looked.end = range.end;
    } else if (known.end !== undefined) looked.end = known.end;
    return { spans: merged, looked };
  }

  #note(tenant: Tenant, question: string, looked: Looked): void {
    const name = key(tenant, question);
    this.#looked.delete(name);
    this.#looked.set(name, looked);
    if (this.#looked.size > this.#max)
      for (const oldest of this.#looked.keys()) return void this.#looked.delete(oldest);
  }
}

/** More new spans than this are asked as one. */
const spansMax = 20;

const key = (tenant: Tenant, question: string): string => JSON.stringify([tenant, question]);
