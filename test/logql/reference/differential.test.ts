import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { compileMetric, metricFault, pageOf } from '../../../src/language/compile.ts';
import { parseQuery } from '../../../src/language/parser.ts';
import { printQuery } from '../../../src/language/print.ts';
import { isLogQuery, type LogQuery, type MetricQuery } from '../../../src/language/tree.ts';
import { RecordStore, sources } from '../record-store.ts';
import { epochNs, type LoadedRecord } from '../script.ts';
import { instant, range, type Series, type Value } from './evaluate.ts';
import { logRows } from './pipeline.ts';
import { instantTime, logQuery, metricQuery, times } from './random-queries.ts';
import { records } from './random-records.ts';
import { type LabelSet, QueryFault } from './samples.ts';

/**
 * The real way of a query (print, parse, compile, engine) against the reference evaluator, on random records and random queries. The quick run always takes
 * the same ones; `WEIR_TEST_MODE=full` takes other ones each time, and a failure tells the seed for WEIR_TEST_SEED.
 */
const full = process.env.WEIR_TEST_MODE === 'full';
const seed = Number(process.env.WEIR_TEST_SEED ?? (full ? Date.now() % 1_000_000_000 : 7));
const timeoutMs = full ? 1_800_000 : 240_000;
const [dataSets, runs] = full ? [40, 60] : [2, 15];

const store = new RecordStore();
afterAll(() => store.close());

/** What is compared: a fault has no value, and which of several errors is told is not fixed. */
type Answer = { fault: string } | { lines: string[] };

const labelText = (labels: LabelSet | Record<string, string>): string => {
  const pairs = Array.isArray(labels) ? labels : Object.entries(labels);
  return JSON.stringify(pairs.toSorted(([a], [b]) => (a < b ? -1 : 1)));
};
const close = (value: number): string => (value === 0 ? '0' : String(Number(value.toPrecision(9))));
const engineNumber = (text: string): number =>
  text === 'nan' ? Number.NaN : text.endsWith('inf') ? Number(text.replace('inf', 'Infinity')) : Number(text);

function asked(answer: () => string[]): Answer {
  try {
    return { lines: answer() };
  } catch (error) {
    if (error instanceof QueryFault) return { fault: 'pipeline error' };
    const text = error instanceof Error ? error.message : String(error);
    if (/^pipeline error|^multiple matches for labels|^found duplicate series/.test(text))
      return { fault: 'pipeline error' };
    throw error;
  }
}

const parsed = <T extends LogQuery | MetricQuery>(query: T): T => {
  const text = printQuery(query);
  const again = parseQuery(text);
  expect(again, text).toEqual(query);
  return again as T;
};

type Span = { startNs: bigint; endNs: bigint; stepNs: bigint };

function realMetric(query: MetricQuery, { startNs, endNs, stepNs }: Span): Answer {
  return asked(() => {
    const { sql } = compileMetric(query, { ...sources, startNs: epochNs + startNs, endNs: epochNs + endNs, stepNs });
    const rows = store.rows(sql);
    const failed = rows.find(row => row.error !== '');
    if (failed) throw metricFault(failed.error ?? '', failed.metric as unknown as Record<string, string>);
    return rows.map(
      ({ metric, time, value }) =>
        `${labelText(metric as unknown as Record<string, string>)} ${BigInt(time ?? '') - epochNs} ${close(engineNumber(value ?? ''))}`,
    );
  });
}

const pointLines = (series: readonly Series[]): string[] =>
  series.flatMap(({ labels, points }) =>
    points.map(({ timeNs, value }) => `${labelText(labels)} ${timeNs} ${close(value)}`),
  );
const vectorLines = (value: Value, timeNs: bigint): string[] =>
  (typeof value === 'number' ? [{ labels: [], value }] : value).map(
    point => `${labelText(point.labels)} ${timeNs} ${close(point.value)}`,
  );

function realLogs(query: LogQuery, direction: 'forward' | 'backward', limit: number): string[] {
  const paging = { direction, limit } as const;
  const span = { start: epochNs, end: epochNs + 3600_000_000_000n };
  const page = pageOf(query, { tenant: 't', range: span }, paging);
  const { rows, tie } = page.read(store.rows(page.sql({ records: sources.sources }), page.settings));
  const tied = tie
    ? page.readTied(store.rows(page.tiedSql(tie)({ records: sources.sources }), page.settings), tie)
    : [];
  return [...rows, ...tied].map(row => {
    const { __error__ = '', __error_details__: _, ...found } = row.parsed ?? {};
    const sets = [row.labels, row.attributes, found];
    return [BigInt(row.ts ?? '') - epochNs, JSON.stringify(row.message), ...sets.map(labelText), __error__].join(' ');
  });
}

const referenceLogs = (
  loaded: readonly LoadedRecord[],
  query: LogQuery,
  direction: 'forward' | 'backward',
  limit: number,
): string[] =>
  logRows(loaded, query, direction, limit).map(({ timeNs, text, labels, error }) =>
    [
      timeNs,
      JSON.stringify(text),
      ...[labels.stream, labels.metadata, labels.parsed].map(set => labelText([...set])),
      error,
    ].join(' '),
  );

describe.each(fc.sample(records, { numRuns: dataSets, seed }).map((loaded, i) => ({ loaded, i })))(
  'data set $i',
  ({ loaded, i }) => {
    const parameters = { numRuns: runs, seed: seed + i, endOnFailure: !full };

    test(
      'instant queries',
      () => {
        store.load(loaded);
        fc.assert(
          fc.property(metricQuery, instantTime, (query, atNs) => {
            const tree = parsed(query);
            const expected = asked(() => vectorLines(instant(loaded, tree, atNs), atNs));
            expect(realMetric(tree, { startNs: atNs, endNs: atNs, stepNs: 0n }), `${atNs} ${printQuery(tree)}`).toEqual(
              expected,
            );
          }),
          parameters,
        );
      },
      timeoutMs,
    );

    test(
      'range queries',
      () => {
        store.load(loaded);
        fc.assert(
          fc.property(metricQuery, times, (query, span) => {
            const tree = parsed(query);
            const expected = asked(() => pointLines(range(loaded, tree, span)));
            expect(realMetric(tree, span), printQuery(tree)).toEqual(expected);
          }),
          parameters,
        );
      },
      timeoutMs,
    );

    test(
      'log queries',
      () => {
        store.load(loaded);
        fc.assert(
          fc.property(
            logQuery,
            fc.constantFrom('forward', 'backward'),
            fc.integer({ min: 1, max: 60 }),
            (query, direction, limit) => {
              const tree = parsed(query);
              expect(realLogs(tree, direction, limit), printQuery(tree)).toEqual(
                referenceLogs(loaded, tree, direction, limit),
              );
            },
          ),
          parameters,
        );
      },
      timeoutMs,
    );
  },
);

test('random queries are of both kinds', () => {
  const sample = fc.sample(fc.oneof(metricQuery, logQuery), { numRuns: 50, seed });
  expect(new Set(sample.map(query => isLogQuery(query))).size).toBe(2);
});
