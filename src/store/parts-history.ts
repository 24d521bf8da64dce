import type { Tenant } from '../base/record.ts';
import type { PartsView } from '../flow.ts';

/** More changes than this are forgotten; answers kept from before them are computed anew. */
const changesKept = 1_000;

/**
 * What is known of records: their event times (ns, inclusive), whose they are (of several tenants at least two are told), and whether each has a service.
 */
export type RecordFacts = { from: bigint; to: bigint; tenants: readonly Tenant[]; named: boolean };

/** Facts of no record. */
const ofNone: RecordFacts = { from: 2n ** 63n, to: -(2n ** 63n), tenants: [], named: true };

function ofBoth(a: RecordFacts, b: RecordFacts): RecordFacts {
  if (b.tenants.length === 0) return a;
  return {
    from: a.from < b.from ? a.from : b.from,
    to: a.to > b.to ? a.to : b.to,
    tenants: [...new Set([...a.tenants, ...b.tenants])].slice(0, 2),
    named: a.named && b.named,
  };
}

/** Of one row of a statement with the columns of `factColumns`. */
export const readFacts = (row: Record<string, unknown>): RecordFacts => ({
  from: BigInt(String(row.first)),
  to: BigInt(String(row.last)),
  tenants: row.tenants as string[],
  named: row.unnamed === '0',
});

/** SQL of {@link RecordFacts} over a table with `tenant`, `service` and these columns of event times. */
export const factColumns = (first: string, last: string): string =>
  `toString(toUnixTimestamp64Nano(min(${first}))) AS first, toString(toUnixTimestamp64Nano(max(${last}))) AS last, arrayDistinct([toString(min(tenant)), toString(max(tenant))]) AS tenants, toString(countIf(service = '')) AS unnamed`;

/** When the parts changed and which event times that can concern, so that answers over parts can be kept (query/kept-series.ts). */
export class PartsHistory {
  #generation = 1;
  #changes: { generation: number; from: bigint; to: bigint; facts: RecordFacts }[] = [];
  /** Answers of earlier generations say nothing any more. */
  #first = 1;
  #facts: RecordFacts | undefined;

  get generation(): number {
    return this.#generation;
  }

  /** Such records are coming to the parts. To be called while no question is between its sources and its snapshot. */
  added(facts: RecordFacts): void {
    this.#generation++;
    this.#changes.push({ generation: this.#generation, from: facts.from, to: facts.to, facts });
    if (this.#facts) this.#facts = ofBoth(this.#facts, facts);
    if (this.#changes.length <= changesKept) return;
    this.#changes.shift();
    this.#first = (this.#changes[0]?.generation ?? 1) - 1;
  }

  /** Of all records that the parts had at `generation`; undefined when there were none. */
  learnt(generation: number, facts: RecordFacts | undefined): void {
    if (generation < this.#first) return;
    this.#facts = this.#changes
      .filter(change => change.generation > generation)
      .reduce((all, change) => ofBoth(all, change.facts), facts ?? ofNone);
  }

  /** Nothing is known any more: other parts may be there. */
  reset(): void {
    this.#facts = undefined;
    this.lost();
  }

  /** Records may have gone, none came. To be called after it has happened. */
  lost(): void {
    this.#generation++;
    this.#changes = [];
    this.#first = this.#generation;
  }

  view(whole: boolean): PartsView {
    const facts = this.#facts;
    const [tenant, another] = facts?.tenants ?? [];
    return {
      generation: this.#generation,
      whole,
      ...(facts && { times: { from: facts.from, to: facts.to }, named: facts.named }),
      ...(tenant !== undefined && another === undefined && { tenant }),
      since: generation =>
        generation < this.#first ? undefined : this.#changes.filter(change => change.generation > generation),
    };
  }
}
