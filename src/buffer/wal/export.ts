import { isUtf8 } from 'node:buffer';
import { once } from 'node:events';
import { type BatchHeader, seqOf, type Tenant } from '../../base/record.ts';
import { logDirectoryOf } from './check.ts';
import { nodeFs } from './fs.ts';
import { listSegments, scanSegment } from './scan.ts';
import type { FrameStep } from './walk.ts';

export type ExportOptions = {
  /** Only records of this tenant. */
  tenant?: Tenant;
  /** Only records with this seq or a later one. */
  from?: bigint;
  /** Told about each damaged place that is skipped. */
  warn?: (line: string) => void;
};

const chunkChars = 64 * 1024;
const newline = 10;

/**
 * Write every record of the log in a data directory (or a log directory) as a line of JSON, in order of seq:
 * `{"seq","tenant","door","format","received"[,"hints"],...}` and the payload line: as `record` when the format is JSON lines, as `text` when it is text, as `base64` when it is not UTF-8.
 * Reads only; the program may be running. Waits for a slow `out`; stops when it is closed, rejects when it fails. Returns how many records were written and how many damaged places skipped.
 */
export async function exportLog(
  directory: string,
  out: NodeJS.WritableStream,
  options: ExportOptions = {},
): Promise<{ records: number; damaged: number }> {
  const { files, faults } = await listSegments(nodeFs, logDirectoryOf(directory));
  const done = { records: 0, damaged: faults.length };
  for (const fault of faults) options.warn?.(`segment ${fault.segment}: ${fault.reason}`);
  for (const file of files) {
    const opened = await nodeFs.open(file.path, 'read');
    try {
      for await (const step of scanSegment(opened, file, true)) {
        if (step.kind === 'damage') {
          if (step.toEnd && file === files.at(-1)) continue;
          done.damaged += 1;
          options.warn?.(`segment ${file.segment}: at byte ${step.offset}: ${step.reason}`);
          continue;
        }
        if (options.tenant !== undefined && step.header.tenant !== options.tenant) continue;
        for (const text of chunksOf(file.segment, step, options.from ?? 0n, done)) {
          if (!out.writable) return done;
          if (!out.write(text)) await drained(out);
        }
      }
    } finally {
      await opened.close();
    }
  }
  return done;
}

async function drained(out: NodeJS.WritableStream): Promise<void> {
  const over = new AbortController();
  const { signal } = over;
  try {
    await Promise.race([once(out, 'drain', { signal }), once(out, 'close', { signal })]);
  } finally {
    over.abort();
  }
}

function* chunksOf(segment: number, step: FrameStep, from: bigint, done: { records: number }): Generator<string> {
  const payload = Buffer.from(step.payload.buffer, step.payload.byteOffset, step.payload.length);
  const before = prefixOf(step.header);
  const utf8 = isUtf8(payload);
  let chunk = '';
  let start = 0;
  for (let row = step.edge.row; start < payload.length; row++) {
    const stop = payload.indexOf(newline, start);
    const line = payload.subarray(start, stop < 0 ? payload.length : stop);
    start += line.length + 1;
    const seq = seqOf(segment, row);
    if (seq < from) continue;
    done.records += 1;
    chunk += `{"seq":"${seq}",${before},${lineOf(step.header, line, utf8 || isUtf8(line))}}\n`;
    if (chunk.length < chunkChars) continue;
    yield chunk;
    chunk = '';
  }
  if (chunk !== '') yield chunk;
}

function prefixOf({ tenant, door, format, received, hints }: BatchHeader): string {
  return JSON.stringify({ tenant, door, format, received, hints }).slice(1, -1);
}

function lineOf(header: BatchHeader, line: Buffer, utf8: boolean): string {
  if (!utf8) return `"base64":"${line.toString('base64')}"`;
  return header.format === 'text' ? `"text":${JSON.stringify(line.toString())}` : `"record":${line.toString()}`;
}
