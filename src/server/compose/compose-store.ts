import { CLICKHOUSE_TABLES } from '../../health/storage/clickhouse-tables.ts';
import type { Service } from '../../lib/service.ts';
import { DiskBudget } from '../../store/disk-budget.ts';
import { FlowStore } from '../../store/flow-store.ts';
import { gib, mib, type ServerConfig } from '../config.ts';
import { DiskGuard } from '../flow/disk-guard.ts';
import type { StoreDisk } from '../flow/flow-pipeline.ts';
import type { Basics } from './basics.ts';

export interface StoreParts {
  readonly store: FlowStore;
  readonly disk: StoreDisk;
  /** Returns false while the disk of the data folder is low. */
  readonly hasDiskRoom: () => boolean;
  /** Returns false while the disk is low, when ClickHouse may lose what it writes. */
  readonly hasStoreRoom: () => boolean;
  readonly services: readonly Service[];
  /** Deletes old rows; must start after the data folder is checked. */
  readonly budget: DiskBudget;
}

/** A cluster watches its own disks, and inserting into it frees the disk of this server. */
const CLUSTER_DISK: StoreDisk = {
  untilRoom: () => Promise.resolve(),
  look: () => Promise.resolve(true),
};

/** Composes the store and the parts that watch its disk. */
export function composeStore(basics: Basics): StoreParts {
  const { config, log, metrics } = basics;
  const { retentionDays } = config;
  const isEmbedded = config.clickhouseUrl === '';
  const store = new FlowStore({ options: storeOptions(basics), log, metrics });
  const guard = new DiskGuard({
    folder: config.data,
    onChange: (isLow) => (isEmbedded ? store.settle(isLow) : Promise.resolve()),
    log,
    metrics,
  });
  const maxBytes = gib(config.storeMaxGib);
  const clock = basics.ageClock;
  const budget = new DiskBudget({ store, maxBytes, retentionDays, clock, log, metrics });
  return {
    store,
    disk: isEmbedded ? guard : CLUSTER_DISK,
    hasDiskRoom: () => !guard.isLow,
    hasStoreRoom: () => !isEmbedded || !guard.isLow,
    services: [store, guard],
    budget,
  };
}

/** The options of the flow store, for the server and for repairs. */
export function storeOptions({ config, folder }: Pick<Basics, 'config' | 'folder'>) {
  return {
    location: storeLocation(config, folder.store),
    retentionDays: config.retentionDays,
    queryConnections: config.queryConcurrency + 1,
    maxSeconds: config.queryMaxSeconds,
    maxMemoryBytes: mib(config.queryMaxMemoryMib),
    tables: CLICKHOUSE_TABLES,
  };
}

function storeLocation(config: ServerConfig, path: string) {
  if (config.clickhouseUrl === '') return { path };
  return {
    url: config.clickhouseUrl,
    username: config.clickhouseUser,
    password: config.clickhousePassword,
    database: config.clickhouseDatabase,
  };
}
