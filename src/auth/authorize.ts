import { ApiError } from '../model/api-error.ts';
import type { Principal } from '../model/owner.ts';
import type { Permissions, PolicyDecision } from '../model/permissions.ts';
import { CompiledPolicy, READY_POLICIES } from './compiled-policy.ts';

const READY: Readonly<Record<keyof typeof READY_POLICIES, Permissions>> = {
  admin: new CompiledPolicy(READY_POLICIES.admin),
  read: new CompiledPolicy(READY_POLICIES.read),
  agent: new CompiledPolicy(READY_POLICIES.agent),
};

/** What somebody wants to do. */
export interface Intent {
  /** e.g. `networkflowmonitor:GetScope`. */
  readonly action: string;
  /** An ARN; absent for an action without resources. */
  readonly resource?: string | undefined;
}

/**
 * Returns when the principal's policy allows it.
 *
 * @throws ApiError AccessDeniedException in AWS's words: who may not do what on what, and why
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

/** There are no users here: an access key stands for itself. */
export function principalArn({ account, accessKeyId }: Principal): string {
  return `arn:aws:iam::${account}:access-key/${accessKeyId}`;
}

function decide(principal: Principal, { action, resource }: Intent): PolicyDecision {
  const { kind } = principal;
  const permissions = kind === 'custom' ? principal.permissions : READY[kind];
  return permissions?.decide(action, resource) ?? 'denied';
}
