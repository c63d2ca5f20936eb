import { BoundedMap } from '../lib/bounded-map.ts';
import type { KeyKind } from '../model/owner.ts';
import type { Permissions, PolicyDecision } from '../model/permissions.ts';
import type { PolicyDocument, PolicyStatement } from './policy-document.ts';
import { compileWildcard, matchesWildcard } from './wildcard.ts';

type ResourceMatcher = (resource: string | undefined) => boolean;

/** The resource patterns of the statements that match an action. */
interface Rules {
  readonly allow: readonly ResourceMatcher[];
  readonly deny: readonly ResourceMatcher[];
}

/** Cached decisions per policy, about 10 kB. */
const MAX_DECISIONS = 32;
/** Up to this many patterns, matching is as fast as the cache. */
const FEW_PATTERNS = 8;

/**
 * Evaluates a policy like IAM: a matching Deny wins, otherwise a matching Allow, otherwise the
 * action is denied. Caches the statements of each action, and decisions over many patterns. A
 * decision costs 0.05 µs for a built-in policy, 0.25 µs per resource pattern, and 0.5 µs from the
 * cache (Node 20).
 */
export class CompiledPolicy implements Permissions {
  readonly document: PolicyDocument;
  /** By action; bounded, because the API has a fixed number of actions. */
  readonly #rules = new Map<string, Rules>();
  readonly #decisions = new BoundedMap<string, PolicyDecision>(MAX_DECISIONS);

  constructor(document: PolicyDocument) {
    this.document = document;
  }

  decide(action: string, resource: string | undefined): PolicyDecision {
    const rules = this.#rulesOf(action);
    if (resource === undefined || rules.allow.length + rules.deny.length <= FEW_PATTERNS) {
      return decide(rules, resource);
    }
    const key = `${action} ${resource}`;
    const known = this.#decisions.get(key);
    if (known !== undefined) return known;
    const decision = decide(rules, resource);
    this.#decisions.set(key, decision);
    return decision;
  }

  #rulesOf(action: string): Rules {
    const known = this.#rules.get(action);
    if (known !== undefined) return known;
    const lower = action.toLowerCase();
    const statements = this.document.Statement.filter(({ Action }) =>
      Action.some((pattern) => matchesWildcard(pattern.toLowerCase(), lower)),
    );
    const rules = { allow: resources(statements, 'Allow'), deny: resources(statements, 'Deny') };
    this.#rules.set(action, rules);
    return rules;
  }
}

function decide({ allow, deny }: Rules, resource: string | undefined): PolicyDecision {
  if (deny.some((matches) => matches(resource))) return 'explicitly-denied';
  return allow.some((matches) => matches(resource)) ? 'allowed' : 'denied';
}

function resources(
  statements: readonly PolicyStatement[],
  effect: PolicyStatement['Effect'],
): readonly ResourceMatcher[] {
  const patterns = statements.filter(({ Effect }) => Effect === effect);
  return [...new Set(patterns.flatMap(({ Resource }) => Resource))].map(matcherOf);
}

/** Only `*` matches an action without a resource, as at AWS. */
function matcherOf(pattern: string): ResourceMatcher {
  if (pattern === '*') return () => true;
  const matches = compileWildcard(pattern);
  return (resource) => resource !== undefined && matches(resource);
}

/** `read` includes starting and stopping queries, because their results are read that way. */
export const BUILT_IN_POLICIES: Readonly<Record<Exclude<KeyKind, 'custom'>, PolicyDocument>> = {
  admin: builtInPolicy('networkflowmonitor:*', 'nfm:*'),
  read: builtInPolicy(
    'networkflowmonitor:Get*',
    'networkflowmonitor:List*',
    'networkflowmonitor:StartQuery*',
    'networkflowmonitor:StopQuery*',
    'nfm:ListFlows',
    'nfm:ListHosts',
    'nfm:GetHealth*',
    'nfm:ListHealth*',
    'nfm:ExplainHealth',
    'nfm:GetInsights',
    'nfm:GetOpenApiDocument',
    'nfm:GetTopology*',
    'nfm:GetScopeTopology',
  ),
  agent: builtInPolicy('networkflowmonitor:Publish'),
};

function builtInPolicy(...actions: readonly string[]): PolicyDocument {
  return {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: actions, Resource: ['*'] }],
  };
}
