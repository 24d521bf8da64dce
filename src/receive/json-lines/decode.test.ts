import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { CanonicalRow, FieldHints, QuarantineRow } from '../../base/record.ts';
import type { Decoded } from '../intake.ts';
import { decodeJsonLines } from './decode.ts';

const decode = (body: string | Buffer, hints: FieldHints = {}, recordMax = 1 << 20): Decoded => {
  const bytes = Buffer.from(body);
  return decodeJsonLines(
    bytes.at(-1) === 10 || bytes.length === 0 ? bytes : Buffer.concat([bytes, Buffer.from('\n')]),
    hints,
    recordMax,
  );
};

/** Payload lines of all batches of a format; checks that each batch is what its header says. */
function lines(decoded: Decoded, format: string): Buffer[] {
  return decoded.batches
    .filter(batch => batch.header.format === format)
    .flatMap(batch => {
      const payload = Buffer.concat(batch.payload);
      const found: Buffer[] = [];
      for (let at = 0; at < payload.length; ) {
        const end = payload.indexOf(10, at);
        expect(end).toBeGreaterThanOrEqual(0);
        found.push(payload.subarray(at, end));
        at = end + 1;
      }
      expect(found.length).toBe(batch.header.records);
      return found;
    });
}
const jsonLines = (decoded: Decoded): string[] => lines(decoded, 'json').map(String);
const rows = (decoded: Decoded): CanonicalRow[] =>
  lines(decoded, 'rows').map(line => JSON.parse(String(line)) as CanonicalRow);
const quarantined = (decoded: Decoded): (QuarantineRow & { text: string })[] =>
  lines(decoded, 'quarantine').map(line => {
    const row = JSON.parse(String(line)) as QuarantineRow;
    return { ...row, text: Buffer.from(row.raw, 'base64').toString('latin1') };
  });
const row = (line: string, hints: FieldHints = {}): CanonicalRow | undefined => rows(decode(line, hints))[0];

