import { readFileSync } from 'node:fs';
import { isMap, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { type Environment, readEnvironment } from './config-environment.ts';
import { issueText } from './config-fault.ts';
import { WeirError } from './errors.ts';
import { fileFault } from './file-fault.ts';
import { limits } from './limits.ts';
import { nearest } from './nearest.ts';

const byteUnits: Record<string, number> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};
const durationUnits: Record<string, number> = { ms: 1, s: 1e3, m: 60e3, h: 3600e3, d: 86400e3, w: 7 * 86400e3 };

const bytes = (fallback: number, text: string) =>
  z
    .union([
      z.number().int().nonnegative(),
      z.string().regex(/^\s*\d+(\.\d+)?\s*([kmgt]i?)?b?\s*$/i, 'write a size such as 64MiB or 10GB'),
    ])
    .default(fallback)
    .transform(value => {
      if (typeof value === 'number') return value;
      const [, amount, unit] = /^\s*([\d.]+)\s*([a-z]*)\s*$/i.exec(value) ?? [];
      return Math.round(Number(amount) * (byteUnits[(unit ?? '').toLowerCase().replace(/^([kmgt]i?)$/, '$1b')] ?? 1));
    })
    .describe(text);

const duration = (fallbackMs: number, text: string) =>
  z
    .union([
      z.number().int().nonnegative(),
      z.string().regex(/^\s*\d+(\.\d+)?\s*(ms|s|m|h|d|w)\s*$/, 'write a duration such as 30s, 24h or 7d'),
    ])
    .default(fallbackMs)
    .transform(value => {
      if (typeof value === 'number') return value;
      const [, amount, unit] = /^\s*([\d.]+)\s*([a-z]+)\s*$/.exec(value) ?? [];
      return Math.round(Number(amount) * (durationUnits[unit ?? 'ms'] ?? 1));
    })
    .describe(text);

/** `field` of a pipeline step: `message`, `level`, `service`, `trace_id`, `span_id`, `attributes.<name>`, `labels.<name>`. */
const field = z
  .string()
  .regex(
    /^(message|level|service|trace_id|span_id|(attributes|labels)\..+)$/,
    'use message, level, service, trace_id, span_id, attributes.<name> or labels.<name>',
  );
/** LogQL stages without the selector's braces requirement, e.g. `{service_name="x"} |= "healthz"`. */
const condition = z.string().min(1).describe('LogQL: selector and filters, e.g. {service_name="web"} |= "healthz"');

export const pipelineStepSchema = z.discriminatedUnion('step', [
  z.strictObject({ step: z.literal('drop'), where: condition }).describe('drop records that match'),
  z.strictObject({ step: z.literal('filter'), where: condition }).describe('keep only records that match'),
  z
    .strictObject({ step: z.literal('set'), field, value: z.string(), where: condition.optional() })
    .describe('set a field to a constant'),
  z.strictObject({ step: z.literal('rename'), from: field, to: field }).describe('rename a field'),
  z.strictObject({ step: z.literal('remove'), field }).describe('remove a field'),
  z
    .strictObject({ step: z.literal('parse_json'), field: field.default('message'), prefix: z.string().default('') })
    .describe('parse a JSON object into attributes'),
  z
    .strictObject({ step: z.literal('parse_regex'), field: field.default('message'), regex: z.string().min(1) })
    .describe('named groups become attributes (RE2)'),
  z
    .strictObject({
      step: z.literal('redact'),
      fields: z.array(field).default(['message']),
      kinds: z.array(z.enum(['email', 'ipv4', 'card', 'token'])).default([]),
      regex: z.array(z.string().min(1)).default([]),
      replacement: z.string().default('[redacted]'),
    })
    .describe('replace secrets before anything is stored in the engine'),
  z
    .strictObject({
      step: z.literal('sample'),
      key: field,
      keep: z.number().min(0).max(1),
      where: condition.optional(),
    })
    .describe('keep this share of records, all or none of those with the same key'),
]);
export type PipelineStep = z.infer<typeof pipelineStepSchema>;

const retentionRule = z.strictObject({
  days: z.number().int().min(1).max(36500).describe('days to keep, by receive time'),
  tenant: z.string().optional(),
  service: z.string().optional(),
  level: z.string().optional(),
});
export type RetentionRule = z.infer<typeof retentionRule>;

/** http or https with a host and nothing behind it. */
function isServerAddress(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && url.pathname === '/' && url.search === '' && url.hash === '';
}

/** What browsers put into `Origin`: scheme, host and port if it is not the scheme's own. */
const isOrigin = (text: string): boolean => /^https?:/.test(text) && URL.parse(text)?.origin === text;

