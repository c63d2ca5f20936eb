import { readFile } from 'node:fs/promises';
import { errorMessage } from '../../lib/error-details.ts';
import { CliError } from '../lib/cli-error.ts';
import { option } from '../lib/option.ts';

/** The permissions of a key: a predefined policy or one of the user's own. */
export interface GrantOptions {
  readonly kind?: string;
  readonly policy?: string;
}

export const grantOptions = [
  option('--kind <kind>', 'predefined policy: admin, read, or agent, which may only send reports'),
  option('--policy <file>', 'JSON file with a policy in the format of IAM'),
];

/** The members of a request that grant the permissions. */
export async function readGrant({ kind, policy: file }: GrantOptions) {
  if ((kind === undefined) === (file === undefined)) {
    throw new CliError('give either --kind or --policy');
  }
  return file === undefined ? { kind } : { policy: await readJsonFile(file) };
}

async function readJsonFile(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    const reason = errorMessage(cause);
    throw new CliError(`cannot read --policy ${path}: ${reason}`, { cause });
  }
}
