import type { Principal } from '../model/owner.ts';
import type { KeyPolicy } from './access-keys.ts';
import { BUILT_IN_POLICIES, CompiledPolicy } from './compiled-policy.ts';
import type { PolicyDocument, PolicyStatement } from './policy-document.ts';

/** An action pattern of a statement with one of its resource patterns. */
interface Pair {
  readonly action: string;
  readonly resource: string;
}

/**
 * Finds a part of a grant that its maker may not be allowed itself. Undefined when the maker's
 * policy allows everything that the grant allows.
 *
 * Each Allow of the grant must lie within one Allow of the maker. If a Deny of the maker may
 * overlap with it, the grant must have a Deny that includes the maker's. An Allow that only several
 * Allows of the maker cover together is rejected, because such unions are not checked.
 */
export function uncoveredPart(maker: Principal, grant: KeyPolicy): string | undefined {
  const own = documentOf(maker);
  const wanted = grant.kind === 'custom' ? grant.policy : BUILT_IN_POLICIES[grant.kind];
  const denied = pairsOf(wanted, 'Deny');
  const beyond = pairsOf(wanted, 'Allow').find((allow) => {
    const isAllowed = own !== undefined && isWithinAny(allow, pairsOf(own, 'Allow'));
    const denials = own === undefined ? [] : pairsOf(own, 'Deny');
    return (
      !isAllowed || denials.some((deny) => mayOverlap(deny, allow) && !isWithinAny(deny, denied))
    );
  });
  return beyond && `${beyond.action} on ${beyond.resource}`;
}

function documentOf({ kind, permissions }: Principal): PolicyDocument | undefined {
  if (kind !== 'custom') return BUILT_IN_POLICIES[kind];
  return permissions instanceof CompiledPolicy ? permissions.document : undefined;
}

function pairsOf({ Statement }: PolicyDocument, effect: PolicyStatement['Effect']): Pair[] {
  const pairs = Statement.filter(({ Effect }) => Effect === effect).flatMap(
    ({ Action, Resource }) =>
      Action.flatMap(everyService).flatMap((action) =>
        Resource.map((resource) => ({ action: action.toLowerCase(), resource })),
      ),
  );
  return [...new Map(pairs.map((pair) => [`${pair.action} ${pair.resource}`, pair])).values()];
}

/** `*` means all actions of both services, which are the only ones. */
function everyService(action: string): readonly string[] {
  return /^\*+$/.test(action) ? ['networkflowmonitor:*', 'nfm:*'] : [action];
}

function isWithinAny(pair: Pair, among: readonly Pair[]): boolean {
  return among.some(
    ({ action, resource }) =>
      includesPattern(action, pair.action) && includesResource(resource, pair.resource),
  );
}

/** `*` also matches an action without a resource, and no other pattern does. */
function includesResource(outer: string, inner: string): boolean {
  return outer === '*' || (inner !== '*' && includesPattern(outer, inner));
}

/**
 * Whether `outer` certainly matches every text that `inner` matches. This holds if each `*` of
 * `inner` stands where `outer` has a `*`, and each `?` where it has a `?` or `*`.
 */
export function includesPattern(outer: string, inner: string): boolean {
  let o = 0;
  let i = 0;
  let star = -1;
  let afterStar = 0;
  while (i < inner.length) {
    const wanted = outer[o];
    if (wanted === '*') {
      star = o;
      o += 1;
      afterStar = i;
    } else if (wanted === '?' ? inner[i] !== '*' : wanted === inner[i]) {
      o += 1;
      i += 1;
    } else if (star >= 0) {
      afterStar += 1;
      i = afterStar;
      o = star + 1;
    } else {
      return false;
    }
  }
  while (outer[o] === '*') o += 1;
  return o === outer.length;
}

/** False only for pairs that certainly match nothing in common. */
function mayOverlap(a: Pair, b: Pair): boolean {
  return mayMatchSame(a.action, b.action) && mayMatchSame(a.resource, b.resource);
}

/** Compares what stands before the first wildcard, and what stands after the last one. */
function mayMatchSame(a: string, b: string): boolean {
  const [headA = '', headB = ''] = [a, b].map((pattern) => pattern.split(/[*?]/)[0]);
  const [tailA = '', tailB = ''] = [a, b].map((pattern) => pattern.split(/[*?]/).at(-1));
  const isExact = headA === a && headB === b;
  if (isExact) return a === b;
  return (
    (headA.startsWith(headB) || headB.startsWith(headA)) &&
    (tailA.endsWith(tailB) || tailB.endsWith(tailA))
  );
}
