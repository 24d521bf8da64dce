import { setTimeout as wait } from 'node:timers/promises';
import { log } from '../base/log.ts';
import type { AcceptBatch } from '../flow.ts';
import { deliver, happen, toBatch } from './load.ts';
import { createRandom } from './random.ts';
import { createSink } from './sink.ts';
import { createStory } from './story.ts';

const second = 1e6;
const tickMillis = 200;

/**
 * Goes on with the story of the sample data, live, until `signal` aborts; then resolves. People make `requestsPerSecond`, each of which gives two or
 * three records; the default is the story's own rate, so that the chart does not jump where the sample day ends: some 25 records a second.
 * `start` (ns since 1970) is the `now` that loadDemo was given, default the present. A refused batch is left out and logged: these records are nobody's.
 */
export async function startTrickle(options: {
  accept: AcceptBatch;
  signal: AbortSignal;
  requestsPerSecond?: number;
  start?: bigint;
}): Promise<void> {
  const { accept, signal, requestsPerSecond } = options;
  const begun = Date.now() * 1000;
  const story = createStory(options.start === undefined ? begun : Number(options.start / 1000n));
  const random = createRandom(begun >>> 0);
  const sink = createSink();
  let from = begun;
  while (!signal.aborted) {
    await wait(tickMillis, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    const to = Date.now() * 1000;
    // After a pause of the machine the missed time is skipped, not made up for.
    happen(Math.max(from, to - second), to, requestsPerSecond ?? story.requestRate(to), random, story, sink.emit);
    from = Math.max(from, to);
    const lines = sink.takeUntil(to);
    if (lines.length === 0) continue;
    try {
      await deliver(accept, toBatch(lines), signal);
    } catch (error) {
      if (signal.aborted) return;
      log.warn({ err: error, records: lines.length }, 'sample records were refused');
      await wait(second / 1000, undefined, { signal }).catch(() => undefined);
    }
  }
}