export const configSchema = z.strictObject({
  data: z.string().default('./weir-data').describe('directory for the log and the store'),
  listen: z.string().default('127.0.0.1:7575').describe('address of the HTTP port'),
  otlp_listen: z
    .string()
    .default('127.0.0.1:4318')
    .describe('second address for OTLP/HTTP; "off" disables it; if the port is taken Weir says so and goes on'),
  path_prefix: z
    .string()
    .regex(/^(\/[\w.~-]+)*$/, 'write a path such as /weir, without a slash at its end')
    .default('')
    .describe('path that a proxy in front leaves on requests; everything is answered with and without it'),
  cors_origins: z
    .array(
      z.string().refine(text => text === '*' || isOrigin(text), 'write an origin such as https://shop.example, or "*"'),
    )
    .default([])
    .describe('origins of web pages that may send logs from the browser, e.g. https://shop.example; "*" is any'),
  demo: z.boolean().default(true).describe('load sample data into an empty data directory'),
  tokens: z
    .array(z.strictObject({ token: z.string().min(16), tenant: z.string().optional() }))
    .default([])
    .describe('static tokens; required to listen anywhere but on loopback'),
  log_level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).default('info'),
  limits: z
    .strictObject({
      body_bytes: bytes(limits.bodyBytesMax, 'request body after decompression'),
      record_bytes: bytes(limits.recordBytesMax, 'one record'),
      query_timeout: duration(limits.queryMillisMax, 'a query longer than this ends with a partial answer'),
      query_memory: bytes(0, 'memory of one query; 0 = a quarter of the engine budget'),
      query_rows: z
        .number()
        .int()
        .min(1)
        .default(limits.queryRowsMax)
        .describe('rows of one log answer (exports are not capped)'),
      query_series: z.number().int().min(1).default(limits.querySeriesMax).describe('series of one metric answer'),
      query_points: z.number().int().min(1).default(limits.queryPointsMax).describe('points of one series'),
      query_length: duration(
        limits.queryLengthHours * 3600e3,
        'end minus start of one query of the Loki API; 0 = no limit',
      ),
      volume_series: z.number().int().min(1).default(limits.volumeSeriesMax).describe('series of one volume answer'),
    })
    .prefault({}),
  memory: bytes(0, 'budget of the engine; 0 = computed from the machine or cgroup'),
  wal: z
    .strictObject({
      keep: duration(limits.walKeepHours * 3600e3, 'how long stored segments are kept'),
      keep_bytes: bytes(limits.walKeepBytes, 'size cap of stored segments kept'),
      segment_bytes: bytes(limits.walSegmentBytes, 'size of one segment file'),
    })
    .prefault({}),
  store: z
    .strictObject({
      url: z
        .string()
        .refine(isServerAddress, {
          error: issue =>
            `"${String(issue.input).replace(/\/\/.*@/, '//')}" is not the address of a ClickHouse server such as https://host:8443; without a path, the database is named by store.database`,
        })
        .optional()
        .describe('ClickHouse server, e.g. https://host:8443; absent = embedded engine'),
      user: z.string().optional().describe('user of the server; also in the address, user:password@host'),
      password: z.string().optional().describe('password of the server, better given as WEIR_STORE__PASSWORD'),
      database: z
        .string()
        .regex(/^[a-zA-Z_]\w*$/)
        .default('weir'),
      token_index: z.boolean().default(true).describe('index of the words of messages'),
      numbers: z
        .array(z.string().regex(/^[a-zA-Z_]\w*$/, 'is not a field name'))
        .max(limits.numberColumnsMax)
        .default([])
        .describe('fields whose numbers are kept as columns of their own, for cheap `| unwrap field`'),
      trace_index: z.boolean().default(true).describe('index of trace ids'),
      id_index: z.boolean().default(true).describe('index of span ids and values of attributes, for finding ids'),
    })
    .prefault({}),
  retention: z
    .strictObject({
      days: z.number().int().min(1).max(36500).default(30).describe('default for records that no rule matches'),
      rules: z.array(retentionRule).default([]).describe('first match wins'),
      disk_bytes: bytes(0, 'drop the oldest days when the store grows past this; 0 = no limit by size'),
    })
    .prefault({}),
  sql: z
    .strictObject({
      enabled: z
        .boolean()
        .default(false)
        .describe('POST /api/v1/sql: SELECT statements of people over the records of their tenant (docs/sql.md)'),
      rows: z.number().int().min(1).default(limits.sqlRowsMax).describe('rows of one answer'),
    })
    .prefault({}),
  deletes: z
    .strictObject({
      cancel_period: duration(
        24 * 3600e3,
        'so long a delete request can be cancelled; its records are hidden at once and removed after it',
      ),
    })
    .prefault({}),
  pipeline: z.array(pipelineStepSchema).default([]).describe('steps every record goes through before it is stored'),
});
export type Config = z.infer<typeof configSchema>;

function keysAt(path: readonly PropertyKey[]): string[] {
  let node: unknown = z.toJSONSchema(configSchema, { io: 'input' });
  for (const part of path) {
    const at = node as { properties?: Record<string, unknown>; items?: unknown };
    node = typeof part === 'number' ? at.items : at.properties?.[String(part)];
    if (!node) return [];
  }
  const here = node as {
    properties?: Record<string, unknown>;
    oneOf?: { properties?: Record<string, unknown> }[];
    anyOf?: { properties?: Record<string, unknown> }[];
  };
  return [
    ...new Set([here, ...(here.oneOf ?? []), ...(here.anyOf ?? [])].flatMap(s => Object.keys(s.properties ?? {}))),
  ];
}

