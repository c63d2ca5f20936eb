import type { RawRequest, RawResponse } from '../../model/http.ts';
import type { Principal } from '../../model/owner.ts';
import { type ExplorerRequest, exploreFlows } from '../../query/flow-explorer.ts';
import type { FlowReader } from '../../query/queries.ts';
import { encodeJson } from '../../wire/rest-json/json.ts';
import { QueryParameters } from './query-parameters.ts';

export interface FlowsDeps {
  readonly store: FlowReader;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

const MEMBERS = ['start', 'end', 'limit', 'localIp', 'remoteIp', 'servicePort', 'category'];

/**
 * `GET /api/v1/flows?start=…&end=…&limit=…&localIp=…&remoteIp=…&servicePort=…&category=…`: every
 * number the reports carry, a row a flow. Times are ISO 8601; the default is the last hour.
 */
export async function listFlows(
  deps: FlowsDeps,
  request: RawRequest,
  principal: Principal,
): Promise<RawResponse> {
  const explorerRequest = parseRequest(new QueryParameters(request, MEMBERS), deps.now());
  const flows = await exploreFlows(deps.store, principal, explorerRequest);
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: encodeJson({ flows }),
  };
}

function parseRequest(parameters: QueryParameters, nowMillis: number): ExplorerRequest {
  return {
    ...parameters.range(nowMillis),
    limit: parameters.integer('limit', [1, 1000]) ?? 100,
    localIp: parameters.address('localIp'),
    remoteIp: parameters.address('remoteIp'),
    servicePort: parameters.integer('servicePort', [0, 65_535]),
    category: parameters.category(),
  };
}
