import { createHash } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { WeirError } from '../base/errors.ts';
import type { Batch } from '../base/record.ts';
import { loadDemo } from './load.ts';
import { services } from './sink.ts';
import { startTrickle } from './trickle.ts';

type Row = {
  t: bigint;
  m: string;
  l: Record<string, string>;
  a?: Record<string, string>;
  v?: string;
  i?: string;
  p?: string;
};

const now = 1_787_320_800_000_000_000n;
const minute = 60_000_000_000n;
const never = new AbortController().signal;

const textOf = (batch: Batch): string => Buffer.concat(batch.payload).toString();
const rowsOf = (batch: Batch): Row[] =>
  textOf(batch)
    .split('\n')
    .slice(0, -1)
    .map(line => ({ ...(JSON.parse(line) as Row), t: BigInt(/^\{"t":(\d+),/.exec(line)?.[1] ?? 0) }));

describe('the day of sample data', () => {
  const batches: Batch[] = [];
  let rows: Row[] = [];
  let records = 0;
  let cpuSeconds = 0;
  beforeAll(async () => {
    const before = process.cpuUsage();
    ({ records } = await loadDemo({
      accept: async batch => ({ seq: BigInt(batches.push(batch)) }),
      now,
      signal: never,
    }));
    const used = process.cpuUsage(before);
    cpuSeconds = (used.user + used.system) / 1e6;
    rows = batches.flatMap(rowsOf);
  });
  const of = (service: string): Row[] => rows.filter(row => row.l.service_name === service);

  it('has about 300,000 records in batches of one to two megabytes, each with its true count', () => {
    expect(records).toBeGreaterThan(270_000);
    expect(records).toBeLessThan(340_000);
    expect(rows.length).toBe(records);
    for (const batch of batches) expect(rowsOf(batch).length).toBe(batch.header.records);
    for (const batch of batches.slice(0, -1)) expect(textOf(batch).length).toBeGreaterThan(1_000_000);
    for (const batch of batches) expect(textOf(batch).length).toBeLessThan(2_000_000);
  });

  it('is cheap to make', () => {
    console.info(`sample data: ${cpuSeconds.toFixed(1)} CPU-seconds for ${records} records`);
    expect(cpuSeconds).toBeLessThan(15);
  });

  it('covers the 24 hours before now, in order of time', () => {
    expect(rows.every(row => row.t < now && row.t >= now - 24n * 60n * minute)).toBe(true);
    expect(rows.every((row, i) => i === 0 || row.t >= (rows[i - 1] as Row).t)).toBe(true);
    const hours = new Set(rows.map(row => Number((now - row.t) / (60n * minute))));
    expect(hours.size).toBe(24);
  });

  it('has eight services with labels that follow the rules of the doors', () => {
    expect(new Set(rows.map(row => row.l.service_name))).toEqual(new Set(services));
    for (const row of rows.slice(0, 1000)) expect(Object.keys(row.l)).toEqual(['env', 'service', 'service_name']);
  });

  it('mixes the formats that programs write', () => {
    const first = (service: string): string => of(service)[0]?.m ?? '';
    expect(JSON.parse(first('checkout'))).toMatchObject({ level: expect.any(Number), msg: expect.any(String) });
    expect(first('users')).toMatch(/^ts=\S+ level=\w+ msg="/);
    expect(first('gateway')).toMatch(/^\S+ - - \[\d\d\/\w{3}\/\d{4}:[\d:]+ \+0000\] "\w+ \S+ HTTP\/1\.1" \d{3} /);
    expect(first('inventory')).toMatch(/^\d{4}-\d\d-\d\d [\d:]+,\d{3} \w+ \[inventory\./);
    expect(first('nodes')).toMatch(/^\w{3} [ \d]\d [\d:]{8} node-17 /);
    expect(first('notifications')).toContain('\x1b[');
    expect(first('payments-db')).toMatch(/ UTC \[\d+\] /);
  });

  it('keeps a stack trace as one record', () => {
    const traces = of('payments').filter(row => row.m.includes('\n'));
    expect(traces.length).toBeGreaterThan(500);
    expect(traces.every(row => /\n\tat com\.shop\./.test(row.m) && / (ERROR|WARN) 1 --- /.test(row.m))).toBe(true);
    expect(rows.some(row => row.m.startsWith('\tat '))).toBe(false);
    expect(of('inventory').some(row => row.m.includes('\nTraceback (most recent call last):\n'))).toBe(true);
  });

  it('plants the incident 40 minutes before now', () => {
    const deploy = of('nodes').find(row => row.m.includes('rollout started service=checkout'));
    expect(((deploy?.t ?? 0n) - (now - 40n * minute)) / 1000n).toBe(0n);
    const failed = of('gateway').filter(row => row.v === 'error');
    const before = failed.filter(row => row.t < now - 38n * minute).length;
    expect(failed.length - before).toBeGreaterThan(1000);
    expect(before).toBeLessThan(60);
    const fresh = of('checkout').filter(row => row.m.includes('fraud check inside open transaction'));
    expect(fresh.length).toBeGreaterThan(500);
    expect(fresh.every(row => row.t > now - 40n * minute)).toBe(true);
    expect(of('payments-db').some(row => row.m.includes('FATAL:'))).toBe(true);
  });

  it('joins the services of a failed request by trace id', () => {
    const failed = of('gateway').findLast(row => row.v === 'error' && row.a?.route === '/checkout');
    const joined = rows.filter(row => row.i === failed?.i);
    expect(new Set(joined.map(row => row.l.service_name))).toEqual(
      new Set(['gateway', 'users', 'checkout', 'payments']),
    );
    expect(joined.some(row => row.m.includes('Connection is not available'))).toBe(true);
    expect(joined.every(row => /^[0-9a-f]{32}$/.test(row.i ?? '') && /^[0-9a-f]{16}$/.test(row.p ?? ''))).toBe(true);
  });

  it('has a noisy health check and a slow leak', () => {
    expect(rows.filter(row => row.m.includes('GET /healthz')).length).toBeGreaterThan(40_000);
    const rss = of('inventory')
      .flatMap(row => /rss=(\d+)MB/.exec(row.m)?.[1] ?? [])
      .map(Number);
    expect(rss[0]).toBeLessThan(230);
    expect(rss.at(-1)).toBeGreaterThan(1600);
  });

  it('is the same on every run', async () => {
    const digest = (list: Batch[]): string => createHash('sha256').update(list.map(textOf).join('')).digest('hex');
    const again: Batch[] = [];
    await loadDemo({ accept: async batch => ({ seq: BigInt(again.push(batch)) }), now, signal: never });
    expect(digest(again)).toBe(digest(batches));
  }, 30_000);
});

describe('loading', () => {
  it('waits when the log asks for it and loses nothing', async () => {
    let calls = 0;
    let taken = 0;
    const stop = new AbortController();
    const { records } = await loadDemo({
      accept: async batch => {
        calls++;
        if (calls === 2) throw new WeirError('overloaded', { reason: 'test', seconds: 0 }, { retryAfter: 0 });
        taken += batch.header.records;
        if (calls === 4) stop.abort();
        return { seq: 0n };
      },
      now,
      signal: stop.signal,
    });
    expect(records).toBe(taken);
    expect(calls).toBe(4);
  });

  it('passes on any other refusal', async () => {
    const refused = loadDemo({
      accept: async () => Promise.reject(new WeirError('disk_full', { reason: 'test' })),
      now,
      signal: never,
    });
    await expect(refused).rejects.toMatchObject({ code: 'disk_full' });
  });
});

describe('the live trickle', () => {
  it('goes on as the day ended, so that the chart does not jump where live records begin', async () => {
    const start = BigInt(Date.now()) * 1_000_000n;
    const day: Row[] = [];
    await loadDemo({ accept: async batch => ({ seq: BigInt(day.push(...rowsOf(batch))) }), now: start, signal: never });
    const before = day.filter(row => row.t >= start - 5n * minute).length / 300;
    const live: Row[] = [];
    const stop = new AbortController();
    const running = startTrickle({
      accept: async batch => ({ seq: BigInt(live.push(...rowsOf(batch))) }),
      signal: stop.signal,
      start,
    });
    await wait(6000);
    stop.abort();
    await running;
    // The first requests are still under way when it begins; what they log comes within the second.
    expect(live.length / 6).toBeGreaterThan(before / 2);
    expect(live.length / 6).toBeLessThan(before * 1.6);
  });

  it('goes on at about the asked rate until it is stopped', async () => {
    const stop = new AbortController();
    const live: Row[] = [];
    const begun = BigInt(Date.now()) * 1_000_000n;
    const running = startTrickle({
      accept: async batch => ({ seq: BigInt(live.push(...rowsOf(batch))) }),
      signal: stop.signal,
      requestsPerSecond: 90,
    });
    await wait(2500);
    stop.abort();
    await running;
    expect(live.length).toBeGreaterThan(150);
    expect(live.length).toBeLessThan(900);
    expect(live.every(row => row.t >= begun - 1_000_000n && row.t <= BigInt(Date.now() + 1) * 1_000_000n)).toBe(true);
  });
});
