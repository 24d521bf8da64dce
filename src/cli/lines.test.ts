import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLineCutter, type LineBlock } from './lines.ts';

const cutAll = (chunks: Buffer[], kind: 'auto' | 'json' | 'text' = 'auto', max = 1 << 20): LineBlock[] => {
  const cutter = createLineCutter(kind, max);
  return [...chunks.flatMap(chunk => cutter.push(chunk)), ...cutter.end()];
};

describe('cutting a byte stream into lines', () => {
  it('never changes, loses or reorders a byte, however the stream is split', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 }), fc.boolean(), (parts, auto) => {
        const input = Buffer.concat(parts.map(part => Buffer.from(part.map(byte => (byte % 5 === 0 ? 10 : byte)))));
        const chunks: Buffer[] = [];
        for (let at = 0; at < input.length; at += 7) chunks.push(input.subarray(at, at + 7));
        const blocks = cutAll(chunks, auto ? 'auto' : 'text');
        const whole = input.length === 0 || input.at(-1) === 10 ? input : Buffer.concat([input, Buffer.from('\n')]);
        expect(Buffer.concat(blocks.map(block => block.bytes)).equals(whole)).toBe(true);
        const newlines = whole.filter(byte => byte === 10).length;
        expect(blocks.reduce((sum, block) => sum + block.lines, 0)).toBe(newlines);
      }),
    );
  });

  it('sorts each line by its looks', () => {
    const blocks = cutAll([Buffer.from('{"a":1}\n{ "b":2} \r\n{level=info}\nplain\n{}\n{"cut\n')]);
    expect(blocks.map(block => [block.kind, block.lines])).toEqual([
      ['json', 2],
      ['text', 2],
      ['json', 1],
      ['text', 1],
    ]);
  });

  it('leaves out a line that is too long, counts it, and goes on', () => {
    const cutter = createLineCutter('text', 10);
    const blocks = [
      ...cutter.push(Buffer.from('short\nmuch too long for this')),
      ...cutter.push(Buffer.from(' and more\nnext\n')),
      ...cutter.end(),
    ];
    expect(blocks.map(block => block.bytes.toString())).toEqual(['short\n', 'next\n']);
    expect(cutter.tooLong()).toBe(1);
  });
});
