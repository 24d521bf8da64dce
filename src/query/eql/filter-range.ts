import { WeirError } from '../../base/errors.ts';
import { zoneOffset } from '../../language/eql/times.ts';
import type { CompareOperator, Expression, Literal } from '../../language/eql/tree.ts';
import { isTimeFormat, timeOfBound } from './filter-times.ts';
import { allOf, filterField } from './filter-words.ts';

/** Bounds that a filter puts on the time of every event: ns since 1970, both inclusive. */
export type TimeBounds = { start?: bigint; end?: bigint };

const members = ['gt', 'gte', 'lt', 'lte', 'format', 'time_zone', 'boost', 'relation', '_name'];
const bad = (reason: string): WeirError => new WeirError('bad_request', { reason: `[filter] ${reason}` });
const shown = (value: unknown): string => JSON.stringify(value)?.slice(0, 100) ?? String(value);

const operators: Record<string, CompareOperator> = { gt: '>', gte: '>=', lt: '<', lte: '<=' };

export type RangeContext = { isTime: (name: string) => boolean; nowNs: bigint };

/**
 * The members of a `range` of one field as a condition. `narrow` is called with the bounds of a range on the time. Throws `bad_request` that names the member.
 */
export function rangeTest(
  name: string,
  given: Record<string, unknown>,
  { isTime, nowNs }: RangeContext,
  narrow: (bounds: TimeBounds) => void,
): Expression {
  for (const member of Object.keys(given))
    if (!members.includes(member))
      throw bad(`range [${name}] has no member [${member}]; known are ${members.slice(0, 6).join(', ')}`);
  const { format, time_zone: timeZone } = given;
  const formats = typeof format === 'string' ? format.split('||') : absent(format) ? [] : [shown(format)];
  const unknown = formats.find(one => !isTimeFormat(one));
  if (unknown !== undefined)
    throw bad(
      `range [${name}]: format ${shown(unknown)} is not supported; there are strict_date_optional_time, epoch_millis, epoch_second and patterns such as dd/MM/yyyy HH:mm`,
    );
  const zone = absent(timeZone) ? 0n : zoneOffset(typeof timeZone === 'string' ? timeZone : '');
  if (zone === undefined)
    throw bad(`range [${name}]: time_zone ${shown(timeZone)} is not supported; write an offset such as +02:00`);
  const items: Expression[] = [];
  for (const [bound, operator] of Object.entries(operators)) {
    const value = given[bound];
    if (absent(value)) continue;
    const right = literal(value, `range [${name}].${bound}`);
    const dated = isTime(name);
    const ns =
      dated || isDateMath(value) || formats.length > 0 || (zone !== 0n && typeof value === 'string')
        ? timeOfBound(value, bound === 'gt' || bound === 'lte', { formats, zone }, nowNs)
        : undefined;
    if (dated && ns === undefined)
      throw bad(
        `range [${name}].${bound}: ${shown(value)} is no time${formats.length > 0 ? ` of the format ${formats.join('||')}` : ''}; write 2026-05-01T10:00:00Z, milliseconds since 1970, or now-1h`,
      );
    if (dated && ns !== undefined) narrow(operator.startsWith('>') ? { start: ns } : { end: ns });
    const time: Literal | undefined = ns === undefined ? undefined : { kind: 'literal', value: isoNs(ns), at: 0 };
    items.push({ kind: 'compare', operator, left: filterField(name), right: time ?? right, at: 0 });
  }
  if (items.length === 0) throw bad(`range [${name}] must have one of gt, gte, lt, lte`);
  return allOf(items);
}

const absent = (value: unknown): boolean => value === undefined || value === null;

const isDateMath = (value: unknown): boolean =>
  typeof value === 'string' && (/^now(?:[+-]\d|\/|$)/.test(value) || value.includes('||'));

export function literal(value: unknown, where: string): Literal {
  if (typeof value === 'number')
    return { kind: 'literal', value, integer: Number.isInteger(value), text: String(value), at: 0 };
  if (typeof value === 'string' || typeof value === 'boolean') return { kind: 'literal', value, at: 0 };
  throw bad(`${where} must be a string, number or boolean, found ${shown(value)}`);
}

/** RFC 3339 with all digits of a nanosecond, so that nothing is left to be filled in. */
function isoNs(ns: bigint): string {
  const seconds = ns >= 0n ? ns / 1_000_000_000n : -((-ns + 999_999_999n) / 1_000_000_000n);
  const fraction = String(ns - seconds * 1_000_000_000n).padStart(9, '0');
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}.${fraction}Z`;
}
