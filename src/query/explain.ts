import type { FastifyInstance } from 'fastify';
import type { z } from 'zod';
import type { Tenant } from '../base/record.ts';
import { readTenantOf } from '../base/tenant.ts';
import type { Sources, SqlSettings } from '../flow.ts';
import type { ToSql } from '../language/compile.ts';
import { parseEql } from '../language/eql/parser.ts';
import { prettyQuery } from '../language/print.ts';
import { tenantCondition } from '../language/selector-sql.ts';
import { quoteName, quoteString } from '../language/sql-writer.ts';
import { collect } from './admission.ts';
import { type ExplainAnswer, queryRequest } from './contract.ts';
import { requestOf } from './eql/answer.ts';
import { looksEql } from './eql/contract.ts';
import { eqlStatement } from './eql/search.ts';
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

type Body = z.infer<typeof queryRequest>;

/** What the query means, with the statement to look at; none when no record can match. */
type Meaning = Pick<ExplainAnswer, 'kind' | 'language' | 'reading' | 'notes' | 'logql'> & {
  tree: unknown;
  sql: ToSql | undefined;
  settings?: SqlSettings;
};

/** `POST /api/v1/explain`: what a query means and would read. Asks the engine for its plan only; for EQL also which fields the records have. */
export function registerExplain(server: FastifyInstance, room: Room): void {
  server.post('/api/v1/explain', async (request, reply): Promise<ExplainAnswer> => {
    const tenants = readTenantOf(request.headers);
    const body = checked(queryRequest, request.body);
    const { signal } = abortWith(reply.raw);
    const { sql, settings, tree, ...said } = looksEql(body.query)
      ? await meaningOfEql(room, tenants, body, signal)
      : meaningOf(room, tenants, body);
    const answer = {
      ...said,
      tree: JSON.parse(
        JSON.stringify(tree, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value)),
      ) as unknown,
    };
    if (sql === undefined)
      return {
        ...answer,
        sql: '',
        estimate: { rows: 0, bytes: 0, parts: 0, granules: 0, unsealed: 0 },
        indexes: [],
        fullScan: false,
      };
    const ask = async (write: (sources: Sources) => string): Promise<Record<string, unknown>[]> =>
      collect(
        await room.ask(tenants, {
          sql: write,
          ...(settings && { settings }),
          signal,
          timeoutMs: room.timeoutMs(body.timeout),
        }),
      );
    let text = '';
    let parts = '';
    const planned = await ask(sources => {
      text = sql(sources);
      parts = sources.records[0] ?? '';
      return `EXPLAIN indexes = 1, json = 1 ${text}`;
    });
    const estimated = await ask(sources => `EXPLAIN ESTIMATE ${sql(sources)}`);
    // What the tenant has at all: other tenants' volume is nobody's business, so no number of the table as a whole is shown.
    const own = await ask(
      ({ records }) => `EXPLAIN ESTIMATE SELECT seq FROM ${records[0]} WHERE ${tenantCondition([tenants])}`,
    );
    const [tail] = await ask(({ records }) => unsealedSql(records.slice(1), tenants));
    const indexes = indexesOf(planned, { parts: sum(own, 'parts'), granules: sum(own, 'marks') });
    const rows = sum(estimated, 'rows');
    const unsealed = Number(tail?.n ?? 0);
    return {
      ...answer,
      sql: text,
      estimate: {
        rows,
        bytes: Math.round((rows + unsealed) * (await bytesPerRow(ask, parts, tenants, text))),
        parts: sum(estimated, 'parts'),
        granules: sum(estimated, 'marks'),
        unsealed,
      },
      indexes,
      fullScan: !indexes.some(({ type, granules }) => type === 'Skip' && granules.after < granules.before),
    };
  });
}

function meaningOf(room: Room, tenants: Tenant, body: Body): Meaning {
  const plan = planOf(body.query, 'weir', room.lookups.of(tenants));
  const range = rangeOf(body);
  const stepNs = body.step === undefined ? defaultStep(range) : BigInt(Math.round(body.step * 1e9));
  const sql =
    plan.kind === 'logs'
      ? plan.shaped
        ? plan.shaped({ tenant: tenants, range }, { direction: body.direction, limit: body.limit }).sql
        : plan.matching({ tenant: tenants, range }, ['timestamp', 'seq'])
      : plan.sql(tenants, range, stepNs);
  return {
    kind: plan.kind,
    language: plan.language,
    ...(plan.reading !== undefined && { reading: plan.reading }),
    notes: plan.notes,
    logql: prettyQuery(plan.tree) + plan.shapes.replaceAll(' | ', '\n  | '),
    tree: plan.tree,
    sql,
  };
}

async function meaningOfEql(room: Room, tenants: Tenant, body: Body, signal: AbortSignal): Promise<Meaning> {
  const request = requestOf(body, parseEql(body.query));
  const { tree, sql, settings } = await eqlStatement(room, tenants, request, {
    signal,
    ...(body.timeout !== undefined && { timeout: body.timeout }),
  });
  const steps =
    tree.kind === 'event'
      ? []
      : [
          `the statement finds what one of the steps wants, in order of time; ${tree.kind === 'sample' ? 'samples' : 'sequences'} are put together of that in the program`,
        ];
  const none = sql === undefined ? ['there is no record that it could find'] : [];
  return { kind: 'eql', language: 'eql', notes: [...steps, ...none], tree, sql, settings };
}

const sum = (rows: readonly Record<string, unknown>[], column: string): number =>
  rows.reduce((total, row) => total + Number(row[column] ?? 0), 0);

const unsealedSql = (tails: readonly string[], tenants: Tenant): string =>
  tails.length === 0
    ? 'SELECT 0 AS n'
    : `SELECT sum(c) AS n FROM (${tails.map(table => `SELECT count() AS c FROM ${table} WHERE ${tenantCondition([tenants])}`).join(' UNION ALL ')})`;

/** Rows that tell how wide columns are. */
const sampleRows = 4_096;

/** Average bytes, uncompressed, that the columns named in `sql` take per row of the tenant's in the table (or the one that a SELECT reads); by some rows, since fresh parts do not say what each column takes. */
async function bytesPerRow(
  ask: (sql: () => string) => Promise<Record<string, unknown>[]>,
  table: string,
  tenants: Tenant,
  sql: string,
): Promise<number> {
  const [, database = '', name = ''] = /`([^`]+)`\.`([^`]+)`/.exec(table) ?? [];
  const columns = await ask(
    () => `SELECT name FROM system.columns WHERE database = ${quoteString(database)} AND table = ${quoteString(name)}`,
  );
  const bare = sql.replace(/'(?:[^'\\]|\\.)*'/g, '');
  const used = columns.map(column => String(column.name)).filter(column => new RegExp(`\\b${column}\\b`).test(bare));
  if (used.length === 0) return 0;
  const list = used.map(quoteName).join(', ');
  const [row] = await ask(
    () =>
      `SELECT ifNotFinite(avg(byteSize(${list})), 0) AS size FROM (SELECT ${list} FROM ${table} WHERE ${tenantCondition([tenants])} LIMIT ${sampleRows})`,
  );
  return Number(row?.size ?? 0);
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
