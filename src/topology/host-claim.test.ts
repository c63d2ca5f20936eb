import { describe, expect, test } from 'vitest';
import { INTERFACE_KINDS } from '../model/report.ts';
import { claimOf } from './host-claim.ts';
import { describeHost, link } from './testing.ts';

const owner = { account: '000000000000', region: 'us-east-1' };

describe('the addresses a host claims', () => {
  test.each([
    { name: 'IPv4', address: '10.0.1.7', length: 24, prefix: '10.0.1.0/24', subnet: true },
    { name: 'IPv6', address: '2001:db8::7', length: 64, prefix: '2001:db8::/64', subnet: true },
    { name: 'a public one', address: '8.8.8.8', length: 29, prefix: '8.8.8.8/29', subnet: true },
    { name: 'a /32: no subnet', address: '10.0.1.7', length: 32, prefix: '10.0.1.7/32' },
    { name: 'a /128: no subnet', address: '2001:db8::7', length: 128, prefix: '2001:db8::7/128' },
    {
      name: 'a /32 of IPv6',
      address: '2001:db8::7',
      length: 32,
      prefix: '2001:db8::/32',
      subnet: true,
    },
  ])('$name', ({ address, length, prefix, subnet = false }) => {
    const { addresses } = claimOf(owner, describeHost({ interfaces: [link(address, length)] }));
    expect(addresses).toEqual([
      { address, prefix, subnetId: subnet ? expect.stringMatching(/^subnet-[0-9a-f]{17}$/) : '' },
    ]);
  });

  test.each([
    { name: 'loopback', item: { ...link('127.0.0.1', 8), name: 'lo' } },
    { name: 'loopback of IPv6', item: link('::1', 128) },
    { name: 'link-local', item: link('169.254.10.1', 16) },
    { name: 'link-local of IPv6', item: link('fe80::1', 64) },
    ...INTERFACE_KINDS.filter((kind) => kind !== 'link').map((kind) => ({
      name: `an interface of kind ${kind}`,
      item: { ...link('172.17.0.1', 16), kind },
    })),
  ])('$name is left out', ({ item }) => {
    expect(claimOf(owner, describeHost({ interfaces: [item] })).addresses).toEqual([]);
  });

  test('a host without a network claims none', () => {
    const claim = claimOf(owner, describeHost({ network: undefined }));
    expect(claim).toMatchObject({ vpcId: '', addresses: [] });
  });
});

describe('the ids derived for a host', () => {
  test('never change for the same description', () => {
    expect(claimOf(owner, describeHost({ instanceId: '' }))).toMatchInlineSnapshot(`
      {
        "addresses": [
          {
            "address": "10.0.1.7",
            "prefix": "10.0.1.0/24",
            "subnetId": "subnet-68d20282e50a79464",
          },
        ],
        "az": "use1-az1",
        "cluster": "",
        "hostName": "web-1",
        "instanceId": "i-046d77264891ae549",
        "networkName": "default",
        "owner": {
          "account": "000000000000",
          "region": "us-east-1",
        },
        "vpcId": "vpc-9be6e076d296c4091",
      }
    `);
  });

  test.each([
    { name: 'its own id', host: { instanceId: 'i-0123456789abcdef0' }, id: 'i-0123456789abcdef0' },
    { name: 'its name, hashed', host: { instanceId: 'host-a' }, id: /^i-[0-9a-f]{17}$/ },
    { name: 'its machine id, hashed', host: { instanceId: '' }, id: /^i-[0-9a-f]{17}$/ },
    { name: 'without either', host: { instanceId: '', machineId: '' }, id: /^$/ },
  ])('the instance: $name', ({ host, id }) => {
    expect(claimOf(owner, describeHost(host)).instanceId).toMatch(id);
  });

  const base = claimOf(owner, describeHost({ instanceId: '' }));
  test.each([
    { name: 'account', other: { ...owner, account: '111111111111' } },
    { name: 'Region', other: { ...owner, region: 'eu-west-1' } },
  ])('the same host of another $name is another, in another network', ({ other }) => {
    const claim = claimOf(other, describeHost({ instanceId: '' }));
    expect(claim.instanceId).not.toBe(base.instanceId);
    expect(claim.vpcId).not.toBe(base.vpcId);
    expect(claim.addresses[0]?.subnetId).not.toBe(base.addresses[0]?.subnetId);
  });

  describe('on EC2', () => {
    const card = { id: 'eni-1', mac: '02:00:00:00:00:01', subnetId: 'subnet-1a2b3c4d' };
    const vpcId = 'vpc-0123456789abcdef0';
    const onEc2 = { network: vpcId, defaultRoute: '10.0.1.1 eth0', cards: [{ ...card, vpcId }] };
    const subnetOf = (host: Parameters<typeof describeHost>[0]) =>
      claimOf(owner, describeHost(host)).addresses[0]?.subnetId;
    const made = subnetOf({ network: vpcId });

    test.each([
      { name: "the card's", host: onEc2, subnetId: card.subnetId },
      { name: 'derived, for another interface', host: { ...onEc2, defaultRoute: '10.0.1.1 eth1' } },
      {
        name: 'derived, with several cards',
        host: { ...onEc2, cards: [...onEc2.cards, ...onEc2.cards] },
      },
      {
        name: 'derived, without a card in the network',
        host: { ...onEc2, cards: [{ ...card, vpcId: 'vpc-2' }] },
      },
    ])('the subnet is $name', ({ host, subnetId = made }) => {
      expect(claimOf(owner, describeHost(host))).toMatchObject({ vpcId });
      expect(subnetOf(host)).toBe(subnetId);
    });
  });

  test('hosts of one prefix share its subnet; another network has its own', () => {
    const subnetOf = (host: Parameters<typeof describeHost>[0]) =>
      claimOf(owner, describeHost(host)).addresses[0]?.subnetId;
    expect(subnetOf({ interfaces: [link('10.0.1.200', 24)] })).toBe(base.addresses[0]?.subnetId);
    expect(subnetOf({ network: 'lab' })).not.toBe(base.addresses[0]?.subnetId);
    expect(subnetOf({ interfaces: [link('10.0.1.7', 25)] })).not.toBe(base.addresses[0]?.subnetId);
  });
});
