import type { FastifyInstance } from 'fastify';
import type { Tenant } from '../base/record.ts';
import { readTenantOf } from '../base/tenant.ts';
import type { Sources } from '../flow.ts';
import { prettyQuery } from '../language/print.ts';
import { tenantCondition } from '../language/selector-sql.ts';
import { quoteString } from '../language/sql-writer.ts';
import { collect } from './admission.ts';
import { type ExplainAnswer, queryRequest } from './contract.ts';
import { abortWith } from './frame-writer.ts';
import { planOf } from './plan.ts';
import { checked, type Room } from './room.ts';
import { defaultStep, rangeOf } from './time-range.ts';

type Indexes = ExplainAnswer['indexes'];
type EngineIndex = {
  Type?: string;
  Name?: string;
  Description?: string;
  Condition?: string;
  'Initial Parts'?: number;
  'Selected Parts'?: number;
  'Initial Granules'?: number;
  'Selected Granules'?: number;
};
type EngineNode = { 'Node Type'?: string; Indexes?: EngineIndex[]; Plans?: EngineNode[]; Plan?: EngineNode };

/** `POST /api/v1/explain`: what a query means and would read. Asks the engine for its plan only. */
export function registerExplain(server: FastifyInstance, room: Room): void {
  server.post('/api/v1/explain', async (request, reply): Promise<ExplainAnswer> => {
    const tenants = readTenantOf(request.headers);
    const body = checked(queryRequest, request.body);
    const plan = planOf(body.query, 'weir', room.lookups.of(tenants));
    const range = rangeOf(body);
    const { signal } = abortWith(reply.raw);
    const ask = async (sql: (sources: Sources) => string): Promise<Record<string, unknown>[]> =>
      collect(await room.ask(tenants, { sql, signal, timeoutMs: room.timeoutMs(body.timeout) }));

    const stepNs = body.step === undefined ? defaultStep(range) : BigInt(Math.round(body.step * 1e9));
    const whole =
      plan.kind === 'logs'
        ? plan.shaped
          ? plan.shaped({ tenant: tenants, range }, { direction: body.direction, limit: body.limit }).sql
          : plan.matching({ tenant: tenants, range }, ['timestamp', 'seq'])
        : plan.sql(tenants, range, stepNs);
    let text = '';
    let parts = '';
    const planned = await ask(sources => {
      text = whole(sources);
      parts = sources.records[0] ?? '';
      return `EXPLAIN indexes = 1, json = 1 ${text}`;
    });
    const estimated = await ask(sources => `EXPLAIN ESTIMATE ${whole(sources)}`);
    // What the tenant has at all: other tenants' volume is nobody's business, so no number of the table as a whole is shown.
    const own = await ask(
      ({ records }) => `EXPLAIN ESTIMATE SELECT seq FROM ${records[0]} WHERE ${tenantCondition([tenants])}`,
    );
    const [tail] = await ask(({ records }) => unsealedSql(records.slice(1), tenants));
    const indexes = indexesOf(planned, { parts: sum(own, 'parts'), granules: sum(own, 'marks') });
    const rows = sum(estimated, 'rows');
    const unsealed = Number(tail?.n ?? 0);
    return {
      kind: plan.kind,
      language: plan.language,
      ...(plan.reading !== undefined && { reading: plan.reading }),
      notes: plan.notes,
      logql: prettyQuery(plan.tree) + plan.shapes.replaceAll(' | ', '\n  | '),
      tree: JSON.parse(
        JSON.stringify(plan.tree, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value)),
      ),
      sql: text,
      estimate: {
        rows,
        bytes: Math.round((rows + unsealed) * (await bytesPerRow(ask, parts, text))),
        parts: sum(estimated, 'parts'),
        granules: sum(estimated, 'marks'),
        unsealed,
      },
      indexes,
      fullScan: !indexes.some(({ type, granules }) => type === 'Skip' && granules.after < granules.before),
    };
  });
}

const sum = (rows: readonly Record<string, unknown>[], column: string): number =>
  rows.reduce((total, row) => total + Number(row[column] ?? 0), 0);

const unsealedSql = (tails: readonly string[], tenants: Tenant): string =>
  tails.length === 0
    ? 'SELECT 0 AS n'
    : `SELECT sum(c) AS n FROM (${tails.map(table => `SELECT count() AS c FROM ${table} WHERE ${tenantCondition([tenants])}`).join(' UNION ALL ')})`;

/**
 * Average bytes that the columns named in `sql` take per row of the table (or of the one that a SELECT reads), uncompressed. Small parts keep all columns in one file; where there are no
 * others, it is the whole row.
 */
async function bytesPerRow(
  ask: (sql: () => string) => Promise<Record<string, unknown>[]>,
  table: string,
  sql: string,
): Promise<number> {
  const [, database = '', name = ''] = /`([^`]+)`\.`([^`]+)`/.exec(table) ?? [];
  const which = `active AND database = ${quoteString(database)} AND table = ${quoteString(name)}`;
  const columns = await ask(
    () => `SELECT column, sum(column_data_uncompressed_bytes) / greatest(sum(rows), 1) AS size FROM system.parts_columns
WHERE part_type = 'Wide' AND ${which} GROUP BY column
UNION ALL SELECT '' AS column, sum(data_uncompressed_bytes) / greatest(sum(rows), 1) AS size FROM system.parts WHERE ${which}`,
  );
  const bare = sql.replace(/'(?:[^'\\]|\\.)*'/g, '');
  const used = columns.filter(({ column }) => column !== '' && new RegExp(`\\b${String(column)}\\b`).test(bare));
  return sum(used.length > 0 ? used : columns, 'size');
}

function indexesOf(planned: readonly Record<string, unknown>[], own: { parts: number; granules: number }): Indexes {
  const nodes = JSON.parse(planned.map(row => String(row.explain)).join('\n')) as EngineNode[];
  const reads: EngineIndex[][] = [];
  const visit = (node: EngineNode): void => {
    if (node.Indexes && node.Indexes.length > 0) reads.push(node.Indexes);
    for (const child of [...(node.Plans ?? []), ...(node.Plan ? [node.Plan] : [])]) visit(child);
  };
  for (const node of nodes) visit(node);
  const said = ({ Type, Condition }: EngineIndex): boolean => Type === 'Skip' || Condition !== 'true';
  return reads.flatMap(list =>
    list.filter(said).map(index => {
      const clamp = (count: number | undefined, most: number): number => Math.min(count ?? 0, most);
      const combined = index.Name?.startsWith('<');
      return {
        name: combined
          ? 'all of these, joined by AND and OR'
          : (index.Name ?? (index.Type === 'PrimaryKey' ? 'tenant and time' : (index.Type ?? ''))),
        type: index.Type ?? '',
        ...(index.Condition !== undefined && index.Condition !== '' && { condition: index.Condition }),
        parts: {
          before: clamp(index['Initial Parts'], own.parts),
          after: clamp(index['Selected Parts'], own.parts),
        },
        granules: {
          before: clamp(index['Initial Granules'], own.granules),
          after: clamp(index['Selected Granules'], own.granules),
        },
      };
    }),
  );
}
