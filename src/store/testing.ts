import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../lib/log.ts';
import { Metrics } from '../lib/metrics.ts';
import { type EnrichedFlow, type FlowEnd, UNKNOWN_END } from '../model/enriched-flow.ts';
import { emptyValues, VALUE_NAMES } from '../model/flow-metrics.ts';
import type { HostStatsRow } from '../model/host-stats.ts';
import type { PodNames, Side } from '../model/report.ts';
import type { BatchRows } from './batch-inserter.ts';
import { FlowStore, type FlowStoreOptions } from './flow-store.ts';

/**
 * The parts of a row that a test sets. The rest is a client's flow at a time within any retention.
 */
export interface FlowParts {
  readonly timeSeconds?: number;
  readonly account?: string;
  readonly region?: string;
  readonly category?: EnrichedFlow['category'];
  readonly side?: Side;
  readonly localAddress?: string;
  readonly remoteAddress?: string;
  readonly snatAddress?: string | undefined;
  readonly dnatAddress?: string | undefined;
  readonly servicePort?: number;
  readonly local?: Partial<FlowEnd>;
  readonly remote?: Partial<FlowEnd>;
  readonly remoteIdentifier?: string;
  readonly cluster?: string;
  readonly pods?: PodNames;
  /** By column name, e.g. `bytes_received`. */
  readonly values?: Readonly<Record<string, number>>;
}

/** The rows of a batch, as small batches are stored. */
export function oneSlice(
  flows: readonly EnrichedFlow[],
  hostStats: readonly HostStatsRow[] = [],
): readonly BatchRows[] {
  return [{ flows, hostStats }];
}

/** 2027-01-15 08:00:00 UTC. */
export const TEST_SECONDS = 1_800_000_000;

export function flowRow(parts: FlowParts = {}): EnrichedFlow {
  const owner = {
    account: parts.account ?? '000000000000',
    region: parts.region ?? 'us-east-1',
  };
  const values = emptyValues();
  for (const [name, value] of Object.entries(parts.values ?? {})) {
    const index = VALUE_NAMES.indexOf(name);
    if (index === -1) throw new Error(`unknown value ${name}`);
    values[index] = value;
  }
  return {
    timeSeconds: parts.timeSeconds ?? TEST_SECONDS,
    owner,
    flow: {
      side: parts.side ?? 'client',
      localAddress: parts.localAddress ?? '10.0.1.7',
      remoteAddress: parts.remoteAddress ?? '10.0.2.7',
      snatAddress: parts.snatAddress,
      dnatAddress: parts.dnatAddress,
      servicePort: parts.servicePort ?? 443,
      values,
    },
    local: { ...UNKNOWN_END, ...owner, ...parts.local },
    remote: { ...UNKNOWN_END, ...parts.remote },
    cluster: parts.cluster ?? '',
    pods: parts.pods,
    category: parts.category ?? 'INTRA_AZ',
    remoteIdentifier: parts.remoteIdentifier ?? '',
  };
}

/** A store in a temporary folder; disposing it removes the folder. */
export interface TestStore extends AsyncDisposable {
  readonly store: FlowStore;
  readonly metrics: Metrics;
  readonly folder: string;
}

export const TEST_OPTIONS: Omit<FlowStoreOptions, 'location'> = {
  retentionDays: 3650,
  queryConnections: 2,
  maxSeconds: 60,
  maxMemoryBytes: 1024 ** 3,
};

export async function startTestStore(options: Partial<FlowStoreOptions> = {}): Promise<TestStore> {
  // The path has characters with a meaning in patterns, SQL or URLs, so that every store test
  // checks that they are harmless.
  const folder = mkdtempSync(join(tmpdir(), `nfm-store {a,1..3}*?[b]'"\\ %41#ü-`));
  const metrics = new Metrics();
  const location = { path: join(folder, 'clickhouse') };
  const store = new FlowStore({
    options: { ...TEST_OPTIONS, location, ...options },
    log: silentLog,
    metrics,
  });
  await store.start();
  return {
    store,
    metrics,
    folder,
    async [Symbol.asyncDispose]() {
      await store.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
