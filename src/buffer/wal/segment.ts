/**
 * The log on disk, format version 1.
 *
 * The log is a directory of segment files named `<number, 10 digits>.seg`. A segment is a header and frames, one after the
 * other without padding. All integers are unsigned and little endian. CRC is CRC-32 as in zlib: DESIGN.md asks for CRC-32C, which
 * Node does not have; in JavaScript it costs 2.5 CPU-ms per MB, `zlib.crc32` 0.4 (docs/decisions/0002-log-format.md).
 *
 *   Segment header, 64 bytes, fsynced (file and directory) before the first frame is written:
 *      0  8  "weir-wal"
 *      8  4  format version: 1
 *     12  4  segment number, the same as in the file name
 *     16  8  created, ms since 1970
 *     24  4  salt, random; repeated in every frame, so that bytes of a payload are never taken for a frame
 *     28  4  previous segment: its number, 0 = there was none when this one was created
 *     32  8    its durable bytes,
 *     40  4    its rows
 *     44  4    and its frames, all at the time when this segment was created
 *     48 12  zero
 *     60  4  CRC of bytes 0..59
 *
 *   Frame: head, batch header, payload, tail. Head and tail are the same 44 bytes but for the magic and the last CRC:
 *      0  4  "wfrm" in the head, "wend" in the tail
 *      4  4  salt of the segment
 *      8  4  segment number
 *     12  4  frame number in the segment, from 0
 *     16  4  row number of the first record in the segment
 *     20  4  records
 *     24  4  H, bytes of the batch header
 *     28  4  P, bytes of the payload
 *     32  4  CRC of the batch header
 *     36  4  CRC of the payload
 *     40  4  CRC of bytes 0..39
 *     44  H  batch header, JSON (base/record.ts)
 *          P  payload: `records` lines, each ended by \n
 *         44  tail
 *
 * A frame is valid when one of its ends is (magic, salt, segment number and CRC), and both the batch header and the payload
 * have the CRCs which that end states. So a damaged head loses nothing, and each frame stands for itself.
 *
 * The seq of record k of a frame is `segment number << 32 | first row + k` (base/record.ts). A new segment has the number max(previous + 1, seconds since
 * 1970): a seq is never given twice, even when the directory was emptied or put back from a copy.
 *
 * A frame is acknowledged after an fdatasync that covers it. The writer appends only at the end, and starts a new segment when one is full,
 * when a sync failed, and at each start of the program; hence only bytes at the end of the newest segment can be torn.
 * What lies behind the "durable bytes" that the next segment states was never acknowledged and is ignored.
 *
 * A segment's file may have been written with zeros up to the size of a segment before it got its name (spare.ts), and where it is written without the page cache
 * (direct-file.ts) each write ends with zeros up to a multiple of 4096. Its frames end where the zeros begin; what is not used is cut off when it is sealed, or by the
 * next start.
 *
 * Recovery reads the newest segment from front to back, with payloads. Of the others it believes what their summaries say (summary.ts); those without a summary that can be
 * believed it reads with payloads left out (their checksums are verified when they are taken). Where no valid frame begins, the next end of a frame with the right salt is looked for byte by byte:
 *  - found: the bytes between are copied to `quarantine/` with a reason, counted, and the neighbours are served;
 *  - nothing but zeros in the newest segment: its end, blocks written ahead; cut off;
 *  - not found in the newest segment: a torn tail; copied likewise, up to the last byte that is not zero, and cut off;
 *  - not found in another segment, or a file missing or too short: its rows are reported lost, by the numbers that the next header states.
 * Nothing but the segment files says where the log ends. A summary counts only where the headers of its segment and of the next one agree with it.
 */
import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { WeirError } from '../../base/errors.ts';

export const segmentHeaderBytes = 64;
/** Bytes of a head, and of a tail. */
export const edgeBytes = 44;

const fileMagic = Buffer.from('weir-wal');
const headMagic = Buffer.from('wfrm').readUInt32LE();
const tailMagic = Buffer.from('wend').readUInt32LE();
const formatVersion = 1;

export type PreviousSegment = { segment: number; bytes: number; rows: number; frames: number };
export type SegmentHeader = { segment: number; created: number; salt: number; previous: PreviousSegment | undefined };

/** What tells the frames of one segment from all other bytes. */
export type SegmentIdentity = { segment: number; salt: number };

export type FrameEdge = {
  kind: 'head' | 'tail';
  frame: number;
  row: number;
  records: number;
  headerBytes: number;
  payloadBytes: number;
  headerCrc: number;
  payloadCrc: number;
};

export const segmentFileName = (segment: number): string => `${String(segment).padStart(10, '0')}.seg`;

/** The segment number in a file name, undefined for any other name. */
export function segmentOfFileName(name: string): number | undefined {
  const found = /^(\d{10})\.seg$/.exec(name);
  const number = Number(found?.[1]);
  return number > 0 && number <= 0xffff_ffff ? number : undefined;
}

export const nextSegmentNumber = (newest: number): number => Math.max(newest + 1, Math.floor(Date.now() / 1000));

