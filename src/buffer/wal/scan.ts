import { join } from 'node:path';
import { blockBytes } from './direct-file.ts';
import type { Fs, LogFile } from './fs.ts';
import {
  decodeSegmentHeader,
  findSalt,
  type SegmentHeader,
  segmentHeaderBytes,
  segmentFileName,
  segmentOfFileName,
} from './segment.ts';
import { type DamageStep, type FrameStep, type Place, walk } from './walk.ts';
import { FileWindow } from './window.ts';

/** A segment file as found in the directory. */
export type SegmentFile = {
  segment: number;
  path: string;
  /** Bytes of the file, and how many of them count: those behind were never acknowledged. */
  bytes: number;
  end: number;
  modified: number;
  /** Undefined when damaged. */
  header: SegmentHeader | undefined;
  /** Undefined when neither header nor any frame shows it; nothing can be read then. */
  salt: number | undefined;
  /** Rows and frames it had, as its successor states; undefined for the newest. */
  expected: { rows: number; frames: number } | undefined;
};

/** What is wrong with the set of files, told for people. `rows` is what is lost by it, as far as known. */
export type FileFault = { segment: number; rows: number; reason: string };

/** Bytes read at a time when only heads and batch headers are wanted: frames longer than this are jumped over. */
const scanWindowBytes = 1024 * 1024;
const payloadWindowBytes = 4 * 1024 * 1024;

export const firstPlace: Place = { offset: segmentHeaderBytes, row: 0, frame: 0 };

/** The segments in a directory, oldest first, and what is wrong with the set. Throws WeirError `log_unusable` for an unknown format version. */
export async function listSegments(fs: Fs, directory: string): Promise<{ files: SegmentFile[]; faults: FileFault[] }> {
  const faults: FileFault[] = [];
  const files: SegmentFile[] = [];
  const numbers = (await fs.list(directory)).map(segmentOfFileName).filter(number => number !== undefined);
  for (const segment of numbers.sort((a, b) => a - b)) {
    const path = join(directory, segmentFileName(segment));
    const { bytes, modified } = await fs.stat(path);
    const file = await fs.open(path, 'read');
    try {
      const start = Buffer.alloc(Math.min(blockBytes, bytes));
      await file.read(start, 0);
      const header = decodeSegmentHeader(start);
      if (header && header.segment !== segment) {
        const reason = `the file is a copy of segment ${header.segment}; it is not read, remove it`;
        faults.push({ segment, rows: 0, reason });
        continue;
      }
      // What was written of a header before its creation failed is no loss.
      const begun = bytes > blockBytes || start.subarray(segmentHeaderBytes).some(byte => byte !== 0);
      if (!header && begun)
        faults.push({ segment, rows: 0, reason: 'the segment header is damaged; its frames are read all the same' });
      const salt = header?.salt ?? (await saltOf(file, segment, bytes));
      files.push({ segment, path, bytes, end: bytes, modified, header, salt, expected: undefined });
    } finally {
      await file.close();
    }
  }
  chain(files, faults);
  return { files, faults };
}

/** Hold each file against what its successors' headers state about it. */
function chain(files: SegmentFile[], faults: FileFault[]): void {
  const byNumber = new Map(files.map(file => [file.segment, file]));
  for (const [index, { header }] of files.entries()) {
    const previous = header?.previous;
    const before = files[index - 1];
    if (!previous || !before) continue;
    const file = byNumber.get(previous.segment);
    if (file) {
      file.end = Math.min(file.bytes, previous.bytes);
      file.expected = { rows: previous.rows, frames: previous.frames };
    } else if (previous.segment > before.segment && previous.rows > 0) {
      const reason = `the file is missing, with rows 0 to ${previous.rows - 1}; the last one there before it is ${before.segment}`;
      faults.push({ segment: previous.segment, rows: previous.rows, reason });
    }
  }
}

async function saltOf(file: LogFile, segment: number, bytes: number): Promise<number | undefined> {
  const step = payloadWindowBytes;
  for (let at = 0; at < bytes; at += step) {
    const chunk = Buffer.alloc(Math.min(step + segmentHeaderBytes, bytes - at));
    const salt = findSalt(chunk.subarray(0, await file.read(chunk, at)), segment);
    if (salt !== undefined) return salt;
  }
  return undefined;
}

/**
 * All steps of one segment. After the last frame comes one damage step more when the successor states more rows than were found.
 * Payloads are read and verified only on demand; `payloadBytes` of the frame's edge is known either way.
 * Where no successor says how long the segment is, zeros at its end are blocks written ahead, no damage.
 */
export async function* scanSegment(
  file: LogFile,
  segment: SegmentFile,
  payloads: boolean,
): AsyncGenerator<FrameStep | DamageStep> {
  let place = firstPlace;
  /** Damage that nothing but zeros may follow. */
  let held: DamageStep | undefined;
  if (segment.salt !== undefined) {
    const window = new FileWindow(file, segment.end, payloads ? payloadWindowBytes : scanWindowBytes);
    const identity = { segment: segment.segment, salt: segment.salt };
    for await (const step of walk(window, identity, firstPlace, payloads)) {
      if (step.kind === 'damage' && step.rows === undefined) {
        const rows = segment.expected && segment.expected.rows - step.row;
        const bytes = segment.expected ? step.bytes : await bytesBeforeZeros(window, step.offset);
        if (held) yield { ...held, toEnd: bytes === 0 };
        if (bytes > 0) yield { ...step, rows, bytes };
        return;
      }
      if (held) yield held;
      held = undefined;
      if (step.kind === 'frame') place = step.next;
      else place = { ...place, offset: step.offset + step.bytes, row: step.row + (step.rows ?? 0) };
      if (step.kind === 'damage' && !segment.expected && step.bytes > 0 && (step.rows ?? 0) > 0) held = step;
      else yield step;
    }
    if (held) yield held;
  }
  const { offset, row } = place;
  const rows = (segment.expected?.rows ?? 0) - row;
  const bytes = Math.max(0, segment.end - offset);
  if (rows > 0) yield { kind: 'damage', offset, bytes, row, rows, reason: lostReason(segment), toEnd: true };
}

/** Bytes from `offset` to the last one that is not zero. */
async function bytesBeforeZeros(window: FileWindow, offset: number): Promise<number> {
  let written = 0;
  const zeros = Buffer.alloc(scanWindowBytes);
  for (let at = offset; at < window.end; ) {
    const piece = await window.at(at, scanWindowBytes);
    if (piece.length === 0) break;
    if (!piece.equals(zeros.subarray(0, piece.length)))
      written = at - offset + piece.findLastIndex(byte => byte !== 0) + 1;
    at += piece.length;
  }
  return written;
}

function lostReason(segment: SegmentFile): string {
  if (segment.bytes === 0) return 'the file is empty';
  return segment.salt === undefined ? 'nothing in the file can be read' : 'the file ends early';
}
