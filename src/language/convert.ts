import { withNames } from './scope.ts';
import { fractionFactor } from './units.ts';

/** Text in data -> number, as SQL. Each gives Nullable(Float64): NULL when the text does not convert. */

/** Go's ParseFloat. */
export const numberOf = (value: string): string => `toFloat64OrNull(toString(${value}))`;

/** Go's strconv.Quote of plain text. */
const quoted = (value: string): string =>
  `concat('"', replaceAll(replaceAll(${value}, '\\\\', '\\\\\\\\'), '"', '\\\\"'), '"')`;

/** Why a text is no number, in Go's words. */
export const notNumber = (value: string): string =>
  `concat('strconv.ParseFloat: parsing ', ${quoted(value)}, ': invalid syntax')`;

const goDuration = '^[-+]?(?:(?:[0-9]+(?:\\\\.[0-9]*)?|\\\\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+$';

/**
 * Seconds of Go's ParseDuration: ns to h, no days (`1d` in data is an error although `1d` in a query is not). Each part is a whole number of ns, so
 * that 35ms, 0.035s and 35000us are one number.
 */
export function durationOf(value: string): string {
  const unit =
    "transform(g[2], ['ns', 'us', 'µs', 'μs', 'ms', 's', 'm', 'h'], [1., 1e3, 1e3, 1e3, 1e6, 1e9, 60e9, 3600e9], 0.)";
  const ns = `floor(toFloat64OrZero(g[1]) * ${unit} * if(position(g[1], '.') > 0, ${fractionFactor}, 1.))`;
  return withNames([`toString(${value})`], text => {
    const parts = `extractAllGroupsVertical(${text}, '([0-9.]+)([a-zµμ]+)')`;
    const sum = `arraySum(arrayMap(g -> ${ns}, ${parts})) / if(startsWith(${text}, '-'), -1e9, 1e9)`;
    return `multiIf(match(${text}, '${goDuration}'), ${sum}, match(${text}, '^[-+]?0$'), 0., NULL)`;
  });
}

/** Why a text is no duration, in Go's words. */
export function notDuration(value: string): string {
  const unit = `extract(${value}, '^[-+]?(?:[0-9.]+(?:ns|us|µs|μs|ms|s|m|h))*[0-9.]+([^0-9.]+)')`;
  const number = `match(${value}, '^[-+]?(?:[0-9.]+(?:ns|us|µs|μs|ms|s|m|h))*[0-9.]+$')`;
  return `multiIf(${number}, concat('time: missing unit in duration ', ${quoted(value)}), ${unit} != '', concat('time: unknown unit ', ${quoted(unit)}, ' in duration ', ${quoted(value)}), concat('time: invalid duration ', ${quoted(value)}))`;
}

/** Why a text is no size, in the words of Go's humanize. */
export function notBytes(value: string): string {
  const digits = `extract(${value}, '^[0-9.,]*')`;
  const unit = `lower(trimBoth(substring(${value}, length(${digits}) + 1)))`;
  const number = `replaceAll(${digits}, ',', '')`;
  return `if(isNull(toFloat64OrNull(${number})), ${notNumber(number)}, concat('unhandled size name: ', ${unit}))`;
}

const size = '^([0-9.,]+)\\\\s*([a-z]*)\\\\s*$';

/** Bytes of a human size: `5MB`, `1.5 kib`, any case, no unit = bytes. */
export function bytesOf(value: string): string {
  const units =
    "['', 'b', 'k', 'kb', 'm', 'mb', 'g', 'gb', 't', 'tb', 'p', 'pb', 'e', 'eb', 'ki', 'kib', 'mi', 'mib', 'gi', 'gib', 'ti', 'tib', 'pi', 'pib', 'ei', 'eib']";
  const factors =
    '[1., 1., 1e3, 1e3, 1e6, 1e6, 1e9, 1e9, 1e12, 1e12, 1e15, 1e15, 1e18, 1e18, 1024., 1024., 1048576., 1048576., 1073741824., 1073741824., 1099511627776., 1099511627776., 1125899906842624., 1125899906842624., 1152921504606846976., 1152921504606846976.]';
  return withNames([`extractGroups(lower(toString(${value})), '${size}')`], parts =>
    withNames(
      [`transform(${parts}[2], ${units}, ${factors}, nan)`],
      factor =>
        `if(empty(${parts}) OR isNaN(${factor}), NULL, floor(toFloat64OrNull(replaceAll(${parts}[1], ',', '')) * ${factor}))`,
    ),
  );
}
