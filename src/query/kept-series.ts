import type { Tenant } from '../base/record.ts';
import type { PartsView } from '../flow.ts';
import { quoteString } from '../language/sql-writer.ts';
import { type Ask, collect } from './admission.ts';
import { answered, computeSeries } from './compute-series.ts';
import type { Pace } from './pieces.ts';
import { mergeSeries, type Series, type SeriesAnswer, type SeriesQuestion, tooManySeries } from './series.ts';

type Kept = {
  /** The values hold for the parts of this generation, without any tail. */
  generation: number;
  /** Evaluation times (ms) whose values are known, those without any series included. */
  known: Set<number>;
  series: Map<string, { metric: Record<string, string>; values: Map<number, number> }>;
  points: number;
};

/** Event times, ns, inclusive. */
type Span = { from: bigint; to: bigint };

/** Evaluation times, ms, inclusive. */
type Reached = [from: number, to: number][];

const touched = (at: number, spans: Reached): boolean => spans.some(([from, to]) => at >= from && at <= to);

const nothing: SeriesAnswer['summary'] = {
  readRows: 0,
  readBytes: 0,
  elapsedMs: 0,
  partial: false,
  reason: null,
};
const nsPerMs = 1_000_000n;
/** Questions whose pace is remembered. */
const pacesMax = 1_000;

/**
 * Values of metric queries by evaluation time, kept so that a dashboard that comes again only computes what can have changed. A value is kept
 * when no record of a tail counts for it, together with the generation of the parts that it was computed from; it is used while no
 * record that came to the parts since, and none that is in a tail now, counts for it. So every answer is what a computation would give.
 */
export class KeptSeries {
  readonly #partsNow: () => PartsView | undefined;
  readonly #hiddenBy: (tenant: Tenant) => string;
  readonly #pointsMax: number;
  /** The longest unused first. */
  readonly #kept = new Map<string, Kept>();
  /** See pieces.ts; the longest unused first. */
  readonly #paces = new Map<string, Pace>();
  #points = 0;

  /** `hiddenBy` names the delete requests of a tenant: with other ones other records are visible. */
  constructor(partsNow: () => PartsView | undefined, hiddenBy: (tenant: Tenant) => string, pointsMax: number) {
    this.#hiddenBy = hiddenBy;
    this.#partsNow = partsNow;
    this.#pointsMax = pointsMax;
  }

  /** Values kept now. */
  get points(): number {
    return this.#points;
  }

