import { setTimeout as sleep } from 'node:timers/promises';
import { WeirError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Tenant } from '../base/record.ts';
import type { OnVisible, Sources, SqlSettings } from '../flow.ts';
import { type Ask, collect } from './admission.ts';

/** SQL of a live tail. Rows have a column `seq`. */
export type FollowSql = {
  settings: SqlSettings;
  /** At most `limit` matching rows with `seq >= from`, lowest seq first. */
  rowsFrom(sources: Sources, from: bigint, limit: number): string;
  /** One row (skipped, last): how many matching rows have `seq >= from`, and the highest seq of them. */
  countFrom(sources: Sources, from: bigint): string;
};

export type Followed = { rows: Record<string, unknown>[] } | { skipped: number };

/** Where live tails start and what wakes them. */
export type VisibleHub = {
  /** All rows with a lower seq are visible. Every tail takes it once, as the border between what was and what comes. */
  border(tenant: Tenant, ask: Ask, signal: AbortSignal): Promise<bigint>;
  /** The same without asking; undefined when that is not known. */
  knownBorder(): bigint | undefined;
  listen: OnVisible;
};

export function makeVisibleHub(onVisible: OnVisible): VisibleHub {
  let visible: bigint | undefined;
  const listeners = new Set<(from: bigint, to: bigint) => void>();
  onVisible((from, to) => {
    if (visible === undefined || to > visible) visible = to;
    if (from < to) for (const listener of listeners) listener(from, to);
  });
  return {
    knownBorder: () => visible,
    async border(tenant, ask, signal) {
      if (visible !== undefined) return visible;
      // No tick since the program started: the store knows.
      const answer = await ask(tenant, {
        sql: sources =>
          `SELECT max(seq) AS seq FROM (${sources.records.map(table => `SELECT max(seq) AS seq FROM ${table}`).join(' UNION ALL ')})`,
        signal,
      });
      const [row] = await collect(answer);
      return BigInt((row?.seq ?? 0) as string | number) + 1n;
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/**
 * Every matching row with `seq >= border`, each once, in order of acceptance, for as long as `signal` lets it. The store is the buffer: the next rows
 * are fetched only when the consumer asks for more, so a slow consumer holds one batch in memory. Once it is
 * `limits.tailLagMillis` behind, the rows up to now are skipped and counted. An engine that restarts is waited for.
 */
export async function* follow(
  question: {
    tenant: Tenant;
    sql: FollowSql;
    border: bigint;
    delayMs?: number;
    lagMillis?: number;
    signal: AbortSignal;
  },
  ask: Ask,
  listen: OnVisible,
): AsyncGenerator<Followed> {
  const { tenant, sql, signal } = question;
  let next = question.border;
  // Ticks that became visible and are not fetched yet, oldest first.
  let ticks: { from: bigint; to: bigint; at: number }[] = [];
  let wake: () => void = () => undefined;
  const stop = listen((from, to) => {
    ticks.push({ from, to, at: Date.now() });
    wake();
  });
  signal.addEventListener('abort', () => wake(), { once: true });

  const query = async (text: (sources: Sources) => string): Promise<Record<string, unknown>[]> => {
    for (;;) {
      try {
        return await collect(await ask(tenant, { sql: text, settings: sql.settings, signal }));
      } catch (error) {
        if (signal.aborted || !(error instanceof WeirError && error.retry)) throw error;
        await sleep(500, undefined, { signal });
      }
    }
  };

  try {
    // One look at once: rows may have become visible between the border and the subscription.
    let more = true;
    while (!signal.aborted) {
      if (!more && ticks.length === 0) {
        await new Promise<void>(resolve => {
          wake = resolve;
        });
        if (signal.aborted) return;
      }
      if (question.delayMs) await sleep(question.delayMs, undefined, { signal });
      if (
        ticks[0] &&
        Date.now() - ticks[0].at > (question.lagMillis ?? limits.tailLagMillis) + (question.delayMs ?? 0)
      ) {
        const newest = ticks.at(-1);
        ticks = [];
        more = false;
        const [count] = await query(sources => sql.countFrom(sources, next));
        const skipped = Number(count?.skipped ?? 0);
        if (skipped > 0) next = BigInt(String(count?.last)) + 1n;
        else if (newest && newest.from > next) next = newest.from;
        if (skipped > 0) yield { skipped };
        continue;
      }
      const newest = ticks.at(-1);
      const from = next;
      const rows = await query(sources => sql.rowsFrom(sources, from, limits.tailRowsMax));
      const last = rows.at(-1);
      if (last) next = BigInt(String(last.seq)) + 1n;
      more = rows.length === limits.tailRowsMax;
      if (!more && newest) {
        // All that was visible is fetched. What was visible before the newest tick need never be looked at again.
        if (newest.from > next) next = newest.from;
        ticks = ticks.filter(tick => tick.to > newest.to);
      } else {
        ticks = ticks.filter(tick => tick.to > next);
      }
      if (rows.length > 0) yield { rows };
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    stop();
  }
}
