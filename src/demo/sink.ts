import type { Level } from '../base/record.ts';

/** A point of time in µs since 1970: exact in a JavaScript number until the year 2255. */
export type Micros = number;

export const services = [
  'gateway',
  'checkout',
  'payments',
  'payments-db',
  'inventory',
  'users',
  'notifications',
  'nodes',
] as const;
export type Service = (typeof services)[number];

/** What a record has beside its text. `level` is set where an agent would have mapped it (a status code); elsewhere Weir detects it. */
export type Extra = { level?: Level; trace?: string; span?: string; attributes?: Record<string, string> };

/** Takes one record. Order does not matter; the sink sorts by time. */
export type Emit = (service: Service, at: Micros, message: string, extra?: Extra) => void;

type Line = { at: Micros; text: string };

/** Each service has its stream labels written once as JSON text, because every row repeats them. */
const labelsOf = Object.fromEntries(
  services.map(name => [name, JSON.stringify({ env: 'prod', service: name, service_name: name })]),
) as Record<Service, string>;

const pods: Record<Service, readonly string[]> = {
  gateway: ['gateway-5c9d7b6f4-8hk2p', 'gateway-5c9d7b6f4-tq7zn'],
  checkout: ['checkout-7d4f9c8b55-2xvlm', 'checkout-7d4f9c8b55-9wqjr', 'checkout-7d4f9c8b55-kd6sn'],
  payments: ['payments-6b8c5d7f9d-hl4mz', 'payments-6b8c5d7f9d-x9r2c'],
  'payments-db': ['payments-db-0'],
  inventory: ['inventory-84f6d9c7b8-m5ntw'],
  users: ['users-59b7f8d6c4-j2xqv', 'users-59b7f8d6c4-p8kfs'],
  notifications: ['notifications-7f9c6d5b8-zr4tj'],
  nodes: ['node-17'],
};

/** Collects records as lines of a `rows` payload (CanonicalRow of base/record.ts) and hands them out in order of time. */
export function createSink(): { emit: Emit; takeUntil(limit: Micros): string[]; waiting(): number } {
  let lines: Line[] = [];
  let count = 0;
  const emit: Emit = (service, at, message, extra = {}) => {
    count++;
    const pod = pods[service][count % pods[service].length] as string;
    const whole = Math.floor(at);
    const nanos = String(1000 + ((count * 619) % 1000)).slice(1);
    let text = `{"t":${whole}${nanos},"m":${JSON.stringify(message)},"l":${labelsOf[service]},"a":`;
    text += extra.attributes ? JSON.stringify({ pod, ...extra.attributes }) : `{"pod":"${pod}"}`;
    if (extra.level) text += `,"v":"${extra.level}"`;
    if (extra.trace) text += `,"i":"${extra.trace}"`;
    if (extra.span) text += `,"p":"${extra.span}"`;
    lines.push({ at: whole, text: `${text}}\n` });
  };
  const takeUntil = (limit: Micros): string[] => {
    lines.sort((a, b) => a.at - b.at || (a.text < b.text ? -1 : 1));
    let due = 0;
    while (due < lines.length && (lines[due] as Line).at < limit) due++;
    const taken = lines.slice(0, due).map(line => line.text);
    lines = lines.slice(due);
    return taken;
  };
  return { emit, takeUntil, waiting: () => lines.length };
}
