import { limits } from '../../base/limits.ts';
import type { FieldHints } from '../../base/record.ts';
import { type Decoded, type FaultKind, Intake } from '../intake.ts';
import { canonicalRow } from './canonical.ts';
import { lineKind, LineScanner } from './scan.ts';
import { isBlank, skipBlank, splitArray, splitConcatenated, type Span } from './values.ts';

const newline = 0x0a;
/** With more runs of good lines than this in one batch, they are copied together: a frame of the log is written with one writev. */
const piecesMax = 256;

/** One for all bodies, which are scanned one after the other: its tables are a dozen allocations. */
const lineScanner = new LineScanner(limits.jsonKeysMax);

/** Runs of good lines of one buffer on their way into batches. */
class Runs {
  readonly #source: Buffer;
  readonly #batches: { records: number; payload: Buffer[] }[] = [];
  #runs: Span[] = [];
  #records = 0;
  #bytes = 0;

  constructor(source: Buffer) {
    this.#source = source;
  }

  /** The lines from `start` to `end`, last `\n` included. */
  add(start: number, end: number, records: number): void {
    const last = this.#runs.at(-1);
    if (last?.end === start) last.end = end;
    else this.#runs.push({ start, end });
    this.#records += records;
    this.#bytes += end - start;
    if (this.#bytes >= limits.batchBytesMax) this.#close();
  }

  #close(): void {
    const pieces = this.#runs.map(({ start, end }) => this.#source.subarray(start, end));
    this.#batches.push({
      records: this.#records,
      payload: pieces.length > piecesMax ? [Buffer.concat(pieces)] : pieces,
    });
    this.#runs = [];
    this.#records = 0;
    this.#bytes = 0;
  }

  finish(intake: Intake, scanner: LineScanner, hints: FieldHints): void {
    if (this.#records > 0) this.#close();
    const keys = scanner.keys();
    const gaps = scanner.gaps();
    for (const { records, payload } of this.#batches)
      intake.lines('json', records, payload, { keys, ...(gaps.length < keys.length && { gaps }), hints });
  }
}

const reasonOf = (scanner: LineScanner): string => `${scanner.reason} (byte ${scanner.column})`;

const kindOf = (scanner: LineScanner): FaultKind => (scanner.tooLarge ? 'record_too_large' : 'invalid_json');

/** One object a line. Good lines are not copied: the payload is made of slices of `body`. */
function takeLines(
  body: Buffer,
  from: number,
  scanner: LineScanner,
  intake: Intake,
  runs: Runs,
  hints: FieldHints,
): void {
  let runStart = from;
  let runRecords = 0;
  let line = 0;
  for (let at = from; at < body.length; ) {
    const good = scanner.scanGood(at);
    const kind = good > 0 ? lineKind.good : scanner.scan(at);
    const next = scanner.end + 1;
    line += good || 1;
    if (kind === lineKind.good) {
      runRecords += good || 1;
      if (next - runStart >= limits.batchBytesMax) {
        runs.add(runStart, next, runRecords);
        runStart = next;
        runRecords = 0;
      }
    } else {
      if (runRecords > 0) runs.add(runStart, at, runRecords);
      runStart = next;
      runRecords = 0;
      if (kind === lineKind.odd) intake.row(canonicalRow(body, body, at, scanner.end, hints));
      else if (kind === lineKind.bad)
        intake.quarantine(body.subarray(at, scanner.end), kindOf(scanner), reasonOf(scanner), line);
    }
    at = next;
  }
  if (runRecords > 0) runs.add(runStart, body.length, runRecords);
}

/**
 * Objects that are not one a line. Each is ended by a `\n` in `shape`, in place of the byte behind it, and then is a line like any other,
 * but for objects that span lines themselves: those become rows, so that their text stays as it is.
 */
function takeSpans(
  spans: readonly Span[],
  shape: Buffer,
  source: Buffer,
  scanner: LineScanner,
  intake: Intake,
  runs: Runs,
  hints: FieldHints,
): void {
  for (const { end } of spans) shape[end] = newline;
  let lineEnd = -1;
  for (let index = 0; index < spans.length; ) {
    const good = scanner.scanGood(spans[index]?.start ?? 0);
    for (const { start, end } of spans.slice(index, index + (good || 1))) {
      index++;
      // Looked for once for all objects before it: an array on one line has its only line end behind the last.
      if (lineEnd < start) lineEnd = source.indexOf(newline, start);
      const spansLines = lineEnd >= start && lineEnd < end;
      const kind = good > 0 ? lineKind.good : scanner.scan(start);
      if (kind === lineKind.bad)
        intake.quarantine(source.subarray(start, end), kindOf(scanner), reasonOf(scanner), index);
      else if (kind === lineKind.odd || spansLines) intake.row(canonicalRow(shape, source, start, end, hints));
      else runs.add(start, end + 1, 1);
    }
  }
}

/** A copy of `body` with blanks for its line ends. */
function withoutLineEnds(body: Buffer): Buffer {
  const shape = Buffer.from(body);
  for (let at = shape.indexOf(newline); at >= 0; at = shape.indexOf(newline, at + 1)) shape[at] = 0x20;
  shape[shape.length - 1] = newline;
  return shape;
}

/**
 * A body that ends with `\n`: one object a line, an array of objects (lines may follow it), or objects one after the other that span lines.
 * Blank lines are skipped. `line` of a fault counts lines, or the objects when they are not one a line.
 */
export function decodeJsonLines(body: Buffer, hints: FieldHints, recordBytesMax: number): Decoded {
  try {
    return decode(body, hints, recordBytesMax);
  } finally {
    lineScanner.letGo();
  }
}

function decode(body: Buffer, hints: FieldHints, recordBytesMax: number): Decoded {
  const intake = new Intake();
  if (isBlank(body, 0)) return intake.finish();
  const scannerOf = (bytes: Buffer): LineScanner => lineScanner.begin(bytes, recordBytesMax);

  const array = splitArray(body);
  const spans =
    array?.spans ?? (scannerOf(body).scan(skipBlank(body, 0)) === lineKind.bad ? concatenated() : undefined);
  if (spans === undefined) {
    const scanner = scannerOf(body);
    const runs = new Runs(body);
    takeLines(body, 0, scanner, intake, runs, hints);
    runs.finish(intake, scanner, hints);
    return intake.finish();
  }

  const shape = withoutLineEnds(body);
  const scanner = scannerOf(shape);
  const runs = new Runs(shape);
  takeSpans(spans, shape, body, scanner, intake, runs, hints);
  runs.finish(intake, scanner, hints);
  if (array && !isBlank(body, array.end)) {
    const rest = body.subarray(array.end);
    if (array.fault !== undefined) intake.quarantine(rest, 'invalid_json', array.fault, spans.length + 1);
    else {
      const lines = scannerOf(rest);
      const restRuns = new Runs(rest);
      takeLines(rest, 0, lines, intake, restRuns, hints);
      restRuns.finish(intake, lines, hints);
    }
  }
  return intake.finish();

  /** Only when the whole body is well-formed that way; else a cut first line would take its neighbours with it. */
  function concatenated(): Span[] | undefined {
    const found = splitConcatenated(body);
    if (found === undefined) return undefined;
    const trial = withoutLineEnds(body);
    const scanner = scannerOf(trial);
    for (const { start, end } of found) {
      trial[end] = newline;
      if (scanner.scan(start) === lineKind.bad) return undefined;
    }
    return found;
  }
}
