import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { nodeFs } from './fs.ts';
import { listSegments, type SegmentFile, scanSegment } from './scan.ts';

/** The log of a data directory, or the directory itself when it is one. */
export function logDirectoryOf(directory: string): string {
  const inside = join(directory, 'wal');
  return existsSync(inside) ? inside : directory;
}

/**
 * Verify every checksum of the log in a data directory (or of a log directory), reading only; the program may be running. Prints one line per segment and one per fault.
 * `damaged` is the number of faults. An incomplete frame at the very end of the newest segment is none: it is being written, or was torn by a crash before it was acknowledged.
 */
export async function checkLog(directory: string, print: (line: string) => void): Promise<{ damaged: number }> {
  const { files, faults } = await listSegments(nodeFs, logDirectoryOf(directory));
  for (const fault of faults) print(`segment ${fault.segment}: ${fault.reason}`);
  let damaged = faults.length;
  const total = { frames: 0, records: 0, bytes: 0 };
  for (const file of files) {
    const found = await checkSegment(file, file === files.at(-1));
    total.frames += found.frames;
    total.records += found.records;
    total.bytes += file.bytes;
    damaged += found.faults.length;
    const counts = `${found.frames} frames, ${found.records} records, ${file.bytes} bytes`;
    const verdict = found.faults.length > 0 ? `${found.faults.length} damaged` : 'ok';
    print(`segment ${file.segment}: ${counts}: ${verdict}${found.tail}`);
    for (const fault of found.faults) print(`  ${fault}`);
  }
  const verdict = damaged === 0 ? 'no damage' : `${damaged} faults`;
  print(`${files.length} segments, ${total.frames} frames, ${total.records} records, ${total.bytes} bytes: ${verdict}`);
  return { damaged };
}

async function checkSegment(
  file: SegmentFile,
  newest: boolean,
): Promise<{ frames: number; records: number; faults: string[]; tail: string }> {
  const found = { frames: 0, records: 0, faults: [] as string[], tail: '' };
  const opened = await nodeFs.open(file.path, 'read');
  try {
    for await (const step of scanSegment(opened, file, true)) {
      if (step.kind === 'frame') {
        found.frames += 1;
        found.records += step.edge.records;
      } else if (newest && step.toEnd && step.rows === undefined) {
        found.tail = `; ${step.bytes} bytes at the end are no whole frame (being written, or torn by a crash)`;
      } else {
        const rows = step.rows === undefined ? 'an unknown number of' : step.rows;
        found.faults.push(`at byte ${step.offset}, ${step.bytes} bytes, ${rows} rows lost: ${step.reason}`);
      }
    }
  } finally {
    await opened.close();
  }
  return found;
}
