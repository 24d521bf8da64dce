import { receiveTimeNs } from '../base/clock.ts';
import { WeirError } from '../base/errors.ts';
import type { Batch } from '../base/record.ts';
import type { AcceptBatch } from '../flow.ts';
import { background, deployment } from './background.ts';
import { request } from './journeys.ts';
import { createRandom, type Random } from './random.ts';
import { createSink, type Emit, type Micros } from './sink.ts';
import { createStory, historyHours, type Story } from './story.ts';

const second = 1e6;
const sliceMicros = 60 * second;
/** Characters of one batch; about as many bytes. */
const batchChars = 1_500_000;
const seed = 20_260_821;

/** What happens from `from` to `to`: people's requests and everything in the background. */
export function happen(from: Micros, to: Micros, perSecond: number, random: Random, story: Story, emit: Emit): void {
  const expected = (perSecond * (to - from)) / second;
  const requests = Math.floor(expected + random.next());
  for (let i = 0; i < requests; i++) request(from + random.next() * (to - from), random, story, emit);
  background(from, to, random, story, emit);
}

export function toBatch(lines: string[]): Batch {
  return {
    header: {
      tenant: 'default',
      door: 'loki',
      format: 'rows',
      records: lines.length,
      received: receiveTimeNs().toString(),
    },
    payload: [Buffer.from(lines.join(''))],
  };
}

/** Hands a batch over; waits and tries again while the log asks for it. Every other refusal is the caller's. */
export async function deliver(accept: AcceptBatch, batch: Batch, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      await accept(batch);
      return;
    } catch (error) {
      if (!(error instanceof WeirError && error.code === 'overloaded') || signal.aborted) throw error;
      await new Promise(resolve => setTimeout(resolve, error.retryAfter * 1000));
    }
  }
}

/**
 * Writes a day of sample data that ends at `now` (ns since 1970), about 300,000 records, through the same function as the doors.
 * The same `now` gives the same records in the same batches, so that a load that was broken off goes on where it was: `done` is what `onLoaded` was told last.
 * Stops early, with the count so far, when `signal` aborts.
 */
export async function loadDemo(options: {
  accept: AcceptBatch;
  now: bigint;
  signal: AbortSignal;
  /** Records that an earlier load with this `now` has written. */
  done?: number;
  /** Told after each batch how many records there are in all. */
  onLoaded?: (records: number) => void;
}): Promise<{ records: number }> {
  const start: Micros = Number(options.now / 1000n);
  const random = createRandom(seed);
  const story = createStory(start);
  const sink = createSink();
  let lines: string[] = [];
  let chars = 0;
  let records = 0;
  const flush = async (): Promise<void> => {
    if (lines.length === 0) return;
    records += lines.length;
    if (records > (options.done ?? 0)) {
      await deliver(options.accept, toBatch(lines), options.signal);
      options.onLoaded?.(records);
    }
    lines = [];
    chars = 0;
  };

  deployment(story, random, sink.emit);
  for (let from = start - historyHours * 3600 * second; from < start; from += sliceMicros) {
    const to = Math.min(start, from + sliceMicros);
    happen(from, to, story.requestRate(from), random, story, sink.emit);
    // A request under way at the start ends in the future, so its last records are left out.
    for (const line of sink.takeUntil(to)) {
      lines.push(line);
      chars += line.length;
      if (chars >= batchChars) await flush();
    }
    if (options.signal.aborted) break;
  }
  if (!options.signal.aborted) await flush();
  return { records };
}
