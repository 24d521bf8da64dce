import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** xorshift128: the same seed gives the same bytes on every machine. */
export function makeRandom(seed: number): () => number {
  let [x, y, z, w] = [seed | 0 || 1, 362436069, 521288629, 88675123];
  return () => {
    const t = x ^ (x << 11);
    [x, y, z] = [y, z, w];
    w = w ^ (w >>> 19) ^ t ^ (t >>> 8);
    return w >>> 0;
  };
}

const services = ['gateway', 'checkout', 'payments', 'auth', 'search', 'cart', 'inventory', 'email'];
const levels = ['debug', 'info', 'info', 'info', 'info', 'info', 'info', 'warn', 'info', 'error'];
const methods = ['GET', 'POST', 'PUT', 'DELETE'];
const statuses = [200, 200, 200, 201, 204, 301, 404, 500];
const hex = (n: number): string => n.toString(16).padStart(8, '0');

/** Messages of eight templates; one in about 100,000 carries the needle `zx<index>needle`. */
function message(r: number, s: number): string {
  switch (r & 7) {
    case 0:
      return `request completed path=/api/v1/items/${s % 100000} user=${r % 5000}`;
    case 1:
      return `cache miss for key user:${s % 50000} region eu-west`;
    case 2:
      return `connection pool size=${s % 64} waiting=${r % 9} timeout while waiting for a connection`;
    case 3:
      return `payment authorised amount=${s % 9000} currency=EUR card ending ${r % 9999}`;
    case 4:
      return `failed to reach upstream host ${s % 300} after 3 retries: connection refused`;
    case 5:
      return `slow query took ${s % 5000} ms: SELECT * FROM orders WHERE id=${r % 1000000}`;
    case 6:
      return `user ${s % 50000} logged in from 10.${s % 256}.${r % 256}.7`;
    default:
      return `job ${hex(r)}${hex(s)} finished in ${s % 900} ms`;
  }
}

/** `lines`: the lines of `flat`, to be sent as text, so that the whole JSON text is the message. */
export type SetName = 'flat' | 'lines' | 'wide20' | 'wide200' | 'replay';
/** Row `index` of a set has event time `baseMs + index * stepMs`. */
export type SetOptions = { rows: number; seed?: number; baseMs: number; stepMs: number };
export type Chunk = { bytes: Buffer; rows: number };

/** Trace id of the flat set's row: eight neighbours share one. */
export const traceOf = (index: number): string => {
  const random = makeRandom((index >>> 3) + 7919);
  return hex(random()) + hex(random()) + hex(random()) + hex(random());
};
/** Text that occurs in exactly one message of the flat set, when there are that many rows. */
export const needleAt = (index: number): string => `zx${index}needle`;
export const needleEvery = 100_000;

function flatLine(index: number, time: string, random: () => number): string {
  const r = random();
  const s = random();
  const service = services[(index >>> 3) % 8] ?? '';
  const text = index % needleEvery === 4242 ? `${message(r, s)} ${needleAt(index)}` : message(r, s);
  return `{"ts":"${time}","service":"${service}","level":"${levels[s % 10]}","host":"node-${r % 40}","pod":"${service}-${hex(r % 200).slice(4)}","trace_id":"${traceOf(index)}","span_id":"${hex(r)}${hex(s)}","method":"${methods[r & 3]}","status":${statuses[(s >>> 8) & 7]},"duration_ms":${((r % 100000) / 37).toFixed(2)},"message":"${text}"}\n`;
}

function wideLine(index: number, time: string, random: () => number, attributes: number): string {
  let line = `{"ts":"${time}","service":"${services[index % 8]}","level":"${levels[random() % 10]}","message":"${message(random(), random())}"`;
  for (let k = 0; k < attributes; k++)
    line += `,"attr_${k}":"${k % 3 === 0 ? `v${random() % 16}` : k % 3 === 1 ? hex(random()) : `value-${random() % 1000}`}"`;
  return `${line}}\n`;
}

/** Lines that real programs wrote (bench/lines, see its README), each one record of its program. A record may span several lines of a file: those that start with white space belong to the one before. */
export function replayRecords(): { service: string; text: string }[] {
  const folder = join(import.meta.dirname, 'lines');
  return readdirSync(folder)
    .filter(name => name.endsWith('.log'))
    .sort()
    .flatMap(name => {
      const records: { service: string; text: string }[] = [];
      for (const line of readFileSync(join(folder, name), 'utf8').split('\n')) {
        const last = records.at(-1);
        if (last && /^(\s|Caused by: |[\w.$]+(Exception|Error)\b)/.test(line)) last.text += `\n${line}`;
        else if (line !== '') records.push({ service: name.replace('.log', ''), text: line });
      }
      return records;
    });
}

/** NDJSON of a set in chunks of about `chunkBytes`, whole lines only. */
export function* generate(set: SetName, options: SetOptions, chunkBytes: number): Generator<Chunk> {
  const random = makeRandom(options.seed ?? 42);
  const replay = set === 'replay' ? replayRecords() : [];
  let lines: string[] = [];
  let size = 0;
  for (let index = 0; index < options.rows; index++) {
    const time = new Date(options.baseMs + Math.floor(index * options.stepMs)).toISOString();
    let line: string;
    if (set === 'flat' || set === 'lines') line = flatLine(index, time, random);
    else if (set === 'replay') {
      const record = replay[random() % replay.length] ?? { service: '', text: '' };
      line = `${JSON.stringify({ ts: time, service: record.service, message: record.text })}\n`;
    } else line = wideLine(index, time, random, set === 'wide20' ? 20 : 200);
    lines.push(line);
    size += line.length;
    if (size >= chunkBytes) {
      yield { bytes: Buffer.from(lines.join('')), rows: lines.length };
      lines = [];
      size = 0;
    }
  }
  if (lines.length > 0) yield { bytes: Buffer.from(lines.join('')), rows: lines.length };
}
