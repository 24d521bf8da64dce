import { type DoorSpec, refuseAsJson } from '../gateway.ts';
import { textHints } from '../hints.ts';
import { answerCounts } from '../json-lines/route.ts';
import { decodeText } from './decode.ts';

/** `POST /ingest/text`: each line a record, any content type. */
export const textDoor: DoorSpec = {
  door: 'text',
  paths: ['/ingest/text'],
  mediaTypes: [],
  linewise: true,
  decode: arrival => decodeText(arrival.body, textHints(arrival), arrival.recordBytesMax),
  answer: answerCounts,
  refuse: refuseAsJson,
};
