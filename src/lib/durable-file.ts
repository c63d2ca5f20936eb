import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Fsyncs a folder, which makes created, renamed and removed names in it durable (fsync(2)). */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Replaces a file atomically: after a crash it holds the old text or the new one, never a mixture.
 * Only its owner can read it (mode 0600).
 *
 * @returns the open file, positioned at its end
 */
export async function replaceFile(path: string, text: string | Uint8Array): Promise<FileHandle> {
  const fresh = `${path}.new`;
  let file: FileHandle | undefined;
  try {
    // A file that a crash left under this name may have another mode, or be a symbolic link.
    await rm(fresh, { force: true });
    file = await open(fresh, 'wx', 0o600);
    await file.writeFile(text);
    await file.sync();
    await rename(fresh, path);
    await syncFolder(dirname(path));
    return file;
  } catch (cause) {
    await file?.close();
    // A partial file would occupy space on a full disk. After the rename there is nothing to
    // remove.
    await rm(fresh, { force: true }).catch(() => {});
    throw new Error(`cannot write ${path}`, { cause });
  }
}
