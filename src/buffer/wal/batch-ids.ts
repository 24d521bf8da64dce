import { limits } from '../../base/limits.ts';
import type { BatchHeader } from '../../base/record.ts';

/**
 * The agent batch ids of the retained log, so that a retry is answered with the first one's seq and not appended again.
 *
 * The window is what the log retains, at most `limits.walBatchIdsMax` batches, the oldest leave first; a retry from before it is stored a second
 * time. Two batches are the same when tenant, agent, epoch, sequence, format, length and checksum of the payload are: one
 * request may become batches of several formats under one id, and a batch with other bytes is never thrown away for its number.
 */
export class BatchIds {
  private readonly seqs = new Map<string, bigint>();

  /** The key of a batch, undefined when it has no id. */
  static key(header: BatchHeader, payloadBytes: number, payloadCrc: number): string | undefined {
    if (!header.agentBatch) return undefined;
    const { agent, epoch, sequence } = header.agentBatch;
    return JSON.stringify([header.tenant, agent, epoch, sequence, header.format, payloadBytes, payloadCrc]);
  }

  get size(): number {
    return this.seqs.size;
  }

  seqOf(key: string): bigint | undefined {
    return this.seqs.get(key);
  }

  /** Must be called in order of seq. */
  add(key: string, seq: bigint): void {
    this.seqs.set(key, seq);
    if (this.seqs.size <= limits.walBatchIdsMax) return;
    for (const oldest of this.seqs.keys()) {
      this.seqs.delete(oldest);
      return;
    }
  }

  /** Their segments are gone. */
  forgetBefore(seq: bigint): void {
    for (const [key, at] of this.seqs) {
      if (at >= seq) return;
      this.seqs.delete(key);
    }
  }
}
