import { type DoorSpec, refuseAsJson } from '../gateway.ts';
import { jsonHints } from '../hints.ts';
import type { Decoded } from '../intake.ts';
import { decodeJsonLines } from './decode.ts';

/** Counts and the first faults. 400 when there were records and none was good; they are in quarantine all the same, and the body says so. */
export const answerCounts: DoorSpec['answer'] = (reply, decoded: Decoded) =>
  reply
    .code(decoded.accepted === 0 && decoded.quarantined > 0 ? 400 : 200)
    .type('application/json')
    .send({ accepted: decoded.accepted, quarantined: decoded.quarantined, errors: decoded.faults });

/**
 * `POST /ingest/json`: objects one a line, an array of objects, or a single object. A sender that names no type is taken at its word, and so is
 * curl's form type, which it sends unasked.
 */
export const jsonLinesDoor: DoorSpec = {
  door: 'json',
  paths: ['/ingest/json'],
  mediaTypes: [
    'application/json',
    'application/x-ndjson',
    'application/ndjson',
    'application/jsonlines',
    'application/jsonl',
    'application/stream+json',
    'application/octet-stream',
    'application/x-www-form-urlencoded',
    '',
  ],
  linewise: true,
  decode: arrival => decodeJsonLines(arrival.body, jsonHints(arrival), arrival.recordBytesMax),
  answer: answerCounts,
  refuse: refuseAsJson,
};
