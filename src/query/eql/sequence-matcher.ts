import { limits } from '../../base/limits.ts';

/** An event that meets some condition of a sequence. Events come in order of time, tiebreaker, arrival. */
export type Candidate = {
  /** ns since 1970. */
  ns: bigint;
  /** What the caller knows the event by. */
  id: Found;
  /** Whether the event meets condition `bit`. */
  meets(bit: number): boolean;
  /** Its join keys of column `key`: several where a field has several values. */
  keys(key: string): readonly string[];
};

/** An event of a match, for the caller to fetch. `ns` is the time of the column. */
export type Found = { seq: bigint; ns: bigint };

export type Condition = { bit: number; key: string };

export type SequencePlan = {
  /** In order, `runs` spelled out. At least one is not missing. */
  steps: readonly (Condition & { missing: boolean })[];
  until?: Condition;
  /** ns; there whenever a step is missing. */
  maxspan?: bigint;
};

export type Match = {
  /** JSON array of the join key of the first event. */
  key: string;
  /** One for each step; undefined where an event is missing. */
  events: (Found | undefined)[];
};

/** Events of a partial match, the newest first. Without what the engine said of them: there are many, and only these are asked again. */
type Node = { ns: bigint; id: Found; before: Node | undefined; length: number };
/** `leading`: when the last event was there that the sequence must not begin after. */
type Partial = { key: string; last: Node; firstNs: bigint; leading: bigint | undefined; broken: boolean };
/** A match that an event after `lastNs` and up to `deadline` spoils. */
type Pending = { match: Match; length: number; lastNs: bigint; deadline: bigint; dead: boolean };
/** The time of the last event, and of the last before that time. */
type Seen = { ns: bigint; earlier: bigint | undefined };
/** The state machine of one join key. `states[i]` has met the positive steps up to `i`. */
type Machine = { states: (Partial | undefined)[]; seen: (Seen | undefined)[]; pending: Pending[] };

/**
 * Elasticsearch's rule for sequences. One machine per join key, one partial match per state. For each event the steps are tried from the last
 * to the first, so that one event moves a match once; a match moves to the next state and replaces what was there. `until` ends every match of
 * its key that is open after the event was tried. Missing events are looked at beside: a match with such an event at a time between its neighbours
 * goes on moving as the others do, but does not count in the end. One before the first or after the last event spoils a match when the whole with it is
 * within maxspan; with missing events at both ends it takes one at each end to spoil it.
 *
 * Memory: the events of open matches, at most `heldMax`; `push` gives false when the caller must stop, because of that or because
 * `onMatch` wants no more.
 */
export class SequenceMatcher {
  readonly #plan: SequencePlan;
  readonly #positive: readonly Condition[];
  /** Missing steps before positive step `i`; the last entry: those after all. Numbers are indexes into `#missing`. */
  readonly #gaps: number[][];
  readonly #missing: readonly Condition[];
  readonly #machines = new Map<string, Machine>();
  readonly #onMatch: (match: Match) => boolean;
  readonly #heldMax: number;
  #queue: Pending[] = [];
  /** So many at the front of the queue are done. */
  #flushed = 0;
  #held = 0;
  /** True when open matches were more than memory allows: what follows is not complete. */
  overflowed = false;

  constructor(plan: SequencePlan, onMatch: (match: Match) => boolean, heldMax: number = limits.eqlHeldEventsMax) {
    this.#plan = plan;
    this.#onMatch = onMatch;
    this.#heldMax = heldMax;
    this.#positive = plan.steps.filter(step => !step.missing);
    this.#missing = plan.steps.filter(step => step.missing);
    this.#gaps = [[]];
    let missing = 0;
    for (const step of plan.steps) {
      if (step.missing) this.#gaps.at(-1)?.push(missing++);
      else this.#gaps.push([]);
    }
  }

  /** False: stop. */
  push(event: Candidate): boolean {
    if (!this.#flush(event.ns)) return false;
    for (let i = this.#positive.length - 1; i >= 0; i--) {
      const step = this.#positive[i];
      if (step === undefined || !event.meets(step.bit)) continue;
      for (const key of event.keys(step.key)) if (!this.#advance(i, key, event)) return false;
    }
    this.#missing.forEach((condition, m) => {
      if (event.meets(condition.bit)) for (const key of event.keys(condition.key)) this.#sees(m, key, event);
    });
    const { until } = this.#plan;
    if (until && event.meets(until.bit)) for (const key of event.keys(until.key)) this.#end(key);
    if (this.#held > this.#heldMax) {
      this.#sweep(event.ns);
      // A sweep must give room for long, since it looks at everything.
      this.overflowed = this.#held > 0.9 * this.#heldMax;
    }
    return !this.overflowed;
  }

  /** No more events: what waited for a missing one is complete. */
  finish(): void {
    this.#flush(undefined);
  }

