import { flushCompileCache } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import { Session } from 'chdb';
import { forgetFailed } from './failed-statement.ts';

/**
 * A session with a thread of its own. The engine plans a streamed query, scalar subqueries and lock waits included, on the thread that asks;
 * on the child's main thread that would hold up every other query, its cancellation and the watchdog's probe.
 */
export type WorkerOrder =
  | { do: 'run'; prepare: string; sql: string; format: string; way: 'stream' | 'whole' }
  /** The receiver can take one more chunk. */
  | { do: 'more' }
  | { do: 'cancel' }
  | { do: 'close' };
export type WorkerEvent =
  | { is: 'ready' }
  /** The query has its snapshot of the data and is running. */
  | { is: 'started' }
  | { is: 'chunk'; bytes: Uint8Array }
  /** `bytes`: the whole answer, when it was not in chunks. */
  | { is: 'ended'; bytes?: Uint8Array }
  | { is: 'failed'; message: string };
export type WorkerData = { path: string; connectionArgs: string[] };

/** Chunks on their way to the main thread; more than one, so that the engine works while the client reads. */
const chunksAhead = 2;

const port = parentPort;
if (!port) throw new Error('BUG: stream-worker.ts is a worker thread');
const { path, connectionArgs } = workerData as WorkerData;
let session = new Session(path, { connectionArgs });
let stopStream: (() => void) | undefined;
let credit = 0;
let onCredit: (() => void) | undefined;

function tell(event: WorkerEvent, transfer: ArrayBuffer[] = []): void {
  port?.postMessage(event, transfer);
}

/** Bytes that own their memory can change threads without a copy. */
function owned(bytes: Uint8Array): ArrayBuffer[] {
  const owner = bytes.buffer;
  const whole = owner instanceof ArrayBuffer && bytes.byteOffset === 0 && bytes.byteLength === owner.byteLength;
  return whole ? [owner] : [];
}

function tellWhole(bytes: Uint8Array): void {
  tell({ is: 'ended', bytes }, owned(bytes));
}

async function runStream(sql: string, format: string): Promise<void> {
  const stream = session.queryStream(sql, { format });
  tell({ is: 'started' });
  let cancelled = false;
  stopStream = () => {
    cancelled = true;
    stream.cancel();
    onCredit?.();
  };
  credit = chunksAhead;
  for await (const chunk of stream) {
    if (chunk.numBytes > 0) {
      credit -= 1;
      const bytes = chunk.raw();
      tell({ is: 'chunk', bytes }, owned(bytes));
    }
    while (credit === 0 && !cancelled) await new Promise<void>(resolve => (onCredit = resolve));
    if (cancelled) break;
  }
  if (cancelled) throw new Error('Code: 394. DB::Exception: Query was cancelled. (QUERY_WAS_CANCELLED)');
}

async function run(order: WorkerOrder & { do: 'run' }): Promise<void> {
  try {
    if (order.way === 'stream') {
      if (order.prepare !== '') await session.queryAsync(order.prepare);
      await runStream(order.sql, order.format);
      tell({ is: 'ended' });
    } else {
      // Never `query`: its text is read up to a zero byte, and one of 4,096 bytes fills its buffer, so that what lies behind it in memory follows.
      const answer = await session.queryAsync(order.prepare + order.sql, { format: order.format });
      tellWhole(answer.bytes());
    }
  } catch (error) {
    // Which of the settings took effect is unknown.
    if (!(await forgetFailed(session)) || order.prepare !== '') {
      session.close();
      session = new Session(path, { connectionArgs });
    }
    tell({ is: 'failed', message: (error as Error).message });
  } finally {
    stopStream = undefined;
  }
}

port.on('message', (order: WorkerOrder) => {
  switch (order.do) {
    case 'run':
      void run(order);
      break;
    case 'more':
      credit += 1;
      onCredit?.();
      break;
    case 'cancel':
      stopStream?.();
      break;
    case 'close':
      session.close();
      port.close();
      break;
  }
});
tell({ is: 'ready' });
flushCompileCache();
