import type { Owner } from '../model/owner.ts';

/** A reporting host, with its ids and subnets from the topology. */
export interface ReportingHost {
  readonly owner: Owner;
  readonly instanceId: string;
  readonly vpcId: string;
  readonly az: string;
  /** Name of the Kubernetes cluster that the host is a node of; "" for none. */
  readonly cluster: string;
  /** The subnet of each of its link addresses. */
  readonly subnetOf: ReadonlyMap<string, string>;
}
