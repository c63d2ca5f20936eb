import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Makes a created, renamed or removed name durable: fsync of its folder (open(2)). */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Replaces a file as a whole: after a crash it holds the old text or the new, never a part. Only its
 * owner can read it (mode 0600). The open file is given back, positioned at its end.
 */
export async function replaceFile(path: string, text: string | Uint8Array): Promise<FileHandle> {
  const fresh = `${path}.new`;
  let file: FileHandle | undefined;
  try {
    // What a crash left there may have another mode, or be a link to elsewhere.
    await rm(fresh, { force: true });
    file = await open(fresh, 'wx', 0o600);
    await file.writeFile(text);
    await file.sync();
    await rename(fresh, path);
    await syncFolder(dirname(path));
    return file;
  } catch (cause) {
    await file?.close();
    // On a full disk a part of it would take the room that is missing; gone when it was renamed.
    await rm(fresh, { force: true }).catch(() => {});
    throw new Error(`cannot write ${path}`, { cause });
  }
}
