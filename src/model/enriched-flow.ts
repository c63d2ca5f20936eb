import type { DestinationCategory } from './category.ts';
import type { Owner } from './owner.ts';
import type { PodNames, ReportedFlow } from './report.ts';

/** What is known of one end of a flow at its time; "" where nothing is. */
export interface FlowEnd {
  readonly account: string;
  readonly region: string;
  readonly vpcId: string;
  readonly subnetId: string;
  /** Availability zone id, such as use1-az1. */
  readonly az: string;
  readonly instanceId: string;
}

export const UNKNOWN_END: FlowEnd = {
  account: '',
  region: '',
  vpcId: '',
  subnetId: '',
  az: '',
  instanceId: '',
};

/** A flow of a report with who its ends were and where it went: one row of the store. */
export interface EnrichedFlow {
  readonly timeSeconds: number;
  readonly owner: Owner;
  /** Of a remainder: no addresses (`NO_ADDRESS`), port 0. */
  readonly flow: ReportedFlow;
  /** How many flows the row stands for that were cut from the report; absent for a flow. */
  readonly flowsCut?: number | undefined;
  readonly local: FlowEnd;
  readonly remote: FlowEnd;
  /** The Kubernetes cluster of the reporting host; "" outside of one. */
  readonly cluster: string;
  readonly category: DestinationCategory;
  /** Of the report where it names them, else of the topology. */
  readonly pods?: PodNames | undefined;
  /** How workload insights name the other end: an ARN, a Region, a service, or "". */
  readonly remoteIdentifier: string;
}

/** What an address column holds where there is none: no flow has it. */
export const NO_ADDRESS = '::';

/** The remote identifier of traffic that never left its host. */
export const LOOPBACK_IDENTIFIER = 'loopback';
