import { describe, expect, test } from 'vitest';
import { stableId } from '../model/ids.ts';
import { AddressBook, type AddressClaim, CLAIM_SECONDS } from './address-book.ts';

const owner = { account: '000000000000', region: 'us-east-1' };
const NOW = 1_800_000_000;

interface ClaimParts {
  readonly address: string;
  readonly prefix?: string;
  readonly network?: string;
  readonly instance?: string;
  readonly az?: string;
  readonly account?: string;
  readonly region?: string;
  readonly from?: number;
  readonly to?: number;
}

const vpc = (network: string) => stableId('vpc', network);
const subnet = (network: string, prefix: string) => stableId('subnet', network, prefix);

function claim(parts: ClaimParts): AddressClaim {
  const { network = 'a', prefix = '10.0.1.0/24', from = NOW, to = NOW } = parts;
  return {
    address: parts.address,
    prefix,
    endpoint: {
      account: parts.account ?? owner.account,
      region: parts.region ?? owner.region,
      vpcId: vpc(network),
      subnetId: /\/(32|128)$/.test(prefix) ? '' : subnet(network, prefix),
      az: parts.az ?? 'use1-az1',
      instanceId: parts.instance ?? 'i-1',
    },
    fromSeconds: from,
    lastSeenSeconds: to,
  };
}

interface Lookup {
  readonly network?: string;
  readonly time?: number;
}

/** A book of the claims that counts the ambiguous lookups. */
function bookOf(...claims: readonly AddressClaim[]) {
  let ambiguous = 0;
  const book = new AddressBook({
    claims,
    onAmbiguous: () => {
      ambiguous += 1;
    },
  });
  return {
    book,
    ambiguous: () => ambiguous,
    locate: (address: string, { network = 'a', time = NOW }: Lookup = {}) =>
      book.locate(address, { owner, vpcId: network && vpc(network), timeSeconds: time }),
  };
}

describe('an address in the local network', () => {
  test('resolves to its host, with subnet and zone', () => {
    const { locate, ambiguous } = bookOf(claim({ address: '10.0.1.7' }));
    expect(locate('10.0.1.7')).toEqual({
      ...owner,
      vpcId: vpc('a'),
      subnetId: subnet('a', '10.0.1.0/24'),
      az: 'use1-az1',
      instanceId: 'i-1',
    });
    expect(ambiguous()).toBe(0);
  });

  test('without a host resolves to the subnet that contains it', () => {
    const { locate } = bookOf(claim({ address: '10.0.1.7' }));
    expect(locate('10.0.1.99')).toMatchObject({
      subnetId: subnet('a', '10.0.1.0/24'),
      az: 'use1-az1',
      instanceId: '',
    });
    expect(locate('10.0.2.1')).toBeUndefined();
  });

  test('belongs to the longest prefix that contains it', () => {
    const { locate } = bookOf(
      claim({ address: '10.0.0.1', prefix: '10.0.0.0/16', instance: 'i-2', az: 'use1-az2' }),
      claim({ address: '10.0.1.7' }),
    );
    expect(locate('10.0.1.99')).toMatchObject({ subnetId: subnet('a', '10.0.1.0/24') });
    expect(locate('10.0.2.99')).toMatchObject({ subnetId: subnet('a', '10.0.0.0/16') });
  });

  test('matches only prefixes of its own family', () => {
    const { locate } = bookOf(claim({ address: '2001:db8::1', prefix: '2001:db8::/64' }));
    expect(locate('2001:db8::2')).toMatchObject({ subnetId: subnet('a', '2001:db8::/64') });
    expect(locate('32.1.13.184')).toBeUndefined();
  });

  test('with a host route resolves to its host, without a subnet, in the zone it reports', () => {
    const { locate } = bookOf(claim({ address: '10.9.9.9', prefix: '10.9.9.9/32' }));
    expect(locate('10.9.9.9')).toMatchObject({ subnetId: '', az: 'use1-az1', instanceId: 'i-1' });
  });

  test('that two hosts claim at once resolves to the subnet only, and is counted', () => {
    const { locate, ambiguous } = bookOf(
      claim({ address: '10.0.1.7' }),
      claim({ address: '10.0.1.7', instance: 'i-2' }),
    );
    expect(locate('10.0.1.7')).toMatchObject({
      subnetId: subnet('a', '10.0.1.0/24'),
      instanceId: '',
    });
    expect(ambiguous()).toBe(1);
  });

  test('that two hosts claim as a host route is unknown', () => {
    const { locate, ambiguous } = bookOf(
      claim({ address: '10.9.9.9', prefix: '10.9.9.9/32' }),
      claim({ address: '10.9.9.9', prefix: '10.9.9.9/32', instance: 'i-2' }),
    );
    expect(locate('10.9.9.9')).toBeUndefined();
    expect(ambiguous()).toBe(1);
  });
});

