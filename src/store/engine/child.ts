/**
 * The engine child: owns the data directory of chDB and speaks the ClickHouse HTTP protocol on a Unix socket. The only file, with its worker,
 * that loads the engine. It lives and dies with its parent: it ends when the IPC channel closes, and obeys `stop` on it, not signals, since
 * Ctrl+C and service managers signal the whole group while the parent still needs the engine.
 */
import { chmodSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { drainPending } from 'chdb';
import { log } from '../../base/log.ts';
import { HttpAnswer } from './answer.ts';
import { Lanes, type Lane } from './lanes.ts';
import { runThroughPipe } from './pipe-answer.ts';
import { EngineError, readRequest } from './request.ts';
import { killStatement, killTarget, type StatementText, statementText, wholeText } from './statement-text.ts';
import type { ChildMessage, ChildOptions, ParentMessage } from './child-contract.ts';

const options = JSON.parse(process.argv[2] ?? '{}') as ChildOptions;
const socketPath = join(options.runDirectory, 'engine.sock');
const lanes = new Lanes(
  { path: options.data, connectionArgs: [`--config-file=${options.configFile}`] },
  options.lanes,
  reason => {
    log.fatal({ err: reason }, 'a session thread of the engine died');
    process.exit(70);
  },
);

const silent = { started: () => {}, chunk: () => {} };
const forever = new AbortController().signal;

type Running = { abort: AbortController; ended: Promise<void> };
/** All statements that wait or run, by query id. */
const running = new Map<string, Running>();

function tellParent(message: ChildMessage): void {
  if (process.connected) process.send?.(message);
}

/** The engine is dead although its process lives: only a restart helps. */
const engineIsDead = (message: string): boolean => /Code: 236\b.*fatal error/s.test(message);

async function control(sql: string): Promise<void> {
  await lanes.use('control', forever, lane =>
    lane.run(
      statementText({
        sql,
        queryId: 'control',
        format: 'Null',
        settings: new Map(),
        database: 'default',
        queryClass: 'control',
      }),
      silent,
      sql,
    ),
  );
}

/** Stop a statement in the engine; again until it ended, since it may not have been registered the first time. */
async function killUntilEnded(queryId: string, ended: Promise<void>): Promise<void> {
  let over = false;
  void ended.then(() => (over = true));
  for (let wait = 20; !over; wait = Math.min(wait * 2, 1000)) {
    await control(killStatement(queryId)).catch((error: Error) =>
      log.warn({ err: error, queryId }, 'KILL QUERY failed'),
    );
    await Promise.race([ended, new Promise(resolve => setTimeout(resolve, wait))]);
  }
}

async function runOn(
  lane: Lane,
  statement: StatementText,
  answer: HttpAnswer,
  signal: AbortSignal,
  ended: Promise<void>,
): Promise<void> {
  const stop = (): void => {
    lane.cancel();
    void killUntilEnded(statement.queryId, ended);
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    if (statement.mode === 'pipe') await runThroughPipe(lane, statement, answer, options.runDirectory);
    else await lane.run(statement, answer, statement.mode === 'whole' ? wholeText(statement) : undefined);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

const cancelled = (): EngineError => new EngineError(394, 'Query was cancelled', 'QUERY_WAS_CANCELLED');

async function runQuery(httpRequest: IncomingMessage, response: ServerResponse): Promise<void> {
  const request = await readRequest(httpRequest);
  const target = killTarget(request.sql);
  if (target !== undefined) {
    running.get(target)?.abort.abort(cancelled());
    response.end();
    return;
  }
  if (running.has(request.queryId))
    throw new EngineError(
      216,
      `Query with id = ${request.queryId} is already running`,
      'QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING',
    );
  const statement = statementText(request);
  const abort = new AbortController();
  const over = Promise.withResolvers<void>();
  running.set(request.queryId, { abort, ended: over.promise });
  response.on('close', () => {
    if (!response.writableFinished) abort.abort(cancelled());
  });
  const answer = new HttpAnswer(response, request.queryId, statement.format);
  try {
    const { queryClass } = request;
    await lanes.use(queryClass === 'user' && statement.mode === 'small' ? 'small' : queryClass, abort.signal, lane =>
      runOn(lane, statement, answer, abort.signal, over.promise),
    );
    answer.end();
  } catch (error) {
    const message = (error as Error).message;
    answer.fail(error as Error);
    if (engineIsDead(message)) {
      log.fatal({ err: error }, 'the engine stopped by itself');
      setImmediate(() => process.exit(70));
    }
  } finally {
    running.delete(request.queryId);
    over.resolve();
  }
}

const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 }, (request, response) => {
  const path = (request.url ?? '/').split('?')[0];
  if (path === '/ping') response.end('Ok.\n');
  else if (path !== '/') response.writeHead(404).end(`There is no handle ${path}\n`);
  else {
    runQuery(request, response).catch((error: Error) => {
      new HttpAnswer(response, '', 'TabSeparated').fail(error);
    });
  }
});

/** End every statement, close the sessions, leave. Whoever sent `stop` waits a while and then kills; parts are safe either way. */
async function stop(): Promise<void> {
  server.close();
  for (const one of running.values()) one.abort.abort(cancelled());
  await Promise.all([...running.values()].map(one => one.ended));
  await drainPending();
  await lanes.close();
  await drainPending();
  process.exit(0);
}

/** Why the data directory cannot be opened; the engine does not say. Its file `status` names the process that holds it. */
function whyNotOpened(error: Error): ChildMessage {
  let holder = 0;
  try {
    holder = Number(/PID:\s*(\d+)/.exec(readFileSync(join(options.data, 'status'), 'utf8'))?.[1] ?? 0);
    if (holder > 0 && holder !== process.pid) process.kill(holder, 0);
    else holder = 0;
  } catch (reason) {
    // EPERM: it lives, but is not ours
    if ((reason as NodeJS.ErrnoException).code !== 'EPERM') holder = 0;
  }
  return holder > 0 ? { is: 'locked', holder } : { is: 'failed', message: error.message };
}

process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
process.on('disconnect', () => {
  rmSync(options.runDirectory, { recursive: true, force: true });
  // not exit(): its hooks wait for running queries, and the next owner of the directory is waiting for the lock
  process.kill(process.pid, 'SIGKILL');
});
process.on('message', (message: ParentMessage) => {
  if (message.do === 'stop') void stop();
});

try {
  await control('SELECT 1');
} catch (error) {
  tellParent(whyNotOpened(error as Error));
  process.exit(1);
}
server.listen(socketPath, () => {
  chmodSync(socketPath, 0o600);
  tellParent({ is: 'ready' });
  // it is killed more often than it ends
  flushCompileCache();
});
