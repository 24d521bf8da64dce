import { crc32 } from 'node:zlib';
import type { BatchHeader } from '../../base/record.ts';
import { decodeEdge, edgeBytes, type FrameEdge, frameBytes, type SegmentIdentity, saltBytes } from './segment.ts';
import type { FileWindow } from './window.ts';

/** A place between two frames: where the next one begins and what numbers it has. */
export type Place = { offset: number; row: number; frame: number };

export type FrameStep = {
  kind: 'frame';
  /** Where it begins, and where the next one does. */
  offset: number;
  next: Place;
  edge: FrameEdge;
  header: BatchHeader;
  /** Empty when payloads are not read. */
  payload: Uint8Array;
};

/** Bytes that are no valid frame. */
export type DamageStep = {
  kind: 'damage';
  offset: number;
  bytes: number;
  row: number;
  /** Rows that were there; undefined when no frame follows that would tell. */
  rows: number | undefined;
  reason: string;
  /** No valid frame follows in this segment. */
  toEnd: boolean;
  /** Among these bytes is the head or the tail of a frame that is whole but for it: which, where, and what its other end says. */
  lostEdge?: { kind: 'head' | 'tail'; offset: number; other: FrameEdge };
};

const nothing = new Uint8Array(0);

/**
 * The frames of one segment from `from` on, in order, with the damage between them. Never throws for what the bytes are; never gives a frame whose checksums do
 * not match, nor one frame twice; gives every undamaged frame whatever happened to its neighbours.
 * Without `payloads` only heads and batch headers are read and verified.
 */
export async function* walk(
  window: FileWindow,
  identity: SegmentIdentity,
  from: Place,
  payloads: boolean,
): AsyncGenerator<FrameStep | DamageStep> {
  let place = from;
  /** Where to look for the next edge when no frame begins at `place`: behind all bytes known to be a frame's. */
  let search = from.offset;

  while (place.offset < window.end) {
    const { offset, row } = place;
    let reason = 'no frame begins here';
    const head = decodeEdge(await window.at(offset, edgeBytes), identity);
    if (head?.kind === 'head' && head.row >= row) {
      const found = await readFrame(window, offset, head, payloads);
      if (typeof found !== 'string') {
        if (head.row > row) yield damage(place, 0, head.row - row, 'rows are missing here');
        yield found;
        place = found.next;
        search = payloads ? place.offset : offset + edgeBytes;
        if (payloads && !(await tailOf(window, identity, offset, head))) {
          search = place.offset - edgeBytes;
          const reason = 'the tail of this frame is damaged, the rest is whole';
          yield {
            ...damage({ ...place, offset: search }, edgeBytes, 0, reason),
            lostEdge: { kind: 'tail', offset: search, other: head },
          };
        }
        continue;
      }
      reason = found;
      search = offset + edgeBytes;
      if (await tailOf(window, identity, offset, head)) {
        const bytes = frameBytes(head);
        yield { ...damage(place, bytes, head.row + head.records - row, reason), toEnd: offset + bytes >= window.end };
        place = { offset: offset + bytes, row: head.row + head.records, frame: head.frame + 1 };
        search = place.offset;
        continue;
      }
    }

    const found = await resume(window, identity, place, search);
    if (!found) {
      yield { kind: 'damage', offset, bytes: window.end - offset, row, rows: undefined, reason, toEnd: true };
      return;
    }
    const bytes = found.offset - offset + (found.edge.kind === 'tail' ? edgeBytes : 0);
    const rows = found.edge.row - row;
    const lostEdge = { kind: 'head', offset: found.offset, other: found.edge } as const;
    if (bytes > 0 || rows > 0)
      yield { ...damage(place, Math.max(0, bytes), rows, reason), ...(found.edge.kind === 'tail' && { lostEdge }) };
    place = { offset: found.offset, row: found.edge.row, frame: found.edge.frame };
    if (found.kind === 'frame') {
      yield found;
      place = found.next;
    }
    search = place.offset;
  }
}

function damage(place: Place, bytes: number, rows: number, reason: string): DamageStep {
  return { kind: 'damage', offset: place.offset, bytes, row: place.row, rows, reason, toEnd: false };
}

/** Whether the tail stands where the head says: then the lengths hold, and the next frame begins right behind. */
async function tailOf(
  window: FileWindow,
  identity: SegmentIdentity,
  offset: number,
  head: FrameEdge,
): Promise<boolean> {
  const tail = decodeEdge(await window.at(offset + frameBytes(head) - edgeBytes, edgeBytes), identity);
  return tail?.kind === 'tail' && tail.row === head.row;
}

/** The frame that `edge` describes, or what is wrong with it. */
async function readFrame(
  window: FileWindow,
  offset: number,
  edge: FrameEdge,
  payloads: boolean,
): Promise<FrameStep | string> {
  const bytes = frameBytes(edge);
  if (offset + bytes > window.end)
    return `the frame is cut off: it has ${bytes} bytes, ${window.end - offset} are there`;
  const read = payloads ? bytes : edgeBytes + edge.headerBytes;
  const content = (await window.at(offset, read)).subarray(edgeBytes);
  const headerText = content.subarray(0, edge.headerBytes);
  const payload = payloads ? content.subarray(edge.headerBytes, edge.headerBytes + edge.payloadBytes) : nothing;
  if (crc32(headerText) !== edge.headerCrc) return 'the checksum of the batch header does not match';
  if (payloads && (payload.length !== edge.payloadBytes || crc32(payload) !== edge.payloadCrc))
    return 'the checksum of the payload does not match';
  let header: BatchHeader;
  try {
    header = JSON.parse(headerText.toString()) as BatchHeader;
  } catch (error) {
    return `the batch header is not JSON: ${(error as Error).message}`;
  }
  const next = { offset: offset + bytes, row: edge.row + edge.records, frame: edge.frame + 1 };
  return { kind: 'frame', offset, next, edge, header, payload };
}

/** Behind damage: the next head, or a whole frame of which only the tail shows where it is. */
async function resume(
  window: FileWindow,
  identity: SegmentIdentity,
  place: Place,
  search: number,
): Promise<FrameStep | { kind: 'head'; offset: number; edge: FrameEdge } | undefined> {
  for (let from = search; ; ) {
    const found = await findEdge(window, identity, from);
    if (!found) return undefined;
    const { offset, edge } = found;
    if (edge.row >= place.row) {
      const begin = edge.kind === 'head' ? offset : offset + edgeBytes - frameBytes(edge);
      if (begin >= search) {
        const frame = await readFrame(window, begin, edge, true);
        if (typeof frame !== 'string') return frame;
        if (edge.kind === 'head' && begin > place.offset) return { kind: 'head', offset, edge };
      }
    }
    from = offset + 1;
  }
}

/** The first valid head or tail that begins at `from` or behind. */
async function findEdge(
  window: FileWindow,
  identity: SegmentIdentity,
  from: number,
): Promise<{ offset: number; edge: FrameEdge } | undefined> {
  const salt = saltBytes(identity.salt);
  for (let start = from; start + edgeBytes <= window.end; ) {
    const chunk = await window.from(start);
    for (let at = chunk.indexOf(salt, 4); at >= 0; at = chunk.indexOf(salt, at + 1)) {
      const edge = decodeEdge(await window.at(start + at - 4, edgeBytes), identity);
      if (edge) return { offset: start + at - 4, edge };
    }
    if (chunk.length < edgeBytes) return undefined;
    // Magic and salt are 8 bytes: those that straddle the chunk's end begin in its last 7.
    start += chunk.length - 7;
  }
  return undefined;
}
