import type { Resource, ResourceKind } from './resource.ts';

/** In order of precedence: where two sources contradict each other, the first one applies. */
export const TOPOLOGY_SOURCES = ['aws', 'kubernetes', 'inventory', 'agents'] as const;
export type TopologySourceName = (typeof TOPOLOGY_SOURCES)[number];

/** The unit in which a source is read: it is read, and fails, as a whole. */
export interface SourceSlice {
  readonly source: TopologySourceName;
  /** e.g. `123456789012/us-east-1`, the id of a cluster, the path of a file. */
  readonly slice: string;
}

/**
 * All resources of a slice at a time. From then on it replaces the previous statement of the slice:
 * a resource that it leaves out has ended.
 */
export interface SourceStatement extends SourceSlice {
  /** Seconds since 1970. */
  readonly atSeconds: number;
  readonly resources: readonly Resource[];
  /** Faults that did not prevent the reading; for people. */
  readonly warnings?: readonly string[] | undefined;
  /** Kinds that could not be read: their resources in the last statement stay in force. */
  readonly unreadKinds?: readonly ResourceKind[] | undefined;
}

export interface SourceFailure extends SourceSlice {
  readonly atSeconds: number;
  /** For people, e.g. `access denied in account 123456789012 (us-east-1): ec2:DescribeVpcs`. */
  readonly message: string;
}

/** Receives the statements of sources. */
export interface StatementSink {
  /** Resolves when the statement is in force. The caller must not change it afterwards. */
  accept(statement: SourceStatement): Promise<void>;
  /** Records that a slice could not be read. Its last statement stays in force, with a warning. */
  fail(failure: SourceFailure): void;
  /** Ends all resources of a slice that is no longer read. */
  withdraw(slice: SourceSlice, atSeconds: number): Promise<void>;
}

/** The state of a slice. */
export interface SourceStatus extends SourceSlice {
  /** The time of its last statement; absent before the first. */
  readonly lastSuccessSeconds?: number | undefined;
  /** Why the last reading failed; absent when it succeeded. */
  readonly error?: string | undefined;
  /** The first failure since the last success. */
  readonly failingSinceSeconds?: number | undefined;
  readonly warnings: readonly string[];
  /** The number of its current resources. */
  readonly resources: number;
}
