import { quoteString } from './sql-writer.ts';
import { text, type TemplateContext, type TemplateValue, zeroTime } from './template-values.ts';

/** Go's layouts of times: a layout is the reference time (Mon Jan 2 15:04:05 MST 2006) written as wanted. */
type Piece = { literal: string } | { part: string };

const parts = [
  'January', 'Jan', 'Monday', 'Mon', 'MST', '2006', '002', '01', '02', '03', '04', '05', '06', '__2', '_2', '15', '1', '2', '3', '4', '5', 'PM', 'pm',
  '-07:00', '-0700', '-07', 'Z07:00', 'Z0700', 'Z07',
]; // biome-ignore format: longest first within a letter

function readLayout(layout: string): Piece[] {
  const pieces: Piece[] = [];
  let literal = '';
  for (let at = 0; at < layout.length; ) {
    const rest = layout.slice(at);
    const fraction = /^[.,](?:0+|9+)(?!\d)/.exec(rest)?.[0];
    const part =
      fraction ?? parts.find(p => rest.startsWith(p) && !(/^(?:Jan|Mon)$/.test(p) && /^...[a-z]/.test(rest)));
    if (part === undefined) {
      literal += layout[at++] ?? '';
      continue;
    }
    if (literal !== '') pieces.push({ literal });
    literal = '';
    pieces.push({ part });
    at += part.length;
  }
  return literal === '' ? pieces : [...pieces, { literal }];
}

function fractionSql(part: string, t: string): string {
  const digits = `substring(leftPad(toString(positiveModulo(toUnixTimestamp64Nano(${t}), 1000000000)), 9, '0'), 1, ${part.length - 1})`;
  const mark = quoteString(part.charAt(0));
  if (part.charAt(1) === '0') return `concat(${mark}, ${digits})`;
  const short = `replaceRegexpOne(${digits}, '0+$', '')`;
  return `if(${short} = '', '', concat(${mark}, ${short}))`;
}

function offsetSql(part: string, t: string, zone: string): string {
  const hours = `formatDateTime(${t}, '%z', ${zone})`;
  const separator = part.includes(':') ? "':'" : "''";
  const written =
    part.replace(/[-Z]/, '').length === 2
      ? `left(${hours}, 3)`
      : `concat(left(${hours}, 3), ${separator}, substring(${hours}, 4))`;
  return part.startsWith('Z') ? `if(${hours} = '+0000', 'Z', ${written})` : written;
}

/** One part of a time as SQL; the zero time is Monday, 1 January of the year 1. */
function partSql(part: string, t: string, zone: string): string {
  const format = (spec: string): string => `formatDateTime(${t}, '${spec}', ${zone})`;
  const bare = (spec: string): string => `replaceRegexpOne(${format(spec)}, '^0(.)', '\\\\1')`;
  const specs: Record<string, string> = {
    '2006': '%Y',
    '06': '%y',
    '01': '%m',
    '02': '%d',
    '002': '%j',
    '15': '%H',
    '03': '%I',
    '04': '%i',
    '05': '%S',
  };
  const bares: Record<string, string> = { '1': '%m', '2': '%d', '3': '%I', '4': '%i', '5': '%S' };
  if (/^[.,]/.test(part)) return fractionSql(part, t);
  if (/07/.test(part)) return offsetSql(part, t, zone);
  const spec = specs[part];
  if (spec !== undefined) return format(spec);
  const unpadded = bares[part];
  if (unpadded !== undefined) return bare(unpadded);
  switch (part) {
    case 'January':
      return `dateName('month', toTimezone(${t}, ${zone}))`;
    case 'Jan':
      return `left(dateName('month', toTimezone(${t}, ${zone})), 3)`;
    case 'Monday':
      return `dateName('weekday', toTimezone(${t}, ${zone}))`;
    case 'Mon':
      return `left(dateName('weekday', toTimezone(${t}, ${zone})), 3)`;
    case '_2':
      return `leftPad(${bare('%d')}, 2)`;
    case '__2':
      return `leftPad(replaceRegexpOne(${format('%j')}, '^0+', ''), 3)`;
    case 'PM':
      return format('%p');
    case 'pm':
      return `lower(${format('%p')})`;
    default:
      // The abbreviation of a zone: the engine knows none but UTC.
      return zone === "'UTC'" ? "'UTC'" : `left(${format('%z')}, 3)`;
  }
}

const zeroParts: Record<string, string> = {
  January: 'January', Jan: 'Jan', Monday: 'Monday', Mon: 'Mon', MST: 'UTC', '2006': '0001', '06': '01', '01': '01', '02': '01', '002': '001', '15': '00',
  '03': '12', '04': '00', '05': '00', '1': '1', '2': '1', '3': '12', '4': '0', '5': '0', PM: 'AM', pm: 'am', _2: ' 1', __2: '  1',
  '-07:00': '+00:00', '-0700': '+0000', '-07': '+00', 'Z07:00': 'Z', Z0700: 'Z', Z07: 'Z',
}; // biome-ignore format: a table

