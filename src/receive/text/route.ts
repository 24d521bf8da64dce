import { WeirError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { FieldHints } from '../../base/record.ts';
import { type Arrival, type DoorSpec, refuseAsJson } from '../gateway.ts';
import { answerCounts } from '../json-lines/route.ts';
import { decodeText } from './decode.ts';

/** Constant labels: `service`, `label.<name>`, or headers `X-Weir-Service`, `X-Weir-Label-<name>`. Query parameters win. Empty values are no labels. */
export function labelsOf(arrival: Pick<Arrival, 'headers' | 'query'>): Record<string, string> {
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

function hintsOf(arrival: Arrival): FieldHints {
  const labels = labelsOf(arrival);
  return Object.keys(labels).length > 0 ? { labels } : {};
}

/** `POST /ingest/text`: each line a record, any content type. */
export const textDoor: DoorSpec = {
  door: 'text',
  paths: ['/ingest/text'],
  mediaTypes: [],
  linewise: true,
  decode: arrival => decodeText(arrival.body, hintsOf(arrival), arrival.recordBytesMax),
  answer: answerCounts,
  refuse: refuseAsJson,
};
