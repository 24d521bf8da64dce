import { describe, expect, it } from 'vitest';
import type { QueryRow } from '../query/contract.ts';
import { withCaret } from './connection.ts';
import { createRowText } from './show-row.ts';
import { bytesText, clean, createPaint, plural, wantsColour } from './terminal.ts';

const row: QueryRow = {
  ts: '1788436800123456789',
  seq: '1',
  received: '1788436800123456789',
  service: 'web',
  level: 'error',
  severity: 17,
  message: 'refused',
  labels: { service_name: 'web' },
  attributes: { level: 'error', user: 'u 1', trace_id: 'abc' },
  door: 'json',
};

describe('text on a terminal', () => {
  it('cannot act on the terminal or hide itself', () => {
    expect(clean('\x1b[31mred\x1b[0m \x1b]0;title\x07ok')).toBe('red ok');
    expect(clean('a\x07b\x08c\rd\x00')).toBe('a␇b␈c␍d␀');
    expect(clean('safe\u202egnp.exe\u2066')).toBe('safe<U+202E>gnp.exe<U+2066>');
    expect(clean('\u009b2J\u0085x')).toBe('<U+0085>x');
    expect(clean('tab\tand\nnewline stay')).toBe('tab\tand\nnewline stay');
  });

  it('shows a record with badge, service and its other fields', () => {
    const text = createRowText({ format: 'default', paint: createPaint(false) });
    const [day, line] = text(row).split('\n');
    expect(day).toMatch(/^-- 2026-09-03 [+-]\d\d:\d\d --$/);
    expect(line).toMatch(/^\d\d:\d\d:\d\d\.123 {2}E {2}web refused user="u 1" trace_id=abc$/);
    expect(text(row).split('\n')).toHaveLength(2);
  });

  it('indents the lines of a stack trace, and leaves raw and ndjson as they are', () => {
    const trace = { ...row, message: 'Boom\n\tat a\x1b[1m\n' };
    expect(createRowText({ format: 'default', paint: createPaint(false) })(trace)).toContain('Boom\n    \tat a user=');
    expect(createRowText({ format: 'raw', paint: createPaint(false) })(trace)).toBe('Boom\n\tat a\x1b[1m\n\n');
    expect(JSON.parse(createRowText({ format: 'ndjson', paint: createPaint(false) })(trace))).toEqual(trace);
  });

  it('gives a service the same colour every time', () => {
    const paint = createPaint(true);
    expect(paint.service('web')).toBe(createPaint(true).service('web'));
    expect(
      new Set(['web', 'checkout', 'payments', 'users'].map(name => paint.service(name, 'x'))).size,
    ).toBeGreaterThan(2);
    expect(createPaint(false).service('web')).toBe('web');
  });

  it('colours only for terminals and only when nobody objects', () => {
    expect(wantsColour('auto', { isTTY: false })).toBe(false);
    expect(wantsColour('always', { isTTY: false })).toBe(true);
    expect(wantsColour('never', { isTTY: true })).toBe(false);
  });

  it('points at the column of a fault', () => {
    expect(withCaret('unexpected }', '{a="b"\n}', 2, 1)).toBe('unexpected }\n\n  }\n  ^');
    expect(withCaret('bad', '{x="\t" |', 1, 7)).toBe('bad\n\n  {x="\t" |\n      \t ^');
    expect(withCaret('bad', '{', undefined, undefined)).toBe('bad');
  });

  it('writes sizes and counts for people', () => {
    expect([0, 999, 1000, 1_250_000, 340e6].map(bytesText)).toEqual(['0 B', '999 B', '1.0 kB', '1.3 MB', '340 MB']);
    expect(plural(1, 'row')).toBe('1 row');
    expect(plural(1200, 'row')).toBe('1,200 rows');
  });
});
