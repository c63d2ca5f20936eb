import { OrganizationView } from '../../control/organization-view.ts';
import { targetsOfScopes } from '../../control/scope-targets.ts';
import { systemClock } from '../../lib/clock.ts';
import { SECONDS_A_DAY } from '../../lib/durations.ts';
import { ClaimRepository } from '../../topology/claim-repository.ts';
import { ResourceGraph } from '../../topology/graph/resource-graph.ts';
import { VersionRepository } from '../../topology/graph/version-repository.ts';
import { LiveSnapshot } from '../../topology/snapshot/live-snapshot.ts';
import { SliceReader } from '../../topology/sources/slice-reader.ts';
import { createTopologySources } from '../../topology/sources/source-registry.ts';
import { Topology } from '../../topology/topology.ts';
import type { Basics } from './basics.ts';
import type { TopologyParts } from './server-parts.ts';

/** Composes the resource graph, its sources and its snapshots. */
export function composeTopology(basics: Basics): TopologyParts {
  const { config, database, organization, ageClock, log, metrics } = basics;
  const retentionSeconds = config.retentionDays * SECONDS_A_DAY;
  const kept = { database, clock: ageClock, retentionSeconds };
  const relations = new OrganizationView({ organization, log });
  const live = new LiveSnapshot({ histories: () => graph.histories(), relations, log, metrics });
  const graph = new ResourceGraph({
    repository: new VersionRepository(kept),
    onChange: () => live.changed(),
    clock: systemClock,
    log,
    metrics,
  });
  const topology = new Topology({
    claims: new ClaimRepository(kept),
    graph: () => live.current,
    log,
    metrics,
  });
  const { inventory, sources } = createTopologySources(config, {
    reader: new SliceReader({ sink: graph, clock: systemClock, log, metrics }),
    slices: () => graph.statuses(),
    targets: () => targetsOfScopes(database),
    isOwnKey: async (accessKeyId) => (await basics.keys.get(accessKeyId)) !== undefined,
    database,
    clock: systemClock,
    random: Math.random,
    log,
    metrics,
  });
  const buildTopology: TopologyParts['buildTopology'] = async (targets, signal) => {
    for (const source of sources) await source.cover?.(targets, signal);
    await live.settled();
  };
  const services = [relations, live, graph, topology, ...sources];
  return { topology, graph, live, inventory, buildTopology, services };
}