describe('decodeJsonLines', () => {
  it('hands over good lines as they are, without copying', () => {
    const body = Buffer.from('{"a":1}\n\n{"b":2}\r\nnot json\n{"a":3,"c":4}\n');
    const decoded = decodeJsonLines(body, { timeField: 'when' }, 1000);
    expect(jsonLines(decoded)).toEqual(['{"a":1}', '{"b":2}\r', '{"a":3,"c":4}']);
    expect(decoded.batches[0]?.payload.every(piece => piece.buffer === body.buffer)).toBe(true);
    expect(decoded.batches[0]?.header).toEqual({
      format: 'json',
      records: 3,
      keys: ['a', 'b', 'c'],
      hints: { timeField: 'when' },
    });
    expect([decoded.accepted, decoded.quarantined]).toEqual([3, 1]);
    expect(decoded.faults).toEqual([{ line: 4, reason: 'a JSON object is expected (byte 1)' }]);
    expect(quarantined(decoded)[0]).toMatchObject({ text: 'not json', line: 4 });
  });

  it.each(['', '\n', ' \r\n\t\n'])('finds nothing in a blank body %j', body => {
    expect(decode(body)).toMatchObject({ accepted: 0, quarantined: 0, batches: [] });
  });

  it('takes an array, compact or over lines, and a single object over lines', () => {
    expect(jsonLines(decode('[{"a":1},{"a":2} , {"a":"]},{"}]'))).toEqual(['{"a":1}', '{"a":2}', '{"a":"]},{"}']);
    expect(jsonLines(decode('[\n{"a":1},\n{"a":2}\n]\n'))).toEqual(['{"a":1}', '{"a":2}']);
    expect(decode('[]')).toMatchObject({ accepted: 0, quarantined: 0 });
    const pretty = '{\n  "message": "hi",\n  "deep": {\n    "x": [1,\n2]\n  }\n}\n';
    expect(rows(decode(pretty))).toEqual([
      { m: 'hi', l: { service_name: 'unknown_service' }, a: { deep: '{\n    "x": [1,\n2]\n  }' } },
    ]);
    expect(rows(decode(pretty + pretty))).toHaveLength(2);
    expect(rows(decode(`[${pretty},${pretty}]`))).toHaveLength(2);
    expect(rows(decode('\n{\n"k":1}\n'))).toEqual([
      { m: '{\n"k":1}', l: { service_name: 'unknown_service' }, a: { k: '1' } },
    ]);
  });

  it('keeps the good elements of an array with bad ones, or of one that is cut', () => {
    const mixed = decode('[{"a":1},2,{"b":}, {"c":3}]');
    expect(jsonLines(mixed)).toEqual(['{"a":1}', '{"c":3}']);
    expect(mixed.faults).toEqual([
      { line: 2, reason: 'a JSON object is expected (byte 1)' },
      { line: 3, reason: 'a value is expected (byte 6)' },
    ]);
    const cut = decode('[{"a":1},{"b":2');
    expect(jsonLines(cut)).toEqual(['{"a":1}']);
    expect(quarantined(cut)).toMatchObject([{ text: '{"b":2\n', reason: 'array element 2 is not closed' }]);
    expect(jsonLines(decode('[{"a":1}]\n{"b":2}\n'))).toEqual(['{"a":1}', '{"b":2}']);
    expect(decode('[{"a":"x\ny"}]')).toMatchObject({ accepted: 0, quarantined: 1 });
  });

  it('makes the same of an array as of lines, however it is written', () => {
    const object = fc.oneof(
      fc
        .dictionary(fc.constantFrom('a', 'bb', 'message', 'é'), fc.jsonValue({ maxDepth: 2 }))
        .map(o => JSON.stringify(o)),
      fc.constantFrom('{"a":1}', '{"a":1,"a":2}', '{"a":}', '{}', '{"message":"x\\n}, {"}', '{ "a" : [ 1 ] }'),
    );
    const separator = fc.constantFrom(',', ', ', ' ,', ',\n', ' ,\r\n ');
    fc.assert(
      fc.property(fc.array(object, { minLength: 1, maxLength: 12 }), separator, (objects, between) => {
        const [array, alone] = [decode(`[${objects.join(between)}]`), decode(`${objects.join('\n')}\n`)];
        expect(jsonLines(array).map(text => text.trim())).toEqual(jsonLines(alone));
        expect(rows(array)).toEqual(rows(alone));
        expect(quarantined(array).map(row => row.text)).toEqual(quarantined(alone).map(row => row.text));
        expect(array.batches.map(batch => batch.header)).toEqual(alone.batches.map(batch => batch.header));
      }),
      { numRuns: 500 },
    );
  });

  it('looks for line ends once in an array on one line', () => {
    const body = `[${'{"a":1},'.repeat(2_000)}{"a":2}]`;
    const looks = vi.spyOn(Buffer.prototype, 'indexOf');
    try {
      expect(decode(body).accepted).toBe(2_001);
      expect(looks.mock.calls.length).toBeLessThan(10);
    } finally {
      looks.mockRestore();
    }
  });

  it('does not let a cut first line take its neighbours with it', () => {
    const decoded = decode('{"a":{"b":1}\n{"c":1}\n{"d":1}}\n');
    expect(jsonLines(decoded)).toEqual(['{"c":1}']);
    expect(decoded.quarantined).toBe(2);
  });

  it('passes bytes that are not UTF-8, NUL escapes and long integers as they are', () => {
    const line = Buffer.concat([
      Buffer.from('{"m":"'),
      Buffer.from([0xff, 0xfe, 0x80]),
      Buffer.from('\\u0000","n":12345678901234567890123,"m":1}'),
    ]);
    expect(lines(decode(line), 'rows')[0]?.includes(Buffer.from([0xff, 0xfe, 0x80, 0x5c, 0x75]))).toBe(true);
    const plain = Buffer.from('{"m":"\xff","n":9007199254740993}', 'latin1');
    expect(lines(decode(plain), 'json')[0]?.equals(plain)).toBe(true);
  });

  it('makes rows of odd lines by the same rules as the engine', () => {
    expect(
      row(
        '{"ts":"2026-11-20T00:00:00.5Z","msg":"m\\u00e9","level":"warn","service":"s","app":"a","trace_id":"ABCDEF","span.id":"Zz","n":1.50,"b":true,"z":null,"o":{"k": [1]},"o":2,"\\u0061":""}',
      ),
    ).toEqual({
      t: 1763596800500000000 + 31536000000000000,
      m: 'mé',
      l: { service: 's', app: 'a', service_name: 's' },
      v: 'warn',
      i: 'abcdef',
      p: 'Zz',
      a: { level: 'warn', n: '1.50', b: 'true', o: '{"k": [1]}', o_2: '2', a: '' },
    });
    expect(row('{}')).toEqual({ m: '{}', l: { service_name: 'unknown_service' } });
    expect(row('{"":1,"time":"yesterday"}')).toEqual({
      m: '{"":1,"time":"yesterday"}',
      l: { service_name: 'unknown_service' },
      a: { '': '1', time: 'yesterday' },
    });
    expect(
      row('{"":1,"w":5,"x":"text","msg":"no","host":"h"}', {
        timeField: 'w',
        messageField: 'x',
        labelFields: ['host'],
      }),
    ).toMatchObject({
      t: 5e9,
      m: 'text',
      l: { host: 'h', service_name: 'unknown_service' },
      a: { msg: 'no' },
    });
  });

  it('makes rows of lines with more keys than a batch may have', () => {
    const wide = `{${Array.from({ length: 1000 }, (_, k) => `"k${k}":"${k}"`).join(',')}}`;
    const decoded = decode(`{"a":1}\n${wide}\n{"a":2}\n`);
    expect(jsonLines(decoded)).toEqual(['{"a":1}', '{"a":2}']);
    expect(decoded.batches[0]?.header.keys).toEqual(['a']);
    expect(Object.keys(rows(decoded)[0]?.a ?? {})).toHaveLength(1000);
  });

  it('puts records over the limit in quarantine, long ones in parts', () => {
    const long = `{"a":"${'x'.repeat(4_000_000)}"}`;
    const decoded = decode(`${long}\n{"b":1}\n`, {}, 1000);
    expect([decoded.accepted, decoded.quarantined]).toEqual([1, 1]);
    expect(decoded.faults).toEqual([
      { line: 1, reason: 'record of 4000008 bytes is larger than 1000 (limits.record_bytes) (byte 1)' },
    ]);
    const parts = quarantined(decoded);
    expect(parts).toHaveLength(2);
    expect(parts.map(part => part.text).join('')).toBe(long);
  });

  it('cuts large bodies into batches at line ends', () => {
    const decoded = decode(`{"a":"${'x'.repeat(993)}"}\n`.repeat(20_000));
    expect(decoded.batches.length).toBe(3);
    expect(jsonLines(decoded)).toHaveLength(20_000);
  });

  it('accounts for every line, whatever the bytes', () => {
    const line = fc.oneof(
      fc.dictionary(fc.string({ maxLength: 4 }), fc.jsonValue()).map(value => Buffer.from(JSON.stringify(value))),
      fc.uint8Array({ maxLength: 20 }).map(bytes => Buffer.from(bytes.filter(b => b !== 10))),
      fc.constantFrom('{"a":1,"a":2}', '', '[', '[1]', '{', '"', '{"a":"\\ud800"}').map(text => Buffer.from(text)),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), all => {
        const decoded = decode(Buffer.concat(all.flatMap(bytes => [bytes, Buffer.from('\n')])));
        expect(lines(decoded, 'json').length + lines(decoded, 'rows').length).toBe(decoded.accepted);
        expect(lines(decoded, 'quarantine').length).toBe(decoded.quarantined);
        const hasArray = all.some(bytes => /^\s*\[/.test(bytes.toString('latin1')));
        const blank = all.filter(bytes => /^[ \t\r]*$/.test(bytes.toString('latin1'))).length;
        expect(hasArray || decoded.accepted + decoded.quarantined === all.length - blank).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
