import { replaceFile } from '../lib/durable-file.ts';

/** Replaces a file atomically, readable by its owner only. It is on disk when this resolves. */
export async function writeSecretFile(path: string, text: string): Promise<void> {
  const file = await replaceFile(path, text);
  await file.close();
}
