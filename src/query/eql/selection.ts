import { limits } from '../../base/limits.ts';
import type { Pipe } from '../../language/eql/tree.ts';

type Cut = { kind: 'head' | 'tail'; count: number };

/**
 * Keeps of a stream what pipes and size leave: the cuts one after the other, then `size` from the side that the last of them took (without
 * pipes from `position`). Holds no more than the first cut lets through.
 */
export class Selection<T> {
  readonly #cuts: Cut[];
  readonly #first: Cut;
  #kept: T[] = [];
  /** Of all that were offered. */
  offered = 0;

  constructor(pipes: readonly Pipe[], size: number, position: 'head' | 'tail') {
    const cuts = pipes.flatMap(pipe => ('by' in pipe ? [] : [{ kind: pipe.kind, count: pipe.count }]));
    this.#cuts = [...cuts, { kind: cuts.at(-1)?.kind ?? position, count: size }];
    const [first = { kind: position, count: size }] = this.#cuts;
    // A single pipe and the size are one cut.
    this.#first = { kind: first.kind, count: cuts.length < 2 ? Math.min(first.count, size) : first.count };
  }

  /** False: no more is needed. */
  offer(item: T): boolean {
    this.offered++;
    const { kind, count } = this.#first;
    if (kind === 'head') {
      if (this.#kept.length < count) this.#kept.push(item);
      return this.#kept.length < count;
    }
    this.#kept.push(item);
    if (this.#kept.length > 2 * count + limits.eqlStepsMax) this.#kept = this.#kept.slice(-count || this.#kept.length);
    return true;
  }

  /** In the order they were offered. */
  result(): T[] {
    return this.#cuts.reduce(
      (kept, { kind, count }) =>
        kind === 'head' ? kept.slice(0, count) : kept.slice(Math.max(0, kept.length - count)),
      this.#kept,
    );
  }
}
