import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { fileFault, makeDirectory } from './file-fault.ts';

const folder = mkdtempSync(join(tmpdir(), 'weir-file-fault-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const faultOf = (path: string): string => {
  try {
    makeDirectory(path);
    return 'none';
  } catch (error) {
    return fileFault(error);
  }
};

test('directories are made with those above them, and may be there', () => {
  expect(faultOf(join(folder, 'a', 'b', 'c'))).toBe('none');
  expect(existsSync(join(folder, 'a', 'b', 'c'))).toBe(true);
  expect(faultOf(join(folder, 'a', 'b', 'c'))).toBe('none');
});

test('what the system refuses is said in words', () => {
  writeFileSync(join(folder, 'file'), '');
  expect(faultOf(join(folder, 'file'))).toBe('there is a file of this name');
  expect(faultOf(join(folder, 'file', 'below'))).toBe('a part of the path is a file, not a directory');
});

test.runIf(existsSync('/proc/self'))('a place where nothing can be made is refused, and at once', () => {
  expect(faultOf('/proc/weir/data')).toBe('there is no such file or directory');
});

test('an unknown fault keeps its own words', () => expect(fileFault(new Error('odd'))).toBe('odd'));
