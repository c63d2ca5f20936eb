import { expect, test } from 'vitest';
import type { AddressScope } from '../model/address.ts';
import type { DestinationCategory } from '../model/category.ts';
import { UNKNOWN_END } from '../model/enriched-flow.ts';
import type { Located } from '../model/topology.ts';
import { classify } from './classify.ts';

const web = end({ vpcId: 'vpc-a', subnetId: 'subnet-1', az: 'use1-az1', instanceId: 'i-1' });

function end(parts: Partial<Located>): Located {
  return { ...UNKNOWN_END, account: '000000000000', region: 'us-east-1', ...parts };
}

interface Case {
  readonly name: string;
  readonly local?: Located;
  readonly remote?: Located;
  readonly scope?: AddressScope;
  readonly category: DestinationCategory;
}

const cases: readonly Case[] = [
  { name: 'to itself', remote: web, scope: 'loopback', category: 'INTRA_AZ' },
  {
    name: 'same VPC, same zone',
    remote: end({ vpcId: 'vpc-a', az: 'use1-az1' }),
    category: 'INTRA_AZ',
  },
  {
    name: 'same VPC, other zone',
    remote: end({ vpcId: 'vpc-a', az: 'use1-az2' }),
    category: 'INTER_AZ',
  },
  {
    name: 'same VPC by public addresses',
    remote: end({ vpcId: 'vpc-a', az: 'use1-az2' }),
    scope: 'global',
    category: 'INTER_AZ',
  },
  {
    name: 'same subnet, zone unknown',
    local: { ...web, az: '' },
    remote: end({ vpcId: 'vpc-a', subnetId: 'subnet-1' }),
    category: 'INTRA_AZ',
  },
  {
    name: 'same VPC, other subnet, a zone unknown',
    remote: end({ vpcId: 'vpc-a', subnetId: 'subnet-2' }),
    category: 'UNCLASSIFIED',
  },
  {
    name: 'same VPC, no subnets, no zones',
    local: end({ vpcId: 'vpc-a' }),
    remote: end({ vpcId: 'vpc-a' }),
    category: 'UNCLASSIFIED',
  },
  { name: 'another VPC', remote: end({ vpcId: 'vpc-b', az: 'use1-az1' }), category: 'INTER_VPC' },
  {
    name: 'another VPC of another Region',
    remote: end({ vpcId: 'vpc-b', region: 'eu-west-1' }),
    category: 'INTER_REGION',
  },
  {
    name: 'a public address of another Region',
    remote: { ...UNKNOWN_END, region: 'eu-west-1' },
    scope: 'global',
    category: 'INTER_REGION',
  },
  {
    name: 'a public address of the local Region',
    remote: { ...UNKNOWN_END, region: 'us-east-1' },
    scope: 'global',
    category: 'UNCLASSIFIED',
  },
  {
    name: 'a public address of no Region',
    remote: { ...UNKNOWN_END, region: 'GLOBAL' },
    scope: 'global',
    category: 'UNCLASSIFIED',
  },
  {
    name: 'from a local zone',
    local: { ...web, isLocalZone: true },
    remote: web,
    category: 'LOCAL_ZONE',
  },
  { name: 'to a local zone', remote: end({ isLocalZone: true }), category: 'LOCAL_ZONE' },
  {
    name: 'S3 of a local zone',
    remote: end({ isLocalZone: true, service: 'Amazon S3' }),
    category: 'LOCAL_ZONE',
  },
  {
    name: 'S3 of the local Region',
    remote: end({ service: 'Amazon S3' }),
    scope: 'global',
    category: 'AMAZON_S3',
  },
  {
    name: 'S3 of another Region',
    remote: end({ service: 'Amazon S3', region: 'eu-west-1' }),
    scope: 'global',
    category: 'AMAZON_S3',
  },
  { name: 'S3 by an endpoint', remote: end({ service: 'Amazon S3' }), category: 'AMAZON_S3' },
  { name: 'DynamoDB', remote: end({ service: 'Amazon DynamoDB' }), category: 'AMAZON_DYNAMODB' },
  {
    name: 'an interface endpoint in the local VPC',
    remote: end({ service: 'Amazon CloudWatch Logs' }),
    category: 'AWS_SERVICE',
  },
  {
    name: 'a service of no Region',
    remote: { ...UNKNOWN_END, region: 'GLOBAL', service: 'Amazon CloudFront' },
    scope: 'global',
    category: 'AWS_SERVICE',
  },
  {
    name: 'a service of another Region',
    remote: end({ region: 'eu-west-1', service: 'Amazon API Gateway' }),
    scope: 'global',
    category: 'INTER_REGION',
  },
  {
    name: 'behind an internet gateway',
    remote: { ...UNKNOWN_END, beyond: 'internet' },
    scope: 'global',
    category: 'INTERNET',
  },
  {
    name: 'a private address behind an internet gateway',
    remote: { ...UNKNOWN_END, beyond: 'internet' },
    category: 'UNCLASSIFIED',
  },
  {
    name: 'behind a transit gateway, private',
    remote: { ...UNKNOWN_END, beyond: 'transit-gateway' },
    category: 'TRANSIT_GATEWAY',
  },
  {
    name: 'behind a transit gateway, public',
    remote: { ...UNKNOWN_END, beyond: 'transit-gateway' },
    scope: 'global',
    category: 'TRANSIT_GATEWAY',
  },
  {
    name: 'behind a transit gateway in a known VPC',
    remote: end({ vpcId: 'vpc-b' }),
    category: 'INTER_VPC',
  },
  {
    name: 'public, but no route to it',
    remote: { ...UNKNOWN_END, beyond: 'nowhere known' },
    scope: 'global',
    category: 'UNCLASSIFIED',
  },
  { name: 'unowned, public', scope: 'global', category: 'INTERNET' },
  { name: 'unowned, private', category: 'UNCLASSIFIED' },
  { name: 'unowned, link-local', scope: 'link-local', category: 'UNCLASSIFIED' },
  { name: 'unowned, reserved', scope: 'reserved', category: 'UNCLASSIFIED' },
  {
    name: 'a host of no network to a known one',
    local: end({}),
    remote: web,
    category: 'UNCLASSIFIED',
  },
  {
    name: 'a host of no network to the internet',
    local: end({}),
    scope: 'global',
    category: 'INTERNET',
  },
  {
    name: 'a host of no network to itself',
    local: end({}),
    scope: 'loopback',
    category: 'INTRA_AZ',
  },
];

test.each(cases)('$name: $category', ({ local = web, remote, scope = 'private', category }) => {
  expect(classify({ local, remote, remoteScope: scope })).toBe(category);
});
