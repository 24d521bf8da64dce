import type { QueryFrame, QueryRow } from '../query/contract.ts';
import type { Output } from './output.ts';
import { clean, plural, secondsText } from './terminal.ts';

type Sequence = Extract<QueryFrame, { type: 'sequence' }>;

/** One match of an EQL sequence: NDJSON is one a line; for people its events below their join keys and the time from first to last. */
export function sequenceText(
  { keys, events }: Sequence,
  rowText: (row: QueryRow) => string,
  { format, paint }: Pick<Output, 'format' | 'paint'>,
): string {
  if (format === 'ndjson') return `${JSON.stringify({ keys, events })}\n`;
  const here = events.filter(event => event !== null);
  if (format === 'raw') return `${here.map(rowText).join('')}\n`;
  const times = here.map(event => BigInt(event.ts) / 1_000_000n);
  const span = Number((times.at(-1) ?? 0n) - (times[0] ?? 0n));
  const names = keys.map(({ name, value }) => `${clean(name)}=${value === null ? '(none)' : clean(value)}, `).join('');
  const lines = events.map(event =>
    event === null ? `${paint.dim('             (no such event)')}\n` : rowText(event),
  );
  return `${paint.dim(`-- ${names}${plural(here.length, 'event')}, ${secondsText(Math.abs(span))} --`)}\n${lines.join('')}`;
}
