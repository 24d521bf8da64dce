import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startWeir } from '../../bench/weir-under-test.ts';
import { log } from '../../src/base/log.ts';
import { memoryBudget } from '../../src/store/engine/memory-budget.ts';
import { remoteEngine } from '../../src/store/engine/remote.ts';
import { type EmbeddedEngine, embeddedEngine } from '../../src/store/engine/supervisor.ts';
import { count, eventually, ndjson, rows } from './ask.ts';
import { clickhouseStandIn, type StandIn } from './clickhouse-stand-in.ts';

// `store.url`: the program against a server over TCP and TLS. There is no ClickHouse server here; see clickhouse-stand-in.ts for what takes its place.

const user = 'weir';
const password = 'p@ss:word/é';
let folder = '';
let engine: EmbeddedEngine;
const open: StandIn[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'weir-server-'));
  engine = embeddedEngine({ data: join(folder, 'engine'), budget: memoryBudget({ engine: 0, query: 0 }) });
  await engine.start();
}, 60_000);
afterAll(async () => {
  for (const one of open) await one.close().catch(() => undefined);
  await engine.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function standIn(more: { port?: number; tls?: { key: string; cert: string } } = {}): Promise<StandIn> {
  const started = await clickhouseStandIn({ engine: engine.pid(), user, password, folder, ...more });
  open.push(started);
  return started;
}

const text = { 'content-type': 'text/plain' };

describe('a ClickHouse server as the store', () => {
  it('takes every form of input over TLS, is waited for while it is away, and has each record once after a restart', {
    timeout: 120_000,
  }, async ctx => {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const request = 'req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1';
    const made = spawnSync('openssl', [...request.split(' '), '-keyout', key, '-out', cert]);
    if (made.status !== 0) ctx.skip('SKIPPED: a certificate needs openssl');
    const tls = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
    vi.stubEnv('NODE_EXTRA_CA_CERTS', cert);
    vi.stubEnv('WEIR_STORE__PASSWORD', JSON.stringify(password));
    const first = await standIn({ tls });
    const address = `store: {url: "https://127.0.0.1:${first.port}", user: ${user}}\n`;
    const config = `${address}pipeline:\n  - {step: drop, where: '{service_name="odd"} |= "unwanted"'}\n`;
    const home = join(folder, 'weir');
    spawnSync('mkdir', [home]);
    let weir = await startWeir({ folder: home, config });
    try {
      const send = async (path: string, body: string | Buffer, headers: Record<string, string>): Promise<void> => {
        const reply = await weir.post(path, body, headers);
        expect([reply.status, reply.body]).toEqual([200, expect.any(String)]);
      };
      const lines = Array.from({ length: 500 }, (_, i) =>
        JSON.stringify({ service: 'many', message: `line ${i}`, n: i }),
      );
      await send('/ingest/json', `${lines.join('\n')}\n`, ndjson);
      // Rows that need their whole line beside the fields, and keys that are no columns.
      await send(
        '/ingest/json',
        '{"service":"odd","message":"good","time":"no time"}\n{"service":"odd","other":"x"}\n',
        ndjson,
      );
      await send('/ingest/json', '{"service":"odd","":"empty key","message":"with an empty key"}\n', ndjson);
      await send('/ingest/json', '{"service":"odd","message":"unwanted"}\nnot json\n', ndjson);
      await send('/ingest/text?service=raw', Buffer.from('plain \0 and \xff\ntwo\n', 'latin1'), text);
      expect(
        await eventually(
          () => count(weir),
          n => n === 505,
          30_000,
        ),
      ).toBe(505);
      const many = await rows(weir, '{service_name="many"}', { limit: 1000, direction: 'forward' });
      expect(many.map(row => row.message)).toEqual(Array.from({ length: 500 }, (_, i) => `line ${i}`));
      expect((await rows(weir, '{service_name="odd"}')).map(row => row.message).sort()).toEqual(
        ['good', 'with an empty key', '{"service":"odd","other":"x"}'].sort(),
      );
      expect(first.bodies()).toBeGreaterThan(3);

      await first.close();
      await send('/ingest/json', '{"service":"away","message":"while it was away"}\n', ndjson);
      const second = await standIn({ tls, port: first.port });
      expect(
        await eventually(
          () => count(weir),
          n => n === 506,
          30_000,
        ),
      ).toBe(506);
      expect(second.bodies()).toBeGreaterThan(0);

      expect(await weir.stop()).toBe(0);
      // Without a step that drops, rows go straight into the tail.
      weir = await startWeir({ folder: home, config: address });
      expect(
        await eventually(
          () => count(weir),
          n => n === 506,
          30_000,
        ),
      ).toBe(506);
      expect(await count(weir, '{service_name="many"}')).toBe(500);
      const odd = [
        '{"service":"after","message":"plain"}',
        '{"service":"after","time":"no time","message":"odd time"}',
        'no',
      ];
      await send('/ingest/json', odd.join('\n'), ndjson);
      expect(
        await eventually(
          () => count(weir),
          n => n === 508,
          30_000,
        ),
      ).toBe(508);
      const after = await rows(weir, '{service_name="after"}', { direction: 'forward' });
      expect(after.map(row => [row.message, row.attributes.time])).toEqual([
        ['plain', undefined],
        ['odd time', 'no time'],
      ]);
    } finally {
      await weir.stop();
      vi.unstubAllEnvs();
    }
  });

  it('is not up with a wrong password, and the log says so without showing it', async () => {
    const { port } = await standIn();
    const told = vi.spyOn(log, 'error').mockImplementation(() => undefined);
    const remote = remoteEngine({ url: `http://127.0.0.1:${port}`, user, password: 'wrong one', probeMillis: 50 });
    await remote.start();
    expect(remote.up()).toBe(false);
    const said = JSON.stringify(told.mock.calls);
    expect(said).toContain('store.user, store.password');
    expect(said).toContain(`127.0.0.1:${port}`);
    expect(said).not.toContain('wrong one');
    await remote.stop();
    told.mockRestore();
  });
});
