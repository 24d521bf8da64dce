import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { cgroupLimit, engineBytesMin, memoryBudget } from './memory-budget.ts';

const GiB = 2 ** 30;

function root(files: Record<string, string>): string {
  const directory = mkdtempSync(join(tmpdir(), 'weir-cgroup-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  }
  return directory;
}

test('cgroup v2: the smallest limit on the way up counts', () => {
  expect(
    cgroupLimit(
      root({
        'proc/self/cgroup': '0::/a.slice/b.service\n',
        'sys/fs/cgroup/a.slice/b.service/memory.max': 'max\n',
        'sys/fs/cgroup/a.slice/memory.max': '2147483648\n',
      }),
    ),
  ).toBe(2 * GiB);
});

test('cgroup v1: the memory controller is read, its "no limit" is none', () => {
  const cgroup = '5:cpu,cpuacct:/x\n4:memory:/docker/abc\n';
  const file = 'sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes';
  expect(cgroupLimit(root({ 'proc/self/cgroup': cgroup, [file]: '1610612736\n' }))).toBe(1.5 * GiB);
  expect(cgroupLimit(root({ 'proc/self/cgroup': cgroup, [file]: '9223372036854771712\n' }))).toBeUndefined();
  expect(cgroupLimit(root({}))).toBeUndefined();
});

test.each([
  [24 * GiB, undefined, 8 * GiB],
  [6 * GiB, undefined, 2 * GiB],
  [64 * GiB, 3 * GiB, 1 * GiB],
  [1.5 * GiB, undefined, engineBytesMin],
])('a machine of %d bytes with a cgroup of %s gives the engine %d', (total, cgroup, engine) => {
  const budget = memoryBudget({ engine: 0, query: 0 }, { total, cgroup });
  expect(budget.engine).toBe(engine);
  expect(budget.query).toBe(engine / 4);
  expect(Object.values(budget.caches).reduce((a, b) => a + b, 0)).toBeLessThan(engine / 4);
});

test('configured values win and are checked', () => {
  const machine = { total: 8 * GiB, cgroup: undefined };
  const budget = memoryBudget({ engine: GiB, query: 2 ** 29 }, machine);
  expect([budget.engine, budget.query]).toEqual([GiB, 2 ** 29]);
  expect(budget.reasons.join()).toContain('configured (memory)');
  expect(() => memoryBudget({ engine: 1000, query: 0 }, machine)).toThrow(/memory: 1000 bytes is too little/);
  expect(() => memoryBudget({ engine: 9 * GiB, query: 0 }, machine)).toThrow(
    /more than there is: the machine has 8192 MiB/,
  );
});
