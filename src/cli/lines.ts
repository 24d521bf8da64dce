/** Whole lines of one kind, each ended by `\n`, in the order they came. */
export type LineBlock = { kind: 'json' | 'text'; bytes: Buffer; lines: number };

export type LineKind = 'auto' | 'json' | 'text';

const newline = 10;
const newlineBytes = Buffer.from('\n');

/** True for a line that looks like one JSON object: `{"..."...}` or `{}`. Validity is the server's business. */
function looksLikeJson(bytes: Buffer, from: number, to: number): boolean {
  let end = to - 1;
  while (end > from && (bytes[end] === 13 || bytes[end] === 32)) end--;
  if (bytes[from] !== 0x7b || bytes[end] !== 0x7d || end === from) return false;
  let next = from + 1;
  while (bytes[next] === 32) next++;
  return bytes[next] === 0x22 || bytes[next] === 0x7d;
}

/** Cuts a byte stream into blocks of whole lines; bytes are never changed. With `auto` each line is sorted by its looks. */
export function createLineCutter(
  kind: LineKind,
  lineBytesMax: number,
): { push(chunk: Buffer): LineBlock[]; end(): LineBlock[]; tooLong(): number } {
  let carry: Buffer[] = [];
  let carried = 0;
  let skipping = false;
  let tooLong = 0;

  const cut = (bytes: Buffer): LineBlock[] => {
    const blocks: LineBlock[] = [];
    let from = 0;
    let open: { kind: 'json' | 'text'; start: number; lines: number } | undefined;
    const close = (at: number): void => {
      if (open) blocks.push({ kind: open.kind, bytes: bytes.subarray(open.start, at), lines: open.lines });
      open = undefined;
    };
    for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, from)) {
      const own = kind === 'auto' ? (looksLikeJson(bytes, from, at) ? 'json' : 'text') : kind;
      if (open?.kind !== own) close(from);
      open ??= { kind: own, start: from, lines: 0 };
      open.lines++;
      from = at + 1;
    }
    close(from);
    return blocks;
  };

  const push = (chunk: Buffer): LineBlock[] => {
    let rest = chunk;
    if (skipping) {
      const end = rest.indexOf(newline);
      if (end < 0) return [];
      skipping = false;
      rest = rest.subarray(end + 1);
    }
    const last = rest.lastIndexOf(newline);
    let blocks: LineBlock[] = [];
    if (last >= 0) {
      blocks = cut(Buffer.concat([...carry, rest.subarray(0, last + 1)]));
      carry = [];
      carried = 0;
    }
    const tail = rest.subarray(last + 1);
    if (tail.length > 0) carry.push(tail);
    carried += tail.length;
    if (carried > lineBytesMax) {
      tooLong++;
      carry = [];
      carried = 0;
      skipping = true;
    }
    return blocks;
  };

  const end = (): LineBlock[] => (carried === 0 ? [] : cut(Buffer.concat([...carry.splice(0), newlineBytes])));
  return { push, end, tooLong: () => tooLong };
}
