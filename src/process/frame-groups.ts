import type { Door, FieldHints, PayloadFormat, Tenant } from '../base/record.ts';
import { limits } from '../base/limits.ts';
import type { Frame } from '../flow.ts';

/** Consecutive lines that came together: a frame, or what is left of one when a line was taken out. */
export type Piece = { payload: Uint8Array; rows: number; seq: bigint; tenant: Tenant; received: string };

/** Lines that one statement can read. */
export type FrameGroup = {
  format: PayloadFormat;
  door: Door;
  hints: FieldHints;
  /** `json`: union of the keys. */
  keys: readonly string[];
  /** `json`: those of `keys` that a line may lack or have as null or `""`. */
  gaps: ReadonlySet<string>;
  pieces: readonly Piece[];
};

/** Frame boundaries become array literals of the statement; more than this and parsing the statement would show. */
const piecesMax = 2_000;

export const groupRows = (group: FrameGroup): number => group.pieces.reduce((sum, p) => sum + p.rows, 0);

/** Frames of the same format, door and hints, and for `json` with at most `jsonKeysMax` keys in all; in order within each group. */
export function groupFrames(frames: readonly Frame[]): FrameGroup[] {
  const groups: (Omit<FrameGroup, 'keys' | 'gaps' | 'pieces'> & {
    keys: Set<string>;
    gaps: Set<string>;
    pieces: Piece[];
  })[] = [];
  const current = new Map<string, (typeof groups)[number]>();
  for (const { seq, header, payload } of frames) {
    const hints = header.hints ?? {};
    const signature = JSON.stringify([header.format, header.door, hints]);
    let group = current.get(signature);
    const keys = header.keys ?? [];
    const fresh = keys.filter(k => !group?.keys.has(k));
    const full =
      group !== undefined &&
      (group.pieces.length >= piecesMax || (fresh.length > 0 && group.keys.size + fresh.length > limits.jsonKeysMax));
    if (group === undefined || full) {
      group = { format: header.format, door: header.door, hints, keys: new Set(), gaps: new Set(), pieces: [] };
      groups.push(group);
      current.set(signature, group);
    }
    if (group.pieces.length > 0) {
      for (const key of fresh) group.gaps.add(key);
      if (keys.length - fresh.length < group.keys.size) {
        const own = new Set(keys);
        for (const key of group.keys) if (!own.has(key)) group.gaps.add(key);
      }
    }
    for (const key of header.gaps ?? keys) group.gaps.add(key);
    for (const key of keys) group.keys.add(key);
    group.pieces.push({ payload, rows: header.records, seq, tenant: header.tenant, received: header.received });
  }
  return groups.map(g => ({ ...g, keys: [...g.keys] }));
}

/** The first `rows` lines and the rest. */
export function splitPiece(piece: Piece, rows: number): [Piece, Piece] {
  let end = 0;
  for (let i = 0; i < rows; i++) end = piece.payload.indexOf(10, end) + 1;
  return [
    { ...piece, payload: piece.payload.subarray(0, end), rows },
    { ...piece, payload: piece.payload.subarray(end), rows: piece.rows - rows, seq: piece.seq + BigInt(rows) },
  ];
}
