import { type ExplorerRequest, exploreFlows } from '../../query/flow-explorer.ts';
import type { FlowReader } from '../../query/queries.ts';
import { jsonAnswer } from '../json-answer.ts';
import type { ExtensionRoute } from './extension-route.ts';
import { QueryParameters } from './query-parameters.ts';

export interface FlowRouteDeps {
  readonly store: FlowReader;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

const PARAMETERS = ['start', 'end', 'limit', 'localIp', 'remoteIp', 'servicePort', 'category'];
const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;

/** `GET /api/v1/flows`: one row per flow with every number the reports carry. */
export function flowRoutes({ store, now }: FlowRouteDeps): readonly ExtensionRoute[] {
  return [
    {
      method: 'GET',
      path: '/api/v1/flows',
      action: 'nfm:ListFlows',
      isQuery: true,
      answer: async ({ request, principal }) => {
        const asker = { owner: principal, signal: request.signal };
        const explorerRequest = parseRequest(new QueryParameters(request, PARAMETERS), now());
        return jsonAnswer({ flows: await exploreFlows(store, asker, explorerRequest) });
      },
    },
  ];
}

function parseRequest(parameters: QueryParameters, nowMillis: number): ExplorerRequest {
  return {
    ...parameters.range(nowMillis),
    limit: parameters.integer('limit', [1, MAX_LIMIT]) ?? DEFAULT_LIMIT,
    localIp: parameters.address('localIp'),
    remoteIp: parameters.address('remoteIp'),
    servicePort: parameters.integer('servicePort', [0, 65_535]),
    category: parameters.category(),
  };
}
