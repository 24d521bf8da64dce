/** Runs a function soon, at most once per call; a frame in the browser, a microtask in tests. */
export type Schedule = (run: () => void) => void;

/** A thing the page watches. Changes made in one go are told once, so that a stream of thousands of rows paints once per frame. */
export class Observable {
  version = 0;
  readonly #listeners = new Set<() => void>();
  readonly #schedule: Schedule;
  #told = true;

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  };

  protected changed(): void {
    if (!this.#told) return;
    this.#told = false;
    this.#schedule(() => {
      this.#told = true;
      this.version++;
      // A copy: one that subscribes while being told waits for the next change.
      const listeners = [...this.#listeners];
      for (const listener of listeners) listener();
    });
  }
}
