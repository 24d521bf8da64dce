import { setTimeout as delay } from 'node:timers/promises';
import { log } from '../../base/log.ts';
import { engineStarted, gaugeFrom } from '../../base/telemetry.ts';
import type { SqlSettings } from '../../flow.ts';
import { openClient } from '../client.ts';
import type { StoreEngine } from './supervisor.ts';

export type RemoteOptions = {
  /** ClickHouse server, `http://user:password@host:8123`. */
  url: string;
  /** In place of what the address says. */
  user?: string | undefined;
  password?: string | undefined;
  userSettings?: SqlSettings;
  probeMillis?: number;
};

/** Often enough that a restart of the server is noticed by its uptime. */
const probeMillisDefault = 2_000;

/** Release of the embedded engine; tables are made with what it knows. */
const madeFor = [26, 7] as const;

function isOlder(version: string, than: readonly [number, number]): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < than[0] || (major === than[0] && minor < than[1]);
}

/** What whoever set `store.url` has to know, in the words of the server or of the system. */
function reasonOf(error: unknown): string {
  const { engineCode, cause } = error as { engineCode?: number; cause?: unknown };
  const text = cause instanceof Error ? cause.message || String((cause as NodeJS.ErrnoException).code) : String(error);
  return engineCode === 516 || engineCode === 193 || engineCode === 194
    ? `the server refuses user and password (store.user, store.password): ${text}`
    : text;
}

const remotes = new Set<() => boolean>();
gaugeFrom(
  'weir_remote_up',
  '1 while the ClickHouse server of store.url answers',
  () => [...remotes].filter(up => up()).length,
);

/**
 * A ClickHouse server as the engine. We neither start nor stop it: it is up while it answers, and when it was away or its uptime went back, it counts as
 * restarted (its Memory tables are gone). `start` resolves after the first try whatever came of it, so that ingest works while the server does not.
 */
export function remoteEngine(options: RemoteOptions): StoreEngine {
  const { userSettings, probeMillis = probeMillisDefault } = options;
  const address = new URL(options.url);
  const { host } = address;
  if (options.user !== undefined) address.username = encodeURIComponent(options.user);
  if (options.password !== undefined) address.password = encodeURIComponent(options.password);
  const client = openClient({ url: address.href }, { userSettings });
  const listeners: (() => Promise<void>)[] = [];
  const stopped = new AbortController();
  let up = false;
  let epoch = 0;
  let uptime = -1;
  let failures = 0;

  async function probe(): Promise<void> {
    try {
      const [row] = await client.run({
        sql: 'SELECT uptime() AS uptime, version() AS version',
        signal: AbortSignal.timeout(10_000),
      });
      const now = Number(row?.uptime);
      if (!up || now < uptime) {
        up = false;
        epoch += 1;
        engineStarted(epoch === 1 ? 'first' : 'crashed');
        for (const listener of listeners) await listener();
        up = true;
        const version = String(row?.version);
        log.info({ host, epoch, version }, 'engine server is up');
        if (isOlder(version, madeFor))
          log.warn(
            { host, version },
            `this ClickHouse server is older than ${madeFor.join('.')}, which Weir is made for`,
          );
      }
      uptime = now;
      failures = 0;
    } catch (error) {
      up = false;
      if (failures++ === 0)
        log.error(
          { host, reason: reasonOf(error) },
          'engine server cannot be used (store.url); ingest goes on, trying again',
        );
    }
  }

  async function keepProbing(): Promise<void> {
    while (!stopped.signal.aborted) {
      await delay(probeMillis, undefined, { ref: false, signal: stopped.signal }).catch(() => {});
      if (!stopped.signal.aborted) await probe();
    }
  }

  const isUp = (): boolean => up;
  return {
    client,
    run: statement => client.run(statement),
    up: isUp,
    onStart: listener => void listeners.push(listener),
    epoch: () => epoch,
    async start() {
      remotes.add(isUp);
      await probe();
      void keepProbing();
    },
    async stop() {
      stopped.abort();
      up = false;
      remotes.delete(isUp);
      await client.close();
    },
  };
}
