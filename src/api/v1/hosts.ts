import type { RawRequest, RawResponse } from '../../model/http.ts';
import type { Principal } from '../../model/owner.ts';
import { hostCounters } from '../../query/host-counters.ts';
import type { FlowReader } from '../../query/queries.ts';
import { jsonAnswer } from './extension-route.ts';
import { QueryParameters } from './query-parameters.ts';

export interface HostsDeps {
  readonly store: FlowReader;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/**
 * `GET /api/v1/hosts?start=…&end=…&limit=…`: what the network cards of each host counted, as its
 * agent says: allowances exceeded, drops, errors. The default range is the last hour.
 */
export async function listHosts(
  deps: HostsDeps,
  request: RawRequest,
  principal: Principal,
): Promise<RawResponse> {
  const parameters = new QueryParameters(request, ['start', 'end', 'limit']);
  const hosts = await hostCounters(deps.store, principal, {
    ...parameters.range(deps.now()),
    limit: parameters.integer('limit', [1, 1000]) ?? 1000,
  });
  return jsonAnswer({ hosts });
}
