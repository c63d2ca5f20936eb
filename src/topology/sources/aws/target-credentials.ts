import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { fromNodeProviderChain, fromTemporaryCredentials } from '@aws-sdk/credential-providers';
import type { ScopeTarget } from '../../../model/scope.ts';
import { targetError } from './target-error.ts';

export interface AwsAccess {
  /** The role to assume in each target account; "" to use the server's own credentials. */
  readonly roleName: string;
  /** The URL of EC2 and STS, if not of AWS. */
  readonly endpoint?: string | undefined;
}

/** The credentials of an account, valid for at least an hour. */
export type TargetCredentials = Awaited<ReturnType<ReturnType<typeof fromNodeProviderChain>>>;

/**
 * Returns the credentials of the role in the target account, or the server's own if it belongs to
 * that account. STS is called in the target's Region, because only tokens of a regional endpoint
 * are valid in Regions that an account has to opt in to.
 *
 * @throws Error for people, with the target and the reason
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

/**
 * Checks the account first: EC2 would describe the server's own account as if it were the target.
 */
async function ownCredentials(
  target: ScopeTarget,
  { endpoint }: AwsAccess,
): Promise<TargetCredentials> {
  const client = new STSClient(stsConfig(target, endpoint));
  try {
    const { Account: own } = await client.send(new GetCallerIdentityCommand({}));
    if (own === target.account) return await fromNodeProviderChain()();
    throw new Error(`the server's credentials belong to account ${own}; set --aws-role-name`);
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
