import { expect, test } from 'vitest';
import { engineFault, parseEngineMessage } from './engine-fault.ts';

test.each([
  [
    'Code: 427. DB::Exception: OptimizedRegularExpression: cannot compile re2: (x{1000}): pattern too large',
    400,
    'regular expression',
  ],
  [
    'Code: 36. DB::Exception: Query tree is too big. Maximum: 500000. (BAD_ARGUMENTS)',
    400,
    'larger than the engine takes',
  ],
  [
    'Code: 62. DB::Exception: Max query size exceeded (can be increased with the `max_query_size` setting)',
    400,
    'larger than the engine takes',
  ],
  [
    'Code: 306. DB::Exception: Stack size too large. Recursion too deep: SELECT secret',
    400,
    'larger than the engine takes',
  ],
  ['Code: 306. DB::Exception: Maximum parse depth (1000) exceeded. (secret)', 400, 'larger than the engine takes'],
  ['Code: 62. DB::Exception: Syntax error: failed at position 7 (secret)', 500, '(62)'],
  ['Code: 241. DB::Exception: Query memory limit exceeded: would use 1 GiB, maximum: 256.00 MiB', 422, '256.00 MiB'],
])('%s', (message, status, shown) => {
  const fault = engineFault(parseEngineMessage(message), 'q1');
  expect(fault.status).toBe(status);
  expect(fault.message).toContain(shown);
  expect(fault.message).not.toMatch(/SELECT|secret|DB::/);
});
