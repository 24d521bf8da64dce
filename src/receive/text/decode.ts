import { limits } from '../../base/limits.ts';
import type { FieldHints } from '../../base/record.ts';
import { type Decoded, Intake } from '../intake.ts';

const newline = 0x0a;

/** A body that ends with `\n`: each line is a record, empty ones too; bytes are not looked at. Lines over the limit go to quarantine. */
export function decodeText(body: Buffer, hints: FieldHints, recordBytesMax: number): Decoded {
  const intake = new Intake();
  let start = 0;
  let records = 0;
  let line = 0;
  const close = (end: number): void => {
    if (records > 0) intake.lines('text', records, [body.subarray(start, end)], { hints });
    records = 0;
  };
  for (let at = 0; at < body.length; ) {
    line++;
    const end = body.indexOf(newline, at);
    if (end - at > recordBytesMax) {
      close(at);
      const reason = `line of ${end - at} bytes is longer than ${recordBytesMax} (limits.record_bytes)`;
      intake.quarantine(body.subarray(at, end), 'record_too_large', reason, line);
      start = end + 1;
    } else {
      records++;
      if (end + 1 - start >= limits.batchBytesMax) {
        close(end + 1);
        start = end + 1;
      }
    }
    at = end + 1;
  }
  close(body.length);
  return intake.finish();
}
