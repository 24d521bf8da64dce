import type { BatchHeader } from '../../base/record.ts';
import type { Frame } from '../../flow.ts';

type Kept = { seq: bigint; end: bigint; header: BatchHeader; headerBytes: number; start: number; bytes: number };

/** Header text of all frames kept; their objects take some times that. */
const headerBytesMax = 2 * 1024 * 1024;

/**
 * The newest durable frames in memory, until they have been taken or younger ones need their place: who keeps up with the log reads nothing from the disk.
 * The memory is a ring of `bytesMax`, used from its front again whenever everything was taken, so a log that is read at once needs little of it.
 */
export class Recent {
  private readonly bytesMax: number;
  private memory: Buffer | undefined;
  private readonly frames: Kept[] = [];
  private headerBytes = 0;
  /** Where the next frame goes. */
  private head = 0;
  /** Every durable frame with this seq or a later one is here. */
  private since: bigint;

  /** `since`: where the log ends. */
  constructor(bytesMax: number, since: bigint) {
    this.bytesMax = bytesMax;
    this.since = since;
  }

  /** The frame that follows the one before became durable. Its payload is copied, if it is not too large. */
  add(seq: bigint, header: BatchHeader, headerBytes: number, payload: readonly Uint8Array[], bytes: number): void {
    const end = seq + BigInt(header.records);
    if (bytes > this.bytesMax / 2 || headerBytes > headerBytesMax) {
      this.drop(this.frames.length);
      this.since = end;
      return;
    }
    this.memory ??= Buffer.allocUnsafeSlow(this.bytesMax);
    this.makeRoom(bytes, headerBytes);
    const start = this.head;
    for (const piece of payload) {
      this.memory.set(piece, this.head);
      this.head += piece.length;
    }
    this.headerBytes += headerBytes;
    this.frames.push({ seq, end, header, headerBytes, start, bytes });
  }

  /**
   * Frames from `from` on, up to about `bytesMax`, their payloads copied into what `room` gives; they and all before them are forgotten.
   * Empty when not all that are wanted are here.
   */
  take(from: bigint, bytesMax: number, room: (bytes: number) => Buffer): Frame[] {
    const { memory } = this;
    if (memory === undefined || from < this.since) return [];
    const first = this.frames.findIndex(frame => frame.seq >= from);
    if (first < 0) return [];
    let bytes = 0;
    let count = first;
    for (; count < this.frames.length && (count === first || bytes < bytesMax); count++)
      bytes += this.frames[count]?.bytes ?? 0;
    const into = room(bytes);
    let at = 0;
    const taken = this.frames.slice(first, count).map(({ seq, header, start, bytes: length }) => {
      memory.copy(into, at, start, start + length);
      at += length;
      return { seq, header, payload: into.subarray(at - length, at) };
    });
    this.drop(count);
    return taken;
  }

  /** Move `head` to where `bytes` fit, without the frames that were there: in a ring those are the oldest. */
  private makeRoom(bytes: number, headerBytes: number): void {
    const { frames, head } = this;
    const wraps = head + bytes > this.bytesMax;
    const start = wraps ? 0 : head;
    let gone = 0;
    let freed = this.headerBytes + headerBytes - headerBytesMax;
    for (let frame = frames[0]; frame; frame = frames[++gone]) {
      const skipped = wraps && frame.start >= head;
      const overlaps = frame.start < start + bytes && start < frame.start + frame.bytes;
      if (!skipped && !overlaps && freed <= 0) break;
      freed -= frame.headerBytes;
    }
    this.head = start;
    this.drop(gone);
  }

  /** Forget the oldest. */
  private drop(count: number): void {
    for (const frame of this.frames.splice(0, count)) {
      this.since = frame.end;
      this.headerBytes -= frame.headerBytes;
    }
    if (this.frames.length === 0) this.head = 0;
  }
}
