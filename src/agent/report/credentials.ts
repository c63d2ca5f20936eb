import { readFile } from 'node:fs/promises';
import type { Agent as HttpAgent } from 'node:http';
import { join } from 'node:path';
import type { Credentials } from '../../wire/sigv4/sign.ts';

export interface CredentialSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly homeFolder: string;
  /** Connections to AWS, which assumes roles. */
  readonly connections: HttpAgent;
}

export type CredentialProvider = () => Promise<Credentials>;

/**
 * Provides credentials by the standard AWS chain. Keys in the environment or in the shared
 * credentials file, the chain's first sources, are read here. The AWS SDK does the rest (roles, SSO,
 * processes, metadata services); it takes 10 MB of an agent that should fit in 80 MB, so it is loaded
 * only if needed. Each report asks again, so that changed files take effect.
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

/** Loads the SDK's chain, which keeps temporary keys until five minutes before they expire. */
async function loadChain(connections: HttpAgent): Promise<CredentialProvider> {
  const { fromNodeProviderChain } = await import('@aws-sdk/credential-providers');
  return fromNodeProviderChain({ clientConfig: { requestHandler: { httpsAgent: connections } } });
}

/** Keys of the environment; AWS_PROFILE takes precedence over them, as in the SDK. */
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

/** The path of the shared credentials file, which need not exist. */
export function credentialsFile({
  env,
  homeFolder,
}: Pick<CredentialSources, 'env' | 'homeFolder'>): string {
  return env.AWS_SHARED_CREDENTIALS_FILE ?? join(homeFolder, '.aws', 'credentials');
}

/** The keys of a profile in the text of a shared credentials file; undefined when it has none. */
export function profileKeys(text: string, profile: string): Credentials | undefined {
  const settings = profileSettings(text, profile);
  const accessKeyId = settings.get('aws_access_key_id');
  const secretAccessKey = settings.get('aws_secret_access_key');
  // A role to assume with these keys, or another source of keys: left to the SDK.
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
