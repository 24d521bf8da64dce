import type { Micros } from './sink.ts';

const second = 1e6;
const minute = 60 * second;
const hour = 60 * minute;

/**
 * What happens in the sample data, as functions of time. `start` is the moment the demo was loaded.
 *
 * The shop runs for a day. 40 minutes before the start `checkout` v1.8.3 is rolled out. It holds a database connection while it waits for
 * the fraud check; two minutes later the pool of `payments` is empty, `payments-db` refuses clients, and the gateway answers 500.
 * Nobody has rolled back yet, so live records go on failing.
 */
export type Story = {
  start: Micros;
  deployAt: Micros;
  /** Requests per second that people make at this time. */
  requestRate(at: Micros): number;
  /** Chance that a payment finds no database connection. */
  poolFailure(at: Micros): number;
  checkoutVersion(at: Micros): string;
  /** Resident memory of `inventory` in MB: the slow leak. */
  leakMegabytes(at: Micros): number;
};

export const historyHours = 24;

export function createStory(start: Micros): Story {
  const deployAt = start - 40 * minute;
  const firstFailures = deployAt + 2 * minute;
  return {
    start,
    deployAt,
    requestRate: at => {
      const hourOfDay = (at / hour) % 24;
      const daily =
        1 + 0.75 * Math.sin(((hourOfDay - 9) / 24) * 2 * Math.PI) + 0.2 * Math.sin((hourOfDay / 6) * 2 * Math.PI);
      const wave = 1 + 0.12 * Math.sin(at / (11 * minute)) + 0.06 * Math.sin(at / (3 * minute));
      // The campaign of the day: traffic rises towards the start and stays.
      const campaign = 9 * Math.exp(-Math.max(0, start - at) / (1.6 * hour));
      return (0.76 * Math.max(0.15, daily) + campaign) * wave;
    },
    poolFailure: at => {
      if (at < firstFailures) return 0.0004;
      return Math.min(0.62, ((at - firstFailures) / (6 * minute)) * 0.62);
    },
    checkoutVersion: at => (at < deployAt ? 'v1.8.2' : 'v1.8.3'),
    leakMegabytes: at => 212 + Math.max(0, 1 + (at - start) / (historyHours * hour)) * 1480,
  };
}
