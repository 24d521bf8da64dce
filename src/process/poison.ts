import { log } from '../base/log.ts';
import { recordsQuarantined } from '../base/telemetry.ts';
import { engineText, troubleOf } from './engine-errors.ts';
import { type FrameGroup, groupRows, type Piece, splitPiece } from './frame-groups.ts';

/** A line that the engine refuses although the door let it through. */
type Guilty = { piece: Piece; reason: string };

/** The engine's words without the spool's path and the dump of neighbouring rows. */
const readable = (text: string): string => (text.split(/\n|: \(in file\/uri|\(in file\/uri/)[0] ?? text).trim();

/** Takes the group apart until what is refused is single lines. `accepts` resolves with null or with why the engine refuses. */
async function separate(
  group: FrameGroup,
  accepts: (group: FrameGroup) => Promise<string | null>,
): Promise<{ good: Piece[]; guilty: Guilty[] }> {
  const reason = await accepts(group);
  if (reason === null) return { good: [...group.pieces], guilty: [] };
  const [only] = group.pieces;
  if (group.pieces.length === 1 && only && only.rows === 1) return { good: [], guilty: [{ piece: only, reason }] };
  const halves: [readonly Piece[], readonly Piece[]] =
    group.pieces.length === 1 && only
      ? (splitPiece(only, Math.floor(only.rows / 2)).map(p => [p]) as [Piece[], Piece[]])
      : [
          group.pieces.slice(0, Math.floor(group.pieces.length / 2)),
          group.pieces.slice(Math.floor(group.pieces.length / 2)),
        ];
  const [a, b] = [
    await separate({ ...group, pieces: halves[0] }, accepts),
    await separate({ ...group, pieces: halves[1] }, accepts),
  ];
  return { good: [...a.good, ...b.good], guilty: [...a.guilty, ...b.guilty] };
}

const control: Record<Exclude<FrameGroup['format'], 'quarantine'>, string> = {
  json: '{"message":""}\n',
  rows: '{"m":"","l":{}}\n',
  text: '\n',
};

/**
 * Split a group that the engine refused into what it takes and a quarantine group of exactly the guilty lines, byte-true.
 * Lines are only found guilty while the engine takes a line that is surely good; otherwise the first error is thrown: it is the engine's.
 */
export async function setPoisonAside(
  group: FrameGroup,
  tryOut: (group: FrameGroup) => Promise<void>,
  first: unknown,
): Promise<FrameGroup[]> {
  if (group.format === 'quarantine') throw first;
  const [some] = group.pieces;
  if (!some) throw first;
  const innocent: FrameGroup = {
    ...group,
    keys: ['message'],
    gaps: new Set(['message']),
    hints: {},
    pieces: [{ ...some, payload: Buffer.from(control[group.format]), rows: 1 }],
  };
  const accepts = async (part: FrameGroup): Promise<string | null> => {
    if (groupRows(part) === 0) return null;
    try {
      await tryOut(part);
      return null;
    } catch (error) {
      const trouble = troubleOf(error);
      if (trouble !== 'input' && trouble !== 'other') throw error;
      const reason = readable(engineText(error));
      await tryOut(innocent).catch(() => {
        throw first;
      });
      return reason;
    }
  };
  const { good, guilty } = await separate(group, accepts);
  for (const { piece, reason } of guilty) {
    log.warn(
      { seq: String(piece.seq), tenant: piece.tenant, reason },
      'process: a record that the engine cannot read goes to quarantine',
    );
    recordsQuarantined(group.door, 'unreadable', 1);
  }
  const asRows: Piece[] = guilty.map(({ piece, reason }) => {
    const raw = Buffer.from(piece.payload);
    const row = {
      raw: raw.subarray(0, raw.at(-1) === 10 ? -1 : raw.length).toString('base64'),
      reason: reason.slice(0, 2_000),
      line: 0,
    };
    return { ...piece, payload: Buffer.from(`${JSON.stringify(row)}\n`) };
  });
  const parts: FrameGroup[] = [];
  if (good.length > 0) parts.push({ ...group, pieces: good });
  if (asRows.length > 0)
    parts.push({ format: 'quarantine', door: group.door, hints: {}, keys: [], gaps: new Set(), pieces: asRows });
  return parts;
}
