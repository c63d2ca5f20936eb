import { expect, test } from 'vitest';
import type { AddressScope } from '../model/address.ts';
import type { DestinationCategory } from '../model/category.ts';
import { type Endpoint, UNKNOWN_ENDPOINT } from '../model/enriched-flow.ts';
import { classify } from './classify.ts';

const web = end({ vpcId: 'vpc-a', subnetId: 'subnet-1', az: 'use1-az1', instanceId: 'i-1' });

function end(parts: Partial<Endpoint>): Endpoint {
  return { ...UNKNOWN_ENDPOINT, account: '000000000000', region: 'us-east-1', ...parts };
}

interface Case {
  readonly name: string;
  readonly local?: Endpoint;
  readonly remote?: Endpoint;
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
