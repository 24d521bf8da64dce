import type { FastifyInstance } from 'fastify';
import { registerQuery } from './ask-query.ts';
import { registerCheck } from './check.ts';
import { registerEql } from './eql/register.ts';
import { registerComplete } from './complete.ts';
import { registerExplain } from './explain.ts';
import { registerExport } from './export.ts';
import { registerFields } from './fields.ts';
import { registerHistogram } from './histogram.ts';
import { registerLoki } from './loki/register.ts';
import { registerRules } from './loki/rules/register.ts';
import { registerLookups } from './lookups/register.ts';
import { registerQuarantine } from './quarantine.ts';
import { registerSql } from './raw-sql.ts';
import { registerPatterns } from './patterns.ts';
import { makeRoom, type QueryDeps } from './room.ts';
import { registerCancel } from './running.ts';
import { registerStatus } from './status.ts';
import { registerTail } from './tail.ts';

/**
 * Hang every question one can ask on `server`: Weir's own API under `/api/v1`, Loki's under `/loki/api/v1`, Elasticsearch's EQL search.
 * The server answers WeirErrors by itself, has put the tenant of a token into `X-Scope-OrgID`, and has @fastify/websocket registered.
 */
export async function registerQueryApi(server: FastifyInstance, deps: QueryDeps): Promise<void> {
  const room = makeRoom(deps);
  registerQuery(server, room);
  registerCancel(server, room.running);
  registerHistogram(server, room);
  registerFields(server, room);
  registerPatterns(server, room);
  registerTail(server, room);
  registerCheck(server);
  registerComplete(server, room);
  registerExplain(server, room);
  registerExport(server, room);
  registerSql(server, room);
  await registerLookups(server, room);
  registerStatus(server, room);
  registerQuarantine(server, room);
  await registerLoki(server, room);
  await registerRules(server, deps.rulesDirectory);
  await registerEql(server, room);
}
