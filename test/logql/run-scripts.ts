import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { compileMetric, metricFault, pageOf, rowsSettings, rowsSql, type ToSql } from '../../src/language/compile.ts';
import { compileCondition } from '../../src/language/condition.ts';
import { quote } from '../../src/language/go-string.ts';
import { parseQuery } from '../../src/language/parser.ts';
import { isLogQuery, type Query } from '../../src/language/tree.ts';
import { KnownStreams } from '../../src/query/known-streams.ts';
import { numbers, ownSources, RecordStore, sources, wholeSources } from './record-store.ts';
import { epochNs, type Evaluation, labelsOf, readScript, timeOf } from './script.ts';

const folder = import.meta.dirname;
const store = new RecordStore();

type Labels = Record<string, string>;
const common = ({ ...labels }: Labels): Labels => {
  if (labels.service_name === 'svc') delete labels.service_name;
  if (labels.detected_level === 'unknown') delete labels.detected_level;
  return labels;
};
const print = (labels: Labels): string => {
  const entries = Object.entries(common(labels)).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([k, v]) => `${k}=${quote(v)}`).join(', ')}}`;
};
const normal = (text: string): string => print(labelsOf(text).labels);

const offset = (ns: string | undefined): bigint => BigInt(ns ?? '0') - epochNs;

function logs(tree: Query, expected: string[], args: string[]): void {
  if (!isLogQuery(tree)) throw new Error('not a log query');
  const direction = args[0] === '' ? 'backward' : 'forward';
  const limit = Number(args[1]?.replace(' limit ', '') || 1000);
  const paging = { direction, limit } as const;
  const range = { start: epochNs, end: epochNs + 3600_000_000_000n };
  const ask = (sql: ToSql, settings: Record<string, string | number>): Record<string, string>[] =>
    store.rows(sql({ records: sources.sources }), settings);
  const page = pageOf(tree, { tenant: 't', range }, paging);
  const { rows: whole, tie } = page.read(ask(page.sql, page.settings));
  const paged = [...whole, ...(tie ? page.readTied(ask(page.tiedSql(tie), page.settings), tie) : [])];
  // What a store knows of its records must not change an answer.
  const informed = store.rows(page.sql({ records: ownSources, parts: store.facts() }), page.settings);
  if (!tie) expect(page.read(informed).rows).toEqual(paged);
  if (page.briefSql) {
    // Nor what is known of their streams.
    const streams = new KnownStreams(Number.MAX_SAFE_INTEGER);
    streams.learn('t', ask(page.sql, page.settings));
    const brief = store.rows(page.briefSql({ records: ownSources, parts: store.facts() }), page.settings);
    expect(streams.fill('t', brief)).toBe(true);
    if (!tie) expect(page.read(brief).rows).toEqual(paged);
  }
  // The engine's own way to the same rows.
  const engine = ask(rowsSql(tree, { tenant: 't', range }, paging), rowsSettings(tree, paging));
  expect(paged.map(row => ({ ...row, seq: Number(row.seq) }))).toEqual(
    engine.map(row => ({ ...row, seq: Number(row.seq), received: String(row.received) })),
  );
  const rows = paged.map((row, i) => {
    const sent: Record<string, unknown> = { parsed: row.parsed ?? {}, metadata: row.attributes, stream: row.labels };
    const want = expected[i] ?? '';
    const sets = Array.from(want.matchAll(/ (parsed|metadata|stream) \{/g), found => found[1] ?? '');
    const labels = sets.map(name => ` ${name} ${print(sent[name] as Labels)}`);
    return `${offset(row.ts)} ${quote(row.message ?? '')}${labels.join('')}`;
  });
  const wanted = expected.map(text => {
    const [time = ''] = text.split(' ');
    const [head = '', ...sets] = text.slice(time.length + 1).split(/ (?=(?:parsed|metadata|stream) \{)/);
    const labels = sets.map(set => set.replace(/\{.*\}$/s, normal));
    return [`${timeOf(time)} ${quote(parseLine(head))}`, ...labels].join(' ');
  });
  expect(rows).toEqual(wanted);
}

const parseLine = (literal: string): string => {
  const tree = parseQuery(`{} |= ${literal}`, { allowAll: true });
  const [stage] = isLogQuery(tree) ? tree.stages : [];
  return stage?.kind === 'line_filter' ? (stage.operands[0]?.value ?? '') : '';
};

const near = (text: string): string =>
  Number.isFinite(Number(text)) ? String(Number(Number(text).toPrecision(12))) : text;

/** Sums of floats depend on the order of their rows. */
const rounded = ({ value, ...row }: Record<string, string>): unknown => ({ ...row, value: near(value ?? '') });

function metric(tree: Query, start: string, end: string, step: string, expected: string[]): void {
  if (isLogQuery(tree)) throw new Error('not a metric query');
  const [startNs, endNs] = [epochNs + timeOf(start), epochNs + timeOf(end)];
  const context = { ...sources, startNs, endNs, stepNs: step === '' ? 0n : timeOf(step) };
  const compiled = compileMetric(tree, context);
  const rows = store.rows(compiled.sql);
  // What a store knows of its records must not change an answer.
  const informed = compileMetric(tree, { ...context, sources: ownSources, numbers, parts: store.facts() }).sql;
  expect(store.rows(informed)).toEqual(rows);
  // Nor must it matter that one source needs fewer SELECTs.
  const whole = compileMetric(tree, { ...context, sources: wholeSources, numbers }).sql;
  expect(store.rows(whole).map(rounded)).toEqual(rows.map(rounded));
  const failed = rows.find(row => row.error !== '');
  if (failed) throw metricFault(failed.error ?? '', failed.metric as unknown as Labels);
  const series = new Map<string, string[]>();
  for (const row of rows) {
    const name = compiled.kind === 'scalar' ? 'scalar' : print(row.metric as unknown as Labels);
    const point = step === '' ? near(row.value ?? '') : `${offset(row.time)}=${near(row.value ?? '')}`;
    series.set(name, [...(series.get(name) ?? []), point]);
  }
  const wanted = expected.map(text => {
    const scalar = text.startsWith('scalar ');
    const name = scalar ? 'scalar' : normal(text.slice(0, text.lastIndexOf('}') + 1));
    const points = (scalar ? text.slice(7) : text.slice(text.lastIndexOf('}') + 1)).trim().split(/\s+/);
    return [
      name,
      ...points.map(p =>
        p.includes('=') ? `${timeOf(p.split('=')[0] ?? '')}=${near(p.split('=')[1] ?? '')}` : near(p),
      ),
    ].join(' ');
  });
  expect(Array.from(series, ([name, points]) => [name, ...points].join(' '))).toEqual(wanted);
}

function where(condition: string, expected: string[]): void {
  const sql = `SELECT toUnixTimestamp64Nano(timestamp) AS time FROM (SELECT * FROM records UNION ALL SELECT * FROM tail) WHERE tenant = 't' AND (${compileCondition(condition)}) ORDER BY time, seq`;
  expect(store.rows(sql).map(row => offset(row.time))).toEqual(expected.flatMap(text => text.split(' ').map(timeOf)));
}

function fault(query: string, expected: string[]): void {
  const answer = (): void => {
    const tree = parseQuery(query);
    if (isLogQuery(tree)) logs(tree, [], []);
    else metric(tree, '60s', '60s', '', []);
  };
  expect(answer).toThrow(expected.join('\n'));
}

function expectAnswer({ kind, args, query, expected }: Evaluation): void {
  if (kind === 'where') return where(query, expected);
  if (kind === 'fault') return fault(query, expected);
  const tree = parseQuery(query, { allowAll: query.startsWith('{}') });
  if (kind === 'logs') logs(tree, expected, args);
  else if (kind === 'instant') metric(tree, args[0] ?? '', args[0] ?? '', '', expected);
  else metric(tree, args[0] ?? '', args[1] ?? '', args[2] ?? '', expected);
}

/** Tests of every script whose file name `wanted` takes. */
export function testScripts(wanted: (file: string) => boolean): void {
  afterAll(() => store.close());
  for (const file of readdirSync(folder).filter(name => name.endsWith('.logqltest') && wanted(name))) {
    describe(file, () => {
      for (const evaluation of readScript(readFileSync(join(folder, file), 'utf8'))) {
        test(`${evaluation.line}: ${evaluation.kind} ${evaluation.query}`, () => {
          store.load(evaluation.records);
          expectAnswer(evaluation);
        });
      }
    });
  }
}

/** Scripts about metric queries; the others are about log queries. Two files of tests, so that two workers share them. */
export const isMetricScript = (file: string): boolean => /^(metric|vectors|range)/.test(file);
