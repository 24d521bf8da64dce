import { existsSync, mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

const words: Record<string, string> = {
  ENOENT: 'there is no such file or directory',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'it is a directory',
  ENOTDIR: 'a part of the path is a file, not a directory',
  EEXIST: 'there is a file of this name',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EMFILE: 'too many files are open (ulimit -n)',
};

/** Why the operating system refused a file, in words. */
export function fileFault(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return words[code ?? ''] ?? message;
}

/**
 * Makes a directory and those above it. Rejects with the error of the system. Not `mkdirSync(.., {recursive})`, which never returns where the system
 * says that a parent which is there is not (/proc, some network file systems).
 */
export function makeDirectory(path: string): void {
  const missing: string[] = [];
  for (let at = resolve(path); !existsSync(at); at = dirname(at)) missing.push(at);
  for (const each of missing.reverse()) mkdirSync(each);
  // A file in the place of the directory.
  if (missing.length === 0) mkdirSync(path, { recursive: true });
}
