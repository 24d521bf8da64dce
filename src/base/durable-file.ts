import { mkdirSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** When this resolves the file holds `text`, whole and fsynced; when it rejects, or the power goes before, the old file is there as it was. Makes the directory. */
export async function replaceFile(file: string, text: string): Promise<void> {
  const directory = dirname(file);
  mkdirSync(directory, { recursive: true });
  const fresh = `${file}.new`;
  const handle = await open(fresh, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(fresh, file);
  await syncDirectory(directory);
}

/** When this resolves the file is gone for good; no file is no error. */
export async function removeFile(file: string): Promise<void> {
  mkdirSync(dirname(file), { recursive: true });
  await rm(file, { force: true });
  await syncDirectory(dirname(file));
}

/** A file name for a tenant, which holds no slash: capitals are marked for file systems that do not tell them apart. */
export const tenantFileName = (tenant: string): string =>
  tenant.replace(/[A-Z]/g, letter => `%${letter.toLowerCase()}`);
