import type { InputOf } from '../../contract/types.ts';
import type { Scopes } from '../../control/scopes.ts';
import type { Scope, ScopeTarget } from '../../model/scope.ts';
import type { NextTokens } from '../next-tokens.ts';
import type { Handlers } from './handlers.ts';

/** The longest page of ListScopes and ListMonitors, and the default (shape `MaxResults`). */
export const LIST_PAGE = 25;

export interface ScopeHandlerDeps {
  readonly scopes: Pick<Scopes, 'create' | 'get' | 'list' | 'update' | 'delete'>;
  readonly tokens: NextTokens;
}

export function scopeHandlers({ scopes, tokens }: ScopeHandlerDeps) {
  return {
    CreateScope: async (input, owner) => {
      const scope = await scopes.create(owner, {
        targets: input.targets.map(readTarget),
        clientToken: input.clientToken,
        tags: input.tags ?? {},
      });
      return { ...summaryOf(scope), tags: scope.tags };
    },
    GetScope: async ({ scopeId }, owner) => {
      const scope = await scopes.get(owner, scopeId);
      return { ...summaryOf(scope), targets: scope.targets.map(writeTarget), tags: scope.tags };
    },
    ListScopes: async ({ maxResults, nextToken }, owner) => {
      const context = { operation: 'ListScopes', owner, subject: [] } as const;
      const page = await scopes.list(owner, {
        limit: maxResults ?? LIST_PAGE,
        after: tokens.open(context, nextToken),
      });
      return { scopes: page.items.map(summaryOf), nextToken: tokens.seal(context, page.next) };
    },
    UpdateScope: async ({ scopeId, resourcesToAdd, resourcesToDelete }, owner) => {
      const scope = await scopes.update(owner, scopeId, {
        add: (resourcesToAdd ?? []).map(readTarget),
        remove: (resourcesToDelete ?? []).map(readTarget),
      });
      return { ...summaryOf(scope), tags: scope.tags };
    },
    DeleteScope: async ({ scopeId }, owner) => {
      await scopes.delete(owner, scopeId);
      return {};
    },
  } satisfies Partial<Handlers>;
}

type Target = InputOf<'CreateScope'>['targets'][number];

/** The union `targetId` has one member, so `accountId` is set. `Scopes` checks the values. */
function readTarget({ targetIdentifier, region }: Target): ScopeTarget {
  return { account: targetIdentifier.targetId.accountId ?? '', region };
}

function writeTarget({ account, region }: ScopeTarget): Target {
  return {
    targetIdentifier: { targetId: { accountId: account }, targetType: 'ACCOUNT' },
    region,
  };
}

function summaryOf({ scopeId, status, scopeArn }: Scope) {
  return { scopeId, status, scopeArn };
}
