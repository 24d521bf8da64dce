import { randomUUID } from 'node:crypto';
import { WeirError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { Tenant } from '../../base/record.ts';

/** A search that goes on, or whose answer is kept, after its request was answered. */
export type KeptSearch = {
  id: string;
  tenant: Tenant;
  /** ms since 1970. */
  started: number;
  expires: number;
  /** The answer as JSON without its id, or why there is none. */
  outcome?: { answer: string; partial: boolean } | { error: unknown };
  /** Resolves when there is an outcome; never rejects. */
  settled: Promise<void>;
  abort: AbortController;
};

/**
 * Searches by id, in memory: they end with the program. Bounded in number and in bytes; a search that finds no room is refused, an answer that finds none
 * is an error in its place.
 */
export class KeptSearches {
  readonly #searches = new Map<string, KeptSearch>();
  readonly #max: number;
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(max: number = limits.eqlKeptSearchesMax, bytesMax: number = limits.eqlKeptBytesMax) {
    this.#max = max;
    this.#bytesMax = bytesMax;
  }

  /** Begin a search. `run` gives the answer as JSON; `keepMillis` counts from now. Throws `overloaded`. */
  start(
    tenant: Tenant,
    keepMillis: number,
    run: (signal: AbortSignal) => Promise<{ answer: string; partial: boolean }>,
  ): KeptSearch {
    this.#dropExpired();
    const own = [...this.#searches.values()].filter(search => search.tenant === tenant).length;
    // One tenant leaves room for others.
    if (this.#searches.size >= this.#max || own >= Math.ceil(this.#max / 2))
      throw new WeirError(
        'overloaded',
        {
          reason: `${own} of your EQL searches are kept or running, ${this.#searches.size} of all tenants; a tenant may have ${Math.ceil(this.#max / 2)}, all together ${this.#max}; delete some, or give a shorter keep_alive`,
          seconds: 10,
        },
        { retryAfter: 10 },
      );
    const id = randomUUID();
    const abort = new AbortController();
    const now = Date.now();
    const search: KeptSearch = {
      id,
      tenant,
      started: now,
      expires: now + keepMillis,
      settled: Promise.resolve(),
      abort,
    };
    search.settled = run(abort.signal).then(
      outcome => this.#settle(search, outcome),
      (error: unknown) => void (search.outcome = { error }),
    );
    this.#searches.set(id, search);
    return search;
  }

  #settle(search: KeptSearch, outcome: { answer: string; partial: boolean }): void {
    if (this.#searches.get(search.id) !== search) return;
    const bytes = Buffer.byteLength(outcome.answer);
    if (this.#bytes + bytes > this.#bytesMax) {
      const reason = `the answer of ${bytes} bytes is not kept: all kept answers may have ${this.#bytesMax} bytes, ${this.#bytes} are taken; ask for a smaller [size], or delete searches that are done`;
      search.outcome = { error: new WeirError('query_limit', { reason }) };
      return;
    }
    this.#bytes += bytes;
    search.outcome = outcome;
  }

  /** Throws `not_found` for an id that this tenant does not have (any more). */
  get(tenant: Tenant, id: string): KeptSearch {
    this.#dropExpired();
    const search = this.#searches.get(id);
    if (search === undefined || search.tenant !== tenant)
      throw new WeirError('not_found', {
        path: `EQL search ${JSON.stringify(id.slice(0, 100))} (expired, deleted or never kept)`,
      });
    return search;
  }

  /** End it if it runs, and forget it. */
  delete(search: KeptSearch): void {
    if (!this.#searches.delete(search.id)) return;
    if (search.outcome && 'answer' in search.outcome) this.#bytes -= Buffer.byteLength(search.outcome.answer);
    search.abort.abort(new WeirError('query_cancelled'));
  }

  /** End all. */
  close(): void {
    for (const search of this.#searches.values()) this.delete(search);
  }

  #dropExpired(): void {
    const now = Date.now();
    for (const search of this.#searches.values()) if (search.expires <= now) this.delete(search);
  }
}
