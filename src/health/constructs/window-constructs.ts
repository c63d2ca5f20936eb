import type { ConstructClassName } from './construct-class.ts';
import type { LocalEnd, RemoteEnd } from './flow-constructs.ts';

/** Two ends with flows between them. `pair` is the hash that their cells carry. */
export interface EndPair {
  readonly pair: string;
  readonly local: LocalEnd;
  readonly remote: RemoteEnd;
}

/** A construct that several ends may share. Its index in the window's list is its number. */
export interface SharedConstruct {
  /** `class:id`. */
  readonly name: string;
  readonly class: ConstructClassName;
  readonly changedSeconds: number;
}

/** Numbers of the shared constructs of each pair of ends, and of each host (`host:…`). */
export interface WindowPaths {
  readonly pairs: readonly string[];
  readonly paths: readonly (readonly number[])[];
  readonly hosts: readonly string[];
  readonly hostPaths: readonly (readonly number[])[];
}

/** Some of a window's constructs: shared ones by number, hosts and remotes by name. */
export interface ConstructSelection {
  readonly shared: readonly number[];
  readonly ends: readonly string[];
}

/** Hosts (`host:…`) whose allowance counters rose in a window, and hosts whose counters did not. */
export interface HostLimits {
  readonly exceeded: readonly string[];
  readonly within: readonly string[];
}
