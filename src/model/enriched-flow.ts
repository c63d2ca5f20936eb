import type { DestinationCategory } from './category.ts';
import type { Owner } from './owner.ts';
import type { PodNames, ReportedFlow } from './report.ts';

/** One end of a flow, as the topology knew it at the flow's time; unknown members are "". */
export interface FlowEnd {
  readonly account: string;
  readonly region: string;
  readonly vpcId: string;
  readonly subnetId: string;
  /** Availability zone id, for example use1-az1. */
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

/** A flow of a report with its ends and its destination category: one row of the store. */
export interface EnrichedFlow {
  readonly timeSeconds: number;
  readonly owner: Owner;
  /** The flow of a remainder has no addresses (`NO_ADDRESS`) and port 0. */
  readonly flow: ReportedFlow;
  /** The number of cut flows that the row sums up; absent for a flow. */
  readonly flowsCut?: number | undefined;
  readonly local: FlowEnd;
  readonly remote: FlowEnd;
  /** The Kubernetes cluster of the reporting host; "" outside of one. */
  readonly cluster: string;
  readonly category: DestinationCategory;
  /** From the report if it names them, else from the topology. */
  readonly pods?: PodNames | undefined;
  /** The name of the remote end in workload insights: an ARN, a Region, a service, or "". */
  readonly remoteIdentifier: string;
}

/** The value of an address column without an address; no flow has this address. */
export const NO_ADDRESS = '::';

/** The remote identifier of traffic within a host. */
export const LOOPBACK_IDENTIFIER = 'loopback';
