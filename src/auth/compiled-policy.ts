import type { KeyKind } from '../model/owner.ts';
import type { Permissions, PolicyDecision } from '../model/permissions.ts';
import { BoundedMap } from './bounded-map.ts';
import type { PolicyDocument, PolicyStatement } from './policy-document.ts';
import { compileWildcard, matchesWildcard } from './wildcard.ts';

type ResourceMatch = (resource: string | undefined) => boolean;

/** The resource patterns of the statements that take an action in. */
interface Rules {
  readonly allow: readonly ResourceMatch[];
  readonly deny: readonly ResourceMatch[];
}

/** Decisions remembered by a policy: about 10 kB. */
const DECISIONS_KEPT = 32;
/** Fewer patterns are matched in the time that remembering takes. */
const FEW_PATTERNS = 8;

/**
 * A policy ready to be asked, as IAM evaluates it: a Deny that matches wins, else an Allow that
 * matches, else it is denied. What an action's statements are is found at its first question, and
 * decisions over many patterns are remembered. A decision costs 0.05 µs for a ready policy, 0.25 µs
 * a resource pattern, 0.5 µs when it is remembered (Node 20).
 */
export class CompiledPolicy implements Permissions {
  readonly #document: PolicyDocument;
  /** By action: there are as many as the API has. */
  readonly #rules = new Map<string, Rules>();
  readonly #decisions = new BoundedMap<string, PolicyDecision>(DECISIONS_KEPT);

  constructor(document: PolicyDocument) {
    this.#document = document;
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
    const statements = this.#document.Statement.filter(({ Action }) =>
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
): readonly ResourceMatch[] {
  const patterns = statements.filter(({ Effect }) => Effect === effect);
  return [...new Set(patterns.flatMap(({ Resource }) => Resource))].map(matchOf);
}

/** An action without resources is on everything: only `*` takes it in, as at AWS. */
function matchOf(pattern: string): ResourceMatch {
  if (pattern === '*') return () => true;
  const matches = compileWildcard(pattern);
  return (resource) => resource !== undefined && matches(resource);
}

/** The ready policies. `read` must ask queries to read their answers, and stop its own. */
export const READY_POLICIES: Readonly<Record<Exclude<KeyKind, 'custom'>, PolicyDocument>> = {
  admin: readyPolicy('networkflowmonitor:*', 'nfm:*'),
  read: readyPolicy(
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
  agent: readyPolicy('networkflowmonitor:Publish'),
};

function readyPolicy(...actions: readonly string[]): PolicyDocument {
  return {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: actions, Resource: ['*'] }],
  };
}
