import type { PartsView } from '../flow.ts';
import type { Ask } from './admission.ts';
import { coveredReason, type Done, inPieces, type Pace, type Piece, refusedWhole } from './pieces.ts';
import { mergeSeries, type Series, type SeriesAnswer, type SeriesQuestion, seriesOf, tooManySeries } from './series.ts';
import type { TimeRange } from './time-range.ts';

/** Evaluation k of a question is at `start + k * step` of its range. */
export type SeriesPiece = Piece<{ series: Series[]; left: number; view: PartsView | undefined }>;

export type Computed = Omit<Done<never>, 'pieces'> & {
  series: Series[];
  /** Series that are left out, at least. */
  left: number;
};

/** The evaluations `from` to `to`. */
const rangeOf = ({ range, stepNs }: SeriesQuestion, from: number, to: number): TimeRange => ({
  start: range.start + BigInt(from) * stepNs,
  end: range.start + BigInt(to) * stepNs,
});

/** Compute evaluations (by number, ascending) of a metric question as pieces.ts does. Rejects as `ask` does, and with what `seriesOf` throws. */
export async function computeSeries(
  ask: Ask,
  question: SeriesQuestion,
  wanted: readonly number[],
  more: { pace?: Pace | undefined; onPiece?(piece: SeriesPiece): Promise<void> } = {},
): Promise<Computed> {
  const { tenant, plan, stepNs, max, tooMany, onSql, onCovered, signal, timeoutMs, onProgress } = question;
  const { pieces, ...done } = await inPieces(ask, {
    ...more,
    tenant,
    wanted,
    stepNs,
    reachNs: plan.reach ? plan.reach.longest - plan.reach.shortest : 0n,
    ...(signal && { signal }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(onProgress && { onProgress }),
    ...(plan.single && { small: true }),
    ...(onCovered && { onCovered: from => onCovered(rangeOf(question, from, wanted.at(-1) ?? from)) }),
    statement(from, to) {
      const sql = plan.sql(tenant, rangeOf(question, from, to), stepNs);
      let view: PartsView | undefined;
      return {
        sql: sources => {
          view = sources.parts;
          const text = sql(sources);
          onSql?.(text);
          return text;
        },
        read: async answer => ({ ...(await seriesOf(answer, tooMany, max)), view }),
      };
    },
  });
  const merged = pieces.length === 1 ? (pieces[0]?.value.series ?? []) : mergeSeries(pieces.map(p => p.value.series));
  if (tooMany === 'refuse' && merged.length > max) throw tooManySeries(max);
  // What one piece leaves out stands behind `max` others, so it stands behind them in all pieces together.
  const left = Math.max(0, merged.length - max, ...pieces.map(p => p.value.left));
  return { ...done, series: merged.length > max ? merged.slice(0, max) : merged, left };
}

/** The answer made of what was computed and of what was known. Rejects when not even the newest of the question's `evaluations` is there. */
export function answered(
  question: SeriesQuestion,
  evaluations: number,
  { series, left, summary, missed }: Computed,
  old: readonly Series[],
): SeriesAnswer {
  const merged = old.length === 0 ? series : mergeSeries([old.filter(({ points }) => points.length > 0), series]);
  if (missed === undefined) return { series: merged, left, summary };
  const reason = summary.reason ?? '';
  if (missed === evaluations - 1) throw refusedWhole(reason, evaluations === 1);
  const covered = rangeOf(question, missed + 1, evaluations - 1);
  const from = Number(covered.start / 1_000_000n);
  return {
    series: merged.flatMap(({ metric, points }) => {
      const answers = points.filter(([at]) => at >= from);
      return answers.length > 0 ? [{ metric, points: answers }] : [];
    }),
    left,
    summary: {
      ...summary,
      reason: coveredReason(reason, 'are the evaluations', covered, true),
    },
    covered,
  };
}
