import { targetsOfScopes } from '../../control/scope-targets.ts';
import { systemClock } from '../../lib/clock.ts';
import type { ResourceGraph } from '../../topology/graph/resource-graph.ts';
import type { SourceSlice } from '../../topology/graph/source-statement.ts';
import { AwsSource } from '../../topology/sources/aws/aws-source.ts';
import { IP_RANGES_SLICE, IpRangesSource } from '../../topology/sources/aws/ip-ranges-source.ts';
import { InventoryRepository } from '../../topology/sources/inventory/inventory-repository.ts';
import { InventorySource } from '../../topology/sources/inventory/inventory-source.ts';
import {
  KubernetesSource,
  relistCounter,
} from '../../topology/sources/kubernetes/kubernetes-source.ts';
import { SliceReader } from '../../topology/sources/slice-reader.ts';
import type { TopologySource } from '../../topology/topology-source.ts';
import { clusterSettings, type ServerConfig } from '../config.ts';
import type { Basics } from './basics.ts';

export interface TopologySources {
  readonly inventory: InventorySource;
  /** All, in the order they are started. */
  readonly sources: readonly TopologySource[];
}

/** What tells the graph of the topology, as far as it is configured. */
export function composeTopologySources(basics: Basics, graph: ResourceGraph): TopologySources {
  const { config, database, log, metrics } = basics;
  const reader = new SliceReader({ sink: graph, clock: systemClock, log, metrics });
  const slices = () => graph.statuses();
  const inventory = new InventorySource({
    reader,
    repository: new InventoryRepository(database),
    slices,
    file: config.inventory,
    owner: { account: config.account, region: config.region },
    log,
  });
  const sources: TopologySource[] = [formerSources(config, reader, slices), inventory];
  if (config.awsTopology) {
    const targets = () => targetsOfScopes(database);
    const access = { roleName: config.awsRoleName };
    sources.push(new AwsSource({ reader, access, targets, slices, log }));
  }
  if (config.awsIpRanges !== '') {
    sources.push(new IpRangesSource({ reader, location: config.awsIpRanges }));
  }
  const parts = {
    reader,
    clock: systemClock,
    random: Math.random,
    relists: relistCounter(metrics),
  };
  for (const setting of clusterSettings(config)) {
    sources.push(new KubernetesSource({ ...parts, ...setting }));
  }
  return { inventory, sources };
}

/** What sources said that are not configured any more must not count for ever. */
function formerSources(
  config: ServerConfig,
  reader: SliceReader,
  slices: () => readonly SourceSlice[],
): TopologySource {
  const clusters = new Set(clusterSettings(config).map(({ cluster }) => cluster.id));
  const isConfigured = ({ source, slice }: SourceSlice) => {
    if (source === 'kubernetes') return clusters.has(slice);
    if (source !== 'aws') return true;
    return slice === IP_RANGES_SLICE.slice ? config.awsIpRanges !== '' : config.awsTopology;
  };
  return {
    name: 'former topology sources',
    async start() {
      for (const slice of slices()) if (!isConfigured(slice)) await reader.withdraw(slice);
    },
    stop: () => Promise.resolve(),
  };
}
