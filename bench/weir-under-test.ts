import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { serverEnv, serverFlags } from '../bin/launch.mjs';
import { type Usage, usageOf } from './process-tree.ts';

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise(done => server.close(done));
  return typeof address === 'object' && address ? address.port : 0;
}

export type Reply = { status: number; body: string; headers: Record<string, string | string[] | undefined> };

/** A started program under measurement and how to speak to it. */
export type UnderTest = {
  pid: number;
  url: string;
  folder: string;
  usage(): Usage;
  post(path: string, body: Buffer | string, headers?: Record<string, string>): Promise<Reply>;
  get(path: string): Promise<Reply>;
  /** Waits until nothing is left to do: the tail is sealed and the CPU of the whole tree below 6 % for three seconds (merges have ended). */
  settle(timeoutMs?: number): Promise<void>;
  diskBytes(part: 'store' | 'wal' | 'all'): number;
  /** SIGTERM and wait for the end; removes the folder if it was made here. Gives the exit code. */
  stop(): Promise<number | null>;
  /** End the program without warning, engine child included, and wait until it is gone. */
  kill(): Promise<void>;
};

/** Bytes of the files below a folder, each once however many names it has: a sealed part has one in the staging table for a while. */
const treeBytes = (folder: string, seen = new Set<number>()): number => {
  let sum = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    try {
      if (entry.isDirectory()) sum += treeBytes(path, seen);
      else {
        const { ino, size } = statSync(path);
        if (!seen.has(ino)) sum += size;
        seen.add(ino);
      }
    } catch {
      // Removed by a merge while we look.
    }
  }
  return sum;
};

/** HTTP over kept-alive connections; rejects on broken connections only. */
export function makeClient(
  url: string,
  sockets = 8,
): { post: UnderTest['post']; get: UnderTest['get']; close(): void } {
  const agent = new Agent({ keepAlive: true, maxSockets: sockets });
  const call = (
    method: string,
    path: string,
    body?: Buffer | string,
    headers: Record<string, string> = {},
  ): Promise<Reply> =>
    new Promise((done, fail) => {
      const sent = request(
        `${url}${path}`,
        {
          method,
          agent,
          headers: { ...headers, ...(body !== undefined && { 'content-length': String(Buffer.byteLength(body)) }) },
        },
        response => {
          const parts: Buffer[] = [];
          response.on('data', (part: Buffer) => parts.push(part));
          response.on('end', () => {
            try {
              const body = Buffer.concat(parts).toString('utf8');
              done({ status: response.statusCode ?? 0, body, headers: response.headers });
            } catch (error) {
              // Longer than any string can be.
              fail(error);
            }
          });
          response.on('error', fail);
        },
      );
      sent.on('error', fail);
      sent.end(body);
    });
  return {
    post: (path, body, headers) => call('POST', path, body, headers),
    get: path => call('GET', path),
    close: () => agent.destroy(),
  };
}

async function waitReady(url: string, child: ChildProcess, timeoutMs: number): Promise<void> {
  const client = makeClient(url, 1);
  const end = Date.now() + timeoutMs;
  for (;;) {
    if (child.exitCode !== null)
      throw new Error(`the program ended with exit code ${child.exitCode} before it was ready`);
    const reply = await client.get('/readyz').catch(() => undefined);
    if (reply?.status === 200) break;
    if (Date.now() > end) throw new Error(`not ready after ${timeoutMs} ms: ${reply?.body ?? 'no answer'}`);
    await sleep(25);
  }
  client.close();
}

/**
 * Starts the real program on an empty (or given) folder. `config` is YAML text; `wrap` is a command that ends in executing its arguments. `readyMs` is by the
 * clock, `readyCpuSeconds` what the whole tree has used of the processor by then, user and kernel.
 */
export async function startWeir(
  options: { folder?: string; config?: string; demo?: boolean; port?: number; wrap?: string[] } = {},
): Promise<UnderTest & { readyMs: number; readyCpuSeconds: number }> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'weir-bench-'));
  const port = options.port ?? (await freePort());
  const url = `http://127.0.0.1:${port}`;
  writeFileSync(
    join(folder, 'weir.yaml'),
    options.config?.includes('otlp_listen') ? options.config : `otlp_listen: "off"\n${options.config ?? ''}`,
  );
  const started = Date.now();
  const command = [
    ...(options.wrap ?? []),
    process.execPath,
    ...serverFlags,
    resolve(import.meta.dirname, '../src/main.ts'),
  ];
  const args = [
    'up',
    '--data',
    join(folder, 'data'),
    '--listen',
    `127.0.0.1:${port}`,
    '--config',
    join(folder, 'weir.yaml'),
  ];
  const child = spawn(command[0] ?? '', [...command.slice(1), ...args, ...(options.demo ? [] : ['--no-demo'])], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...serverEnv, WEIR_LOG_LEVEL: 'warn' },
  });
  let complaints = '';
  child.stderr.on('data', (part: Buffer) => {
    complaints = (complaints + part.toString('utf8')).slice(-4000);
  });
  try {
    await waitReady(url, child, 60_000);
  } catch (error) {
    child.kill('SIGKILL');
    throw new Error(`${(error as Error).message}\n${complaints}`, { cause: error });
  }
  const readyMs = Date.now() - started;
  const pid = child.pid ?? 0;
  const client = makeClient(url);
  const usage = (): Usage => usageOf(pid);
  return {
    pid,
    url,
    folder,
    readyMs,
    readyCpuSeconds: usage().cpuSeconds,
    usage,
    post: client.post,
    get: client.get,
    async settle(timeoutMs = 180_000) {
      const end = Date.now() + timeoutMs;
      let quiet = 0;
      let before = usage().cpuSeconds;
      while (quiet < 3 && Date.now() < end) {
        await sleep(1000);
        const inTail = /^weir_tail_records (\d+)/m.exec((await client.get('/metrics')).body)?.[1];
        const now = usage().cpuSeconds;
        quiet = inTail === '0' && now - before < 0.06 ? quiet + 1 : 0;
        before = now;
      }
    },
    diskBytes: part => treeBytes(part === 'all' ? join(folder, 'data') : join(folder, 'data', part)),
    async stop() {
      client.close();
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM');
        await Promise.race([once(child, 'exit'), sleep(15_000)]);
        if (child.exitCode === null) child.kill('SIGKILL');
      }
      if (!options.folder) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
      return child.exitCode;
    },
    async kill() {
      client.close();
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}
