import type { QueryFrame, QueryRow } from '../../../query/contract.ts';
import { shortSpan } from '../../parts/format.ts';
import { millisOf } from './time-range.ts';

/** What stands around a record that is part of a sequence: at its first record the head of the group, and events that the query wants not to be there. */
export type Group = {
  head?: { keys: string; span: string };
  missingBefore: number;
  missingAfter: number;
};

/** A record of the list. */
export type ListRow = QueryRow & { group?: Group };

const headPx = 28;
const missingPx = 20;

/** Pixels that a group takes above and below the record's own line. */
export function groupPx(group: Group | undefined): { above: number; below: number } {
  if (!group) return { above: 0, below: 0 };
  return {
    above: (group.head ? headPx : 0) + (group.missingBefore > 0 ? missingPx : 0),
    below: group.missingAfter > 0 ? missingPx : 0,
  };
}

export const missingText = (count: number): string =>
  count === 1 ? 'no such event, as the query asks' : `no such ${count} events, as the query asks`;

const keyText = ({ name, value }: { name: string; value: string | null }): string =>
  `${name}=${value === null ? '(none)' : /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value)}`;

/** The records of one match in order of its steps, with what is to be said around them. */
export function sequenceRows({ keys, events }: Extract<QueryFrame, { type: 'sequence' }>): ListRow[] {
  const here = events.filter(event => event !== null);
  const times = here.map(event => millisOf(event.ts));
  const span = Math.max(...times) - Math.min(...times);
  const head = {
    keys: keys.map(keyText).join('  '),
    span: `${here.length} ${here.length === 1 ? 'event' : 'events'}${here.length > 1 ? ` in ${shortSpan(span) || '0 ms'}` : ''}`,
  };
  const rows: ListRow[] = [];
  let missing = 0;
  for (const event of events) {
    if (event === null) missing++;
    else {
      rows.push({ ...event, group: { ...(rows.length === 0 && { head }), missingBefore: missing, missingAfter: 0 } });
      missing = 0;
    }
  }
  const last = rows.at(-1)?.group;
  if (last) last.missingAfter = missing;
  return rows;
}
