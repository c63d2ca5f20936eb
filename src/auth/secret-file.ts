import { replaceFile } from '../lib/durable-file.ts';

/** Writes a file that only its owner can read, as a whole; on disk before this returns. */
export async function writeSecretFile(path: string, text: string): Promise<void> {
  const file = await replaceFile(path, text);
  await file.close();
}
