import type { FirstKeys } from './access-keys.ts';
import type { SigningAccessKey } from './authenticator.ts';
import { writeSecretFile } from './secret-file.ts';

/**
 * Writes the first keys as an AWS shared credentials file (mode 0600) with the profiles `default`
 * (the admin key) and `agent`. Replaces the file atomically; it is on disk when this resolves.
 */
export async function writeCredentialsFile(path: string, keys: FirstKeys): Promise<void> {
  await writeSecretFile(path, `${profile('default', keys.admin)}\n${profile('agent', keys.agent)}`);
}

function profile(name: string, key: SigningAccessKey): string {
  return `[${name}]\naws_access_key_id = ${key.accessKeyId}\naws_secret_access_key = ${key.secretAccessKey}\n`;
}
