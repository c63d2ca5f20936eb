import type { Clock } from '../../lib/clock.ts';
import type { Database } from '../../lib/database.ts';
import type { Log } from '../../lib/log.ts';
import type { Metrics } from '../../lib/metrics.ts';
import type { ScopeTarget } from '../../model/scope.ts';
import type { SourceSlice } from '../graph/source-statement.ts';
import type { TopologySource } from '../topology-source.ts';
import type { SliceReader } from './slice-reader.ts';

/** The dependencies of all kinds of sources. */
export interface SourceDeps {
  readonly reader: SliceReader;
  /** The slices in the graph now, those of sources that are no longer configured included. */
  readonly slices: () => readonly SourceSlice[];
  /** The targets of all scopes, each once. */
  readonly targets: () => Promise<readonly ScopeTarget[]>;
  /** Whether an access key belongs to this server, so that AWS would not know it. */
  readonly isOwnKey: (accessKeyId: string) => Promise<boolean>;
  readonly database: Database;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** A kind of topology source: checks its settings and creates its sources. */
export interface SourceKind<Config> {
  /** Why the settings cannot be used, as `setting: reason`; undefined when they can. */
  readonly problemOf?: (config: Config) => string | undefined;
  /** Whether the settings still name the source of a slice. */
  readonly isConfigured: (slice: SourceSlice, config: Config) => boolean;
  /** The sources the settings ask for; none when they are off. */
  readonly create: (config: Config, deps: SourceDeps) => readonly TopologySource[];
}
