import { readFile } from 'node:fs/promises';
import { writeSecretFile } from './secret-file.ts';

/** Returns `length` cryptographically secure random bytes: `crypto.randomBytes`. */
export type RandomBytes = (length: number) => Buffer;

/** An AES-256 key of 32 bytes. */
export type MasterKey = Buffer;

/** Parses 64 hexadecimal digits. Throws for any other text. */
export function parseMasterKey(text: string): MasterKey {
  const trimmed = text.trim();
  if (!/^[0-9a-fA-F]{64}$/.test(trimmed)) {
    throw new Error('cannot use the master key: it must be 64 hexadecimal digits');
  }
  return Buffer.from(trimmed, 'hex');
}

/**
 * Reads the key that encrypts secrets from a file of 64 hexadecimal digits. If the file does not
 * exist, creates it (mode 0600, on disk when this resolves). Throws if the file cannot be read or
 * written or holds no key.
 */
export async function loadMasterKey(options: {
  readonly path: string;
  readonly random: RandomBytes;
}): Promise<MasterKey> {
  const existing = await readIfThere(options.path);
  if (existing !== undefined) return parseMasterKey(existing);
  const key = options.random(32);
  await writeSecretFile(options.path, `${key.toString('hex')}\n`);
  return key;
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new Error(`cannot read ${path}`, { cause });
  }
}
