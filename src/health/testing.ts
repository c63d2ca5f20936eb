import type { EnrichedFlow } from '../model/enriched-flow.ts';
import type { Monitor } from '../model/monitor.ts';
import { type FlowParts, flowRow } from '../store/testing.ts';

export interface Traffic {
  readonly hosts?: number;
  /** The unhealthy values of a flow. */
  readonly change?: (host: number, vpc: string) => FlowParts['values'];
}

/** Flows to vpc-b lose 2%. */
export const LOSSY: Traffic = {
  change: (_, vpc) => (vpc === 'vpc-b' ? { retrans_est: 40 } : {}),
};

/** A monitor of the flows from vpc-a to another VPC. */
export function monitorTo(vpc: string): Monitor {
  return {
    monitorName: `to-${vpc}`,
    monitorArn: '',
    scopeArn: '',
    status: 'ACTIVE',
    localResources: [{ type: 'AWS::EC2::VPC', identifier: 'vpc-a' }],
    remoteResources: [{ type: 'AWS::EC2::VPC', identifier: vpc }],
    createdAtMillis: 0,
    modifiedAtMillis: 0,
    tags: {},
  };
}

const HEALTHY: FlowParts['values'] = {
  segments_delivered: 2_000,
  bytes_delivered: 1_000_000,
  connect_attempts: 1,
  connect_us_count: 1,
  rtos_syn: 0,
  rtos_est: 0,
  rtos_close: 0,
  rtt_us_count: 2,
  rtt_us_sum: 2_000,
  rtt_us_min: 900,
};

/** Four hosts of vpc-a have flows to three of vpc-b and three of vpc-c, and those of vpc-c to vpc-b. */
export function trafficFlows(
  account: string,
  timeSeconds: number,
  { hosts = 4, change = () => ({}) }: Traffic = {},
): EnrichedFlow[] {
  const pairs = [
    ['vpc-a', 'vpc-b'],
    ['vpc-a', 'vpc-c'],
    ['vpc-c', 'vpc-b'],
  ] as const;
  const indexes = (length: number) => Array.from({ length }, (_, i) => i);
  return pairs.flatMap(([from, to]) =>
    indexes(hosts).flatMap((host) =>
      indexes(3).map((remote) =>
        flowRow({
          account,
          timeSeconds,
          category: 'INTER_VPC',
          localAddress: `10.${from.charCodeAt(4)}.0.${host}`,
          remoteAddress: `10.${to.charCodeAt(4)}.1.${remote}`,
          local: {
            vpcId: from,
            instanceId: `i-${from}-${host}`,
            subnetId: `s-${from}`,
            az: 'az1',
          },
          remote: { vpcId: to, subnetId: `r-${to}`, az: 'az1' },
          values: { ...HEALTHY, ...(from === 'vpc-a' ? change(host, to) : {}) },
        }),
      ),
    ),
  );
}
