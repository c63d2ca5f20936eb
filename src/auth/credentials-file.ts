import type { FirstKeys } from './access-keys.ts';
import type { SigningAccessKey } from './authenticator.ts';
import { writeSecretFile } from './secret-file.ts';

/**
 * Writes the first keys as an AWS shared credentials file (mode 0600) with the profiles `default`
 * (admin) and `agent`, for `AWS_SHARED_CREDENTIALS_FILE`. It is replaced in one step and on disk
 * before this returns.
 */
export async function writeCredentialsFile(path: string, keys: FirstKeys): Promise<void> {
  await writeSecretFile(path, `${profile('default', keys.admin)}\n${profile('agent', keys.agent)}`);
}

function profile(name: string, key: SigningAccessKey): string {
  return `[${name}]\naws_access_key_id = ${key.accessKeyId}\naws_secret_access_key = ${key.secretAccessKey}\n`;
}