const environmentOf = (environment: Record<string, string | undefined>): Environment =>
  readEnvironment(z.toJSONSchema(configSchema, { io: 'input' }) as Parameters<typeof readEnvironment>[0], environment);

/** Variables `WEIR_...` that set nothing and are near to none that does. */
export const strayVariables = (environment: Record<string, string | undefined> = process.env): string[] =>
  environmentOf(environment).strays.flatMap(({ name, guess }) => (guess === undefined ? [name] : []));

/** Values are read as YAML scalars. */
function applyEnvironment(raw: Record<string, unknown>, { settings }: Environment): void {
  for (const { path, value } of settings) {
    let at = raw;
    for (const part of path.slice(0, -1)) at = (at[part] ??= {}) as Record<string, unknown>;
    at[path.at(-1) ?? ''] = parseDocument(value).toJS() as unknown;
  }
}

/** `retention.rules[0].days` */
const pathText = (path: readonly PropertyKey[]): string =>
  path
    .map(part => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '');

function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((at, part) => (at as Record<PropertyKey, unknown> | undefined)?.[part], raw);
}

/**
 * Check a config text and what the environment sets above it. Reports all faults together, each with line and column and, for a misspelt key or variable, the nearest known one.
 * Throws WeirError `config_invalid` whose message has one fault per line.
 */
export function parseConfig(
  text: string,
  file = 'weir.yaml',
  environment: Record<string, string | undefined> = {},
): Config {
  const lines = new LineCounter();
  const doc = parseDocument(text, { lineCounter: lines });
  const faults: { offset: number; text: string }[] = doc.errors.map(e => ({
    offset: e.pos[0],
    text: `${file}:${e.linePos?.[0].line ?? 1}:${e.linePos?.[0].col ?? 1}: ${(e.message.split('\n')[0] ?? '').replace(/ at line \d+, column \d+:?$/, '')}`,
  }));
  if (faults.length === 0) {
    const raw = (doc.toJS() ?? {}) as Record<string, unknown>;
    if (typeof raw !== 'object' || Array.isArray(raw))
      throw new WeirError('config_invalid', {
        reason: `${file}:1:1: the file must be a map of keys, see weir config schema`,
      });
    const variables = environmentOf(environment);
    applyEnvironment(raw, variables);
    for (const { name, guess } of variables.strays)
      if (guess !== undefined)
        faults.push({ offset: text.length, text: `environment: unknown variable "${name}"; did you mean "${guess}"?` });
    const checked = configSchema.safeParse(raw);
    if (checked.success && faults.length === 0) return checked.data;
    const placed = (text: string, path: readonly PropertyKey[], key?: string): { offset: number; text: string } => {
      const full = key === undefined ? path : [...path, key];
      for (let end = full.length; end >= 0; end--) {
        const parent: unknown = end <= 1 ? doc.contents : doc.getIn(full.slice(0, end - 1), true);
        const pair = isMap(parent) ? parent.items.find(i => String(i.key) === String(full[end - 1])) : undefined;
        const node = (pair?.key ?? doc.getIn(full.slice(0, end), true)) as
          | { range?: [number, number, number] }
          | undefined;
        if (node?.range) {
          const at = lines.linePos(node.range[0]);
          return { offset: node.range[0], text: `${file}:${at.line}:${at.col}: ${text}` };
        }
      }
      return { offset: 0, text: `${file}: ${text}` };
    };
    for (const issue of checked.error?.issues ?? []) {
      if (issue.code === 'unrecognized_keys') {
        for (const key of issue.keys) {
          const guess = nearest(key, keysAt(issue.path));
          const text = `unknown key "${pathText([...issue.path, key])}"${guess ? `; did you mean "${guess}"?` : ''}`;
          faults.push(placed(text, issue.path, key));
        }
      } else
        faults.push(
          placed(`${pathText(issue.path) || 'config'}: ${issueText(issue, valueAt(raw, issue.path))}`, issue.path),
        );
    }
  }
  const reason = faults
    .toSorted((a, b) => a.offset - b.offset)
    .map(fault => fault.text)
    .join('\n');
  throw new WeirError('config_invalid', { reason });
}

/** Read and check the file when there is one, then the environment. A named file that is missing is a fault; the default one is optional. */
export function loadConfig(
  file: string | undefined,
  environment: Record<string, string | undefined> = process.env,
): Config {
  let text = '';
  try {
    text = readFileSync(file ?? 'weir.yaml', 'utf8');
  } catch (error) {
    // Without a name the file need not be there; one that is there and cannot be read is a fault.
    if (file !== undefined || (error as NodeJS.ErrnoException).code !== 'ENOENT')
      throw new WeirError('config_invalid', { reason: `${file ?? 'weir.yaml'}: cannot be read: ${fileFault(error)}` });
  }
  return parseConfig(text, file ?? 'weir.yaml', environment);
}
