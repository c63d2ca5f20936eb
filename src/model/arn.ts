import type { Owner } from './owner.ts';

/** AWS's partitions other than `aws`, by the start of their Regions' names. */
const PARTITIONS = [
  ['us-gov-', 'aws-us-gov'],
  ['cn-', 'aws-cn'],
  ['us-iso-', 'aws-iso'],
  ['us-isob-', 'aws-iso-b'],
  ['us-isof-', 'aws-iso-f'],
  ['eu-isoe-', 'aws-iso-e'],
  ['eusc-', 'aws-eusc'],
] as const;

/** The partition of a Region, e.g. `aws-us-gov` of us-gov-west-1. */
export function partitionOf(region: string): string {
  return PARTITIONS.find(([start]) => region.startsWith(start))?.[1] ?? 'aws';
}

export function scopeArn(owner: Owner, scopeId: string): string {
  return `arn:${partitionOf(owner.region)}:networkflowmonitor:${owner.region}:${owner.account}:scope/${scopeId}`;
}

export function monitorArn(owner: Owner, monitorName: string): string {
  return `arn:${partitionOf(owner.region)}:networkflowmonitor:${owner.region}:${owner.account}:monitor/${monitorName}`;
}

export type Ec2Resource =
  | 'egress-only-internet-gateway'
  | 'instance'
  | 'internet-gateway'
  | 'natgateway'
  | 'network-interface'
  | 'subnet'
  | 'transit-gateway'
  | 'transit-gateway-attachment'
  | 'vpc'
  | 'vpc-endpoint'
  | 'vpc-peering-connection';

/** For example `arn:aws:ec2:us-east-1:123456789012:subnet/subnet-0a5b30fb95dca2c14`. */
export function ec2Arn(owner: Owner, resource: Ec2Resource, id: string): string {
  return `arn:${partitionOf(owner.region)}:ec2:${owner.region}:${owner.account}:${resource}/${id}`;
}

/** The six parts of an ARN (AWS General Reference, "Amazon Resource Names"). */
export interface Arn extends Owner {
  readonly partition: string;
  readonly service: string;
  /** The text after the account, for example `monitor/web`. */
  readonly resource: string;
}

/** The parts of an ARN; undefined when the text is none. Does not check what the parts name. */
export function parseArn(text: string): Arn | undefined {
  const [arn, partition = '', service = '', region = '', account = '', ...rest] = text.split(':');
  const resource = rest.join(':');
  if (arn !== 'arn' || partition === '' || service === '' || resource === '') return undefined;
  return { partition, service, region, account, resource };
}
