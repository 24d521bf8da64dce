import { WeirError } from '../../base/errors.ts';
import { type ByteString, JsonFault, parseJson } from '../byte-string.ts';
import { eventTimeNs } from '../event-time.ts';
import { type Decoded, Intake } from '../intake.ts';
import { checkLabels, LabelFault, parseLabels, rawJson, setFree } from '../stream-labels.ts';
import { entryRow, fitsStore, type StreamPrefix, streamPrefix } from './entries.ts';

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const malformed = (reason: string): WeirError =>
  new WeirError('bad_request', { reason: `the body is not a valid JSON push request: ${reason}` });

function textMap(value: unknown, what: string): Map<ByteString, ByteString> {
  if (!isObject(value)) throw new LabelFault(`${what} must be an object`);
  const map = new Map<ByteString, ByteString>();
  for (const [name, text] of Object.entries(value)) {
    if (typeof text === 'object' && text !== null)
      throw new LabelFault(`${what} ${JSON.stringify(name)}: the value must be a string`);
    setFree(map, name, String(text));
  }
  return map;
}

const entryForm = 'an entry must be ["<ns>", "<line>", {metadata}?]';

/** What a value is, in the words of JSON. */
const kindOf = (value: unknown): string =>
  value === null
    ? 'null'
    : Array.isArray(value)
      ? 'an array'
      : typeof value === 'object'
        ? 'an object'
        : `a ${typeof value}`;

/** `[ns, line, metadata?]`, or of old clients `{ts, line}`. Without a line it is the empty one, as in Loki and in protobuf. */
function takeEntry(entry: unknown, stream: StreamPrefix, intake: Intake, recordBytesMax: number): void {
  const members = Array.isArray(entry)
    ? (entry as unknown[])
    : isObject(entry)
      ? [entry.ts, entry.line, entry.structuredMetadata]
      : [];
  const [time, line = '', extra] = members;
  if (members.length === 0 || typeof line !== 'string') {
    const found = members.length === 0 ? '' : `; the line is ${kindOf(line)}, not a string`;
    intake.quarantine(rawJson(entry), 'bad_record', `${entryForm}${found}`);
    return;
  }
  const given = typeof time === 'string' ? time : '';
  const ns = /^-?\d+$/.test(given) ? given : String(eventTimeNs(given) ?? '');
  if (!fitsStore(ns)) {
    intake.quarantine(
      rawJson(entry),
      'bad_time',
      `timestamp ${JSON.stringify(time)?.slice(0, 100)} is not nanoseconds in a string, from 1900 to 2262`,
    );
  } else if (line.length > recordBytesMax) {
    intake.quarantine(
      rawJson(entry),
      'record_too_large',
      `line of ${line.length} bytes is longer than ${recordBytesMax} (limits.record_bytes)`,
    );
  } else {
    try {
      intake.row(
        entryRow(stream, ns, line, extra === undefined || extra === null ? undefined : textMap(extra, 'metadata')),
      );
    } catch (error) {
      if (!(error instanceof LabelFault)) throw error;
      intake.quarantine(rawJson(entry), 'bad_record', error.message);
    }
  }
}

function takeStream(stream: unknown, intake: Intake, recordBytesMax: number): void {
  if (!isObject(stream)) throw malformed('each of "streams" must be an object');
  const entries = stream.values ?? stream.entries ?? [];
  if (!Array.isArray(entries)) throw malformed('"values" must be an array');
  let prefix: StreamPrefix;
  try {
    prefix = streamPrefix(
      checkLabels(
        typeof stream.labels === 'string' ? parseLabels(stream.labels) : textMap(stream.stream ?? {}, 'stream'),
      ),
    );
  } catch (error) {
    if (!(error instanceof LabelFault)) throw error;
    intake.quarantine(rawJson(stream), 'bad_labels', error.message);
    return;
  }
  for (const entry of entries as unknown[]) takeEntry(entry, prefix, intake, recordBytesMax);
}

/** True when there is a number where the protocol has texts; it may have lost digits then. */
function hasNumbers(request: unknown): boolean {
  const streams = isObject(request) && Array.isArray(request.streams) ? (request.streams as unknown[]) : [];
  return streams.some(stream => {
    const entries = isObject(stream) && Array.isArray(stream.values) ? (stream.values as unknown[]) : [];
    return entries.some(
      entry =>
        Array.isArray(entry) &&
        (typeof entry[0] === 'number' ||
          (isObject(entry[2]) && Object.values(entry[2]).some(value => typeof value === 'number'))),
    );
  });
}

/** A time given as a number, against the protocol, keeps its nanoseconds. Throws `bad_request`, and `no_streams` for an empty list, as Loki. */
export function decodePushJson(body: Buffer, recordBytesMax: number): Decoded {
  let request: unknown;
  try {
    request = parseJson(body);
    if (hasNumbers(request)) request = parseJson(body, true);
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    throw malformed(error.message);
  }
  if (!isObject(request) || !Array.isArray(request.streams)) throw malformed('an object with "streams" is expected');
  if (request.streams.length === 0) throw new WeirError('no_streams');
  const intake = new Intake();
  for (const stream of request.streams as unknown[]) takeStream(stream, intake, recordBytesMax);
  return intake.finish();
}
