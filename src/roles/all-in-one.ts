import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { assertListenAllowed, makeGuard } from '../access/tokens.ts';
import { type Config, loadConfig } from '../base/config.ts';
import { log } from '../base/log.ts';
import { gaugeFrom } from '../base/telemetry.ts';
import { openBuffer } from '../buffer/buffer.ts';
import { startWorker } from '../process/worker.ts';
import { registerQueryApi } from '../query/register.ts';
import { openDoors } from '../receive/doors.ts';
import { openStore } from '../store/open.ts';
import { openDemo } from './demo-data.ts';
import { openEngine } from './engine.ts';
import { openHttpServer, parseListen, servePage } from './http-server.ts';
import { version } from './version.ts';

/** What the command line says on top of the config file. */
export type AllInOneOptions = { data?: string; listen?: string; otlpListen?: string; config?: string; demo?: boolean };

function settingsOf(options: AllInOneOptions): Config {
  const config = loadConfig(options.config);
  return {
    ...config,
    data: resolve(options.data ?? config.data),
    listen: options.listen ?? config.listen,
    otlp_listen: options.otlpListen ?? config.otlp_listen,
    demo: options.demo ?? config.demo,
  };
}

/** The second port is a convenience that another collector may hold already: then Weir says so and goes on. */
async function listenOtlp(server: FastifyInstance, address: string): Promise<void> {
  const { host, port } = parseListen(address, 'otlp_listen');
  try {
    await server.listen({ host, port });
    log.info({ address }, 'OTLP/HTTP is also taken in here');
  } catch (error) {
    log.warn(
      { address, reason: (error as Error).message },
      'otlp_listen cannot be opened; OTLP/HTTP is taken in on the main port only',
    );
  }
}

/**
 * Every room in one process, started in order of dependency and stopped in reverse: log, engine, store, worker, doors and questions.
 * Resolves with the exit code when it was told to stop (SIGTERM, SIGINT) and everything is down.
 */
export async function runAllInOne(options: AllInOneOptions, onReady: (url: string) => void): Promise<number> {
  const started = performance.now();
  const config = settingsOf(options);
  log.level = process.env.WEIR_LOG_LEVEL ?? config.log_level;
  const { host, port } = parseListen(config.listen, 'listen');
  assertListenAllowed(host, config.tokens);
  const otlp = config.otlp_listen === 'off' ? undefined : config.otlp_listen;
  if (otlp) assertListenAllowed(parseListen(otlp, 'otlp_listen').host, config.tokens);
  mkdirSync(config.data, { recursive: true });
  const fresh =
    !existsSync(join(config.data, 'wal')) ||
    readdirSync(join(config.data, 'wal')).filter(name => name.endsWith('.wal')).length === 0;

  const buffer = await openBuffer({
    directory: join(config.data, 'wal'),
    keepMs: config.wal.keep,
    keepBytes: config.wal.keep_bytes,
    segmentBytes: config.wal.segment_bytes,
  });
  const engine = openEngine(config);
  const store = openStore({
    engine: engine.engine,
    streams: engine.client,
    config,
    ...(engine.directory && { directory: engine.directory }),
  });
  const worker = startWorker({
    source: buffer.source,
    store,
    engine: engine.engine,
    config,
    spoolDirectory: join(config.data, 'spool'),
  });
  const doors = openDoors({ accept: buffer.accept, config });
  const demo = openDemo({ accept: buffer.accept, wanted: config.demo, fresh, directory: config.data });

  let ready = false;
  let stopping = false;
  const guard = makeGuard(config.tokens);
  const health = {
    ready: () => ready && !stopping,
    state: () => ({ engine: engine.engine.up() ? 'up' : 'starting', log: buffer.stats().failing ?? 'ok' }),
  };
  const servers = [await openHttpServer({ guard, health })];
  const [main] = servers;
  if (!main) return 1;
  doors.mountAll(main);
  await registerQueryApi(main, {
    run: store.runQuery,
    bytes: store.runBytes,
    onVisible: worker.onVisible,
    config,
    status: () => ({
      version,
      engine: { up: engine.engine.up(), version: engine.version(), restarts: Math.max(0, engine.engine.epoch() - 1) },
      wal: { segments: buffer.stats().segments, bytes: buffer.stats().bytes },
      lagSeconds: worker.lag().seconds,
      demo: demo.present(),
    }),
  });
  await servePage(main);
  gaugeFrom('weir_lag_seconds', 'age of the oldest acked record that is not visible yet', () => worker.lag().seconds);

  const stop = new Promise<NodeJS.Signals>(done => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => done(signal));
  });
  // The doors open before the engine is up: what is acked meanwhile waits in the log.
  await main.listen({ host, port });
  if (otlp) {
    const second = await openHttpServer({ guard, health });
    doors.mountOtlp(second);
    await listenOtlp(second, otlp);
    servers.push(second);
  }
  const address = main.server.address();
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${typeof address === 'object' && address ? address.port : port}`;

  try {
    await Promise.race([engine.start(), stop]);
    await Promise.race([worker.caughtUp(), stop]);
    const retention = store.startRetention();
    ready = true;
    log.info({ url, data: config.data, milliseconds: Math.round(performance.now() - started) }, 'weir is ready');
    onReady(url);
    await demo.start();
    const signal = await stop;
    log.info({ signal }, 'stopping');
    retention.stop();
  } finally {
    stopping = true;
    demo.stop();
    doors.stop();
    await Promise.all(servers.map(server => server.close()));
    await worker.stop();
    store.close();
    await engine.stop();
    await buffer.close();
  }
  return 0;
}
