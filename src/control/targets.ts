import { ApiError } from '../model/api-error.ts';
import type { Owner } from '../model/owner.ts';
import { isRegionName } from '../model/region-name.ts';
import type { ScopeTarget } from '../model/scope.ts';

export interface TargetRules {
  /**
   * The accounts of the organization, for its management account and delegated administrators;
   * undefined for an account that may look into no other.
   */
  readonly visible: ReadonlySet<string> | undefined;
  readonly maxTargets: number;
}

/** What UpdateScope is asked to do with a scope's targets. */
export interface TargetChange {
  readonly add: readonly ScopeTarget[];
  readonly remove: readonly ScopeTarget[];
}

/**
 * The targets without repetitions. Throws ValidationException (none, malformed),
 * ServiceQuotaExceededException (too many), AccessDeniedException (another account's, asked by one
 * that is not the organization's management or delegated administrator account).
 */
export function checkTargets(
  owner: Owner,
  targets: readonly ScopeTarget[],
  rules: TargetRules,
): readonly ScopeTarget[] {
  const unique = byKey('targets', targets);
  if (unique.size === 0) throw invalid('targets: at least 1');
  checkQuota('targets', unique.size, rules);
  refuseForeign(owner, unique, rules);
  return [...unique.values()];
}

/**
 * Checks all of a change that does not depend on the scope's present targets. Throws
 * ValidationException (malformed, or to be added and deleted at once), AccessDeniedException (adds
 * another account's, as in `checkTargets`; anybody may delete one).
 */
export function checkTargetChange(owner: Owner, change: TargetChange, rules: TargetRules): void {
  const add = byKey('resourcesToAdd', change.add);
  const remove = byKey('resourcesToDelete', change.remove);
  const both = [...add.keys()].find((key) => remove.has(key));
  if (both !== undefined) throw invalid(`resourcesToAdd, resourcesToDelete: both name ${both}`);
  refuseForeign(owner, add, rules);
}

/**
 * The present targets with a change applied that `checkTargetChange` let pass: what stays keeps its
 * order, what is new comes after it. The same array when nothing changes. Throws ValidationException
 * when none would be left, ServiceQuotaExceededException when too many would.
 */
export function changeTargets(
  present: readonly ScopeTarget[],
  change: TargetChange,
  rules: TargetRules,
): readonly ScopeTarget[] {
  const targets = new Map(present.map((target) => [keyOf(target), target]));
  for (const target of change.remove) targets.delete(keyOf(target));
  const removed = targets.size < present.length;
  const kept = targets.size;
  for (const target of change.add) targets.set(keyOf(target), target);
  if (!removed && targets.size === kept) return present;
  if (targets.size === 0) throw invalid('resourcesToDelete: a scope keeps at least 1 target');
  checkQuota('resourcesToAdd', targets.size, rules);
  return [...targets.values()];
}

function byKey(member: string, targets: readonly ScopeTarget[]): Map<string, ScopeTarget> {
  for (const { account, region } of targets) {
    if (!/^\d{12}$/.test(account)) throw invalid(`${member}: an accountId has 12 digits`);
    if (!isRegionName(region)) {
      throw invalid(`${member}: a Region has 1 to 64 letters, digits, dots, dashes or underscores`);
    }
  }
  return new Map(
    targets.map(({ account, region }) => [keyOf({ account, region }), { account, region }]),
  );
}

function keyOf({ account, region }: ScopeTarget): string {
  return `${account}/${region}`;
}

function checkQuota(member: string, count: number, { maxTargets }: TargetRules): void {
  if (count <= maxTargets) return;
  throw new ApiError(
    'ServiceQuotaExceededException',
    `${member}: the scope would have ${count} targets, the most is ${maxTargets}`,
  );
}

function refuseForeign(
  owner: Owner,
  targets: ReadonlyMap<string, ScopeTarget>,
  { visible }: TargetRules,
): void {
  const foreign = [...targets.values()].find(
    ({ account }) => account !== owner.account && visible?.has(account) !== true,
  );
  if (foreign === undefined) return;
  const reason =
    visible === undefined
      ? "only the organization's management account or its delegated administrator may"
      : 'it is not in the organization';
  throw new ApiError(
    'AccessDeniedException',
    `Account ${owner.account} may not have account ${foreign.account} as a target: ${reason}`,
  );
}

function invalid(message: string): ApiError {
  return new ApiError('ValidationException', message);
}
