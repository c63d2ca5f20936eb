import { expect, test } from 'vitest';
import {
  constructsOfPath,
  constructsOfRow,
  groupsOfInstance,
  type LocalEnd,
  type RemoteEnd,
} from './flow-constructs.ts';

const here = { account: '000000000000', region: 'us-east-1', instanceId: '' };
const local: LocalEnd = {
  ...here,
  address: '10.0.0.1',
  vpcId: 'vpc-a',
  subnetId: 'subnet-1',
  az: 'use1-az1',
  deployment: '',
};
const remote: RemoteEnd = {
  ...here,
  address: '10.1.0.1',
  vpcId: 'vpc-a',
  subnetId: 'subnet-2',
  az: 'use1-az1',
  category: 'INTRA_AZ',
  remoteIdentifier: '',
};
const names = (from: LocalEnd, to: RemoteEnd, of = constructsOfRow) =>
  of(from, to, 0).map(({ class: name, id }) => `${name}:${id}`);

test('two ends in one zone and VPC share both constructs', () => {
  expect(names(local, remote)).toEqual([
    ...['subnet:subnet-1', 'subnet:subnet-2', 'az:use1-az1', 'vpc:vpc-a'],
  ]);
});

test.each([
  { to: { category: 'INTER_AZ', az: 'use1-az2' }, link: 'az-pair:use1-az1>use1-az2' },
  { to: { category: 'INTER_VPC', vpcId: 'vpc-b' }, link: 'vpc-pair:vpc-a>vpc-b' },
  {
    to: { category: 'INTER_REGION', region: '', remoteIdentifier: 'eu-west-1' },
    link: 'region-pair:us-east-1>eu-west-1',
  },
  { to: { category: 'AMAZON_S3', az: '', vpcId: '' }, link: 'edge:AMAZON_S3@use1-az1' },
  {
    to: { category: 'AWS_SERVICE', az: '', remoteIdentifier: 'Amazon SQS' },
    link: 'edge:Amazon SQS@use1-az1',
  },
  { to: { category: 'INTERNET', az: '', vpcId: '' }, link: 'internet-edge:vpc-a' },
] as const)('a flow of category $to.category traverses $link', ({ to, link }) => {
  expect(names(local, { ...remote, ...to })).toContain(link);
});

test('unknown ends have no constructs', () => {
  const nothing = { vpcId: '', subnetId: '', az: '', region: '' };
  expect(names({ ...local, ...nothing }, { ...remote, ...nothing })).toEqual([]);
});

test('a known route adds its shared parts, and interfaces are not shared', () => {
  const constructs = [
    { componentType: 'AWS::EC2::NetworkInterface', componentId: 'eni-1' },
    { componentType: 'AWS::EC2::TransitGatewayAttachment', componentId: 'tgw-attach-1' },
    { componentType: 'AWS::EC2::TransitGateway', componentId: 'tgw-1' },
    { serviceName: 'Amazon S3' },
  ];
  const of = constructsOfPath(() => ({
    pathOf: () => ({ constructs, snatAddress: '', dnatAddress: '' }),
  }));
  const found = names(local, { ...remote, category: 'INTER_VPC', vpcId: 'vpc-b' }, of);
  expect(found).toContain('tgw-attachment:tgw-attach-1');
  expect(found).toContain('tgw:tgw-1');
  expect(found.some((name) => name.includes('eni-1'))).toBe(false);
});

test('an instance is in the groups that its sources report', () => {
  const traits = { imageId: 'ami-1', instanceType: undefined, nodePool: 'spot' };
  const groups = groupsOfInstance(() => ({
    instance: ({ account, instanceId }) =>
      account === '1' && instanceId === 'i-1' ? traits : undefined,
  }));
  expect(groups({ account: '1', instanceId: 'i-1' }, 0)).toEqual([
    { class: 'image', id: 'ami-1' },
    { class: 'node-pool', id: 'spot' },
  ]);
  expect(groups({ account: '1', instanceId: 'i-2' }, 0)).toEqual([]);
});
