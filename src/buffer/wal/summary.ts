/**
 * The summary of a sealed segment, format version 1: what a start would learn by reading the segment, in a file `<number, 10 digits>.sum` beside it.
 *
 *   weir-wal-summary 1 <CRC-32 of all that follows, 8 hex digits>
 *   {"segment","salt","bytes","modified","rows","frames","marks":[[offset, row, frame], ...]}
 *   <row> <key of BatchIds>        one line for each frame with a batch id, in order
 *
 * Nothing depends on it. A start believes it only where the segment's header, its length, the time of its last change and the next segment's header all say the same
 * (`isOf`); any other is as good as none, and the segment is read.
 */
import { crc32 } from 'node:zlib';
import { assert } from '../../base/errors.ts';
import type { SegmentFile } from './scan.ts';
import { segmentFileName } from './segment.ts';
import type { Place } from './walk.ts';

/** A frame with an agent's batch id: its first row in the segment, and its key (batch-ids.ts). */
export type KnownBatch = { row: number; key: string };

export type Summary = {
  segment: number;
  salt: number;
  /** Of the segment's file, all of them frames; `modified` in ms since 1970. */
  bytes: number;
  modified: number;
  rows: number;
  frames: number;
  marks: Place[];
  batches: readonly KnownBatch[];
};

const magic = 'weir-wal-summary 1 ';
const crcDigits = 8;
const newline = 10;

export const summaryFileName = (segment: number): string => segmentFileName(segment).replace(/seg$/, 'sum');

/** The segment number in the name of a summary, or of one that was not finished; undefined for any other name. */
export function segmentOfSummaryName(name: string): number | undefined {
  const found = /^(\d{10})\.sum(\.new)?$/.exec(name);
  return found ? Number(found[1]) : undefined;
}

export function encodeSummary({ marks, batches, ...numbers }: Summary): Buffer {
  const head = JSON.stringify({ ...numbers, marks: marks.map(({ offset, row, frame }) => [offset, row, frame]) });
  const lines = batches.map(({ row, key }) => `${row} ${key}\n`);
  const body = Buffer.from(`${head}\n${lines.join('')}`);
  const crc = crc32(body).toString(16).padStart(crcDigits, '0');
  return Buffer.concat([Buffer.from(`${magic}${crc}\n`), body]);
}

/** Undefined for anything but a whole, undamaged summary of this version. */
export function decodeSummary(bytes: Buffer): Summary | undefined {
  const first = magic.length + crcDigits + 1;
  if (bytes.length < first || bytes[first - 1] !== newline) return undefined;
  if (bytes.toString('latin1', 0, magic.length) !== magic) return undefined;
  const body = bytes.subarray(first);
  if (crc32(body) !== Number.parseInt(bytes.toString('latin1', magic.length, first - 1), 16)) return undefined;
  try {
    return parseBody(body.toString());
  } catch {
    return undefined;
  }
}

/** Throws for text that this program does not write. */
function parseBody(text: string): Summary {
  const [head = '', ...lines] = text.split('\n');
  lines.pop();
  const { marks, ...numbers } = JSON.parse(head) as Omit<Summary, 'marks' | 'batches'> & { marks: number[][] };
  return {
    ...numbers,
    marks: marks.map(([offset = 0, row = 0, frame = 0]) => ({ offset, row, frame })),
    batches: lines.map(line => {
      const space = line.indexOf(' ');
      const row = Number(line.slice(0, space));
      assert(Number.isInteger(row), `a batch at row ${line.slice(0, space)}`);
      return { row, key: line.slice(space + 1) };
    }),
  };
}

/** Whether this file is still the one that was summarised, and its successor says the same of it. */
export function isOf(summary: Summary, file: SegmentFile): boolean {
  const { header, expected } = file;
  return (
    summary.segment === file.segment &&
    summary.salt === header?.salt &&
    summary.bytes === file.bytes &&
    summary.bytes === file.end &&
    summary.modified === file.modified &&
    summary.rows === expected?.rows &&
    summary.frames === expected.frames
  );
}
