import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { WeirError } from '../../base/errors.ts';

/**
 * Take an existing directory for this process, or throw WeirError `log_unusable`. The result gives it back.
 *
 * The lock is the kernel's, on the file `lock`: it ends with the process however that ends, so there is no stale lock after kill -9, no guess whether a
 * pid is still the same process, and it holds between containers that share the directory. Node has no call for file locks; an exclusive
 * transaction of its built-in SQLite on an empty database is one (fcntl, 1 ms, no write). `lock.pid` only serves the message.
 */
export function lockDirectory(directory: string): () => void {
  const pidFile = join(directory, 'lock.pid');
  const database = openLock(directory);
  try {
    database.exec('PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    const owner = readOwner(pidFile);
    throw new WeirError(
      'log_unusable',
      {
        reason: `${directory} is in use by another process${owner ? ` (pid ${owner})` : ''}; stop it or choose another data directory`,
      },
      { cause: error },
    );
  }
  try {
    writeFileSync(pidFile, `${process.pid}\n`);
  } catch {
    rmSync(pidFile, { force: true });
  }
  return () => {
    rmSync(pidFile, { force: true });
    database.close();
  };
}

function openLock(directory: string): DatabaseSync {
  try {
    return new DatabaseSync(join(directory, 'lock'), { timeout: 0 });
  } catch (error) {
    throw new WeirError(
      'log_unusable',
      { reason: `${directory} cannot be used: ${(error as Error).message}` },
      { cause: error },
    );
  }
}

function readOwner(pidFile: string): string {
  try {
    return readFileSync(pidFile, 'utf8').trim();
  } catch {
    return '';
  }
}
