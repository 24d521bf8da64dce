const iso =
  /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[Tt ](\d\d)(?::(\d\d)(?::(\d\d)(?:[.,](\d{1,9})\d*)?)?)?)?)?)?([Zz]|[+-]\d\d(?::?\d\d)?)?$/;

/** A point in time of Elasticsearch's `strict_date_optional_time || epoch_millis`: ns since 1970. Undefined when the text is none. */
export function timeOf(text: string): bigint | undefined {
  if (/^-?\d{5,17}$/.test(text)) return BigInt(text) * 1_000_000n;
  const found = iso.exec(text.trim());
  if (found === null) return undefined;
  const [, year = '', month = '01', day = '01', hour = '00', minute = '00', second = '00', fraction = '', zone = 'Z'] =
    found;
  const offset = /^[+-]\d\d$/.test(zone)
    ? `${zone}:00`
    : /^[+-]\d{4}$/.test(zone)
      ? `${zone.slice(0, 3)}:${zone.slice(3)}`
      : zone.toUpperCase();
  const millis = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}${offset}`);
  return Number.isNaN(millis) ? undefined : BigInt(millis) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
}
