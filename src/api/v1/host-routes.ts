import type { IdentityConflict } from '../../model/topology.ts';
import { hostCounters } from '../../query/host-counters.ts';
import type { FlowReader } from '../../query/queries.ts';
import { jsonAnswer } from '../json-answer.ts';
import type { ExtensionRoute } from './extension-route.ts';
import { QueryParameters } from './query-parameters.ts';

export interface HostRouteDeps {
  readonly store: FlowReader;
  readonly conflictsOf: (account: string) => readonly IdentityConflict[];
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

const MAX_LIMIT = 1_000;

/**
 * `GET /api/v1/hosts`: the network card counters that agents reported per host: exceeded
 * allowances, drops and errors; and conflicts between the identities of its hosts.
 */
export function hostRoutes({ store, conflictsOf, now }: HostRouteDeps): readonly ExtensionRoute[] {
  return [
    {
      method: 'GET',
      path: '/api/v1/hosts',
      action: 'nfm:ListHosts',
      isQuery: true,
      answer: async ({ request, principal }) => {
        const parameters = new QueryParameters(request, ['start', 'end', 'limit']);
        const hosts = await hostCounters(
          store,
          { owner: principal, signal: request.signal },
          {
            ...parameters.range(now()),
            limit: parameters.integer('limit', [1, MAX_LIMIT]) ?? MAX_LIMIT,
          },
        );
        const conflicts = conflictsOf(principal.account).map(({ seenSeconds, ...conflict }) => ({
          ...conflict,
          seenAt: new Date(seenSeconds * 1000).toISOString(),
        }));
        return jsonAnswer({ hosts, conflicts });
      },
    },
  ];
}
