import type { Intent } from '../auth/authorize.ts';
import { type OperationName, operationSpec, SERVICE } from '../contract/operations.ts';
import { structureSpec } from '../contract/request.ts';
import type { InputOf } from '../contract/types.ts';
import { monitorArn, scopeArn } from '../model/arn.ts';
import type { Owner } from '../model/owner.ts';

/**
 * The intents to authorize for a call, as in AWS's service authorization reference: the operation
 * on the monitor, scope or ARN that its input names; no resource for CreateScope, ListScopes and
 * ListMonitors. Creating with tags also needs TagResource on the new resource. A new scope has no
 * id yet, so its resource is `scope/*`.
 */
export function intentsOf<Name extends OperationName>(
  operation: Name,
  input: InputOf<Name>,
  owner: Owner,
): readonly Intent[] {
  const members: Readonly<Record<string, unknown>> = { ...input };
  const resource = resourceOf(operation, members, owner);
  const intent = { action: actionOf(operation), resource };
  const { tags } = members;
  const isTagged = typeof tags === 'object' && tags !== null && Object.keys(tags).length > 0;
  if (!operation.startsWith('Create') || !isTagged) return [intent];
  return [intent, { action: actionOf('TagResource'), resource: resource ?? scopeArn(owner, '*') }];
}

/** Example: `networkflowmonitor:GetScope`. */
export function actionOf(operation: OperationName): string {
  return `${SERVICE.signingName}:${operation}`;
}

function resourceOf(
  operation: OperationName,
  input: Readonly<Record<string, unknown>>,
  owner: Owner,
): string | undefined {
  const { members } = structureSpec(operationSpec(operation).input);
  const names = (member: string) => Object.hasOwn(members, member);
  if (names('monitorName')) return monitorArn(owner, String(input.monitorName));
  if (names('scopeId')) return scopeArn(owner, String(input.scopeId));
  return names('resourceArn') ? String(input.resourceArn) : undefined;
}
