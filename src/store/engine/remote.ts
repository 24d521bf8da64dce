import { setTimeout as delay } from 'node:timers/promises';
import { log } from '../../base/log.ts';
import { engineStarted, gaugeFrom } from '../../base/telemetry.ts';
import type { SqlSettings } from '../../flow.ts';
import { openClient } from '../client.ts';
import type { StoreEngine } from './supervisor.ts';

export type RemoteOptions = {
  /** ClickHouse server, `http://user:password@host:8123`. */
  url: string;
  userSettings?: SqlSettings;
  probeMillis?: number;
};

/** Often enough that a restart of the server is noticed by its uptime. */
const probeMillisDefault = 2_000;

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
export function remoteEngine({ url, userSettings, probeMillis = probeMillisDefault }: RemoteOptions): StoreEngine {
  const client = openClient({ url }, { userSettings });
  const host = new URL(url).host;
  const listeners: (() => Promise<void>)[] = [];
  const stopped = new AbortController();
  let up = false;
  let epoch = 0;
  let uptime = -1;
  let failures = 0;

  async function probe(): Promise<void> {
    try {
      const [row] = await client.run({ sql: 'SELECT uptime() AS uptime', signal: AbortSignal.timeout(10_000) });
      const now = Number(row?.uptime);
      if (!up || now < uptime) {
        up = false;
        epoch += 1;
        engineStarted(epoch === 1 ? 'first' : 'crashed');
        for (const listener of listeners) await listener();
        up = true;
        log.info({ host, epoch }, 'engine server is up');
      }
      uptime = now;
      failures = 0;
    } catch (error) {
      up = false;
      if (failures++ === 0)
        log.error({ err: error, host }, 'engine server does not answer (store.url); ingest goes on, trying again');
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
