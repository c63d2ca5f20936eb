import { canonicalAddress } from '../model/address.ts';
import { ec2Arn, parseArn } from '../model/arn.ts';
import type { DestinationCategory } from '../model/category.ts';
import { NO_ADDRESS } from '../model/enriched-flow.ts';
import type { Owner } from '../model/owner.ts';
import type {
  KubernetesMetadata,
  MonitorTopContributorsRow,
  WorkloadInsightsRow,
  WorkloadInsightsSeries,
} from '../model/query.ts';
import type { PathEnd, PathFinder } from '../model/topology.ts';
import type { MONITOR_ROW_KEYS, WORKLOAD_INSIGHTS_ROW_KEYS } from './plan.ts';

/** A row of the query: every value is text, except ports and times. */
export type StoredMonitorRow = Readonly<
  Record<Exclude<(typeof MONITOR_ROW_KEYS)[number], 'service_port'>, string>
> & { readonly target_port: number; readonly value: string; readonly last_seconds: number };

/** A monitor's row as it is stored. Its path is looked up when the row is read. */
export interface KeptMonitorRow extends MonitorTopContributorsRow {
  /** Time of the newest flow, seconds since 1970. */
  readonly lastSeconds: number;
}

export type StoredInsightsRow = Readonly<
  Record<(typeof WORKLOAD_INSIGHTS_ROW_KEYS)[number] | 'value', string>
>;

export interface StoredBin {
  readonly label: string;
  readonly bin: number;
  readonly value: string;
}

/** Converts to the API's row, and leaves out unknown members (""). */
export function monitorRow(row: StoredMonitorRow, category: DestinationCategory): KeptMonitorRow {
  return {
    ...known({
      localIp: addressOf(row.local_ip),
      snatIp: addressOf(row.snat_ip),
      localInstanceId: row.local_instance,
      localVpcId: row.local_vpc,
      localRegion: row.region,
      localAz: row.local_az,
      localSubnetId: row.local_subnet,
      remoteVpcId: row.remote_vpc,
      remoteRegion: row.remote_region,
      remoteAz: row.remote_az,
      remoteSubnetId: row.remote_subnet,
      remoteInstanceId: row.remote_instance,
      remoteIp: addressOf(row.remote_ip),
      dnatIp: addressOf(row.dnat_ip),
      ...endArns('local', row),
      ...endArns('remote', row),
    }),
    ...kubernetes(row),
    targetPort: row.target_port,
    destinationCategory: category,
    value: BigInt(row.value),
    lastSeconds: row.last_seconds,
  };
}

/** Adds the path of the flows, from the topology at the time of the newest flow. */
export function withPath(
  { lastSeconds, ...row }: KeptMonitorRow,
  owner: Owner,
  paths: PathFinder,
): MonitorTopContributorsRow {
  const accountOf = (arn = '') => parseArn(arn)?.account;
  const remoteAccount = accountOf(row.remoteInstanceArn) ?? accountOf(row.remoteVpcArn) ?? '';
  // An account has paths only in its own networks, so the account comes from the row.
  const account = accountOf(row.localVpcArn) ?? accountOf(row.localInstanceArn) ?? owner.account;
  const local = endOf(row, 'local', { account, beyondNat: row.snatIp });
  const remote = endOf(row, 'remote', { account: remoteAccount, beyondNat: row.dnatIp });
  const { constructs, snatAddress, dnatAddress } = paths.pathOf(local, remote, lastSeconds);
  return {
    ...row,
    // An address that the host observed takes precedence over one derived from routes.
    ...known({ snatIp: row.snatIp || snatAddress, dnatIp: row.dnatIp || dnatAddress }),
    ...(constructs.length === 0 ? {} : { traversedConstructs: constructs }),
  };
}

function endOf(
  row: MonitorTopContributorsRow,
  side: 'local' | 'remote',
  {
    account,
    beyondNat = '',
  }: { readonly account: string; readonly beyondNat?: string | undefined },
): PathEnd {
  return {
    account,
    region: row[`${side}Region`] ?? '',
    vpcId: row[`${side}VpcId`] ?? '',
    subnetId: row[`${side}SubnetId`] ?? '',
    az: row[`${side}Az`] ?? '',
    instanceId: row[`${side}InstanceId`] ?? '',
    address: row[`${side}Ip`] ?? '',
    beyondNat,
  };
}

export function insightsRow(row: StoredInsightsRow): WorkloadInsightsRow {
  const owner = { account: row.account, region: row.region };
  return {
    ...known({
      accountId: row.account,
      localSubnetId: row.local_subnet,
      localAz: row.local_az,
      localVpcId: row.local_vpc,
      localRegion: row.region,
      localSubnetArn: row.local_subnet && ec2Arn(owner, 'subnet', row.local_subnet),
      localVpcArn: row.local_vpc && ec2Arn(owner, 'vpc', row.local_vpc),
    }),
    // Kept when "", because the internet has no identifier.
    remoteIdentifier: row.remote_identifier,
    value: BigInt(row.value),
  };
}

/** Groups bins, which are ordered by label and time, into series. */
export function series(bins: readonly StoredBin[]): WorkloadInsightsSeries[] {
  return [...groupByLabel(bins)].map(([label, group]) => ({
    label,
    timestampsMillis: group.map(({ bin }) => bin * 1000),
    values: group.map(({ value }) => Number(value)),
  }));
}

function groupByLabel(bins: readonly StoredBin[]): Map<string, StoredBin[]> {
  const groups = new Map<string, StoredBin[]>();
  for (const bin of bins) {
    const group = groups.get(bin.label);
    if (group === undefined) groups.set(bin.label, [bin]);
    else group.push(bin);
  }
  return groups;
}

function endArns(side: 'local' | 'remote', row: StoredMonitorRow): Record<string, string> {
  const owner =
    side === 'local'
      ? { account: row.account, region: row.region }
      : { account: row.remote_account, region: row.remote_region };
  const arn = (resource: 'instance' | 'subnet' | 'vpc', id: string) =>
    id && ec2Arn(owner, resource, id);
  return {
    [`${side}InstanceArn`]: arn('instance', row[`${side}_instance`]),
    [`${side}SubnetArn`]: arn('subnet', row[`${side}_subnet`]),
    [`${side}VpcArn`]: arn('vpc', row[`${side}_vpc`]),
  };
}

function kubernetes(row: StoredMonitorRow): { kubernetesMetadata?: KubernetesMetadata } {
  const metadata = known({
    localServiceName: row.local_service_name,
    localPodName: row.local_pod_name,
    localPodNamespace: row.local_pod_namespace,
    remoteServiceName: row.remote_service_name,
    remotePodName: row.remote_pod_name,
    remotePodNamespace: row.remote_pod_namespace,
  });
  return Object.keys(metadata).length === 0 ? {} : { kubernetesMetadata: metadata };
}

function addressOf(stored: string): string {
  return stored === NO_ADDRESS ? '' : (canonicalAddress(stored) ?? '');
}

function known<T extends Readonly<Record<string, string>>>(members: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== ''),
  ) as Partial<T>;
}
