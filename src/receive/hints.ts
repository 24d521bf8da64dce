import { WeirError } from '../base/errors.ts';
import { type TimeUnit, timeUnits } from '../base/fields.ts';
import { limits } from '../base/limits.ts';
import type { AgentBatchId, FieldHints } from '../base/record.ts';
import type { Arrival } from './arrival.ts';

type Said = Pick<Arrival, 'headers' | 'query'>;

/** A setting of `/ingest/*`: query parameter `name`, or header `X-Weir-Name` with dashes. */
function setting(arrival: Said, name: string): string | undefined {
  const given = arrival.query[name] ?? arrival.headers[`x-weir-${name.replaceAll('_', '-')}`];
  const value = Array.isArray(given) ? given.join(',') : given;
  return value === '' ? undefined : value;
}

/** Constant labels: `service`, `label.<name>`, or headers `X-Weir-Service`, `X-Weir-Label-<name>`. Query parameters win. Empty values are no labels. */
function labelsOf(arrival: Said): Record<string, string> {
  const labels = new Map<string, string>();
  const take = (name: string, value: string | string[] | undefined): void => {
    const text = Array.isArray(value) ? value.at(-1) : value;
    if (text) labels.set(name, text);
  };
  take('service', arrival.headers['x-weir-service']);
  for (const [name, value] of Object.entries(arrival.headers)) {
    if (name.startsWith('x-weir-label-')) take(name.slice('x-weir-label-'.length).replaceAll('-', '_'), value);
  }
  take('service', arrival.query.service);
  for (const [name, value] of Object.entries(arrival.query)) {
    if (name.startsWith('label.')) take(name.slice('label.'.length), value);
  }
  for (const [name, value] of labels) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
      throw new WeirError('bad_request', {
        reason: `label name "${name}": use letters, digits and _, not a digit first`,
      });
    if (Buffer.byteLength(value) > limits.labelValueBytesMax)
      throw new WeirError('bad_request', {
        reason: `label ${name}: value is longer than ${limits.labelValueBytesMax} bytes`,
      });
  }
  if (labels.size > limits.streamLabelsMax)
    throw new WeirError('bad_request', { reason: `${labels.size} labels, at most ${limits.streamLabelsMax}` });
  return Object.fromEntries(labels);
}

/** What the sender says about all records of a `/ingest/text` body: their labels. */
export function textHints(arrival: Said): FieldHints {
  const labels = labelsOf(arrival);
  return Object.keys(labels).length > 0 ? { labels } : {};
}

const isTimeUnit = (name: string): name is TimeUnit => Object.hasOwn(timeUnits, name);

/** What the sender says about the objects of a `/ingest/json` body: which fields are what, and labels of those that do not name their own. */
export function jsonHints(arrival: Said): FieldHints {
  const timeField = setting(arrival, 'time_field');
  const timeUnit = setting(arrival, 'time_unit');
  if (timeUnit !== undefined && !isTimeUnit(timeUnit))
    throw new WeirError('bad_request', {
      reason: `time_unit "${timeUnit.slice(0, 100)}": there are ${Object.keys(timeUnits).join(', ')}`,
    });
  const messageField = setting(arrival, 'message_field');
  const labelFields = setting(arrival, 'label_fields')
    ?.split(',')
    .map(name => name.trim())
    .filter(name => name !== '');
  return {
    ...(timeField !== undefined && { timeField }),
    ...(timeUnit !== undefined && { timeUnit }),
    ...(messageField !== undefined && { messageField }),
    ...(labelFields?.length && { labelFields }),
    ...textHints(arrival),
  };
}

/**
 * Identity of the batch: `X-Weir-Agent`, `X-Weir-Epoch`, `X-Weir-Sequence`, all three or none. A retry with the same three and the same bytes
 * is taken once, within the window of the log. Throws `bad_request` for half an identity.
 */
export function agentBatchOf(headers: Arrival['headers']): AgentBatchId | undefined {
  const [agent, epoch, sequence] = ['agent', 'epoch', 'sequence'].map(name => headers[`x-weir-${name}`]);
  if (agent === undefined && epoch === undefined && sequence === undefined) return undefined;
  const numbers = [Number(epoch), Number(sequence)];
  if (
    typeof agent !== 'string' ||
    !/^[\w.:-]{1,128}$/.test(agent) ||
    !numbers.every(n => Number.isSafeInteger(n) && n >= 0)
  )
    throw new WeirError('bad_request', {
      reason: `X-Weir-Agent, X-Weir-Epoch and X-Weir-Sequence go together: a name of [A-Za-z0-9_.:-] and two whole numbers; found "${String(agent)}", "${String(epoch)}", "${String(sequence)}"`,
    });
  return { agent, epoch: numbers[0] ?? 0, sequence: numbers[1] ?? 0 };
}
