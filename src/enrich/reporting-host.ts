import type { Owner } from '../model/owner.ts';

/** The host that reported, as the topology knows it: its own addresses and their subnets. */
export interface ReportingHost {
  readonly owner: Owner;
  readonly instanceId: string;
  readonly vpcId: string;
  readonly az: string;
  /** The Kubernetes cluster it is a node of; "" outside of one. */
  readonly cluster: string;
  /** The subnet of each of its link addresses. */
  readonly subnetOf: ReadonlyMap<string, string>;
}
