import { limits } from '../../base/limits.ts';
import type { Candidate, Condition, Found, Match } from './sequence-matcher.ts';

/**
 * Samples: for each join key, different events that together meet all conditions, in any order of time. Of each key at most
 * `perKey`; the first events to come are taken. Memory: for each key no more events than its samples can use.
 */
export class SampleCollector {
  readonly #steps: readonly Condition[];
  readonly #perKey: number;
  readonly #keys = new Map<string, Found[][]>();
  readonly #heldMax: number;
  #held = 0;
  overflowed = false;

  constructor(steps: readonly Condition[], perKey: number, heldMax: number = limits.eqlHeldEventsMax) {
    this.#steps = steps;
    this.#perKey = perKey;
    this.#heldMax = heldMax;
  }

  /** False: stop, memory is full. */
  push(event: Candidate): boolean {
    // So many of a condition are enough: the other conditions of all samples can take at most all but one share of them.
    const enough = this.#steps.length * this.#perKey;
    this.#steps.forEach((step, i) => {
      if (!event.meets(step.bit)) return;
      for (const key of event.keys(step.key)) {
        let lists = this.#keys.get(key);
        if (lists === undefined) {
          lists = this.#steps.map(() => []);
          this.#keys.set(key, lists);
        }
        const list = lists[i];
        if (list === undefined || list.length >= enough) continue;
        list.push(event.id);
        this.#held++;
      }
    });
    this.overflowed = this.#held > this.#heldMax;
    return !this.overflowed;
  }

  /** In order of their keys. */
  matches(): Match[] {
    const found: Match[] = [];
    for (const key of [...this.#keys.keys()].sort(byKey)) {
      const lists = this.#keys.get(key) ?? [];
      const used = new Set<bigint>();
      for (let n = 0; n < this.#perKey; n++) {
        const events = pick(lists, used);
        if (events === undefined) break;
        for (const event of events) used.add(event.seq);
        found.push({ key, events });
      }
    }
    return found;
  }
}

/** Texts come behind all numbers. */
const numberOf = (text: string): number =>
  text.trim() === '' || Number.isNaN(Number(text)) ? Number.POSITIVE_INFINITY : Number(text);

/** JSON arrays of join keys, value by value: what is missing first, numbers by value, texts by their characters. */
function byKey(a: string, b: string): number {
  const [left, right] = [JSON.parse(a) as (string | null)[], JSON.parse(b) as (string | null)[]];
  for (let i = 0; i < left.length; i++) {
    const [x, y] = [left[i] ?? null, right[i] ?? null];
    if (x === y) continue;
    if (x === null || y === null) return x === null ? -1 : 1;
    const [first, second] = [numberOf(x), numberOf(y)];
    if (first !== second) return first < second ? -1 : 1;
    return x < y ? -1 : 1;
  }
  return 0;
}

/** True when the lists from `first` on can each have an event of their own that is not taken: a matching along augmenting paths. */
function canMatch(lists: readonly Found[][], first: number, taken: ReadonlySet<bigint>): boolean {
  const owner = new Map<bigint, number>();
  const assign = (list: number, tried: Set<bigint>): boolean => {
    const open = (lists[list] ?? []).filter(event => !taken.has(event.seq));
    const free = open.find(event => !owner.has(event.seq));
    const found =
      free ??
      open.find(event => {
        const other = owner.get(event.seq);
        if (other === undefined || tried.has(event.seq)) return false;
        tried.add(event.seq);
        return assign(other, tried);
      });
    if (found !== undefined) owner.set(found.seq, list);
    return found !== undefined;
  };
  for (let list = first; list < lists.length; list++) if (!assign(list, new Set())) return false;
  return true;
}

/** One event of each list, all different and none used: of the first list the first that leaves events for the others, and so on. */
function pick(lists: readonly Found[][], used: ReadonlySet<bigint>): Found[] | undefined {
  if (!canMatch(lists, 0, used)) return undefined;
  const taken = new Set(used);
  const chosen: Found[] = [];
  for (const [i, list] of lists.entries()) {
    const found = list.find(event => !taken.has(event.seq) && canMatch(lists, i + 1, new Set([...taken, event.seq])));
    if (found === undefined) return undefined;
    taken.add(found.seq);
    chosen.push(found);
  }
  return chosen;
}
