import { expect, test } from 'vitest';
import { compareBy, contributorOf, matchesFilter } from './contributor.ts';

const ARN = 'arn:aws:ec2:us-east-1:000000000000:subnet/subnet-0far';

function row(localSubnetId: string, value: bigint, remoteIdentifier = '') {
  const destinationCategory = 'INTERNET';
  return contributorOf({
    localSubnetId,
    localAz: 'use1-az1',
    remoteIdentifier,
    value,
    destinationCategory,
  });
}

test('the same remote end in two categories is two contributors', () => {
  const input = { localSubnetId: 'subnet-1', remoteIdentifier: 'us-east-1', value: 1n };
  const idIn = (destinationCategory: 'AMAZON_S3' | 'UNCLASSIFIED') =>
    contributorOf({ ...input, destinationCategory }).id;
  expect(idIn('AMAZON_S3')).not.toBe(idIn('UNCLASSIFIED'));
});

test('a contributor has the same id at each refresh, whatever its value', () => {
  expect(row('subnet-1', 1n, ARN).id).toBe(row('subnet-1', 2n, ARN).id);
});

const REMOTES = [
  { name: 'an ARN is shown by its last part', identifier: ARN, shown: 'subnet-0far' },
  { name: 'a Region is shown unchanged', identifier: 'us-west-2', shown: 'us-west-2' },
  { name: 'an empty identifier stays empty', identifier: '', shown: '' },
];

test.each(REMOTES)('remote resource: $name', ({ identifier, shown }) => {
  expect(row('subnet-1', 1n, identifier).remoteResource).toBe(shown);
});

test('a member that the API leaves out is empty, and the value is 0', () => {
  const bare = contributorOf({ destinationCategory: 'INTRA_AZ' });
  expect(bare).toMatchObject({ localSubnetId: '', category: 'Within an AZ', value: 0n });
});

const FILTERS = [
  { name: 'part of an id', filter: 'NET-1', matches: true },
  { name: 'the label of the category', filter: 'internet', matches: true },
  {
    name: 'a part of the ARN that the table does not show',
    filter: '000000000000:subnet',
    matches: true,
  },
  { name: 'spaces only', filter: '  ', matches: true },
  { name: 'another zone', filter: 'use1-az2', matches: false },
];

test.each(FILTERS)('filter by $name', ({ filter, matches }) => {
  expect(matchesFilter(row('subnet-1', 1n, ARN), filter)).toBe(matches);
});

test('values are sorted as numbers, even beyond the range of a double, and names as text', () => {
  const rows = [row('b', 2n ** 63n + 1n), row('a', 2n ** 63n)];
  expect([...rows].sort(compareBy('value')).map(({ localSubnetId }) => localSubnetId)).toEqual([
    'a',
    'b',
  ]);
  expect(
    [...rows].sort(compareBy('localSubnetId')).map(({ localSubnetId }) => localSubnetId),
  ).toEqual(['a', 'b']);
});
