import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import fastify, { type FastifyInstance } from 'fastify';
import type { QueryFrame, QueryRow } from '../query/contract.ts';
import { drained } from './output.ts';

const never = new AbortController().signal;

/** A request that the stand-in took at `/ingest/*`. */
export type Taken = { url: string; body: string; headers: Record<string, string | string[] | undefined> };

export type StandIn = {
  url: string;
  taken: Taken[];
  /** Answers for the next ingest requests; afterwards everything is taken. */
  refusals: { status: number; headers?: Record<string, string>; body?: unknown }[];
  /** Bodies larger than this get 413. */
  bodyMax: number;
  cancelled: string[];
  closed: string[];
  asked: Record<string, unknown>[];
  exportRows: number;
  close(): Promise<void>;
};

export const rowOf = (seq: number, message = `line ${seq}`, level = 'info'): QueryRow => ({
  ts: `${1_788_436_800_000_000_000n + BigInt(seq) * 1_000_000n}`,
  seq: String(seq),
  received: '1788436800000000000',
  service: 'web',
  level,
  severity: 9,
  message,
  labels: { service_name: 'web' },
  attributes: {},
  door: 'text',
});

const end = (rows: number, reason: string | null = null): QueryFrame => ({
  type: 'end',
  rows,
  readRows: 1000,
  readBytes: 2_000_000,
  elapsedMs: 12,
  partial: reason !== null,
  reason,
});

/** A server that speaks the contract of src/query/contract.ts; the text of the query says how it behaves. */
export async function startStandIn(): Promise<StandIn> {
  const app: FastifyInstance = fastify({ bodyLimit: 1 << 30 });
  app.addContentTypeParser(['text/plain', 'application/x-ndjson'], { parseAs: 'string' }, (_, body, done) =>
    done(null, body),
  );
  const state: StandIn = {
    url: '',
    taken: [],
    refusals: [],
    bodyMax: 1 << 30,
    cancelled: [],
    closed: [],
    asked: [],
    exportRows: 0,
    close: async () => app.close(),
  };

  app.get('/readyz', async () => 'ready');
  app.get('/api/v1/status', async () => ({
    version: '0.1.0',
    engine: { up: true, version: '26.7', restarts: 0 },
    records: 5,
    oldest: null,
    newest: null,
    wal: { segments: 1, bytes: 64 },
    lagSeconds: 0,
    demo: false,
  }));
  app.delete('/api/v1/query/:id', async request => {
    state.cancelled.push((request.params as { id: string }).id);
    return {};
  });
  app.post('/api/v1/check', async request => ({
    ok: true,
    kind: 'logs',
    logql: `{service_name=~".+"} |= "${(request.body as { query: string }).query}"`,
  }));
  app.post('/api/v1/histogram', async request => {
    const body = request.body as { query: string; start: string; end: string };
    const t = Math.floor(Number(BigInt(body.start) / 1_000_000_000n) / 60) * 60 + 60;
    const none = body.query === 'none';
    return {
      step: 60,
      start: body.start,
      end: body.end,
      total: none ? 0 : 30,
      buckets: none ? [] : [{ t, counts: { info: 20, error: 9, warn: 1 } }],
      partial: false,
      reason: null,
      elapsedMs: 1,
    };
  });
  app.post('/api/v1/patterns', async request => {
    const body = request.body as { query: string; start: string; end: string; limit: number };
    const pattern = (text: string, total: number, levels: Record<string, number>) => ({
      pattern: text,
      total,
      levels,
      first: body.start,
      last: body.end,
      series: [],
    });
    const all = [pattern('took <_> ms', 20, { info: 20 }), pattern('refused by <_>', 9, { error: 8, warn: 1 })];
    const patterns = body.query === 'none' ? [] : all.slice(0, body.limit);
    const listed = patterns.reduce((sum, { total }) => sum + total, 0);
    const total = body.query === 'none' ? 0 : 30;
    return {
      step: 60,
      start: body.start,
      end: body.end,
      total,
      others: total - listed,
      patterns,
      partial: false,
      reason: null,
      elapsedMs: 1,
    };
  });
  app.post('/api/v1/export', async (request, reply) => {
    const broken = (request.body as { query: string }).query === 'broken';
    reply.hijack();
    reply.raw.on('close', () => state.closed.push('export'));
    reply.raw.writeHead(200, { 'content-type': 'application/x-ndjson' });
    for (let i = 0; i < state.exportRows && !reply.raw.destroyed; i++) {
      if (!reply.raw.write(`${JSON.stringify(rowOf(i))}\n`)) await drained(reply.raw, never);
    }
    if (broken) reply.raw.destroy();
    else reply.raw.end();
  });
  for (const path of ['/api/v1/query', '/api/v1/tail']) {
    app.post(path, async (request, reply) => {
      const body = request.body as { query: string; id: string; start: string; end: string };
      state.asked.push({
        ...body,
        path,
        tenant: request.headers['x-scope-orgid'],
        authorization: request.headers.authorization,
      });
      if (body.query === 'bad')
        return reply.code(400).send({ error: { code: 'bad_query', message: 'unexpected b', line: 1, column: 2 } });
      if (body.query === 'busy')
        return reply.code(503).send({ error: { code: 'engine_down', message: 'the query engine is restarting' } });
      if (body.query === 'secret')
        return reply.code(401).send({ error: { code: 'unauthorized', message: 'missing or unknown token' } });
      reply.hijack();
      const raw = reply.raw;
      raw.on('close', () => state.closed.push(body.id));
      raw.writeHead(200, { 'content-type': 'application/x-ndjson' });
      const write = (frame: QueryFrame): boolean => raw.write(`${JSON.stringify(frame)}\n`);
      const metric = body.query.startsWith('sum');
      write({
        type: 'meta',
        id: body.id,
        kind: metric ? 'metric' : 'logs',
        logql: body.query,
        start: body.start,
        end: body.end,
        ...(body.query === 'explained' && { sql: 'SELECT 1' }),
      });
      if (metric) {
        write({ type: 'series', metric: { user: 'ann' }, values: [[1_788_436_800, '3']] });
        write({ type: 'series', metric: { user: 'bob' }, values: [[1_788_436_800, '7']] });
        write(end(2));
      } else if (body.query === 'slow' || path === '/api/v1/tail') {
        for (let seq = state.asked.length * 1000; !raw.destroyed; seq++) {
          write({ type: 'rows', rows: [rowOf(seq, 'x'.repeat(200))] });
          await new Promise(resolve => setTimeout(resolve, 5));
          if (body.query === 'drops' && seq % 1000 === 3) raw.destroy();
        }
        return;
      } else if (body.query === 'broken') {
        write({ type: 'rows', rows: [rowOf(1)] });
        setTimeout(() => raw.destroy(), 50);
        return;
      } else if (body.query === 'limited') {
        write({ type: 'error', error: { code: 'query_limit', message: 'the query passed its limit: memory' } });
      } else if (body.query === 'none') write(end(0));
      else {
        write({ type: 'rows', rows: [rowOf(1, 'refused', 'error'), rowOf(2, '\x1b[31mred\x1b[0m'), rowOf(3)] });
        write(end(3, body.query === 'partial' ? 'the time limit of 60 s' : null));
      }
      raw.end();
    });
  }
  app.post('/ingest/:kind', async (request, reply) => {
    const body = String(request.body);
    const refusal: StandIn['refusals'][number] | undefined =
      body.length > state.bodyMax ? { status: 413 } : state.refusals.shift();
    state.taken.push({ url: request.url, body, headers: request.headers });
    if (refusal) {
      const { status, headers = {}, body: answer = {} } = refusal;
      return reply.code(status).headers(headers).send(answer);
    }
    const lines = body.split('\n').filter(line => line !== '');
    const poor = lines.filter(line => line.includes('poison'));
    return reply.code(poor.length > 0 && poor.length === lines.length ? 400 : 200).send({
      accepted: lines.length - poor.length,
      quarantined: poor.length,
      errors: poor.map(() => ({ line: 1, reason: 'not JSON' })),
    });
  });
  state.url = await app.listen({ host: '127.0.0.1', port: 0 });
  return state;
}

