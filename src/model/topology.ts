import type { Endpoint } from './enriched-flow.ts';
import type { Owner } from './owner.ts';

/** Where an address is looked up: the network it is seen from, and when. */
export interface Vantage {
  readonly owner: Owner;
  /** "" when the reporting host's network is not known. */
  readonly vpcId: string;
  readonly timeSeconds: number;
}

/**
 * The topology as the path of a flow sees it: a snapshot that stays as it is while a newer one is
 * built, so lookups are synchronous and never wait.
 */
export interface TopologySnapshot {
  /**
   * Who had an address at that time, as seen from a network: first in the network itself, then in
   * others of the same account and Region. An address of a known subnet that nobody is known to
   * have, or that several claim at once, gives the subnet without an instance. Undefined when
   * nothing is known.
   */
  locate(address: string, vantage: Vantage): Endpoint | undefined;

  /** The zone of a subnet: its hosts', "" when they disagree or it is not known. */
  zoneOf(subnetId: string): string;
}
