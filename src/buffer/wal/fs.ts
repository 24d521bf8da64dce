import { constants } from 'node:fs';
import { link, mkdir, open, readdir, rename, stat, statfs, unlink } from 'node:fs/promises';
import { openDirect, readFully } from './direct-file.ts';

/** An open file of the log. All positions are absolute, so that the file's length is the only state. */
export type LogFile = {
  /** Fill `into` from `position`; fewer bytes only at the end of the file. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** Bytes written. A full disk gives a short count without an error, so the caller must compare. */
  writev(pieces: Uint8Array[], position: number): Promise<number>;
  /** Data and length on stable storage. After an error never call it again on the same file: the kernel has marked the lost pages clean and would answer "done". */
  datasync(): Promise<void>;
  truncate(length: number): Promise<void>;
  close(): Promise<void>;
};

/** `create` fails when the file exists. `direct`: without the page cache where that can be had, for appending and reading in large pieces (direct-file.ts). */
export type OpenMode = 'read' | 'create' | 'change' | 'read-direct' | 'create-direct';

/** The file system as the log needs it: small, so that tests can fail each call. Errors are Node's, with their `code`. */
export type Fs = {
  open(path: string, mode: OpenMode): Promise<LogFile>;
  stat(path: string): Promise<{ bytes: number; modified: number }>;
  list(directory: string): Promise<string[]>;
  /** With its parents; the first one that was created, undefined when all were there. */
  makeDirectory(path: string): Promise<string | undefined>;
  /** A second name for a file; fails with EEXIST when the name is taken. */
  link(path: string, name: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** Takes the place of a file that had the name. */
  rename(path: string, name: string): Promise<void>;
  /** Make created and removed names durable. */
  syncDirectory(path: string): Promise<void>;
  /** Bytes that this user may still write. */
  freeBytes(path: string): Promise<number>;
};

const { O_RDONLY, O_RDWR, O_CREAT, O_EXCL } = constants;
const flags = {
  read: O_RDONLY,
  create: O_RDWR | O_CREAT | O_EXCL,
  change: O_RDWR,
  'read-direct': O_RDONLY,
  'create-direct': O_RDWR | O_CREAT | O_EXCL,
} as const;

export const nodeFs: Fs = {
  async open(path, mode) {
    const direct = mode.endsWith('-direct') ? await openDirect(path, flags[mode]) : undefined;
    if (direct) return direct;
    const handle = await open(path, flags[mode]);
    return {
      read: (into, position) => readFully(handle, into, position),
      writev: async (pieces, position) => (await handle.writev(pieces, position)).bytesWritten,
      datasync: () => handle.datasync(),
      truncate: length => handle.truncate(length),
      close: () => handle.close(),
    };
  },
  async stat(path) {
    const found = await stat(path);
    return { bytes: found.size, modified: Math.round(found.mtimeMs) };
  },
  list: directory => readdir(directory),
  makeDirectory: path => mkdir(path, { recursive: true }),
  link,
  unlink,
  rename,
  async syncDirectory(path) {
    const handle = await open(path, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  async freeBytes(path) {
    const found = await statfs(path);
    return found.bavail * found.bsize;
  },
};

/** The `code` of an error of the operating system, else its name. */
export function codeOf(error: unknown): string {
  return error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.name) : String(error);
}
