import { readFile } from 'node:fs/promises';
import type { Agent as HttpAgent } from 'node:http';
import { join } from 'node:path';
import type { Credentials } from '../../wire/sigv4/sign.ts';

export interface CredentialSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly homeFolder: string;
  /** The way to AWS, where roles are assumed. */
  readonly connections: HttpAgent;
}

export type CredentialProvider = () => Promise<Credentials>;

/**
 * Credentials by the standard AWS chain. Plain keys in the environment or in the shared
 * credentials file, what the chain would look at first, are read here: the AWS SDK that does the
 * rest (roles, SSO, processes, metadata services) takes 10 MB of an agent meant to fit in 80.
 * Asked again for each report, so that changed files count.
 */
export function credentialProvider(sources: CredentialSources): CredentialProvider {
  let chain: CredentialProvider | undefined;
  return async () => {
    const plain = keysOfEnvironment(sources.env) ?? (await keysOfFile(sources));
    if (plain !== undefined) return plain;
    chain ??= await loadChain(sources.connections);
    return await chain();
  };
}

/** Temporary keys are kept by the SDK until five minutes before their end. */
async function loadChain(connections: HttpAgent): Promise<CredentialProvider> {
  const { fromNodeProviderChain } = await import('@aws-sdk/credential-providers');
  return fromNodeProviderChain({ clientConfig: { requestHandler: { httpsAgent: connections } } });
}

/** A profile that was asked for goes before keys in the environment, as in the SDK. */
function keysOfEnvironment(env: CredentialSources['env']): Credentials | undefined {
  const accessKeyId = env.AWS_ACCESS_KEY_ID;
  const secretAccessKey = env.AWS_SECRET_ACCESS_KEY;
  if (env.AWS_PROFILE || !accessKeyId || !secretAccessKey) return undefined;
  return { accessKeyId, secretAccessKey, sessionToken: env.AWS_SESSION_TOKEN };
}

async function keysOfFile({
  env,
  homeFolder,
}: Pick<CredentialSources, 'env' | 'homeFolder'>): Promise<Credentials | undefined> {
  const path = credentialsFile({ env, homeFolder });
  const text = await readFile(path, 'utf8').catch(() => '');
  return profileKeys(text, env.AWS_PROFILE || 'default');
}

/** Where the shared credentials file is, whether or not it is there. */
export function credentialsFile({
  env,
  homeFolder,
}: Pick<CredentialSources, 'env' | 'homeFolder'>): string {
  return env.AWS_SHARED_CREDENTIALS_FILE ?? join(homeFolder, '.aws', 'credentials');
}

/** The keys of a profile in the text of a shared credentials file, or undefined when it has none. */
export function profileKeys(text: string, profile: string): Credentials | undefined {
  const settings = profileSettings(text, profile);
  const accessKeyId = settings.get('aws_access_key_id');
  const secretAccessKey = settings.get('aws_secret_access_key');
  // A role to assume with these keys, or where to get others: the SDK knows how.
  if (settings.has('role_arn') || accessKeyId === undefined || secretAccessKey === undefined) {
    return undefined;
  }
  return { accessKeyId, secretAccessKey, sessionToken: settings.get('aws_session_token') };
}

function profileSettings(text: string, profile: string): ReadonlyMap<string, string> {
  const settings = new Map<string, string>();
  let current = '';
  for (const line of text.split(/\r?\n/)) {
    const section = /^\s*\[([^\]]+)\]/.exec(line)?.[1];
    if (section !== undefined) current = section.trim();
    const [, name = '', value = ''] = /^\s*([^#;=\s][^=]*?)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (section === undefined && current === profile && name !== '') settings.set(name, value);
  }
  return settings;
}
