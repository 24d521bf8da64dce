import type { FastifyInstance } from 'fastify';
import { readTenantOf } from '../base/tenant.ts';
import { quoteStrings } from '../language/sql-writer.ts';
import { collect } from './admission.ts';
import { type FieldsAnswer, fieldsRequest } from './contract.ts';
import { abortWith } from './frame-writer.ts';
import { logsPlanOf } from './plan.ts';
import { checked, type Room } from './room.ts';
import { rangeOf } from './time-range.ts';

const valuesPerField = 10;
const jsonHidden = ['time', 'ts', 'timestamp', '@timestamp', 'level', 'severity'];
/** Values longer than this (characters) count as distinct but are not listed: nobody picks them from a list. */
const valueLength = 200;

/** Longer JSON messages (bytes) are not looked into: a sample of them would cost more than the answer is worth. */
const jsonLength = 16_384;
/**
 * Texts, numbers and truth values of JSON messages by name. Time and level are columns of the record, what the message says is in the list, and attributes are
 * counted already.
 */
const jsonFields = `if(startsWith(message, '{') AND length(message) <= ${jsonLength},
        arrayMap(x -> ('json', x.1, if(startsWith(x.2, '"'), JSONExtractString(x.2), x.2)),
          arrayFilter(x -> NOT mapContains(attributes, x.1) AND NOT has(${quoteStrings(jsonHidden)}, lower(x.1)) AND position('{[n', left(x.2, 1)) = 0,
            JSONExtractKeysAndValuesRaw(message))), [])`;

/** `POST /api/v1/fields`: what the newest matching records consist of. The engine counts; only the top values come here. */
export function registerFields(server: FastifyInstance, room: Room): void {
  server.post('/api/v1/fields', async (request, reply): Promise<FieldsAnswer> => {
    const since = performance.now();
    const tenant = readTenantOf(request.headers);
    const body = checked(fieldsRequest, request.body);
    const plan = logsPlanOf(body.query, 'weir', 'ignored', room.lookups.of(tenant));
    const rows = plan.rows({ tenant, range: rangeOf(body) }, { direction: 'backward', limit: body.sample });
    const answer = await room.ask(tenant, {
      sql: sources => `WITH sample AS (${rows.sql(sources)})
SELECT field.1 AS kind, field.2 AS name, count() AS distinct, sum(n) AS records,
  arraySlice(arrayReverseSort(x -> x.2, groupArrayIf((value, n), lengthUTF8(value) <= ${valueLength})), 1, ${valuesPerField}) AS top
FROM (
  SELECT (pair.1, pair.2) AS field, pair.3 AS value, count() AS n
  FROM (
    SELECT arrayJoin(arrayConcat(
      [('column', 'level', toString(level)), ('column', 'door', toString(door))],
      arrayMap((k, v) -> ('label', toString(k), v), mapKeys(labels), mapValues(labels)),
      arrayMap((k, v) -> ('attribute', toString(k), v), mapKeys(attributes), mapValues(attributes)),
      ${jsonFields})) AS pair
    FROM sample)
  GROUP BY field, value)
GROUP BY field ORDER BY records DESC, name`,
      settings: rows.settings,
      signal: abortWith(reply.raw).signal,
      timeoutMs: room.timeoutMs(undefined),
    });
    const fields: FieldsAnswer['fields'] = [];
    let sampled = 0;
    for (const row of await collect(answer)) {
      const name = String(row.name);
      const kind = String(row.kind) as FieldsAnswer['fields'][number]['kind'];
      if (kind === 'column' && name === 'level') sampled = Number(row.records);
      const values = (row.top as [string, string | number][]).map(([value, count]) => ({
        value,
        count: Number(count),
      }));
      fields.push({ name, kind, distinct: Number(row.distinct), values });
    }
    return { sampled, fields, elapsedMs: Math.round((performance.now() - since) * 10) / 10 };
  });
}