export const newSalt = (): number => randomBytes(4).readUInt32LE();

/** The salt as it stands in a file. */
export function saltBytes(salt: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(salt);
  return bytes;
}

export const frameBytes = (edge: { headerBytes: number; payloadBytes: number }): number =>
  edgeBytes + edge.headerBytes + edge.payloadBytes + edgeBytes;

export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(segmentHeaderBytes);
  fileMagic.copy(bytes);
  bytes.writeUInt32LE(formatVersion, 8);
  bytes.writeUInt32LE(header.segment, 12);
  bytes.writeBigUInt64LE(BigInt(header.created), 16);
  bytes.writeUInt32LE(header.salt, 24);
  bytes.writeUInt32LE(header.previous?.segment ?? 0, 28);
  bytes.writeBigUInt64LE(BigInt(header.previous?.bytes ?? 0), 32);
  bytes.writeUInt32LE(header.previous?.rows ?? 0, 40);
  bytes.writeUInt32LE(header.previous?.frames ?? 0, 44);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 60)), 60);
  return bytes;
}

/** Undefined when damaged. Throws WeirError `log_unusable` for a format that this program does not know: such a log is never skipped over. */
export function decodeSegmentHeader(bytes: Buffer): SegmentHeader | undefined {
  if (bytes.length < segmentHeaderBytes || !bytes.subarray(0, 8).equals(fileMagic)) return undefined;
  if (crc32(bytes.subarray(0, 60)) !== bytes.readUInt32LE(60)) return undefined;
  const version = bytes.readUInt32LE(8);
  if (version !== formatVersion)
    throw new WeirError('log_unusable', {
      reason: `segment ${bytes.readUInt32LE(12)} has format version ${version}, this program reads version ${formatVersion}; use the program that wrote it`,
    });
  const previous = bytes.readUInt32LE(28);
  return {
    segment: bytes.readUInt32LE(12),
    created: Number(bytes.readBigUInt64LE(16)),
    salt: bytes.readUInt32LE(24),
    previous:
      previous === 0
        ? undefined
        : {
            segment: previous,
            bytes: Number(bytes.readBigUInt64LE(32)),
            rows: bytes.readUInt32LE(40),
            frames: bytes.readUInt32LE(44),
          },
  };
}

/** Write the frame's head at the start of `head`, and its tail into `tail`. */
export function encodeEdges(
  identity: SegmentIdentity,
  edge: Omit<FrameEdge, 'kind'>,
  head: Buffer,
  tail: Buffer,
): void {
  head.writeUInt32LE(headMagic, 0);
  head.writeUInt32LE(identity.salt, 4);
  head.writeUInt32LE(identity.segment, 8);
  head.writeUInt32LE(edge.frame, 12);
  head.writeUInt32LE(edge.row, 16);
  head.writeUInt32LE(edge.records, 20);
  head.writeUInt32LE(edge.headerBytes, 24);
  head.writeUInt32LE(edge.payloadBytes, 28);
  head.writeUInt32LE(edge.headerCrc, 32);
  head.writeUInt32LE(edge.payloadCrc, 36);
  head.copy(tail, 0, 0, 40);
  tail.writeUInt32LE(tailMagic, 0);
  head.writeUInt32LE(crc32(head.subarray(0, 40)), 40);
  tail.writeUInt32LE(crc32(tail.subarray(0, 40)), 40);
}

/** The head or tail that `bytes` begin with, undefined when there is none or it is damaged. */
export function decodeEdge(bytes: Buffer, identity: SegmentIdentity): FrameEdge | undefined {
  if (bytes.length < edgeBytes) return undefined;
  const magic = bytes.readUInt32LE(0);
  if (magic !== headMagic && magic !== tailMagic) return undefined;
  if (bytes.readUInt32LE(4) !== identity.salt || bytes.readUInt32LE(8) !== identity.segment) return undefined;
  if (crc32(bytes.subarray(0, 40)) !== bytes.readUInt32LE(40)) return undefined;
  return {
    kind: magic === headMagic ? 'head' : 'tail',
    frame: bytes.readUInt32LE(12),
    row: bytes.readUInt32LE(16),
    records: bytes.readUInt32LE(20),
    headerBytes: bytes.readUInt32LE(24),
    payloadBytes: bytes.readUInt32LE(28),
    headerCrc: bytes.readUInt32LE(32),
    payloadCrc: bytes.readUInt32LE(36),
  };
}

/** The salt of the first undamaged head or tail in `bytes`; for segments whose header is lost. */
export function findSalt(bytes: Buffer, segment: number): number | undefined {
  for (const magic of ['wfrm', 'wend'])
    for (let at = bytes.indexOf(magic); at >= 0 && at + edgeBytes <= bytes.length; at = bytes.indexOf(magic, at + 1)) {
      const salt = bytes.readUInt32LE(at + 4);
      if (decodeEdge(bytes.subarray(at, at + edgeBytes), { segment, salt })) return salt;
    }
  return undefined;
}
