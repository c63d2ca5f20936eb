import type { Resource } from './resource.ts';

/** In order of precedence: where two say different things of a resource, the first is believed. */
export const TOPOLOGY_SOURCES = ['aws', 'kubernetes', 'inventory', 'agents'] as const;
export type TopologySourceName = (typeof TOPOLOGY_SOURCES)[number];

/** What a part of a source is: it is read, and fails, as a whole. */
export interface SourceSlice {
  readonly source: TopologySourceName;
  /** e.g. `123456789012/us-east-1`, a cluster's id, a file's name. */
  readonly slice: string;
}

/**
 * All that a slice knows at a time. It replaces what the slice said before, from that time on: what
 * it does not name any more is gone.
 */
export interface SourceStatement extends SourceSlice {
  /** Seconds since 1970. */
  readonly atSeconds: number;
  readonly resources: readonly Resource[];
  /** What is wrong with what was read but did not keep it from being read, for people. */
  readonly warnings?: readonly string[] | undefined;
}

export interface SourceFailure extends SourceSlice {
  readonly atSeconds: number;
  /** For people, e.g. `access denied in account 123456789012 (us-east-1): ec2:DescribeVpcs`. */
  readonly message: string;
}

/** Where sources put what they learn. */
export interface StatementSink {
  /** Resolves when the statement counts; the statement must not be changed afterwards. */
  accept(statement: SourceStatement): Promise<void>;
  /** A slice could not be read: what it said last goes on counting, with a warning. */
  fail(failure: SourceFailure): void;
  /** A slice is not to be read any more: nothing it said counts from that time on. */
  withdraw(slice: SourceSlice, atSeconds: number): Promise<void>;
}

/** How a slice of a source does. */
export interface SourceStatus extends SourceSlice {
  /** Of its last statement; absent when it has never made one. */
  readonly lastSuccessSeconds?: number | undefined;
  /** Why it cannot be read now; absent when its last reading went well. */
  readonly error?: string | undefined;
  /** Since when it fails. */
  readonly failingSinceSeconds?: number | undefined;
  readonly warnings: readonly string[];
  /** How many resources it names now. */
  readonly resources: number;
}
