import { systemClock } from '../lib/clock.ts';
import type { Service } from '../lib/service.ts';
import type { ScopeTarget } from '../model/scope.ts';
import { ClaimRepository } from '../topology/claim-repository.ts';
import { ResourceGraph } from '../topology/graph/resource-graph.ts';
import { VersionRepository } from '../topology/graph/version-repository.ts';
import { LiveSnapshot } from '../topology/snapshot/live-snapshot.ts';
import type { InventorySource } from '../topology/sources/inventory/inventory-source.ts';
import { Topology } from '../topology/topology.ts';
import type { Basics } from './compose.ts';
import { composeTopologySources } from './compose-topology-sources.ts';

export interface TopologyParts {
  readonly topology: Topology;
  readonly graph: ResourceGraph;
  readonly live: LiveSnapshot;
  readonly inventory: InventorySource;
  /** Reads what belongs to a scope's targets, and resolves when it is in the snapshot. */
  readonly buildTopology: (targets: readonly ScopeTarget[], signal: AbortSignal) => Promise<void>;
  readonly services: readonly Service[];
}

const SECONDS_A_DAY = 86_400;

/** The resource graph, what it is looked up in, and the sources that fill it. */
export function composeTopology(basics: Basics): TopologyParts {
  const { config, database, log, metrics } = basics;
  const retentionSeconds = config.retentionDays * SECONDS_A_DAY;
  const kept = { database, clock: systemClock, retentionSeconds };
  const live = new LiveSnapshot({ histories: () => graph.histories(), log, metrics });
  const graph = new ResourceGraph({
    repository: new VersionRepository(kept),
    onChange: () => live.changed(),
    log,
    metrics,
  });
  const topology = new Topology({
    claims: new ClaimRepository(kept),
    graph: () => live.current,
    log,
    metrics,
  });
  const { inventory, sources } = composeTopologySources(basics, graph);
  const buildTopology: TopologyParts['buildTopology'] = async (targets, signal) => {
    for (const source of sources) await source.cover?.(targets, signal);
    await live.settled();
  };
  const services = [live, graph, topology, ...sources];
  return { topology, graph, live, inventory, buildTopology, services };
}