const zeroPart = (part: string): string => zeroParts[part] ?? (/^[.,]0/.test(part) ? part.replace(/9/g, '') : '');

/** A time written after a Go layout. */
function formatted(
  { sql, zone = 'UTC' }: TemplateValue,
  layout: string,
  { bind }: Pick<TemplateContext, 'bind'>,
): string {
  const t = bind(sql);
  const pieces = readLayout(layout);
  const zero = pieces.map(p => ('literal' in p ? p.literal : zeroPart(p.part))).join('');
  const written = pieces.map(p => ('literal' in p ? quoteString(p.literal) : partSql(p.part, t, quoteString(zone))));
  return `if(${t} = ${zeroTime}, ${quoteString(zero)}, concat('', ${written.join(', ') || "''"}))`;
}

/** How Go prints a time. */
export const timeText = (value: TemplateValue, context: Pick<TemplateContext, 'bind'>): string =>
  formatted(value, '2006-01-02 15:04:05.999999999 -0700 MST', context);

const months = "['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']";
const patterns: Record<string, string> = {
  January: '([A-Z][a-z]{2,8})', Jan: '([A-Z][a-z]{2})', Monday: '([A-Z][a-z]+day)', Mon: '([A-Z][a-z]{2})', MST: '([A-Z]{3,5})',
  '2006': '([0-9]{4})', '06': '([0-9]{2})', '01': '([0-9]{2})', '02': '([0-9]{2})', '002': '([0-9]{3})', '15': '([0-9]{2})', '03': '([0-9]{2})',
  '04': '([0-9]{2})', '05': '([0-9]{2}(?:[.,][0-9]+)?)', '1': '([0-9]{1,2})', '2': '([0-9]{1,2})', _2: '( ?[0-9]{1,2})', __2: '( {0,2}[0-9]{1,3})',
  '3': '([0-9]{1,2})', '4': '([0-9]{1,2})', '5': '([0-9]{1,2}(?:[.,][0-9]+)?)', PM: '(AM|PM)', pm: '(am|pm)',
  '-07:00': '([-+][0-9]{2}:[0-9]{2})', '-0700': '([-+][0-9]{4})', '-07': '([-+][0-9]{2})',
  'Z07:00': '(Z|[-+][0-9]{2}:[0-9]{2})', Z0700: '(Z|[-+][0-9]{4})', Z07: '(Z|[-+][0-9]{2})',
}; // biome-ignore format: a table

/** Reads a time written after a Go layout, as text in `zone` where it names none; what does not fit gives the zero time. */
function parsed(sql: string, layout: string, zone: string, { bind }: Pick<TemplateContext, 'bind'>): string {
  const pieces = readLayout(layout);
  const at = new Map<string, number>();
  // The first group is the whole text: the engine wants one.
  let groupCount = 1;
  const regex = pieces.map((piece, i) => {
    if ('literal' in piece) return piece.literal.replace(/[\\^$.|?*+()[\]{}]/g, '\\$&');
    const fraction = /^[.,]/.test(piece.part);
    groupCount++;
    at.set(fraction ? 'fraction' : piece.part, groupCount);
    if (fraction) return piece.part.charAt(1) === '0' ? `([.,][0-9]{${piece.part.length - 1}})` : '((?:[.,][0-9]+)?)';
    const next = pieces[i + 1];
    // A fraction of the layout takes the digits after the seconds itself.
    const bare = next && 'part' in next && /^[.,]/.test(next.part);
    const pattern = patterns[piece.part] ?? '()';
    return bare ? pattern.replace('(?:[.,][0-9]+)?', '') : pattern;
  });
  const groups = bind(`extractGroups(${sql}, ${quoteString(`^(${regex.join('')})$`)})`);
  const group = (...names: string[]): string | undefined => {
    const name = names.find(n => at.has(n));
    return name === undefined ? undefined : `${groups}[${at.get(name)}]`;
  };
  const int = (found: string | undefined, otherwise: string): string =>
    found === undefined ? otherwise : `toInt32OrZero(trimBoth(substringIndex(replaceAll(${found}, ',', '.'), '.', 1)))`;
  const shortYear = group('06');
  const year = bind(
    shortYear === undefined
      ? int(group('2006'), '0')
      : `${int(shortYear, '0')} + if(${int(shortYear, '0')} >= 69, 1900, 2000)`,
  );
  const monthName = group('January', 'Jan');
  const month = bind(
    monthName === undefined ? int(group('01', '1'), '1') : `toInt32(indexOf(${months}, lower(left(${monthName}, 3))))`,
  );
  const day = bind(int(group('02', '2', '_2'), '1'));
  const clock = int(group('15', '03', '3'), '0');
  const half = group('PM', 'pm');
  const hour = bind(half === undefined ? clock : `${clock} % 12 + if(upper(${half}) = 'PM', 12, 0)`);
  const minute = bind(int(group('04', '4'), '0'));
  const seconds = group('05', '5');
  const second = bind(int(seconds, '0'));
  const written = group('fraction') ?? (seconds === undefined ? undefined : `extract(${seconds}, '[.,][0-9]+')`);
  const nanos = written === undefined ? '0' : `toInt64OrZero(rightPad(left(substring(${written}, 2), 9), 9, '0'))`;
  const offset = group('-07:00', '-0700', '-07', 'Z07:00', 'Z0700', 'Z07');
  const offsetDigits = bind(offset === undefined ? "''" : `replaceAll(${offset}, ':', '')`);
  const minutes = `if(startsWith(${offsetDigits}, '-'), -1, 1) * (toInt64OrZero(substring(${offsetDigits}, 2, 2)) * 60 + toInt64OrZero(substring(${offsetDigits}, 4, 2)))`;
  const base = quoteString(offset === undefined ? zone : 'UTC');
  const calendar = bind(`makeDateTime64(${year}, ${month}, ${day}, ${hour}, ${minute}, ${second}, 0, 9, ${base})`);
  const valid = `notEmpty(${groups}) AND ${year} BETWEEN 1901 AND 2261 AND ${month} BETWEEN 1 AND 12 AND ${day} >= 1 AND toDayOfMonth(makeDate32(${year}, ${month}, ${day})) = ${day} AND ${hour} < 24 AND ${minute} < 60 AND ${second} < 60`;
  const shifted = offset === undefined ? '' : ` - toInt64(${minutes}) * 60000000000`;
  return `if(${valid}, fromUnixTimestamp64Nano(toUnixTimestamp64Nano(${calendar}) + ${nanos}${shifted}, 'UTC'), ${zeroTime})`;
}

