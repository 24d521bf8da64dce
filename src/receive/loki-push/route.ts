import { WeirError } from '../../base/errors.ts';
import { encodingOf } from '../decompress.ts';
import type { DoorSpec } from '../gateway.ts';
import { reasonsOf } from '../intake.ts';
import { decodePushJson } from './decode-json.ts';
import { decodePushProtobuf } from './decode-protobuf.ts';

const json = 'application/json';

/**
 * Loki's push API. Protobuf is a raw snappy block whatever `Content-Encoding` says; JSON is plain, gzip or deflate. 204 when all
 * is stored. Entries that cannot be stored are in quarantine and the answer is 400 with the reasons, the others are stored: as Loki, whose
 * clients drop on 400 and send again on 429 and 5xx.
 */
export const lokiPushDoor: DoorSpec = {
  door: 'loki',
  paths: ['/loki/api/v1/push', '/api/prom/push'],
  mediaTypes: ['application/x-protobuf', json, 'application/protobuf', 'application/octet-stream', ''],
  linewise: false,
  encoding(request, mediaType) {
    if (mediaType !== json) return 'snappy';
    const header = request.headers['content-encoding'];
    let encoding: ReturnType<typeof encodingOf>;
    try {
      encoding = encodingOf(header);
    } catch {
      encoding = 'snappy';
    }
    if (encoding === undefined || encoding === 'gzip' || encoding === 'deflate') return encoding;
    throw new WeirError('bad_request', {
      reason: `content encoding ${JSON.stringify(header)} is not supported; use gzip or deflate`,
    });
  },
  decode: ({ body, mediaType, recordBytesMax }) =>
    mediaType === json ? decodePushJson(body, recordBytesMax) : decodePushProtobuf(body, recordBytesMax),
  answer(reply, decoded) {
    const { accepted, quarantined } = decoded;
    if (quarantined === 0) return reply.code(204).send();
    return reply
      .code(400)
      .type('text/plain; charset=utf-8')
      .send(`${accepted} entries stored, ${quarantined} in quarantine: ${reasonsOf(decoded)}\n`);
  },
  // Loki answers 400 to a content type that is none.
  refuse: (reply, error, mediaType) =>
    (error.code === 'unsupported_type' && !mediaType.includes('/') ? reply.code(400) : reply)
      .type('text/plain; charset=utf-8')
      .send(`${error.message}\n`),
};
