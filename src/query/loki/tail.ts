import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { WebSocket } from 'ws';
import { WeirError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import { readTenantOf } from '../../base/tenant.ts';
import { visibleError } from '../visible-error.ts';
import { logsPlanOf } from '../plan.ts';
import type { Room } from '../room.ts';
import type { Followed } from '../follow.ts';
import { tail, type TailRequest } from '../tail.ts';
import { nowNs, parseLokiTime } from '../time-range.ts';
import { type Entry, streamsJson } from './envelope.ts';
import { limitOf, type Parameters, parametersOf, wantsCategories } from './parameters.ts';
import { errorText } from './errors.ts';

const pingMillis = 1000;
const delaySecondsMax = 5;
const hourNs = 3_600_000_000_000n;

function delayOf(parameters: Parameters): number {
  const text = parameters.get('delay_for') ?? '0';
  const seconds = Number(text);
  if (!Number.isInteger(seconds) || seconds < 0 || seconds > delaySecondsMax)
    throw new WeirError('bad_request', {
      reason: `delay_for: "${text.slice(0, 100)}" is not 0 to ${delaySecondsMax} seconds`,
    });
  return seconds * 1000;
}

/** Send and wait until the bytes have left, so that a slow client holds back the tail. */
function sent(socket: WebSocket, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => socket.terminate(), limits.slowReaderMillis);
    socket.send(text, error => {
      clearTimeout(timer);
      if (error) reject(error);
      else resolve();
    });
  });
}

/** A close reason is at most 123 bytes. */
const closeReason = (text: string): string =>
  Buffer.from(text)
    .subarray(0, 120)
    .toString('utf8')
    .replace(/\ufffd$/, '');

/**
 * One text frame. Records that were skipped because the reader was too slow are one dropped entry that says how many there were: their own labels were
 * never looked at.
 */
export function tailFrame(found: Followed, categorize: boolean): string {
  const flags = categorize ? ',"encodingFlags":["categorize-labels"]' : '';
  if ('rows' in found) return `{"streams":${streamsJson(found.rows as unknown as Entry[], categorize)}${flags}}`;
  const labels = { reason: 'the reader is too slow', skipped: String(found.skipped) };
  return `{"streams":[],"dropped_entries":[${JSON.stringify({ labels, timestamp: String(nowNs()) })}]${flags}}`;
}

/** `GET tail`, a WebSocket of text frames. */
export function registerLokiTail(scope: FastifyInstance, room: Room): void {
  /** Everything that can be wrong is said before the upgrade, as an HTTP status. */
  const prepare = (request: FastifyRequest): Omit<TailRequest, 'signal'> => {
    const parameters = parametersOf(request);
    const tenant = readTenantOf(request.headers);
    const plan = logsPlanOf(parameters.get('query') ?? '', 'loki');
    const startText = parameters.get('start');
    const now = nowNs();
    const start = startText === undefined ? now - hourNs : parseLokiTime('start', startText);
    const delayMs = delayOf(parameters);
    return { tenant, plan, delayMs, history: { start, end: now + hourNs, limit: limitOf(parameters, room.rowsMax) } };
  };

  scope.route({
    method: 'GET',
    url: '/tail',
    preValidation: async request => {
      prepare(request);
    },
    handler: () => {
      throw new WeirError('bad_request', { reason: 'tail is a WebSocket: connect with ws:// and an Upgrade header' });
    },
    wsHandler: (socket, request) => {
      const abort = new AbortController();
      socket.on('close', () => abort.abort());
      socket.on('error', () => abort.abort());
      const pings = setInterval(() => socket.ping(), pingMillis);
      const categorize = wantsCategories(request);

      const run = async (): Promise<void> => {
        const close = room.openTail();
        try {
          for await (const found of tail(room, { ...prepare(request), signal: abort.signal })) {
            await sent(socket, tailFrame(found, categorize));
          }
        } finally {
          close();
        }
      };
      run()
        .then(() => socket.close(1000))
        .catch((error: unknown) => {
          if (!abort.signal.aborted) socket.close(1011, closeReason(errorText(visibleError(error, 'tail'))));
        })
        .finally(() => clearInterval(pings));
    },
  });
}