function knownZone(name: string): string {
  if (name === 'Local' || name === '') return 'UTC';
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return 'UTC';
  }
}

function layoutOf(value: TemplateValue | undefined, context: TemplateContext): string {
  if (value?.constant === undefined) throw context.fault('the layout must be written in the template');
  return value.constant;
}

const epoch =
  (divisor: string, zero: string) =>
  ({ sql }: TemplateValue): TemplateValue =>
    text(`if(${sql} = ${zeroTime}, '${zero}', toString(intDiv(toUnixTimestamp64Nano(${sql}), ${divisor})))`);

/** `unixEpoch` and its finer siblings. */
export const unixEpoch = epoch('1000000000', '-62135596800');
export const unixEpochMillis = epoch('1000000', '-62135596800000');
export const unixEpochNanos = epoch('1', '-6795364578871345152');

/** `date layout value`: numbers are seconds; anything that is no time is the time of the query. */
export function date(layout: TemplateValue, value: TemplateValue, context: TemplateContext): TemplateValue {
  const utc = { type: 'time' } as const;
  const time =
    value.type === 'time'
      ? { ...utc, sql: value.sql }
      : {
          ...utc,
          sql:
            value.type === 'int' || value.type === 'int64' ? `toDateTime64(${value.sql}, 9, 'UTC')` : "now64(9, 'UTC')",
        };
  return text(formatted(time, layoutOf(layout, context), context));
}

/** `toDate layout text` and, with a zone, `toDateInZone layout zone text`. */
export function toDate(
  layout: TemplateValue,
  sql: string,
  zone: TemplateValue | undefined,
  context: TemplateContext,
): TemplateValue {
  if (zone && zone.constant === undefined) throw context.fault('the zone must be written in the template');
  const place = knownZone(zone?.constant ?? 'UTC');
  return {
    sql: parsed(sql, layoutOf(layout, context), place, context),
    type: 'time',
    ...(place !== 'UTC' && { zone: place }),
  };
}

/** `unixToTime`: days, seconds, ms, us or ns by the number of digits. */
export function unixToTime(sql: string, context: TemplateContext): TemplateValue {
  const s = context.bind(`toString(${sql})`);
  const n = context.bind(`toInt64OrZero(${s})`);
  context.fail(
    `length(${s}) NOT IN (5, 10, 13, 16, 19) OR NOT match(${s}, '^[-+]?[0-9]+$')`,
    'error calling unixToTime: unable to parse time',
  );
  const nanos = `multiIf(length(${s}) = 5, ${n} * 86400000000000, length(${s}) = 10, ${n} * 1000000000, length(${s}) = 13, ${n} * 1000000, length(${s}) = 16, ${n} * 1000, ${n})`;
  return { sql: `fromUnixTimestamp64Nano(${nanos}, 'UTC')`, type: 'time' };
}
