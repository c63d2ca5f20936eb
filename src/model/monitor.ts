export const LOCAL_RESOURCE_TYPES = [
  'AWS::EC2::VPC',
  'AWS::AvailabilityZone',
  'AWS::EC2::Subnet',
  'AWS::Region',
  'AWS::EKS::Cluster',
] as const;
export type LocalResourceType = (typeof LOCAL_RESOURCE_TYPES)[number];

export const REMOTE_RESOURCE_TYPES = [
  'AWS::EC2::VPC',
  'AWS::AvailabilityZone',
  'AWS::EC2::Subnet',
  'AWS::AWSService',
  'AWS::Region',
] as const;
export type RemoteResourceType = (typeof REMOTE_RESOURCE_TYPES)[number];

export const MONITOR_STATUSES = ['PENDING', 'ACTIVE', 'INACTIVE', 'ERROR', 'DELETING'] as const;
export type MonitorStatus = (typeof MONITOR_STATUSES)[number];

/** `identifier` is kept as the caller wrote it: an ARN, a bare id, or a zone, Region or service name. */
export interface MonitorLocalResource {
  readonly type: LocalResourceType;
  readonly identifier: string;
}

export interface MonitorRemoteResource {
  readonly type: RemoteResourceType;
  readonly identifier: string;
}

export interface Monitor {
  readonly monitorName: string;
  readonly monitorArn: string;
  readonly scopeArn: string;
  readonly status: MonitorStatus;
  readonly localResources: readonly MonitorLocalResource[];
  /** Empty means every destination. */
  readonly remoteResources: readonly MonitorRemoteResource[];
  readonly createdAtMillis: number;
  readonly modifiedAtMillis: number;
  readonly tags: Readonly<Record<string, string>>;
}
