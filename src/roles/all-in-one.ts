import { accessSync, constants, statfsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { assertListenAllowed, makeGuard } from '../access/tokens.ts';
import { type Config, loadConfig, strayVariables } from '../base/config.ts';
import { WeirError } from '../base/errors.ts';
import { fileFault, makeDirectory } from '../base/file-fault.ts';
import { log } from '../base/log.ts';
import { gaugeFrom } from '../base/telemetry.ts';
import { openBuffer } from '../buffer/buffer.ts';
import { compileCondition } from '../language/condition.ts';
import { startWorker } from '../process/worker.ts';
import { registerQueryApi } from '../query/register.ts';
import { openDoors } from '../receive/doors.ts';
import { numberColumnDefinitions } from '../language/number-column.ts';
import { openStore } from '../store/open.ts';
import { openDemo } from './demo-data.ts';
import { openEngine } from './engine.ts';
import { openHttpServer, parseListen, servePage } from './http-server.ts';
import { version } from './version.ts';

/** Room that several ticks of the largest size need, with much to spare. */
const spoolBytesMin = 256 * 2 ** 20;

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

/**
 * Where a tick's payloads wait for the engine. In memory where the system has such a place: these bytes are in the log already, and on the disk
 * of the log they would be flushed with it. Files there have no name on Linux, so none are left behind.
 */
function spoolFolder(data: string): string {
  const memory = '/dev/shm';
  try {
    accessSync(memory, constants.W_OK);
    const { bavail, bsize } = statfsSync(memory);
    if (process.platform === 'linux' && bavail * bsize > spoolBytesMin) return memory;
  } catch {
    // No such place here: the data directory has one.
  }
  return join(data, 'spool');
}

/** Opens the main port and gives its address. Throws `config_invalid` when the port cannot be had. */
async function listen(server: FastifyInstance, host: string, port: number): Promise<string> {
  try {
    await server.listen({ host, port });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === 'EADDRINUSE' ? 'another program has this port; choose another with --listen' : message;
    throw new WeirError('config_invalid', { reason: `listen: ${host}:${port}: ${reason}` }, { cause: error });
  }
  const address = server.server.address();
  return `http://${host.includes(':') ? `[${host}]` : host}:${typeof address === 'object' && address ? address.port : port}`;
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
  const strays = strayVariables();
  if (strays.length > 0)
    log.warn(
      { variables: strays },
      'these variables of the environment set nothing; the names are WEIR_ and a key of weir.yaml, `__` between a key and one below it',
    );
  const { host, port } = parseListen(config.listen, 'listen');
  assertListenAllowed(host, config.tokens);
  const otlp = config.otlp_listen === 'off' ? undefined : config.otlp_listen;
  if (otlp) assertListenAllowed(parseListen(otlp, 'otlp_listen').host, config.tokens);
  try {
    makeDirectory(config.data);
  } catch (error) {
    const reason = `data: ${config.data} cannot be made: ${fileFault(error)}; choose another directory with --data`;
    throw new WeirError('config_invalid', { reason }, { cause: error });
  }

  // What was started is stopped in reverse, however far the start got.
  const stops: (() => unknown)[] = [];
  try {
    const buffer = await openBuffer({
      directory: join(config.data, 'wal'),
      keepMs: config.wal.keep,
      keepBytes: config.wal.keep_bytes,
      segmentBytes: config.wal.segment_bytes,
    });
    stops.push(() => buffer.close());
    const engine = openEngine(config);
    stops.push(() => engine.stop());
    const store = openStore({
      numberColumnsOf: numberColumnDefinitions,
      engine: engine.engine,
      streams: engine.client,
      config,
      compileCondition,
      ...(engine.directory && { directory: engine.directory }),
    });
    stops.push(() => store.close());
    const worker = startWorker({
      source: buffer.source,
      store,
      engine: engine.engine,
      config,
      compileCondition,
      ...(engine.directory && { spoolDirectory: spoolFolder(config.data) }),
    });
    stops.push(() => worker.stop());
    const doors = openDoors({ accept: buffer.accept, config });
    const demo = openDemo({
      accept: buffer.accept,
      wanted: config.demo,
      fresh: buffer.stats().segments === 0,
      directory: config.data,
    });

    let ready = false;
    const guard = makeGuard(config.tokens);
    const health = {
      ready: () => ready,
      state: () => ({ engine: engine.engine.up() ? 'up' : 'starting', log: buffer.stats().failing ?? 'ok' }),
    };
    const main = await openHttpServer({ guard, health, pathPrefix: config.path_prefix });
    stops.push(() => main.close());
    doors.mountAll(main);
    await registerQueryApi(main, {
      run: store.runQuery,
      bytes: store.runBytes,
      partsNow: store.partsNow,
      onVisible: worker.onVisible,
      deletes: store.deletes,
      rulesDirectory: join(config.data, 'rules'),
      lookupsDirectory: join(config.data, 'lookups'),
      config,
      status: () => ({
        version,
        engine: {
          up: engine.engine.up(),
          version: engine.version(),
          restarts: Math.max(0, engine.engine.epoch() - 1),
        },
        wal: { segments: buffer.stats().segments, bytes: buffer.stats().bytes },
        lagSeconds: worker.lag().seconds,
        demo: demo.present(),
      }),
    });
    await servePage(main);
    gaugeFrom('weir_lag_seconds', 'age of the oldest acked record that is not visible yet', () => worker.lag().seconds);

    const told = new Promise<NodeJS.Signals>(done => {
      for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => done(signal));
    });
    // The doors open before the engine is up: what is acked meanwhile waits in the log.
    const url = await listen(main, host, port);
    if (otlp) {
      const second = await openHttpServer({ guard, health, pathPrefix: config.path_prefix });
      stops.push(() => second.close());
      doors.mountOtlp(second);
      await listenOtlp(second, otlp);
    }
    stops.push(() => {
      ready = false;
      demo.stop();
      return doors.stop();
    });

    const begun = engine.start().then(() => worker.ready);
    await Promise.race([begun, told]);
    const retention = store.startRetention();
    stops.push(() => retention.stop());
    const removal = store.startRemoval(() => worker.lag().records === 0);
    stops.push(() => removal.stop());
    ready = true;
    log.info({ url, data: config.data, milliseconds: Math.round(performance.now() - started) }, 'weir is ready');
    onReady(url);
    await demo.start();
    log.info({ signal: await told }, 'stopping');
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
  return 0;
}
