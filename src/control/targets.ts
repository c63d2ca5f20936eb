import { ApiError, invalid } from '../model/api-error.ts';
import { isAccountId, type Owner } from '../model/owner.ts';
import { isRegionName } from '../model/region-name.ts';
import type { ScopeTarget } from '../model/scope.ts';

export interface TargetRules {
  /**
   * The accounts that the owner may have as targets: all of the organization for its management
   * account and delegated administrators. Undefined if only its own.
   */
  readonly visible: ReadonlySet<string> | undefined;
  readonly maxTargets: number;
}

/** The change that UpdateScope makes to the targets of a scope. */
export interface TargetChange {
  readonly add: readonly ScopeTarget[];
  readonly remove: readonly ScopeTarget[];
}

/**
 * Returns the targets without repetitions.
 *
 * @throws ApiError ValidationException (no target, malformed target), ServiceQuotaExceededException
 *   (too many), AccessDeniedException (an account that is not visible to the owner)
 */
export function checkTargets(
  owner: Owner,
  targets: readonly ScopeTarget[],
  rules: TargetRules,
): readonly ScopeTarget[] {
  const unique = checkedByKey('targets', targets);
  if (unique.size === 0) throw invalid('targets: at least 1 is required');
  checkQuota('targets', unique.size, rules);
  refuseInvisible(owner, unique, rules);
  return [...unique.values()];
}

/**
 * Checks what can be checked of a change without the scope's present targets.
 *
 * @throws ApiError ValidationException (malformed target, target in both lists),
 *   AccessDeniedException (adds an account that is not visible to the owner; any may be removed)
 */
export function checkTargetChange(owner: Owner, change: TargetChange, rules: TargetRules): void {
  const add = checkedByKey('resourcesToAdd', change.add);
  const remove = checkedByKey('resourcesToDelete', change.remove);
  const both = [...add.keys()].find((key) => remove.has(key));
  if (both !== undefined) {
    throw invalid(`resourcesToAdd and resourcesToDelete must not both contain ${both}`);
  }
  refuseInvisible(owner, add, rules);
}

/**
 * Applies a change that passed `checkTargetChange`. Remaining targets keep their order, new ones
 * follow. Returns the same array if nothing changes.
 *
 * @throws ApiError ValidationException (no target would remain), ServiceQuotaExceededException
 */
export function changeTargets(
  present: readonly ScopeTarget[],
  change: TargetChange,
  rules: TargetRules,
): readonly ScopeTarget[] {
  const targets = byTargetKey(present);
  for (const target of change.remove) targets.delete(targetKey(target));
  const kept = targets.size;
  for (const target of change.add) targets.set(targetKey(target), target);
  if (kept === present.length && targets.size === kept) return present;
  if (targets.size === 0) {
    throw invalid('resourcesToDelete must leave the scope at least 1 target');
  }
  checkQuota('resourcesToAdd', targets.size, rules);
  return [...targets.values()];
}

function checkedByKey(member: string, targets: readonly ScopeTarget[]): Map<string, ScopeTarget> {
  for (const { account, region } of targets) {
    if (!isAccountId(account)) throw invalid(`${member}: accountId must have 12 digits`);
    if (!isRegionName(region)) {
      throw invalid(
        `${member}: region must have 1 to 64 letters, digits, dots, dashes or underscores`,
      );
    }
  }
  return byTargetKey(targets.map(({ account, region }) => ({ account, region })));
}

/** The targets without repetitions, by `targetKey`, in order of first occurrence. */
export function byTargetKey(targets: readonly ScopeTarget[]): Map<string, ScopeTarget> {
  return new Map(targets.map((target) => [targetKey(target), target]));
}

function targetKey({ account, region }: ScopeTarget): string {
  return `${account}/${region}`;
}

function checkQuota(member: string, count: number, { maxTargets }: TargetRules): void {
  if (count <= maxTargets) return;
  throw new ApiError(
    'ServiceQuotaExceededException',
    `${member}: the scope would have ${count} targets, the maximum is ${maxTargets}`,
  );
}

function refuseInvisible(
  owner: Owner,
  targets: ReadonlyMap<string, ScopeTarget>,
  { visible }: TargetRules,
): void {
  const invisible = [...targets.values()].find(
    ({ account }) => account !== owner.account && visible?.has(account) !== true,
  );
  if (invisible === undefined) return;
  const reason =
    visible === undefined
      ? "only the organization's management account or its delegated administrator may"
      : 'it is not in the organization';
  throw new ApiError(
    'AccessDeniedException',
    `Account ${owner.account} may not have account ${invisible.account} as a target: ${reason}`,
  );
}
