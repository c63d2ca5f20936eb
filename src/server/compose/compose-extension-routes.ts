import type { NextTokens } from '../../api/next-token.ts';
import { accountRoutes } from '../../api/v1/account-routes.ts';
import { auditRoutes } from '../../api/v1/audit-routes.ts';
import { type ExtensionRoute, jsonAnswer } from '../../api/v1/extension-route.ts';
import { listFlows } from '../../api/v1/flows.ts';
import { healthRoutes } from '../../api/v1/health-routes.ts';
import { listHosts } from '../../api/v1/hosts.ts';
import { getInsights } from '../../api/v1/insights.ts';
import { inventoryRoutes } from '../../api/v1/inventory-routes.ts';
import { keyRoutes } from '../../api/v1/key-routes.ts';
import { organizationRoutes } from '../../api/v1/organization-routes.ts';
import { topologyRoutes } from '../../api/v1/topology-routes.ts';
import { openApiDocument } from '../../contract/openapi.ts';
import { systemClock } from '../../lib/clock.ts';
import { scopeArn } from '../../model/arn.ts';
import type { Basics } from './basics.ts';
import type { ServerParts } from './server-parts.ts';

/** A page that refreshes each 30 s has no use for an answer that takes longer. */
const INSIGHTS_MILLIS = 30_000;

interface ExtensionRouteParts extends ServerParts {
  readonly tokens: NextTokens;
}

/** `/api/…`: what goes beyond AWS. */
export function composeExtensionRoutes(
  basics: Basics,
  parts: ExtensionRouteParts,
): readonly ExtensionRoute[] {
  const { topology, live, graph, inventory } = parts.topology;
  return [
    contractRoute(),
    ...flowRoutes(parts),
    ...healthRoutes({
      health: parts.health.tables,
      judgeAgain: (...which) => parts.health.service.judgeAgain(...which),
      monitors: parts.control.monitors,
      now: () => systemClock.now(),
    }),
    ...topologyRoutes({
      graph,
      view: () => topology.snapshot(),
      issues: () => live.current.issues,
      scopes: parts.control.scopes,
      administration: basics.organization,
      now: () => systemClock.now(),
    }),
    ...inventoryRoutes({
      inventory,
      settled: () => live.settled(),
      administration: basics.organization,
    }),
    ...identityRoutes(basics, parts),
  ];
}

function contractRoute(): ExtensionRoute {
  const document = openApiDocument();
  return {
    method: 'GET',
    path: '/api/openapi.json',
    action: 'nfm:GetOpenApiDocument',
    answer: async () => jsonAnswer(document),
  };
}

function flowRoutes({ data, control }: ServerParts): readonly ExtensionRoute[] {
  const { store } = data;
  const { scopes } = control;
  const now = () => systemClock.now();
  const timeLimit = () => AbortSignal.timeout(INSIGHTS_MILLIS);
  return [
    {
      method: 'GET',
      path: '/api/v1/flows',
      action: 'nfm:ListFlows',
      isQuery: true,
      answer: ({ request, principal }) => listFlows({ store, now }, request, principal),
    },
    {
      method: 'GET',
      path: '/api/v1/hosts',
      action: 'nfm:ListHosts',
      isQuery: true,
      answer: ({ request, principal }) => listHosts({ store, now }, request, principal),
    },
    {
      method: 'GET',
      path: '/api/v1/scopes/{scopeId}/insights',
      action: 'nfm:GetInsights',
      resource: ({ principal, labels }) => scopeArn(principal, labels.scopeId ?? ''),
      isQuery: true,
      answer: ({ request, principal }) =>
        getInsights({ store, scopes, now, timeLimit }, request, principal),
    },
  ];
}

function identityRoutes(basics: Basics, parts: ExtensionRouteParts): readonly ExtensionRoute[] {
  const { sessions, control, tokens } = parts;
  const { accounts, keys, organization } = basics;
  const administration = organization;
  const now = () => systemClock.now();
  const closeSessions = (accessKeyId: string) => sessions.closeAllOf(accessKeyId);
  const refuseInUse = async (account: string) => {
    await organization.refuseInOrganization(account);
    await control.scopes.refuseScopesOf(account);
  };
  return [
    ...accountRoutes({ accounts, administration, refuseInUse }),
    ...keyRoutes({ keys, accounts, administration, closeSessions }),
    ...organizationRoutes({ organization, accounts }),
    ...auditRoutes({ audit: control.audit, administration, tokens, now }),
  ];
}
