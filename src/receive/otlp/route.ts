import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { FastifyReply } from 'fastify';
import type { DoorSpec } from '../gateway.ts';
import { reasonsOf } from '../intake.ts';
import { decodeOtlpJson } from './decode-json.ts';
import { decodeOtlpProtobuf } from './decode-protobuf.ts';

const json = 'application/json';
const protobuf = 'application/x-protobuf';

/** google.rpc.Code of an HTTP status. */
const rpcCodes: Record<number, number> = { 400: 3, 401: 16, 403: 7, 404: 5, 405: 12, 413: 3, 415: 3, 429: 8, 503: 14 };

function send(
  reply: FastifyReply,
  mediaType: string,
  asJson: unknown,
  asProtobuf: (writer: BinaryWriter) => BinaryWriter,
): FastifyReply {
  if (mediaType === json || !otlpDoor.mediaTypes.includes(mediaType))
    return reply.type(json).send(Buffer.from(JSON.stringify(asJson)));
  return reply.type(protobuf).send(Buffer.from(asProtobuf(new BinaryWriter()).finish()));
}

/**
 * OTLP/HTTP logs. The answer has the encoding of the request, errors too (google.rpc.Status). Records that cannot be stored are in
 * quarantine and counted as `rejected_log_records`: senders do not send them again.
 */
export const otlpDoor: DoorSpec = {
  door: 'otlp',
  paths: ['/v1/logs', '/otlp/v1/logs', '/insert/opentelemetry/v1/logs'],
  mediaTypes: [protobuf, json, 'application/protobuf'],
  linewise: false,
  decode: ({ body, mediaType, recordBytesMax }) =>
    mediaType === json ? decodeOtlpJson(body, recordBytesMax) : decodeOtlpProtobuf(body, recordBytesMax),
  answer(reply, decoded, mediaType) {
    const { quarantined } = decoded;
    if (quarantined === 0) return send(reply.code(200), mediaType, {}, writer => writer);
    const message = `${quarantined} records are in quarantine: ${reasonsOf(decoded)}`;
    return send(
      reply.code(200),
      mediaType,
      { partialSuccess: { rejectedLogRecords: String(quarantined), errorMessage: message } },
      writer =>
        writer
          .tag(1, WireType.LengthDelimited)
          .fork()
          .tag(1, WireType.Varint)
          .int64(quarantined)
          .tag(2, WireType.LengthDelimited)
          .string(message)
          .join(),
    );
  },
  refuse(reply, error, mediaType) {
    const code = rpcCodes[error.status] ?? 13;
    return send(reply, mediaType, { code, message: error.message }, writer =>
      writer.tag(1, WireType.Varint).int32(code).tag(2, WireType.LengthDelimited).string(error.message),
    );
  },
};
