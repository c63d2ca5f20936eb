import { type Endpoint, type EnrichedFlow, NO_ADDRESS } from './enriched-flow.ts';
import { isOptionalPlain, isWide, VALUE_NAMES } from './flow-metrics.ts';

/** ClickHouse types a column may have. */
export type ColumnType =
  | "DateTime('UTC')"
  | 'LowCardinality(String)'
  | "Enum8('client' = 1, 'server' = 2)"
  | 'IPv6'
  | 'UInt16'
  | 'UInt32'
  | 'UInt64'
  | 'Nullable(UInt32)'
  | 'Nullable(UInt64)';

/**
 * A column of the flow table, declared here only: table, inserter, query dimension, API field and
 * console label come from it.
 */
export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  /** What the console calls it. */
  readonly label: string;
  /** Its value in a row; an address as canonical text; NaN, where it may be null, for not known. */
  readonly value: (row: EnrichedFlow) => string | number;
}

const text = (name: string, label: string, value: Column['value']): Column => ({
  name,
  type: 'LowCardinality(String)',
  label,
  value,
});

const endpoint = (side: 'local' | 'remote', label: string): Column[] => {
  const of = (pick: (end: Endpoint) => string) => (row: EnrichedFlow) => pick(row[side]);
  return [
    text(
      `${side}_instance`,
      `${label} instance`,
      of((end) => end.instanceId),
    ),
    text(
      `${side}_subnet`,
      `${label} subnet`,
      of((end) => end.subnetId),
    ),
    text(
      `${side}_vpc`,
      `${label} VPC`,
      of((end) => end.vpcId),
    ),
    text(
      `${side}_az`,
      `${label} availability zone`,
      of((end) => end.az),
    ),
  ];
};

const pods: readonly Column[] = [
  text('local_pod_name', 'Local pod', (row) => row.pods?.localPodName ?? ''),
  text('local_pod_namespace', 'Local namespace', (row) => row.pods?.localPodNamespace ?? ''),
  text('local_service_name', 'Local service', (row) => row.pods?.localServiceName ?? ''),
  text('remote_pod_name', 'Remote pod', (row) => row.pods?.remotePodName ?? ''),
  text('remote_pod_namespace', 'Remote namespace', (row) => row.pods?.remotePodNamespace ?? ''),
  text('remote_service_name', 'Remote service', (row) => row.pods?.remoteServiceName ?? ''),
];

const values: readonly Column[] = VALUE_NAMES.map((name, index) => ({
  name,
  type: valueType(index),
  label: name.replaceAll('_', ' '),
  value: ({ flow }) => flow.values[index] ?? 0,
}));

function valueType(index: number): ColumnType {
  const type = isWide(index) ? 'UInt64' : 'UInt32';
  return isOptionalPlain(index) ? `Nullable(${type})` : type;
}

export const FLOW_COLUMNS: readonly Column[] = [
  { name: 'time', type: "DateTime('UTC')", label: 'Time', value: (row) => row.timeSeconds },
  {
    name: 'account',
    type: 'LowCardinality(String)',
    label: 'Account',
    value: (row) => row.owner.account,
  },
  text('region', 'Region', (row) => row.owner.region),
  {
    name: 'category',
    type: 'LowCardinality(String)',
    label: 'Category',
    value: (row) => row.category,
  },
  {
    name: 'side',
    type: "Enum8('client' = 1, 'server' = 2)",
    label: 'Side',
    value: ({ flow }) => flow.side,
  },
  {
    name: 'local_ip',
    type: 'IPv6',
    label: 'Local address',
    value: ({ flow }) => flow.localAddress,
  },
  {
    name: 'remote_ip',
    type: 'IPv6',
    label: 'Remote address',
    value: ({ flow }) => flow.remoteAddress,
  },
  {
    name: 'snat_ip',
    type: 'IPv6',
    label: 'Local address beyond NAT',
    value: ({ flow }) => flow.snatAddress ?? NO_ADDRESS,
  },
  {
    name: 'dnat_ip',
    type: 'IPv6',
    label: 'Remote address beyond NAT',
    value: ({ flow }) => flow.dnatAddress ?? NO_ADDRESS,
  },
  {
    name: 'service_port',
    type: 'UInt16',
    label: 'Service port',
    value: ({ flow }) => flow.servicePort,
  },
  ...endpoint('local', 'Local'),
  ...endpoint('remote', 'Remote'),
  text('remote_account', 'Remote account', (row) => row.remote.account),
  text('remote_region', 'Remote Region', (row) => row.remote.region),
  text('remote_identifier', 'Remote resource', (row) => row.remoteIdentifier),
  text('local_cluster', 'Local cluster', (row) => row.cluster),
  ...pods,
  text('local_process', 'Local process', ({ flow }) => flow.processName ?? ''),
  text('local_cgroup', 'Local cgroup', ({ flow }) => flow.cgroup ?? ''),
  { name: 'flows_cut', type: 'UInt32', label: 'Flows cut', value: (row) => row.flowsCut ?? 0 },
  ...values,
];

/** Beside them every row has the number of the batch it came in: who stored it, and once. */
export const BATCH_COLUMN = { name: 'batch', type: 'UInt64' } as const;