const program = pathToFileURL(join(import.meta.dirname, 'program.ts')).href;

/** The command line as a process of its own, with stand-ins for what main would hand in. */
export function commandLine(): {
  start(args: string[], environment?: Record<string, string>): Started;
  remove(): void;
  folder: string;
} {
  const folder = mkdtempSync(join(tmpdir(), 'weir-cli-'));
  const entry = join(folder, 'entry.mjs');
  writeFileSync(
    entry,
    `import { registerHooks } from 'node:module';
if (process.env.SHOW_LOADS) registerHooks({ load(url, context, next) { console.error('loads ' + url); return next(url, context); } });
const { runCli } = await import(${JSON.stringify(program)});
const print = (...values) => { process.stdout.write(JSON.stringify(values) + '\\n'); return 0; };
process.exitCode = await runCli(process.argv.slice(2), {
  up: async (options, onReady) => { onReady('http://127.0.0.1:7575'); return print('up', options); },
  walCheck: async directory => print('walCheck', directory),
  walExport: async directory => print('walExport', directory),
  bench: async args => print('bench', args),
});
`,
  );
  return {
    folder,
    remove: () => rmSync(folder, { recursive: true, force: true }),
    start: (args, environment = {}) =>
      watch(spawn(process.execPath, [entry, ...args], { env: { ...process.env, NO_COLOR: '1', ...environment } })),
  };
}

export type Started = {
  child: ChildProcess;
  stdout(): string;
  stderr(): string;
  done: Promise<{ code: number | null; stdout: string; stderr: string }>;
};

function watch(child: ChildProcess): Started {
  let out = '';
  let err = '';
  child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (err += chunk.toString()));
  child.stdin?.on('error', () => undefined);
  const done = once(child, 'close').then(([code]) => ({ code: code as number | null, stdout: out, stderr: err }));
  return { child, stdout: () => out, stderr: () => err, done };
}

/** Waits until something is so. */
export async function until(so: () => boolean, millis = 10_000): Promise<void> {
  const end = Date.now() + millis;
  while (!so()) {
    if (Date.now() > end) throw new Error('it never came to be');
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}
