import type { SettingValues } from '../../lib/setting.ts';
import type { Owner } from '../../model/owner.ts';
import type { SourceSlice } from '../graph/source-statement.ts';
import type { TopologySource } from '../topology-source.ts';
import { AWS_SETTINGS, AWS_TOPOLOGY } from './aws/aws-source.ts';
import { IP_RANGES, IP_RANGES_SETTINGS } from './aws/ip-ranges-source.ts';
import {
  createInventorySource,
  INVENTORY_SETTINGS,
  type InventorySource,
} from './inventory/inventory-source.ts';
import { KUBERNETES, KUBERNETES_SETTINGS } from './kubernetes/kubernetes-source.ts';
import type { SourceDeps, SourceKind } from './source-kind.ts';

/** The server's settings of topology sources; `nfm server --help` lists them in this order. */
export const TOPOLOGY_SETTINGS = {
  ...INVENTORY_SETTINGS,
  ...AWS_SETTINGS,
  ...IP_RANGES_SETTINGS,
  ...KUBERNETES_SETTINGS,
};

/** The account and Region own what a source describes without naming an owner. */
export type TopologyConfig = SettingValues<typeof TOPOLOGY_SETTINGS> & Owner;

const KINDS: readonly SourceKind<TopologyConfig>[] = [AWS_TOPOLOGY, IP_RANGES, KUBERNETES];

/** The first setting that cannot be used, as `setting: reason`; undefined when all can. */
export function topologyConfigProblem(config: TopologyConfig): string | undefined {
  return KINDS.map((kind) => kind.problemOf?.(config)).find((problem) => problem !== undefined);
}

export interface TopologySources {
  readonly inventory: InventorySource;
  /** In the order in which they are started. */
  readonly sources: readonly TopologySource[];
}

/** Creates the configured sources. Inventories are always on, because accounts may put them. */
export function createTopologySources(config: TopologyConfig, deps: SourceDeps): TopologySources {
  const inventory = createInventorySource(config, deps);
  const others = KINDS.flatMap((kind) => kind.create(config, deps));
  return { inventory, sources: [withdrawUnconfigured(config, deps), inventory, ...others] };
}

/** Withdraws on start the slices of sources that were configured once and are no longer. */
function withdrawUnconfigured(
  config: TopologyConfig,
  { slices, reader }: SourceDeps,
): TopologySource {
  const isConfigured = (slice: SourceSlice) =>
    slice.source === 'inventory' || KINDS.some((kind) => kind.isConfigured(slice, config));
  return {
    name: 'unconfigured topology sources',
    async start() {
      for (const slice of slices()) if (!isConfigured(slice)) await reader.withdraw(slice);
    },
    stop: () => Promise.resolve(),
  };
}
