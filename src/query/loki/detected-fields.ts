import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { readTenantOf } from '../../base/tenant.ts';
import { collect } from '../admission.ts';
import { abortWith } from '../frame-writer.ts';
import { type LogsPlan, logsPlanOf } from '../plan.ts';
import type { Room } from '../room.ts';
import { lokiRangeOf } from '../time-range.ts';
import { commonType, type FieldType, fieldTypeOf } from './field-type.ts';
import { jsonPaths } from './json-path.ts';
import { answered, type Parameters, parametersOf, positiveOf } from './parameters.ts';
import { queryText } from './queries.ts';

type Parser = 'json' | 'logfmt';
type Field = { type: FieldType; values: Set<string>; parsers: Set<Parser>; jsonPath?: string[] };
type Row = {
  seq: string;
  message: string;
  attributes: Record<string, string>;
  parsed?: Record<string, string>;
};

const errorLabels = new Set(['__error__', '__error_details__']);
const extracted = /_extracted$/;

/** `detected_fields` and `detected_field/<name>/values`: what the newest lines consist of beside stream labels. */
export function registerDetectedFields(scope: FastifyInstance, room: Room): void {
  /**
   * Fields of the newest `line_limit` lines in order of first appearance: structured metadata (no parser), and what json finds in a line, or logfmt where
   * json cannot read it. The engine parses, by the same stages that queries use, so every name can be put into a query as it is.
   */
  async function fieldsOf(
    request: FastifyRequest,
    reply: FastifyReply,
    parameters: Parameters,
  ): Promise<Map<string, Field>> {
    const tenant = readTenantOf(request.headers);
    const plan = logsPlanOf(queryText(parameters), 'loki');
    const range = lokiRangeOf(parameters.get);
    const limit = Math.min(positiveOf(parameters, 'line_limit', 100), room.rowsMax);
    const { signal } = abortWith(reply.raw);
    const ask = async (asked: LogsPlan): Promise<Row[]> => {
      const rows = asked.rows({ tenant, range }, { direction: 'backward', limit });
      return (await collect(
        await room.ask(tenant, { ...rows, signal, timeoutMs: room.timeoutMs(undefined) }),
      )) as Row[];
    };
    const byJson = await ask(plan.parsedBy('json'));
    const unread = (row: Row): boolean => row.parsed?.__error__ === 'JSONParserErr';
    const byLogfmt = new Map(
      byJson.some(unread) ? (await ask(plan.parsedBy('logfmt'))).map(row => [row.seq, row.parsed]) : [],
    );

    const fields = new Map<string, Field>();
    const note = (name: string, value: string): Field => {
      const type = fieldTypeOf(value);
      const field = fields.get(name);
      if (field) {
        field.type = commonType(field.type, type);
        field.values.add(value);
        return field;
      }
      const made: Field = { type, values: new Set([value]), parsers: new Set() };
      fields.set(name, made);
      return made;
    };
    for (const row of byJson) {
      for (const [name, value] of Object.entries(row.attributes)) note(name, value);
      const parser = unread(row) ? 'logfmt' : 'json';
      const parsed = parser === 'json' ? row.parsed : byLogfmt.get(row.seq);
      let paths: Map<string, string[]> | undefined;
      for (const [name, value] of Object.entries(parsed ?? {})) {
        if (errorLabels.has(name)) continue;
        const field = note(name, value);
        field.parsers.add(parser);
        if (parser !== 'json' || field.jsonPath) continue;
        paths ??= jsonPaths(row.message);
        const path = paths.get(name) ?? paths.get(name.replace(extracted, ''));
        if (path) field.jsonPath = path;
      }
    }
    return fields;
  }

  const fieldLimit = (parameters: Parameters): number =>
    positiveOf(parameters, parameters.get('limit') === undefined ? 'field_limit' : 'limit', 1000);

  async function detectedFields(request: FastifyRequest, reply: FastifyReply): Promise<object> {
    const parameters = parametersOf(request);
    const limit = fieldLimit(parameters);
    const fields = [...(await fieldsOf(request, reply, parameters))]
      .slice(0, limit)
      .map(([label, { type, values, parsers, jsonPath }]) => ({
        label,
        type,
        cardinality: values.size,
        parsers: parsers.size === 0 ? null : [...parsers],
        ...(jsonPath && { jsonPath }),
      }));
    return { fields, limit };
  }

  async function values(request: FastifyRequest, reply: FastifyReply): Promise<object> {
    const parameters = parametersOf(request);
    const limit = fieldLimit(parameters);
    const field = (await fieldsOf(request, reply, parameters)).get((request.params as { name: string }).name);
    return { values: [...(field?.values ?? [])].slice(0, limit), limit };
  }

  answered(scope, '/detected_fields', detectedFields);
  answered(scope, '/detected_field/:name/values', values);
}
