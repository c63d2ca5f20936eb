import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { fromNodeProviderChain, fromTemporaryCredentials } from '@aws-sdk/credential-providers';
import type { ScopeTarget } from '../../../model/scope.ts';
import { targetError } from './target-error.ts';

export interface AwsAccess {
  /** The role to assume in each target account; "" for the server's own credentials. */
  readonly roleName: string;
  /** Where EC2 and STS answer, if not at AWS. */
  readonly endpoint?: string | undefined;
}

/** An account's credentials, good for an hour at least. */
export type TargetCredentials = Awaited<ReturnType<ReturnType<typeof fromNodeProviderChain>>>;

/**
 * Credentials for a target: its role's, or the server's own where they are the target account's.
 * STS is asked in the target's Region: its tokens count in Regions that were opted in to as well.
 *
 * @throws Error for people, naming the target and why there are none
 */
export async function targetCredentials(
  target: ScopeTarget,
  access: AwsAccess,
): Promise<TargetCredentials> {
  return access.roleName === ''
    ? await ownCredentials(target, access)
    : await roleCredentials(target, access);
}

async function roleCredentials(
  target: ScopeTarget,
  { roleName, endpoint }: AwsAccess,
): Promise<TargetCredentials> {
  const role = `arn:aws:iam::${target.account}:role/${roleName}`;
  const provider = fromTemporaryCredentials({
    params: { RoleArn: role, RoleSessionName: 'network-flow-monitor' },
    clientConfig: stsConfig(target, endpoint),
  });
  try {
    return await provider();
  } catch (cause) {
    throw targetError(target, `sts:AssumeRole on ${role}`, cause);
  }
}

/** What EC2 would say of another account is not the target's. */
async function ownCredentials(
  target: ScopeTarget,
  { endpoint }: AwsAccess,
): Promise<TargetCredentials> {
  const client = new STSClient(stsConfig(target, endpoint));
  try {
    const { Account: own } = await client.send(new GetCallerIdentityCommand({}));
    if (own === target.account) return await fromNodeProviderChain()();
    throw new Error(`these are credentials of account ${own}; a role name gives others`);
  } catch (cause) {
    throw targetError(target, 'sts:GetCallerIdentity', cause);
  } finally {
    client.destroy();
  }
}

function stsConfig({ region }: ScopeTarget, endpoint: string | undefined) {
  const requestHandler = { connectionTimeout: 5_000, requestTimeout: 30_000 };
  return { region, requestHandler, ...(endpoint !== undefined && { endpoint }) };
}
