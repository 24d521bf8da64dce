import { WeirError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { BatchHeader, FieldHints, PayloadFormat } from '../base/record.ts';
import { type ByteString, bytesOf, fromText } from './byte-string.ts';

/** Why a record went to quarantine; the label of the metric, so the set stays small. */
export type FaultKind = 'invalid_json' | 'record_too_large' | 'bad_labels' | 'bad_time' | 'bad_record';

/** A record in quarantine, as told to the sender. `line` is 1-based; 0 when the body has no lines. */
export type Fault = { line: number; reason: string };

/** A batch but for what the gateway adds: tenant, door, receive time. */
export type DecodedBatch = {
  header: Pick<BatchHeader, 'format' | 'records' | 'keys' | 'gaps' | 'hints'>;
  payload: Uint8Array[];
};

/** What a door made of one body. */
export type Decoded = {
  batches: DecodedBatch[];
  /** Records that will be stored as records. */
  accepted: number;
  /** Records that will be stored in quarantine. */
  quarantined: number;
  quarantinedBy: Map<FaultKind, number>;
  /** The first `limits.ingestErrorsListedMax` faults. */
  faults: Fault[];
  /** Payload bytes of all batches. */
  bytes: number;
};

const reasonsMax = 10;

/** The different reasons among the faults as one text, how often each, at most ten of them. */
export function reasonsOf({ faults, quarantined }: Pick<Decoded, 'faults' | 'quarantined'>): string {
  const times = new Map<string, number>();
  for (const { reason } of faults) times.set(reason, (times.get(reason) ?? 0) + 1);
  const said = Array.from(times, ([reason, n]) => (n === 1 ? reason : `${reason} (${n} times)`));
  const more = said.length > reasonsMax || quarantined > faults.length ? ['and others'] : [];
  return [...said.slice(0, reasonsMax), ...more].join('; ');
}

/** Longer offending bytes are kept as several rows, so that no row of the engine and no frame of the log grows past its limit. */
const quarantinePieceBytes = 3 * 1024 * 1024;
const flushCharacters = 256 * 1024;

/** Lines of one format on their way into batches of about `limits.batchBytesMax`. */
class Lines {
  readonly batches: DecodedBatch[] = [];
  readonly #format: PayloadFormat;
  #pending: ByteString = '';
  #payload: Uint8Array[] = [];
  #bytes = 0;
  #records = 0;

  constructor(format: PayloadFormat) {
    this.#format = format;
  }

  add(line: ByteString): void {
    this.#pending += `${line}\n`;
    this.#records++;
    if (this.#pending.length >= flushCharacters) this.#flush();
    if (this.#bytes >= limits.batchBytesMax) this.close();
  }

  #flush(): void {
    const bytes = bytesOf(this.#pending);
    this.#payload.push(bytes);
    this.#bytes += bytes.length;
    this.#pending = '';
  }

  close(): void {
    if (this.#records === 0) return;
    this.#flush();
    this.batches.push({ header: { format: this.#format, records: this.#records }, payload: this.#payload });
    this.#payload = [];
    this.#bytes = 0;
    this.#records = 0;
  }
}

/** Collects what a decoder finds in one body: rows, the sender's own lines, and what has to go to quarantine. */
export class Intake {
  #accepted = 0;
  #quarantined = 0;
  #bytes = 0;
  readonly #bytesMax: number;
  readonly #by = new Map<FaultKind, number>();
  readonly #faults: Fault[] = [];
  readonly #own: DecodedBatch[] = [];
  readonly #rows = new Lines('rows');
  readonly #quarantine = new Lines('quarantine');

  constructor(bytesMax: number = limits.decodedBytesMax) {
    this.#bytesMax = bytesMax;
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#bytesMax) throw new WeirError('decoded_too_large', { limit: this.#bytesMax });
  }

  /** One row, a JSON object of the shape of CanonicalRow, without line end. Throws `decoded_too_large`. */
  row(line: ByteString): void {
    this.#count(line.length + 1);
    this.#accepted++;
    this.#rows.add(line);
  }

  /** Lines of the sender as they are; `payload` together is exactly `records` lines, each ended by `\n`. */
  lines(
    format: 'json' | 'text',
    records: number,
    payload: Uint8Array[],
    extra: { keys?: string[]; gaps?: string[]; hints?: FieldHints },
  ): void {
    for (const piece of payload) this.#count(piece.length);
    this.#accepted += records;
    this.#own.push({ header: { format, records, ...extra }, payload });
  }

  /** One record that cannot be stored as such: its bytes as they came. `reason` is ordinary text. Throws `decoded_too_large`. */
  quarantine(raw: Uint8Array, kind: FaultKind, reason: string, line = 0): void {
    this.#quarantined++;
    this.#by.set(kind, (this.#by.get(kind) ?? 0) + 1);
    if (this.#faults.length < limits.ingestErrorsListedMax) this.#faults.push({ line, reason });
    const pieces = Math.max(1, Math.ceil(raw.length / quarantinePieceBytes));
    for (let k = 0; k < pieces; k++) {
      const piece = raw.subarray(k * quarantinePieceBytes, (k + 1) * quarantinePieceBytes);
      const said = pieces === 1 ? reason : `${reason} (part ${k + 1} of ${pieces})`;
      const base64 = Buffer.from(piece.buffer, piece.byteOffset, piece.length).toString('base64');
      const text = `{"raw":"${base64}","reason":${fromText(JSON.stringify(said))},"line":${line}}`;
      this.#count(text.length + 1);
      this.#quarantine.add(text);
    }
  }

  finish(): Decoded {
    this.#rows.close();
    this.#quarantine.close();
    return {
      batches: [...this.#own, ...this.#rows.batches, ...this.#quarantine.batches],
      accepted: this.#accepted,
      quarantined: this.#quarantined,
      quarantinedBy: this.#by,
      faults: this.#faults,
      bytes: this.#bytes,
    };
  }
}
