import { isIP, isIPv4 } from 'node:net';
import { quoteString } from './sql-writer.ts';

/** An address as 128 bits; IPv4 as ::ffff:a.b.c.d, which is how the engine's IPv6 type holds it. */
function toBits(address: string): bigint | undefined {
  if (isIP(address) === 0 || address.includes('%')) return undefined;
  if (isIPv4(address)) return address.split('.').reduce((bits, octet) => (bits << 8n) | BigInt(octet), 0xffffn);
  const tail = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address);
  if (tail) {
    const low = (toBits(tail[2] ?? '') ?? 0n) & 0xffff_ffffn;
    return toBits(`${tail[1]}${(low >> 16n).toString(16)}:${(low & 0xffffn).toString(16)}`);
  }
  const [head = '', rest] = address.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = rest === undefined || rest === '' ? [] : rest.split(':');
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right];
  return groups.reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n);
}

function fromBits(bits: bigint): string {
  return Array.from({ length: 8 }, (_, i) => ((bits >> BigInt(112 - 16 * i)) & 0xffffn).toString(16)).join(':');
}

/** Lowest and highest address of `a`, `a/n` or `a-b`, both written as IPv6; undefined when it is none of these. */
export function parseIpRange(text: string): { low: string; high: string } | undefined {
  const [, address = '', prefix, to] = /^([^/-]*)(?:\/(\d{1,3})|-([^/-]*))?$/.exec(text) ?? [];
  const low = toBits(address);
  if (low === undefined) return undefined;
  if (to !== undefined) {
    const high = toBits(to);
    return high === undefined || high < low ? undefined : { low: fromBits(low), high: fromBits(high) };
  }
  if (prefix === undefined) return { low: fromBits(low), high: fromBits(low) };
  const width = isIPv4(address) ? 32 : 128;
  if (Number(prefix) > width) return undefined;
  const mask = (1n << BigInt(width - Number(prefix))) - 1n;
  return { low: fromBits(low & ~mask), high: fromBits(low | mask) };
}

/** True when `address` (SQL) is one of the range. An IPv4 address is in no range of IPv6 addresses, nor the other way round. */
function inRange(address: string, range: string): string {
  const ends = parseIpRange(range);
  if (ends === undefined) throw new Error(`BUG: unchecked ip range ${range}`);
  const kind = range.includes(':') ? `position(${address}, ':') > 0` : `position(${address}, ':') = 0`;
  const inside = `toIPv6OrNull(${address}) BETWEEN toIPv6(${quoteString(ends.low)}) AND toIPv6(${quoteString(ends.high)})`;
  return `(${kind} AND ifNull(${inside}, 0))`;
}

/** True when the value is an address of the range. */
export const findIp = (value: string, range: string): string => inRange(`toString(${value})`, range);

/** Where addresses may stand in a text: runs of their characters that start like one. A run with more on its end is none. */
const v4 = '[0-9]{1,3}\\\\.[0-9.]*';
const v6 = '[0-9a-fA-F]{0,4}:[0-9a-fA-F:.]+';

/** True when some address written in the text is one of the range. */
export const ipInText = (text: string, range: string): string =>
  `arrayExists(a -> ${inRange('a', range)}, extractAll(toString(${text}), '${v4}|${v6}'))`;
