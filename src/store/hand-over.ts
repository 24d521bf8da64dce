import type { PartsView, Sources, Tail } from '../flow.ts';
import { PartsHistory } from './parts-history.ts';

/** A question's hold on a set of sources. */
export type Ticket = {
  queryId: string;
  sources: Sources;
  /** The engine has taken its snapshot of all tables of the statement (or it never will). */
  started(): void;
  /** The question is over; implies `started`. */
  ended(): void;
};

/** Partitions of a tail whose rows are in parts already: `class/day` for records, `day` for the others. */
export type Moved = { records: string[]; quarantine: string[]; streams: string[] };

type Waiting = { queryId: string };

/** How the hand-over writes the sources; given by the store, which knows the schema. */
export type SourceTexts = {
  fixed: Sources;
  /** Fields that have number columns by now. */
  numbers?: () => readonly string[];
  /** Nobody else writes into the tables, so that their history is known. */
  alone?: boolean;
  ofTail: Record<keyof Moved, (tail: Tail, moved: readonly string[]) => string>;
};

const pollMillis = 5;

/**
 * The hand-over of records from tails to parts. A question names the parts and the tails; the engine takes its snapshots of them one after the
 * other while it analyses the statement. A move in between would show a row twice or not at all. So a move waits until no question is
 * between "has its sources" and "has its snapshots", and questions that start meanwhile wait for the move (some ms).
 */
export class HandOver {
  readonly history = new PartsHistory();
  readonly #texts: SourceTexts;
  readonly #snapshotTaken: (queryIds: readonly string[]) => Promise<readonly string[]>;
  readonly #retire: (tail: Tail) => void;
  #shown: Tail[] = [];
  /** Kept for tails that are not shown as well, so that a seal tried again moves no row twice. */
  readonly #moved = new WeakMap<Tail, Moved>();
  #retired = new Map<Tail, true>();
  #uses = new Map<Tail, number>();
  #waiting = new Set<Waiting>();
  #gate: Promise<void> | null = null;

  /**
   * `snapshotTaken` tells which of the running statements have their snapshots, for those that gave no sign themselves.
   * `retire` is called once for a tail that is named no more and used by no question.
   */
  constructor(
    texts: SourceTexts,
    snapshotTaken: (queryIds: readonly string[]) => Promise<readonly string[]>,
    retire: (tail: Tail) => void,
  ) {
    this.#texts = texts;
    this.#snapshotTaken = snapshotTaken;
    this.#retire = retire;
  }

  sources(): Sources {
    const { fixed, ofTail, numbers } = this.#texts;
    const all = (kind: keyof Moved): string[] => [
      ...fixed[kind],
      ...this.#shown.map(tail => ofTail[kind](tail, this.#movedOf(tail)[kind])),
    ];
    return {
      records: all('records'),
      quarantine: all('quarantine'),
      streams: all('streams'),
      templates: fixed.templates,
      ...(numbers && { numbers: numbers() }),
      ...(this.#texts.alone && { parts: this.history.view(this.#shown.length === 0) }),
    };
  }

  /** The parts as a question that began now would see them; undefined while records are being moved, or where others write too. */
  partsNow(): PartsView | undefined {
    return this.#gate || !this.#texts.alone ? undefined : this.history.view(this.#shown.length === 0);
  }

  /** Name exactly these tails from now on. */
  show(tails: readonly Tail[]): void {
    const before = this.#shown;
    this.#shown = [...tails];
    for (const tail of before) if (!tails.includes(tail)) this.#retireTail(tail);
  }

  /** Take the sources for one question; waits while a move is in progress. */
  async enter(queryId: string): Promise<Ticket> {
    while (this.#gate) await this.#gate;
    const waiting: Waiting = { queryId };
    const tails = this.#shown;
    this.#waiting.add(waiting);
    for (const tail of tails) this.#uses.set(tail, (this.#uses.get(tail) ?? 0) + 1);
    let over = false;
    return {
      queryId,
      sources: this.sources(),
      started: () => void this.#waiting.delete(waiting),
      ended: () => {
        if (over) return;
        over = true;
        this.#waiting.delete(waiting);
        for (const tail of tails) this.#release(tail);
      },
    };
  }

  /**
   * Run `move` while no question is between its sources and its snapshots; `move` adds to its argument each partition whose rows are now in
   * parts. When questions do not get their snapshots within `patienceMillis`, questions go on and false is returned: try again later.
   */
  async exclusive(tail: Tail, patienceMillis: number, move: (moved: Moved) => Promise<void>): Promise<boolean> {
    while (this.#gate) await this.#gate;
    let open = (): void => {};
    this.#gate = new Promise(resolve => {
      open = resolve;
    });
    try {
      const until = performance.now() + patienceMillis;
      while (this.#waiting.size > 0) {
        if (performance.now() > until) return false;
        const taken = new Set(await this.#snapshotTaken([...this.#waiting].map(w => w.queryId)));
        for (const waiting of this.#waiting) if (taken.has(waiting.queryId)) this.#waiting.delete(waiting);
        if (this.#waiting.size > 0) await new Promise(resolve => setTimeout(resolve, pollMillis));
      }
      await move(this.#movedOf(tail));
      return true;
    } finally {
      this.#gate = null;
      open();
    }
  }

  #movedOf(tail: Tail): Moved {
    const moved = this.#moved.get(tail) ?? { records: [], quarantine: [], streams: [] };
    this.#moved.set(tail, moved);
    return moved;
  }

  #release(tail: Tail): void {
    const left = (this.#uses.get(tail) ?? 1) - 1;
    if (left > 0) {
      this.#uses.set(tail, left);
      return;
    }
    this.#uses.delete(tail);
    if (this.#retired.delete(tail)) this.#retire(tail);
  }

  #retireTail(tail: Tail): void {
    if (this.#uses.has(tail)) this.#retired.set(tail, true);
    else this.#retire(tail);
  }
}