  #machine(key: string): Machine {
    let machine = this.#machines.get(key);
    if (machine === undefined) {
      machine = { states: [], seen: [], pending: [] };
      this.#machines.set(key, machine);
      this.#held++;
    }
    return machine;
  }

  /** The event meets positive step `i`. */
  #advance(i: number, key: string, event: Candidate): boolean {
    let partial: Partial;
    if (i === 0) {
      const node: Node = { ns: event.ns, id: event.id, before: undefined, length: 1 };
      const leading = this.#lastSeen(0, this.#machines.get(key), event.ns);
      partial = { key, last: node, firstNs: event.ns, leading, broken: false };
      this.#held++;
    } else {
      const machine = this.#machines.get(key);
      const open = machine?.states[i - 1];
      if (machine === undefined || open === undefined) return true;
      machine.states[i - 1] = undefined;
      const { maxspan } = this.#plan;
      if (maxspan !== undefined && event.ns - open.firstNs > maxspan) {
        this.#held -= open.last.length;
        this.#forgetIdle(key);
        return true;
      }
      const between = this.#lastSeen(i, machine, event.ns);
      const node: Node = { ns: event.ns, id: event.id, before: open.last, length: open.last.length + 1 };
      const broken = open.broken || (between !== undefined && between > open.last.ns);
      partial = { ...open, last: node, broken };
      this.#held++;
    }
    if (i === this.#positive.length - 1) {
      this.#forgetIdle(key);
      return this.#complete(partial);
    }
    const machine = this.#machine(key);
    this.#held -= machine.states[i]?.last.length ?? 0;
    machine.states[i] = partial;
    return true;
  }

  /** When the last event before `ns` met a missing step of gap `i`. */
  #lastSeen(i: number, machine: Machine | undefined, ns: bigint): bigint | undefined {
    let last: bigint | undefined;
    for (const m of this.#gaps[i] ?? []) {
      const seen = machine?.seen[m];
      const before = seen === undefined || seen.ns < ns ? seen?.ns : seen.earlier;
      if (before !== undefined && (last === undefined || before > last)) last = before;
    }
    return last;
  }

  #complete(partial: Partial): boolean {
    this.#held -= partial.last.length;
    if (partial.broken) return true;
    const nodes: Node[] = [];
    for (let node: Node | undefined = partial.last; node !== undefined; node = node.before) nodes.unshift(node);
    const events = this.#plan.steps.map(step => (step.missing ? undefined : nodes.shift()?.id));
    const match = { key: partial.key, events };
    const { maxspan = 0n } = this.#plan;
    const { length, ns } = partial.last;
    const hasLeading = this.#gaps[0]?.length !== 0;
    // From here to an event behind the match it may be maxspan; undefined when none can spoil it.
    const from = hasLeading ? partial.leading : partial.firstNs;
    if (this.#gaps.at(-1)?.length === 0)
      return hasLeading && from !== undefined && ns - from <= maxspan ? true : this.#onMatch(match);
    const deadline = from === undefined ? ns - 1n : from + maxspan;
    const pending = { match, length, lastNs: ns, deadline, dead: false };
    const machine = this.#machine(partial.key);
    machine.pending = machine.pending.filter(other => !other.dead);
    machine.pending.push(pending);
    this.#queue.push(pending);
    this.#held += length;
    return true;
  }

  /** The event meets missing step `m`. */
  #sees(m: number, key: string, { ns }: Candidate): void {
    const machine = this.#machine(key);
    const seen = machine.seen[m];
    if (seen?.ns !== ns) machine.seen[m] = { ns, earlier: seen?.ns };
    if (!this.#gaps.at(-1)?.includes(m)) return;
    for (const pending of machine.pending) if (ns > pending.lastNs && ns <= pending.deadline) pending.dead = true;
    machine.pending = machine.pending.filter(pending => !pending.dead && pending.deadline >= ns);
  }

  #end(key: string): void {
    const machine = this.#machines.get(key);
    if (machine === undefined) return;
    for (const partial of machine.states) this.#held -= partial?.last.length ?? 0;
    machine.states = [];
    this.#forgetIdle(key);
  }

  /** Drops the machine of a key without open matches; with missing steps it remembers events. */
  #forgetIdle(key: string): void {
    if (this.#missing.length > 0) return;
    const machine = this.#machines.get(key);
    if (machine === undefined || machine.states.some(state => state !== undefined)) return;
    this.#machines.delete(key);
    this.#held--;
  }

  /** Matches whose time to be spoilt is over. They wait in order of their last event, for those before them too. */
  #flush(now: bigint | undefined): boolean {
    let goOn = true;
    while (goOn) {
      const pending = this.#queue[this.#flushed];
      if (pending === undefined || (now !== undefined && pending.deadline >= now)) break;
      this.#flushed++;
      this.#held -= pending.length;
      if (pending.dead) continue;
      pending.dead = true;
      goOn = this.#onMatch(pending.match);
    }
    if (this.#flushed > 1000 && this.#flushed * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#flushed);
      this.#flushed = 0;
    }
    return goOn;
  }

  /** Forgets what can take part in no match any more. */
  #sweep(now: bigint): void {
    const { maxspan } = this.#plan;
    if (maxspan === undefined) return;
    for (const [key, machine] of this.#machines) {
      machine.states.forEach((partial, i) => {
        if (partial === undefined || now - partial.firstNs <= maxspan) return;
        this.#held -= partial.last.length;
        machine.states[i] = undefined;
      });
      machine.pending = machine.pending.filter(pending => !pending.dead);
      const idle = machine.pending.length === 0 && machine.states.every(state => state === undefined);
      if (!idle || machine.seen.some(seen => seen !== undefined && now - seen.ns <= maxspan)) continue;
      this.#machines.delete(key);
      this.#held--;
    }
  }
}
