import { ApiError } from '../model/api-error.ts';
import { parseArn, partitionOf } from '../model/arn.ts';
import type { Principal } from '../model/owner.ts';
import type { Permissions, PolicyDecision } from '../model/permissions.ts';
import { BUILT_IN_POLICIES, CompiledPolicy } from './compiled-policy.ts';

const BUILT_IN: Readonly<Record<keyof typeof BUILT_IN_POLICIES, Permissions>> = {
  admin: new CompiledPolicy(BUILT_IN_POLICIES.admin),
  read: new CompiledPolicy(BUILT_IN_POLICIES.read),
  agent: new CompiledPolicy(BUILT_IN_POLICIES.agent),
};

/** An action that a call is about to perform. */
export interface Intent {
  /** Example: `networkflowmonitor:GetScope`. */
  readonly action: string;
  /** An ARN; undefined for an action without a resource. */
  readonly resource?: string | undefined;
}

/**
 * Checks that the principal's policy allows an intent.
 *
 * @throws ApiError AccessDeniedException with AWS's text
 */
export function authorize(principal: Principal, { action, resource }: Intent): void {
  const decision = decide(principal, { action, resource });
  if (decision === 'allowed') return;
  const reason =
    decision === 'explicitly-denied'
      ? 'with an explicit deny in an identity-based policy'
      : `because no identity-based policy allows the ${action} action`;
  throw new ApiError(
    'AccessDeniedException',
    `User: ${principalArn(principal)} is not authorized to perform: ${action} on resource: ${resource ?? '*'} ${reason}`,
  );
}

/** We have no users, so the ARN names the access key itself. */
export function principalArn({ account, accessKeyId }: Principal): string {
  return `arn:aws:iam::${account}:access-key/${accessKeyId}`;
}

function decide(principal: Principal, { action, resource }: Intent): PolicyDecision {
  const { kind } = principal;
  const permissions = kind === 'custom' ? principal.permissions : BUILT_IN[kind];
  if (permissions === undefined) return 'denied';
  const decisions = formsOf(resource).map((form) => permissions.decide(action, form));
  return (
    decisions.find((one) => one === 'explicitly-denied') ??
    decisions.find((one) => one === 'allowed') ??
    'denied'
  );
}

/**
 * The resource in each accepted partition. Policies may still use `arn:aws:` in other partitions,
 * because earlier versions wrote it everywhere.
 */
function formsOf(resource: string | undefined): readonly (string | undefined)[] {
  const arn = resource === undefined ? undefined : parseArn(resource);
  if (arn === undefined) return [resource];
  const partitions = new Set([arn.partition, partitionOf(arn.region), 'aws']);
  const { service, region, account } = arn;
  const rest = `${service}:${region}:${account}:${arn.resource}`;
  return [...partitions].map((partition) => `arn:${partition}:${rest}`);
}
