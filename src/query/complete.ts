import type { FastifyInstance } from 'fastify';
import { WeirError } from '../base/errors.ts';
import { readTenantOf } from '../base/tenant.ts';
import type { Sources, SqlSettings } from '../flow.ts';
import type { Slot } from '../language/complete/slot.ts';
import { slotAt } from '../language/complete/slot-at.ts';
import { sampledNames, sampledPaths, sampledValue } from '../language/search/sample.ts';
import { tenantCondition } from '../language/selector-sql.ts';
import { quoteString } from '../language/sql-writer.ts';
import { collect } from './admission.ts';
import { type CompleteAnswer, type Completion, completeRequest } from './contract.ts';
import { abortWith } from './frame-writer.ts';
import { type LogsPlan, logsPlanOf } from './plan.ts';
import { checked, type Room } from './room.ts';
import { rangeOf } from './time-range.ts';

const itemsMax = 50;
/** Newest matching records that are looked at. */
const sampleRows = 1_000;
/** Reading and time for a sample are bounded: a list while typing is worth no more. What was found until then is shown. */
const bounds: SqlSettings = { max_rows_to_read: 2_000_000, read_overflow_mode: 'break' };
const sampleMillis = 1_500;
const valueLength = 200;

const separator = '\u001f';

/** SQL over a table of streams: `name<separator>value` of each label whose value contains the text, in any case; else empty. */
const labelsWith = (text: string): string =>
  `arrayJoin(arrayMap((k, v) -> if(positionCaseInsensitiveUTF8(v, ${quoteString(text)}) > 0, concat(k, ${quoteString(separator)}, v), ''), mapKeys(labels), mapValues(labels)))`;

type Found = { name: string; count: number };

/** `POST /api/v1/complete` */
export function registerComplete(server: FastifyInstance, room: Room): void {
  server.post('/api/v1/complete', async (request, reply): Promise<CompleteAnswer> => {
    const tenants = readTenantOf(request.headers);
    const body = checked(completeRequest, request.body);
    const cursor = body.cursor ?? body.query.length;
    const slot = slotAt(body.query, cursor);
    const range = rangeOf(body);
    const { signal } = abortWith(reply.raw);
    const rows = async (sql: (sources: Sources) => string, settings: SqlSettings = {}): Promise<Found[]> => {
      const answer = await room.ask(tenants, {
        sql,
        settings: { ...settings, ...bounds },
        signal,
        timeoutMs: sampleMillis,
      });
      return (await collect(answer)).map(row => ({ name: String(row.name), count: Number(row.n) }));
    };
    const streams =
      (select: string) =>
      (sources: Sources): string =>
        `SELECT name, sum(rows) AS n FROM (${sources.streams.map(table => `SELECT ${select} AS name, rows FROM ${table} WHERE ${tenantCondition([tenants])}`).join(' UNION ALL ')}) WHERE name != '' AND lengthUTF8(name) <= ${valueLength} GROUP BY name ORDER BY n DESC LIMIT 500`;

    const items: Completion[] = [...slot.suggestions];
    let sampled = 0;
    const sample = async (select: string): Promise<Found[]> => {
      const plan = restOf(body.query, slot);
      const { sql, settings } = plan.rows({ tenant: tenants, range }, { direction: 'backward', limit: sampleRows });
      const found = await rows(
        sources => `SELECT name, count() AS n FROM (SELECT ${select} AS name FROM (${sql(sources)}))
WHERE name != '' AND lengthUTF8(name) <= ${valueLength} GROUP BY name ORDER BY n DESC, name LIMIT 500`,
        settings,
      );
      sampled = sampleRows;
      return found;
    };
    if (slot.values) {
      const { field, write } = slot.values;
      const known = await valuesOf(
        field,
        () => rows(streams(`labels[${quoteString(field)}]`)),
        () => sample(sampledValue(field)),
        () => rows(streams('service')),
      );
      for (const { name, count } of known) {
        const insert = write(name);
        if (insert !== undefined) add(items, { kind: 'value', label: name, insert, count });
      }
    }
    if (slot.fields) {
      const labels = await rows(streams('arrayJoin(mapKeys(labels))'));
      const others = slot.labelsOnly ? [] : await sample(`arrayJoin(${slot.paths ? sampledPaths : sampledNames})`);
      for (const [found, detail] of [
        [labels, 'label'],
        [others, undefined],
      ] as const)
        for (const { name, count } of found) {
          const written = slot.fields(name);
          if (written) add(items, { kind: 'field', ...written, ...(detail ? { detail } : { count }) });
        }
    }
    if (slot.labelValues && slot.typed.length >= 2)
      for (const { name, count } of await rows(streams(labelsWith(slot.typed)))) {
        const [label = '', value = ''] = name.split(separator);
        add(items, { kind: 'value', label: value, ...slot.labelValues(label, value), count });
      }
    return { from: slot.from, to: slot.to, items: ranked(items, slot.typed).slice(0, itemsMax), sampled };
  });
}

async function valuesOf(
  field: string,
  ofLabel: () => Promise<Found[]>,
  ofSample: () => Promise<Found[]>,
  ofService: () => Promise<Found[]>,
): Promise<Found[]> {
  if (field === 'timestamp' || field === 'message' || field === 'anywhere') return [];
  if (field === 'service' || field === 'service_name') return ofService();
  const labels = await ofLabel();
  return labels.length > 0 ? labels : ofSample();
}

/** The query without what is being typed, so that suggestions fit the rest of it; everything when the rest does not parse. */
function restOf(text: string, slot: Slot): LogsPlan {
  if (slot.alone) return logsPlanOf('');
  const without = text.slice(0, slot.from).replace(/\|?[^\s|{(,]*\s*$/, '');
  for (const rest of [
    `${without}${text.slice(slot.conditionEnd ?? slot.to)}`,
    without,
    without.replace(/[\s,|]+$/, ''),
  ]) {
    try {
      return logsPlanOf(rest.trim());
    } catch (error) {
      if (!(error instanceof WeirError)) throw error;
    }
  }
  return logsPlanOf('');
}

function add(items: Completion[], item: Completion): void {
  const known = items.find(other => other.label === item.label && other.kind === item.kind);
  if (!known) items.push(item);
  else if (item.count !== undefined) known.count ??= item.count;
}

/** What begins with the typed text before what only has it inside; else as it was. */
function ranked(items: readonly Completion[], typed: string): Completion[] {
  const lower = typed.toLowerCase();
  const place = (item: Completion): number => {
    const label = item.label.toLowerCase();
    return label.startsWith(lower) ? 0 : label.includes(lower) ? 1 : 2;
  };
  return items
    .map((item, i) => ({ item, i, place: place(item) }))
    .filter(({ place }) => place < 2)
    .sort((a, b) => a.place - b.place || a.i - b.i)
    .map(({ item }) => item);
}
