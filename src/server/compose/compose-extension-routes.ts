import type { NextTokens } from '../../api/next-tokens.ts';
import type { ExtensionRoute } from '../../api/v1/extension-route.ts';
import { extensionRoutes } from '../../api/v1/extension-routes.ts';
import { systemClock } from '../../lib/clock.ts';
import type { Basics } from './basics.ts';
import type { ServerParts } from './server-parts.ts';

/** The console refreshes every 30 s, so it cannot use an answer that takes longer. */
const INSIGHTS_MILLIS = 30_000;

/** Composes the routes of the extension API. */
export function composeExtensionRoutes(
  { accounts, keys, organization }: Basics,
  parts: ServerParts,
  tokens: NextTokens,
): readonly ExtensionRoute[] {
  const { data, health, sessions } = parts;
  const { scopes, monitors, audit } = parts.control;
  const { topology, live, graph, inventory } = parts.topology;
  return extensionRoutes({
    store: data.store,
    scopes,
    monitors,
    audit,
    tokens,
    health: health.tables,
    judgeAgain: (...minute) => health.service.judgeAgain(...minute),
    graph,
    inventory,
    view: () => topology.snapshot(),
    conflictsOf: (account) => topology.conflictsOf(account),
    issues: () => live.current.issues,
    settled: () => live.settled(),
    accounts,
    keys,
    organization,
    administration: organization,
    closeSessions: (accessKeyId) => sessions.closeAllOf(accessKeyId),
    refuseInUse: async (account) => {
      await organization.refuseInOrganization(account);
      await scopes.refuseScopesOf(account);
    },
    now: () => systemClock.now(),
    timeLimit: () => AbortSignal.timeout(INSIGHTS_MILLIS),
  });
}
