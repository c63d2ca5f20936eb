/** Labels of a scope's top contributors, by member of the row. The words are those of AWS. */
export const WORKLOAD_LABELS = {
  localSubnetId: 'Subnet ID',
  localAz: 'Local AZ',
  localVpcId: 'VPC ID',
  localRegion: 'Local Region',
  accountId: 'Account ID',
  remoteIdentifier: 'Remote resource',
  destinationCategory: 'Category',
  value: 'Value',
} as const;

/** Labels of a monitor's top contributors, by member of the row. */
export const MONITOR_LABELS = {
  localIp: 'Local IP',
  remoteIp: 'Remote IP',
  targetPort: 'Port',
  localInstanceId: 'Local instance',
  localSubnetId: 'Local subnet',
  remoteInstanceId: 'Remote instance',
  remoteSubnetId: 'Remote subnet',
  destinationCategory: 'Category',
} as const;