describe('the owner of an address at a time', () => {
  const moved = bookOf(
    claim({ address: '10.0.1.7', instance: 'i-1', from: NOW, to: NOW + 1_000 }),
    claim({ address: '10.0.1.7', instance: 'i-2', from: NOW + 5_000, to: NOW + 9_000 }),
  );

  test.each([
    { name: 'long before the first', time: NOW - CLAIM_SECONDS - 1, instanceId: '' },
    { name: 'a little before the first', time: NOW - CLAIM_SECONDS, instanceId: 'i-1' },
    { name: 'while the first had it', time: NOW + 500, instanceId: 'i-1' },
    { name: 'a little after', time: NOW + 1_000 + CLAIM_SECONDS, instanceId: 'i-1' },
    { name: 'in between', time: NOW + 3_000, instanceId: '' },
    { name: 'while the second had it', time: NOW + 7_000, instanceId: 'i-2' },
    { name: 'long after', time: NOW + 9_001 + CLAIM_SECONDS, instanceId: '' },
  ])('$name', ({ time, instanceId }) => {
    expect(moved.locate('10.0.1.7', { time })?.instanceId).toBe(instanceId);
    expect(moved.ambiguous()).toBe(0);
  });

  const renumbered = [
    claim({ address: '10.0.1.7', prefix: '10.0.0.0/16', from: NOW + 100, to: NOW + 200 }),
    claim({ address: '10.0.1.7', prefix: '10.0.1.0/24', from: NOW, to: NOW + 99 }),
  ];
  test.each([
    { name: 'before its prefix changed', time: NOW + 50, prefix: '10.0.1.0/24' },
    { name: 'after its prefix changed', time: NOW + 150, prefix: '10.0.0.0/16' },
  ])('a host that changed its subnet: $name', ({ time, prefix }) => {
    for (const claims of [renumbered, renumbered.toReversed()]) {
      expect(bookOf(...claims).locate('10.0.1.7', { time })).toMatchObject({
        subnetId: subnet('a', prefix),
        instanceId: 'i-1',
      });
    }
  });
});

describe('an address of another network', () => {
  const other = claim({
    address: '10.8.0.7',
    prefix: '10.8.0.0/24',
    network: 'b',
    instance: 'i-b',
  });

  test('of the same account and Region is found', () => {
    const { locate } = bookOf(claim({ address: '10.0.1.7' }), other);
    expect(locate('10.8.0.7')).toMatchObject({ vpcId: vpc('b'), instanceId: 'i-b' });
  });

  test('is not found by its prefix alone, because private prefixes repeat', () => {
    expect(bookOf(claim({ address: '10.0.1.7' }), other).locate('10.8.0.8')).toBeUndefined();
  });

  test('is found from an undescribed network', () => {
    expect(bookOf(other).locate('10.8.0.7', { network: '' })).toMatchObject({ vpcId: vpc('b') });
  });

  test.each([
    { name: 'account', parts: { account: '111111111111' } },
    { name: 'Region', parts: { region: 'eu-west-1' } },
  ])('of another $name stays unknown', ({ parts }) => {
    const { locate } = bookOf(claim({ address: '10.8.0.7', network: 'b', ...parts }));
    expect(locate('10.8.0.7')).toBeUndefined();
  });

  test('has lower precedence than the local network where address spaces overlap', () => {
    const { locate, ambiguous } = bookOf(
      claim({ address: '10.0.1.7' }),
      claim({ address: '10.0.1.7', network: 'b', instance: 'i-b' }),
      claim({ address: '10.0.1.8', network: 'b', instance: 'i-c' }),
    );
    expect(locate('10.0.1.7')).toMatchObject({ vpcId: vpc('a'), instanceId: 'i-1' });
    expect(locate('10.0.1.8')).toMatchObject({ vpcId: vpc('a'), instanceId: '' });
    expect(ambiguous()).toBe(0);
  });

  test('in two other networks is unknown, and is counted', () => {
    const { locate, ambiguous } = bookOf(
      claim({ address: '10.0.1.7' }),
      other,
      claim({ address: '10.8.0.7', prefix: '10.8.0.0/24', network: 'c', instance: 'i-c' }),
    );
    expect(locate('10.8.0.7')).toBeUndefined();
    expect(ambiguous()).toBe(1);
  });

  test('is found only at its time', () => {
    const { locate } = bookOf(claim({ address: '10.0.1.7' }), other);
    expect(locate('10.8.0.7', { time: NOW + CLAIM_SECONDS + 1 })).toBeUndefined();
  });
});

describe("a subnet's zone", () => {
  const id = subnet('a', '10.0.1.0/24');
  const first = claim({ address: '10.0.1.7', az: 'use1-az1' });
  test.each([
    { name: 'reported by its one host', second: undefined, az: 'use1-az1' },
    { name: 'its hosts agree', second: { az: 'use1-az1' }, az: 'use1-az1' },
    { name: 'its hosts disagree', second: { az: 'use1-az2' }, az: '' },
    { name: 'one host reports none', second: { az: '' }, az: 'use1-az1' },
    {
      name: 'another host reported a different one long ago',
      second: { az: 'use1-az2', from: NOW - 9_000, to: NOW - CLAIM_SECONDS - 1 },
      az: 'use1-az1',
    },
  ])('$name: "$az"', ({ second, az }) => {
    const own =
      second === undefined ? [] : [claim({ address: '10.0.1.8', instance: 'i-2', ...second })];
    for (const claims of [
      [first, ...own],
      [...own, first],
    ]) {
      const { book, locate } = bookOf(...claims);
      expect(book.zoneOf(id, owner.account)).toBe(az);
      expect(locate('10.0.1.7')?.az).toBe(az);
      expect(locate('10.0.1.99')?.az).toBe(az);
    }
  });

  test('three hosts of two zones disagree in any order', () => {
    const zones = ['use1-az1', 'use1-az2', 'use1-az1'];
    const claims = zones.map((az, i) =>
      claim({ address: `10.0.1.${i + 1}`, instance: `i-${i}`, az }),
    );
    expect(bookOf(...claims).book.zoneOf(id, owner.account)).toBe('');
  });

  test('is unknown for a subnet without hosts', () => {
    expect(bookOf(first).book.zoneOf('subnet-0', owner.account)).toBe('');
  });
});
