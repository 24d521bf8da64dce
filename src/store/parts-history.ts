import type { PartsView } from '../flow.ts';

/** More changes than this are forgotten; answers kept from before them are computed anew. */
const changesKept = 1_000;

/** When the parts changed and which event times that can concern, so that answers over parts can be kept (query/kept-series.ts). */
export class PartsHistory {
  #generation = 1;
  #changes: { generation: number; from: bigint; to: bigint }[] = [];
  /** Answers of earlier generations say nothing any more. */
  #first = 1;
  #times: { from: bigint; to: bigint } | undefined;

  get generation(): number {
    return this.#generation;
  }

  /** Records with event times from `from` to `to` (ns, inclusive) came to the parts. To be called while no question is between its sources and its snapshot. */
  added(from: bigint, to: bigint): void {
    this.#generation++;
    this.#changes.push({ generation: this.#generation, from, to });
    this.#widen(from, to);
    if (this.#changes.length <= changesKept) return;
    this.#changes.shift();
    this.#first = (this.#changes[0]?.generation ?? 1) - 1;
  }

  #widen(from: bigint, to: bigint): void {
    if (!this.#times) return;
    if (from < this.#times.from) this.#times.from = from;
    if (to > this.#times.to) this.#times.to = to;
  }

  /** All records that the parts had at `generation` lie between these event times; undefined when there were none. */
  learnt(generation: number, times: { from: bigint; to: bigint } | undefined): void {
    if (generation < this.#first) return;
    this.#times = times ? { ...times } : { from: 2n ** 63n, to: -(2n ** 63n) };
    for (const change of this.#changes) if (change.generation > generation) this.#widen(change.from, change.to);
  }

  /** Nothing is known any more: other parts may be there. */
  reset(): void {
    this.#times = undefined;
    this.lost();
  }

  /** Records may have gone, none came. To be called after it has happened. */
  lost(): void {
    this.#generation++;
    this.#changes = [];
    this.#first = this.#generation;
  }

  view(whole: boolean): PartsView {
    return {
      generation: this.#generation,
      whole,
      ...(this.#times && { times: { ...this.#times } }),
      since: generation =>
        generation < this.#first ? undefined : this.#changes.filter(change => change.generation > generation),
    };
  }
}
