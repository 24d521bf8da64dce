import fc from 'fast-check';
import type { LoadedRecord } from '../script.ts';

/** Records with everything that is easily got wrong: clashing names, empty values, equal times, odd lines. */
const second = 1_000_000_000n;

const time = fc
  .tuple(fc.integer({ min: 1, max: 120 }), fc.constantFrom(0n, 0n, 0n, 1n, -1n))
  .map(([halves, ns]) => (BigInt(halves) * second) / 2n + ns);

const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });

function withoutAbsent(labels: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).filter((pair): pair is [string, string] => pair[1] !== undefined));
}

const streamLabels = fc
  .record({
    app: fc.constantFrom('a', 'b', 'c'),
    env: maybe(fc.constantFrom('p', 'd')),
    x: maybe(fc.constantFrom('1', 's')),
  })
  .map(withoutAbsent);

const metadata = fc
  .record({
    trace: maybe(fc.constantFrom('t1', 't2')),
    x: maybe(fc.constantFrom('m', '')),
    y: maybe(fc.constantFrom('2', '3')),
  })
  .map(withoutAbsent);

const number = fc.constantFrom('0', '1', '2', '5', '-3', '1.50', '2.25', '1e2');
const word = fc.constantFrom('', 'abc', 'two words', 'é"q', '7', '1.5s', '250ms', '2KB', '1KiB', '512');
const big = fc.constantFrom('12345678901234567890', '0.1000');

const jsonScalar = fc.oneof(
  { weight: 4, arbitrary: number },
  { weight: 3, arbitrary: word.map(text => JSON.stringify(text)) },
  { weight: 1, arbitrary: fc.constantFrom('true', 'null', '[1,"z"]', '[1.0, [ ]]', '[]') },
);
const jsonField = fc.oneof(
  fc.tuple(fc.constantFrom('x', 'y', 'v', 'status', 'w'), jsonScalar),
  fc.tuple(fc.constantFrom('dur'), fc.constantFrom('"1.5s"', '"250ms"', '"soon"', '3')),
  fc.tuple(fc.constantFrom('size'), fc.constantFrom('"2KB"', '"1KiB"', '512', '"x"')),
  fc.tuple(fc.constantFrom('big', 'a b', '1st'), fc.oneof(big, jsonScalar)),
  fc.tuple(
    fc.constantFrom('n', 'o'),
    fc
      .tuple(jsonScalar, jsonScalar, fc.constantFrom('', ' '))
      .map(([k, x, space]) => `{"k":${space}${k},${space}"x":${space}${x}}`),
  ),
);
const jsonLine = fc
  .tuple(fc.uniqueArray(jsonField, { selector: ([key]) => key, maxLength: 5 }), fc.constantFrom('', ' '))
  .map(([fields, space]) => `{${fields.map(([key, value]) => `"${key}":${space}${value}`).join(`,${space}`)}}`);

const logfmtPair = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constantFrom('x', 'y', 'v', 'status', 'w'), number).map(pair => pair.join('=')) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom('x', 'y', 'msg'), word)
      .map(([key, value]) => `${key}=${JSON.stringify(value)}`),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom('dur=1.5s', 'dur=250ms', 'dur=x', 'size=2KB', 'size=1KiB', 'v=NaN', 'v=bad', 'x.y=1'),
  },
  { weight: 1, arbitrary: fc.constantFrom('bare', 'x=', 'v=""', '=z', 'q=a=b') },
);
const logfmtLine = fc.array(logfmtPair, { minLength: 1, maxLength: 5 }).map(pairs => pairs.join(' '));

const text = fc.constantFrom(
  'plain',
  'GET /a 200',
  'error: x=1',
  '',
  '\u001b[31mred\u001b[0m x=2',
  '{"_entry":"inner x=5","k":"v"}',
  '{broken',
  '[1]',
  '"str"',
);

const record: fc.Arbitrary<LoadedRecord> = fc.record({
  timeNs: time,
  labels: streamLabels,
  line: fc.oneof(
    { weight: 4, arbitrary: jsonLine },
    { weight: 4, arbitrary: logfmtLine },
    { weight: 2, arbitrary: text },
  ),
  metadata,
});

export const records = fc.array(record, { minLength: 30, maxLength: 50 });
