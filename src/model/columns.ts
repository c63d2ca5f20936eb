import { type EnrichedFlow, NO_ADDRESS } from './enriched-flow.ts';
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
 * A column of the flow table. Table, inserter, query dimension and API field are derived from this
 * declaration.
 */
export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  /** Its value in a row. An address is canonical text; NaN is stored as NULL. */
  readonly value: (row: EnrichedFlow) => string | number;
}

const text = (name: string, value: Column['value']): Column => ({
  name,
  type: 'LowCardinality(String)',
  value,
});

const endColumns = (side: 'local' | 'remote'): readonly Column[] => [
  text(`${side}_instance`, (row) => row[side].instanceId),
  text(`${side}_subnet`, (row) => row[side].subnetId),
  text(`${side}_vpc`, (row) => row[side].vpcId),
  text(`${side}_az`, (row) => row[side].az),
];

const podColumns: readonly Column[] = [
  text('local_pod_name', (row) => row.pods?.localPodName ?? ''),
  text('local_pod_namespace', (row) => row.pods?.localPodNamespace ?? ''),
  text('local_service_name', (row) => row.pods?.localServiceName ?? ''),
  text('remote_pod_name', (row) => row.pods?.remotePodName ?? ''),
  text('remote_pod_namespace', (row) => row.pods?.remotePodNamespace ?? ''),
  text('remote_service_name', (row) => row.pods?.remoteServiceName ?? ''),
];

const valueColumns: readonly Column[] = VALUE_NAMES.map((name, index) => ({
  name,
  type: valueType(index),
  value: ({ flow }) => flow.values[index] ?? 0,
}));

function valueType(index: number): ColumnType {
  const type = isWide(index) ? 'UInt64' : 'UInt32';
  return isOptionalPlain(index) ? `Nullable(${type})` : type;
}

export const FLOW_COLUMNS: readonly Column[] = [
  { name: 'time', type: "DateTime('UTC')", value: (row) => row.timeSeconds },
  text('account', (row) => row.owner.account),
  text('region', (row) => row.owner.region),
  text('category', (row) => row.category),
  { name: 'side', type: "Enum8('client' = 1, 'server' = 2)", value: ({ flow }) => flow.side },
  { name: 'local_ip', type: 'IPv6', value: ({ flow }) => flow.localAddress },
  { name: 'remote_ip', type: 'IPv6', value: ({ flow }) => flow.remoteAddress },
  { name: 'snat_ip', type: 'IPv6', value: ({ flow }) => flow.snatAddress ?? NO_ADDRESS },
  { name: 'dnat_ip', type: 'IPv6', value: ({ flow }) => flow.dnatAddress ?? NO_ADDRESS },
  { name: 'service_port', type: 'UInt16', value: ({ flow }) => flow.servicePort },
  ...endColumns('local'),
  ...endColumns('remote'),
  text('remote_account', (row) => row.remote.account),
  text('remote_region', (row) => row.remote.region),
  text('remote_identifier', (row) => row.remoteIdentifier),
  text('local_cluster', (row) => row.cluster),
  ...podColumns,
  text('local_process', ({ flow }) => flow.processName ?? ''),
  text('local_cgroup', ({ flow }) => flow.cgroup ?? ''),
  { name: 'flows_cut', type: 'UInt32', value: (row) => row.flowsCut ?? 0 },
  ...valueColumns,
];

/** Every row also has the number of its batch, by which the store finds what it has inserted. */
export const BATCH_COLUMN = { name: 'batch', type: 'UInt64' } as const;
