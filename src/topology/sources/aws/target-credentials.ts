import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { fromNodeProviderChain } from '@aws-sdk/credential-providers';
import { within } from '../../../lib/within.ts';
import { partitionOf } from '../../../model/arn.ts';
import type { ScopeTarget } from '../../../model/scope.ts';
import { targetError } from './target-error.ts';

export interface AwsAccess {
  /** The role to assume in each target account; "" to use the server's own credentials. */
  readonly roleName: string;
  /** The URL of EC2 and STS, if not of AWS. */
  readonly endpoint?: string | undefined;
  /** The time for a call and its repetitions; default 60,000. */
  readonly callMillis?: number | undefined;
  /** Whether a key was issued by this server. AWS does not know such a key. */
  readonly isOwnKey?: ((accessKeyId: string) => Promise<boolean>) | undefined;
}

/** The access of a reading, and the signal that ends it. */
export interface CallContext {
  readonly access: AwsAccess;
  readonly signal: AbortSignal;
}

/** The credentials of an account, valid for at least an hour. */
export type TargetCredentials = Awaited<ReturnType<ReturnType<typeof fromNodeProviderChain>>>;

const CALL_MILLIS = 60_000;

export function callMillisOf({ callMillis = CALL_MILLIS }: AwsAccess): number {
  return callMillis;
}

/**
 * The timeouts of one attempt, which leave time for a second one. Without `throwOnRequestTimeout`
 * the SDK logs a warning and waits on.
 */
export function requestHandlerOf(access: AwsAccess) {
  const millis = callMillisOf(access);
  return {
    connectionTimeout: Math.min(5_000, millis / 2),
    requestTimeout: millis / 2,
    throwOnRequestTimeout: true,
  };
}

/**
 * Returns the credentials of the role in the target account, or the server's own if it belongs to
 * that account. STS is called in the target's Region, because only tokens of a regional endpoint
 * are valid in Regions that an account has to opt in to.
 *
 * @throws Error for people, with the target and the reason
 */
export async function targetCredentials(
  target: ScopeTarget,
  context: CallContext,
): Promise<TargetCredentials> {
  const { roleName } = context.access;
  const role = `arn:${partitionOf(target.region)}:iam::${target.account}:role/${roleName}`;
  const action = roleName === '' ? 'sts:GetCallerIdentity' : `sts:AssumeRole on ${role}`;
  try {
    const own = await serverCredentials(context);
    return await withSts({ region: target.region, credentials: own }, context, (sts) =>
      roleName === '' ? ownAccount(sts, target, own) : assumed(sts, role),
    );
  } catch (cause) {
    throw targetError(target, action, cause);
  }
}

/**
 * The server's own credentials, found in the order of AWS's SDK. `npm start` prints an
 * AWS_SHARED_CREDENTIALS_FILE with keys that this server issued. If the server itself was started
 * with that file, the search skips the file.
 */
async function serverCredentials(context: CallContext): Promise<TargetCredentials> {
  const { access, signal } = context;
  const find = (options: { readonly filepath?: string }) =>
    within(fromNodeProviderChain(options)(), { millis: callMillisOf(access), signal });
  const isOwn = access.isOwnKey ?? (async () => false);
  const found = await find({});
  if (!(await isOwn(found.accessKeyId))) return found;
  const other = await find({ filepath: '/dev/null' }).catch(() => found);
  if (!(await isOwn(other.accessKeyId))) return other;
  throw new Error(
    `${found.accessKeyId} is a key of this server, not of AWS; give the server AWS's credentials`,
  );
}

async function withSts(
  signing: { readonly region: string; readonly credentials: TargetCredentials },
  { access, signal }: CallContext,
  call: (sts: Sts) => Promise<TargetCredentials>,
): Promise<TargetCredentials> {
  const { endpoint } = access;
  const client = new STSClient({
    ...signing,
    requestHandler: requestHandlerOf(access),
    ...(endpoint !== undefined && { endpoint }),
  });
  try {
    const sts = { client, options: { abortSignal: signal } };
    return await within(call(sts), { millis: callMillisOf(access), signal });
  } finally {
    client.destroy();
  }
}

interface Sts {
  readonly client: STSClient;
  readonly options: { readonly abortSignal: AbortSignal };
}

async function assumed({ client, options }: Sts, role: string): Promise<TargetCredentials> {
  const command = new AssumeRoleCommand({
    RoleArn: role,
    RoleSessionName: 'network-flow-monitor',
  });
  const { Credentials: made } = await client.send(command, options);
  const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey } = made ?? {};
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw new Error('the answer has no credentials');
  }
  const sessionToken = made?.SessionToken;
  return { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) };
}

/**
 * Checks the account first: EC2 would describe the server's own account as if it were the target.
 */
async function ownAccount(
  { client, options }: Sts,
  target: ScopeTarget,
  credentials: TargetCredentials,
): Promise<TargetCredentials> {
  const { Account: own } = await client.send(new GetCallerIdentityCommand({}), options);
  if (own === target.account) return credentials;
  throw new Error(`the server's credentials belong to account ${own}; set --aws-role-name`);
}