  /** Forget what was kept for a question. */
  #drop(key: string): void {
    this.#points -= this.#kept.get(key)?.points ?? 0;
    this.#kept.delete(key);
  }

  async ask(ask: Ask, question: SeriesQuestion): Promise<SeriesAnswer> {
    const { plan, range, stepNs, tenant, max, fresh } = question;
    const whole = range.end > range.start;
    const indexes = Array.from({ length: whole ? Number((range.end - range.start) / stepNs) + 1 : 1 }, (_, i) => i);
    const plain = async (): Promise<SeriesAnswer> =>
      answered(question, indexes.length, await computeSeries(ask, question, indexes), []);
    // Times that are no whole ms cannot be told apart in an answer; of an instant answer the order may be part.
    if (!plan.reach || fresh || !whole || stepNs % nsPerMs !== 0n || range.start % nsPerMs !== 0n) return plain();
    const reach = plan.reach;
    const step = Number(stepNs / nsPerMs);
    const first = Number(range.start / nsPerMs);
    const times = indexes.map(i => first + i * step);
    const hidden = this.#hiddenBy(tenant);
    const key = JSON.stringify([tenant, plan.logql, step, first % step, hidden]);
    // To whole ms, outwards.
    const reached = (spans: readonly Span[]): Reached =>
      spans.map(span => [
        Number((span.from + reach.shortest) / nsPerMs) - 1,
        Number((span.to + reach.longest) / nsPerMs) + 1,
      ]);
    const forgetTouched = (kept: Kept, view: PartsView): boolean => {
      const spans = view.since(kept.generation);
      if (!spans) return false;
      const changed = reached(spans);
      for (const at of changed.length > 0 ? [...kept.known] : []) if (touched(at, changed)) this.#forget(kept, at);
      kept.generation = view.generation;
      return true;
    };

    let wanted = indexes;
    const old: Series[] = [];
    const kept = this.#kept.get(key);
    if (kept) {
      const now = await this.#tails(ask, question);
      if (!now || this.#kept.get(key) !== kept) return plain();
      if (!forgetTouched(kept, now.view)) {
        this.#drop(key);
      } else {
        const inTails = reached(now.spans);
        const known = times.filter(at => kept.known.has(at) && !touched(at, inTails));
        const usable = new Set(known);
        wanted = indexes.filter(i => !usable.has(times[i] ?? 0));
        for (const { metric, values } of kept.series.values()) {
          const points = known.flatMap((at): [number, number][] => {
            const value = values.get(at);
            return value === undefined ? [] : [[at, value]];
          });
          if (points.length > 0) old.push({ metric, points });
        }
        // Used last, dropped last.
        this.#kept.delete(key);
        this.#kept.set(key, kept);
      }
    }
    if (wanted.length === 0) return { series: mergeSeries([old]), left: 0, summary: nothing };

    const isNew = new Set<number>();
    const computed = await computeSeries(ask, { ...question, tooMany: 'cut' }, wanted, {
      pace: this.#paces.get(key),
      onPiece: async ({ from, to, value: { series, left, view } }) => {
        const made = times.slice(from, to + 1);
        for (const at of made) isNew.add(at);
        if (view && left === 0 && this.#hiddenBy(tenant) === hidden)
          await this.#keep(ask, question, key, view, series, made, reached, forgetTouched);
      },
    });
    this.#remember(key, computed.pace);
    if (this.#hiddenBy(tenant) !== hidden) return plain();
    if (computed.left > 0 && !(old.length === 0 && question.tooMany === 'cut')) return plain();
    const untouched = old.map(({ metric, points }) => ({ metric, points: points.filter(([at]) => !isNew.has(at)) }));
    const answer = answered(question, indexes.length, computed, untouched);
    const over = answer.series.length - max;
    if (over <= 0) return answer;
    if (question.tooMany === 'refuse') throw tooManySeries(max);
    return { ...answer, series: answer.series.slice(0, max), left: Math.max(answer.left, over) };
  }

  /** How fast a question got on that was too much for one statement, so that it is not tried again as one. */
  #remember(key: string, pace: Pace | undefined): void {
    this.#paces.delete(key);
    if (pace) this.#paces.set(key, pace);
    for (const oldest of this.#paces.keys()) {
      if (this.#paces.size <= pacesMax) break;
      this.#paces.delete(oldest);
    }
  }

  #forget(kept: Kept, at: number): void {
    kept.known.delete(at);
    for (const [name, one] of kept.series) {
      if (!one.values.delete(at)) continue;
      kept.points--;
      this.#points--;
      if (one.values.size === 0) kept.series.delete(name);
    }
    kept.points--;
    this.#points--;
  }

  /** Keep values that were computed from the parts of `view` and some tail rows: those for which none of these rows counts. */
  async #keep(
    ask: Ask,
    question: SeriesQuestion,
    key: string,
    view: PartsView,
    series: readonly Series[],
    computed: readonly number[],
    reached: (spans: readonly Span[]) => Reached,
    forgetTouched: (kept: Kept, view: PartsView) => boolean,
  ): Promise<void> {
    // Rows that the statement saw in a tail are in one still, or came to the parts after `view`, which is found at the next use.
    const after = await this.#tails(ask, question);
    if (!after) return;
    let kept = this.#kept.get(key);
    // Another question may have kept values of later parts meanwhile.
    if (kept && kept.generation > view.generation) return;
    if (kept && !forgetTouched(kept, view)) {
      this.#drop(key);
      kept = undefined;
    }
    kept ??= { generation: view.generation, known: new Set(), series: new Map(), points: 0 };
    const inTails = reached(after.spans);
    const fresh = new Set(computed.filter(at => !touched(at, inTails)));
    for (const at of fresh) {
      if (kept.known.has(at)) this.#forget(kept, at);
      kept.known.add(at);
    }
    let added = fresh.size;
    for (const { metric, points } of series) {
      const name = JSON.stringify(metric);
      const one = kept.series.get(name) ?? { metric, values: new Map<number, number>() };
      for (const [at, value] of points) {
        if (!fresh.has(at)) continue;
        one.values.set(at, value);
        added++;
      }
      if (one.values.size > 0) kept.series.set(name, one);
    }
    kept.points += added;
    this.#points += added;
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    for (const oldest of this.#kept.keys()) {
      if (this.#points <= this.#pointsMax) break;
      this.#drop(oldest);
    }
  }

  /** The event times of all rows in tails, and the parts beside them. Costs no statement while there is no tail. */
  async #tails(ask: Ask, question: SeriesQuestion): Promise<{ view: PartsView; spans: Span[] } | undefined> {
    const now = this.#partsNow();
    if (!now) return undefined;
    if (now.whole) return { view: now, spans: [] };
    let view: PartsView | undefined;
    const { tenant, signal, timeoutMs } = question;
    const answer = await ask(tenant, {
      ...(signal && { signal }),
      ...(timeoutMs !== undefined && { timeoutMs }),
      settings: { max_threads: 1 },
      sql: sources => {
        view = sources.parts;
        const tails = sources.records.slice(1);
        if (tails.length === 0) return "SELECT '0' AS n";
        const legs = tails.map(table => `SELECT timestamp FROM ${table} WHERE tenant = ${quoteString(tenant)}`);
        return `SELECT toString(count()) AS n, toString(toUnixTimestamp64Nano(min(timestamp))) AS first, toString(toUnixTimestamp64Nano(max(timestamp))) AS last FROM (${legs.join(' UNION ALL ')})`;
      },
    });
    const [row] = await collect(answer);
    if (!view || answer.summary().partial) return undefined;
    if (!row || row.n === '0') return { view, spans: [] };
    return { view, spans: [{ from: BigInt(String(row.first)), to: BigInt(String(row.last)) }] };
  }
}
