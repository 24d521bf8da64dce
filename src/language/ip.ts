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
  const [from = '', to] = text.split('-');
  const [address = '', prefix] = from.split('/');
  const low = toBits(address);
  if (low === undefined) return undefined;
  if (to !== undefined) {
    const high = toBits(to);
    return prefix !== undefined || high === undefined || high < low
      ? undefined
      : { low: fromBits(low), high: fromBits(high) };
  }
  if (prefix === undefined) return { low: fromBits(low), high: fromBits(low) };
  const width = isIPv4(address) ? 32 : 128;
  if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > width) return undefined;
  const mask = (1n << BigInt(width - Number(prefix))) - 1n;
  return { low: fromBits(low & ~mask), high: fromBits(low | mask) };
}

function inRange(value: string, text: string): string {
  const range = parseIpRange(text);
  if (range === undefined) throw new Error(`BUG: unchecked ip range ${text}`);
  return `ifNull(toIPv6OrNull(${value}) BETWEEN toIPv6(${quoteString(range.low)}) AND toIPv6(${quoteString(range.high)}), 0)`;
}

/** True when the value is an address of the range. */
export const findIp = (value: string, range: string): string => inRange(`toString(${value})`, range);

const addresses = '[0-9]{1,3}(?:\\\\.[0-9]{1,3}){3}|[0-9a-fA-F:]*:[0-9a-fA-F]*:[0-9a-fA-F:.]*';

/** True when some address written in the text is one of the range. */
export const ipInText = (line: string, range: string): string =>
  `arrayExists(a -> ${inRange('a', range)}, extractAll(${line}, '${addresses}'))`;
