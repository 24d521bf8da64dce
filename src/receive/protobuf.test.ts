import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { byteString, jsonString } from './byte-string.ts';
import { nameField, textField } from './protobuf.ts';

it('names are read as texts are, whatever names were read before', () => {
  const name = fc.oneof(
    fc.constantFrom('', 'http.method', 'http.methoe', 'user.id', 'x'.repeat(64), 'x'.repeat(65)),
    fc.string({ unit: 'binary', maxLength: 80 }),
  );
  fc.assert(
    fc.property(fc.array(name, { minLength: 1, maxLength: 20 }), names => {
      const writer = new BinaryWriter();
      for (const each of names) writer.tag(1, WireType.LengthDelimited).string(each);
      const body = Buffer.from(writer.finish());
      const asNames = new BinaryReader(body);
      const asTexts = new BinaryReader(body);
      for (const each of names) {
        const [, type] = asNames.tag();
        asTexts.tag();
        const text = textField(asTexts, type, body);
        expect(nameField(asNames, type, body)).toBe(text);
        expect(text).toBe(byteString(Buffer.from(each.toWellFormed())));
        expect(asNames.pos).toBe(asTexts.pos);
      }
    }),
  );
  expect(() => nameField(new BinaryReader(Buffer.of(9, 1)), WireType.LengthDelimited, Buffer.of(9, 1))).toThrow(
    'longer than the message',
  );
  expect(() => nameField(new BinaryReader(Buffer.of(1)), WireType.Varint, Buffer.of(1))).toThrow('wire type');
});

it('byte strings become the JSON strings that JSON.stringify makes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), bytes => {
      const text = byteString(Buffer.from(bytes));
      expect(jsonString(text)).toBe(JSON.stringify(text));
    }),
    { numRuns: 500 },
  );
});
