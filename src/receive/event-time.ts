import { eventTimeMaxNs, eventTimeMinNs, timeMagnitudes, type TimeUnit, timeUnits } from '../base/fields.ts';

const calendar =
  /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9})\d*)?)?\s?([Zz]|[+-]\d\d(?::?\d\d)?)?)?$/;
const decimal = /^(-?)(\d{1,30})(?:\.(\d+))?$/;

const inRange = (ns: bigint): bigint | undefined => (ns >= eventTimeMinNs && ns <= eventTimeMaxNs ? ns : undefined);

function fromNumber(text: string, unit: TimeUnit | undefined): bigint | undefined {
  const plain = /[eE]/.test(text) && Number.isSafeInteger(Number(text)) ? String(Number(text)) : text;
  const [, sign, whole, fraction = ''] = decimal.exec(plain) ?? [];
  if (whole === undefined) return undefined;
  if (unit !== undefined) {
    const { ns, epoch } = timeUnits[unit];
    const billionths = BigInt(whole + fraction.slice(0, 9).padEnd(9, '0')) * (sign === '-' ? -1n : 1n);
    return inRange(((billionths - epoch * 1_000_000_000n) * ns) / 1_000_000_000n);
  }
  const units = BigInt(whole);
  const digits = timeMagnitudes.find(m => units <= m.max)?.digits ?? 0;
  const ns = BigInt(whole + fraction.slice(0, digits).padEnd(digits, '0'));
  return inRange(sign === '-' ? -ns : ns);
}

function fromCalendar(text: string): bigint | undefined {
  const [whole, year, month, day, hour = '00', minute = '00', second = '00', fraction = '', zone = 'Z'] =
    calendar.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(ms)) return undefined;
  const [, sign, hours = '0', minutes = '0'] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone) ?? [];
  const offsetMs = (Number(hours) * 60 + Number(minutes)) * 60_000 * (sign === '-' ? -1 : 1);
  return inRange(BigInt(ms - offsetMs) * 1_000_000n + BigInt(fraction.padEnd(9, '0')));
}

const monthFirst = /^[A-Za-z]{3}[A-Za-z,]* +\d/;
const apache = /^(\d{1,2})\/([A-Za-z]{3})\/(\d{4}):/;

/** RFC 2822, `Nov 20 10:00:00 2026`, and Apache's `20/Nov/2026:10:00:00 +0000`; UTC when there is no zone. */
function fromWords(text: string): bigint | undefined {
  const plain = text.replace(apache, '$1 $2 $3 ');
  if (plain === text && !monthFirst.test(text) && !/^\d{1,2} [A-Za-z]{3} \d{4}/.test(text)) return undefined;
  const ms = Date.parse(/(?:[+-]\d{4}|[A-Z]{3,4}|Z)$/.test(plain) ? plain : `${plain} UTC`);
  return Number.isNaN(ms) ? undefined : inRange(BigInt(ms) * 1_000_000n);
}

/**
 * Event time in ns since 1970 of the text of a field, as the SQL of the process room reads it: a number by its magnitude (see
 * `timeMagnitudes`), an RFC 3339 time, or one with the month in letters; UTC when it names no zone. Undefined when it is none of
 * these or outside what the store can hold; nothing is guessed. `unit`: what numbers count, where the sender says so.
 */
export function eventTimeNs(text: string, unit?: TimeUnit): bigint | undefined {
  return fromNumber(text, unit) ?? fromCalendar(text) ?? fromWords(text);
}
