import { log } from '../../base/log.ts';
import { seqOf } from '../../base/record.ts';
import { logDamaged } from '../../base/telemetry.ts';
import { BatchIds } from './batch-ids.ts';
import { codeOf, type Fs, type LogFile } from './fs.ts';
import type { Quarantine } from './quarantine.ts';
import { mark, type RetainedSegments, type Segment } from './retained.ts';
import { edgeBytes, encodeEdges, segmentHeaderBytes } from './segment.ts';
import { listSegments, type SegmentFile, scanSegment } from './scan.ts';
import type { Summaries, WholeSegment } from './summaries.ts';
import type { KnownBatch } from './summary.ts';
import type { DamageStep } from './walk.ts';

/** What a start did not do at once: see `Summaries.writeAll` and verify.ts. */
export type Recovered = { unsummarised: WholeSegment[]; unread: SegmentFile[] };

/** Read the directory into `segments` and `ids`, as the head of segment.ts tells. Memory is bounded by one window and one frame, whatever the log's size. */
export async function recover(
  fs: Fs,
  directory: string,
  segments: RetainedSegments,
  ids: BatchIds,
  quarantine: Quarantine,
  summaries: Summaries,
): Promise<Recovered> {
  const { files, faults } = await listSegments(fs, directory);
  for (const fault of faults) {
    logDamaged(fault.rows);
    log.error(fault, 'the log is damaged');
  }
  await summaries.sweep(new Set(files.map(file => file.segment)));
  const recovered: Recovered = { unsummarised: [], unread: [] };
  for (const file of files) {
    const newest = file === files.at(-1);
    const summary = newest ? undefined : await summaries.of(file);
    let batches = summary?.batches ?? [];
    if (summary) {
      const { segment, path, salt, modified } = file;
      const { bytes, rows, frames, marks } = summary;
      segments.add({ segment, path, salt, bytes, rows, frames, sealed: true, modified, marks });
      recovered.unread.push(file);
    } else {
      const opened = await fs.open(file.path, newest ? 'change' : 'read');
      try {
        const { found, whole, ...read } = await recoverSegment(opened, file, newest, quarantine);
        batches = read.batches;
        segments.add(found);
        if (whole) recovered.unsummarised.push({ ...found, batches });
        else await summaries.forget(file.segment);
      } finally {
        await opened.close();
      }
    }
    for (const { row, key } of batches) ids.add(key, seqOf(file.segment, row));
  }
  return recovered;
}

/** `whole`: nothing is wrong with the segment, and all of it is on the disk. */
async function recoverSegment(
  opened: LogFile,
  file: SegmentFile,
  newest: boolean,
  quarantine: Quarantine,
): Promise<{ found: Segment; batches: KnownBatch[]; whole: boolean }> {
  const { segment, path, salt, modified } = file;
  const marks: Segment['marks'] = [];
  const found = { segment, path, salt, bytes: file.end, rows: 0, frames: 0, sealed: true, modified, marks };
  const batches: KnownBatch[] = [];
  const lost: NonNullable<DamageStep['lostEdge']>[] = [];
  let whole = file.header !== undefined;
  let torn: DamageStep | undefined;
  let end = segmentHeaderBytes;
  for await (const step of scanSegment(opened, file, newest)) {
    if (step.kind === 'frame') {
      const { edge, header, offset, next } = step;
      mark(found, { offset, row: edge.row, frame: edge.frame });
      const key = BatchIds.key(header, edge.payloadBytes, edge.payloadCrc);
      if (key !== undefined) batches.push({ row: edge.row, key });
      found.rows = next.row;
      found.frames = next.frame;
      end = next.offset;
    } else {
      whole = false;
      torn = newest && step.toEnd ? step : undefined;
      if (torn) continue;
      end = step.offset + step.bytes;
      found.rows = step.row + (step.rows ?? 0);
      if ((await quarantine.keep(opened, segment, step)) && newest && step.lostEdge) lost.push(step.lostEdge);
    }
  }
  for (const edge of lost) await mendEdge(opened, found, edge);
  found.rows = Math.max(found.rows, file.expected?.rows ?? 0);
  found.frames = Math.max(found.frames, file.expected?.frames ?? 0);
  if (torn) await cutTail(opened, found, torn, quarantine);
  else if (newest && salt !== undefined && end < found.bytes) await cutZeros(opened, found, end);
  // What was only in the page cache of a killed process is served from now on: make it durable first.
  if (newest)
    await opened.datasync().catch((error: unknown) => {
      whole = false;
      log.error({ segment, code: codeOf(error) }, 'the newest segment of the log could not be synced');
    });
  return { found, batches, whole };
}

/**
 * Write the head or tail of a whole frame anew. A power cut leaves such a frame when of its last write all arrived but one sector; unmended, every check of the log would
 * call it damaged for as long as the segment is kept. Without success it stays so, and is read all the same.
 */
async function mendEdge(
  opened: LogFile,
  { segment, salt = 0 }: Segment,
  { kind, offset, other }: NonNullable<DamageStep['lostEdge']>,
): Promise<void> {
  const edges = { head: Buffer.alloc(edgeBytes), tail: Buffer.alloc(edgeBytes) };
  encodeEdges({ segment, salt }, other, edges.head, edges.tail);
  const fault = await opened.writev([edges[kind]], offset).then(
    written => (written === edgeBytes ? undefined : 'short write'),
    (error: unknown) => codeOf(error),
  );
  if (fault !== undefined) log.warn({ segment, offset, code: fault }, `the ${kind} of a frame could not be mended`);
}

/** Give back the blocks that were written ahead and not used; without success they stay, and nothing reads them. */
async function cutZeros(opened: LogFile, found: Segment, end: number): Promise<void> {
  found.bytes = end;
  await opened.truncate(end).catch((error: unknown) => {
    log.debug({ segment: found.segment, code: codeOf(error) }, 'the unused end of the log could not be cut off');
  });
}

/** Cut off what follows the last valid frame of the newest segment, after its bytes are safe in the quarantine. Without room for them they stay: nothing reads behind the durable bytes. */
async function cutTail(opened: LogFile, found: Segment, torn: DamageStep, quarantine: Quarantine): Promise<void> {
  found.bytes = torn.offset;
  const said = { ...torn, rows: 0, reason: `torn end, cut off: ${torn.reason}` };
  if (!(await quarantine.keep(opened, found.segment, said))) return;
  await opened.truncate(torn.offset).catch((error: unknown) => {
    log.warn({ segment: found.segment, code: codeOf(error) }, 'the torn end of the log could not be cut off');
  });
}
