import { describe, expect, test } from 'vitest';
import { stableId } from '../../../model/ids.ts';
import { instanceId, networkId, subnetId } from '../../derived-ids.ts';
import type { Resource } from '../../graph/resource.ts';
import { problemText, readInventory } from './read-inventory.ts';
import { compileSchemaCheck } from './schema-problems.ts';

const owner = { account: '000000000000', region: 'berlin' };
const check = compileSchemaCheck();

async function resourcesOf(text: string): Promise<readonly Resource[]> {
  const reading = await readInventory(text, { fallback: owner, check });
  if (reading.status === 'refused') throw new Error(problemText(reading.problems));
  return reading.resources;
}

const office = networkId(owner, 'office');
const lab = networkId(owner, 'lab');
const servers = subnetId(office, '10.20.1.0/24');

describe('an inventory names', () => {
  test('networks and subnets, with the ids that agents derive from the same names', async () => {
    const found = await resourcesOf(`
      networks:
        - name: office
          prefixes: [10.20.0.0/16, 2001:DB8::/48]
          tags: { site: Berlin }
          subnets:
            - { name: servers, prefixes: [10.20.1.0/24], zone: ber1 }
    `);
    expect(found.slice(0, 5)).toEqual([
      { kind: 'account', id: '000000000000' },
      { kind: 'region', id: 'berlin' },
      { kind: 'zone', id: 'ber1', region: 'berlin', zoneType: 'availability' },
      {
        kind: 'vpc',
        id: office,
        name: 'office',
        ...owner,
        tags: { site: 'Berlin' },
        cidrs: ['10.20.0.0/16', '2001:db8::/48'],
      },
      {
        kind: 'subnet',
        id: servers,
        name: 'servers',
        ...owner,
        vpcId: office,
        cidrs: ['10.20.1.0/24'],
        zoneId: 'ber1',
      },
    ]);
  });

  test('image, type and node pool of hosts', async () => {
    const found = await resourcesOf(`
      networks:
        - name: office
          hosts:
            - { name: db-1, addresses: [10.20.1.7], image: golden-7, instanceType: r740, nodePool: db }
    `);
    expect(found.find(({ kind }) => kind === 'instance')).toMatchObject({
      imageId: 'golden-7',
      instanceType: 'r740',
      nodePool: 'db',
    });
  });

  test('hosts, with an interface in each subnet they have addresses in', async () => {
    const found = await resourcesOf(`
      networks:
        - name: office
          subnets:
            - { name: servers, prefixes: [10.20.1.0/24], zone: ber1 }
            - { name: storage, prefixes: [10.20.2.0/24, 2001:db8::/64] }
          hosts:
            - name: db-1
              addresses: [10.20.1.7, 10.20.2.7, 2001:DB8::7]
              publicAddresses: [198.51.100.7]
    `);
    const host = instanceId(owner, 'db-1');
    const storage = subnetId(office, '10.20.2.0/24');
    const interfaceIn = (subnet: string) => ({
      kind: 'network-interface',
      id: stableId('eni', host, subnet),
      ...owner,
      vpcId: office,
      subnetId: subnet,
      instanceId: host,
    });
    expect(found.filter(({ kind }) => kind === 'instance' || kind === 'network-interface')).toEqual(
      [
        {
          kind: 'instance',
          id: host,
          name: 'db-1',
          ...owner,
          vpcId: office,
          subnetId: servers,
          zoneId: 'ber1',
        },
        {
          ...interfaceIn(servers),
          addresses: ['10.20.1.7'],
          publicAddresses: ['198.51.100.7'],
        },
        {
          ...interfaceIn(storage),
          addresses: ['10.20.2.7', '2001:db8::7'],
          publicAddresses: [],
        },
      ],
    );
  });

  test('gateways, and routes: listed ones, then those that links imply', async () => {
    const found = await resourcesOf(`
      networks:
        - name: office
          prefixes: [10.20.0.0/16]
          subnets:
            - { name: servers, prefixes: [10.20.1.0/24] }
            - name: dmz
              prefixes: [10.20.9.0/24]
              routes: [{ to: 0.0.0.0/0, via: edge }, { to: 10.30.0.0/16, via: blackhole }]
          internetGateway: edge
          natGateways:
            - { name: nat, subnet: dmz, addresses: [10.20.9.1], publicAddresses: [198.51.100.9] }
          routes: [{ to: 0.0.0.0/0, via: nat }]
        - { name: lab, prefixes: [10.30.0.0/16] }
      links:
        - { name: office-lab, kind: peering, networks: [office, lab] }
    `);
    const dmz = subnetId(office, '10.20.9.0/24');
    const nat = stableId('nat', office, 'nat');
    const edge = stableId('igw', office);
    const peering = stableId('pcx', owner.account, owner.region, 'office-lab');
    const place = { ...owner, vpcId: office };
    const local = (destination: string) => ({ destination, target: 'local', targetId: '' });
    expect(found).toContainEqual({
      kind: 'internet-gateway',
      id: edge,
      name: 'edge',
      ...owner,
      vpcIds: [office],
    });
    expect(found).toContainEqual({
      kind: 'nat-gateway',
      id: nat,
      name: 'nat',
      ...place,
      subnetId: dmz,
      privateAddresses: ['10.20.9.1'],
      publicAddresses: ['198.51.100.9'],
    });
    expect(found).toContainEqual({
      kind: 'network-interface',
      id: stableId('eni', nat),
      ...place,
      subnetId: dmz,
      addresses: ['10.20.9.1'],
      publicAddresses: ['198.51.100.9'],
      ownerId: nat,
    });
    expect(found.filter((one) => one.kind === 'route-table')).toEqual([
      {
        kind: 'route-table',
        id: stableId('rtb', office),
        ...place,
        isMain: true,
        subnetIds: [],
        routes: [
          { destination: '0.0.0.0/0', target: 'nat-gateway', targetId: nat },
          local('10.20.0.0/16'),
          { destination: '10.30.0.0/16', target: 'vpc-peering', targetId: peering },
        ],
      },
      {
        kind: 'route-table',
        id: stableId('rtb', dmz),
        ...place,
        isMain: false,
        subnetIds: [dmz],
        routes: [
          { destination: '0.0.0.0/0', target: 'internet-gateway', targetId: edge },
          { destination: '10.30.0.0/16', target: 'blackhole', targetId: '' },
          local('10.20.0.0/16'),
        ],
      },
      {
        kind: 'route-table',
        id: stableId('rtb', lab),
        ...owner,
        vpcId: lab,
        isMain: true,
        subnetIds: [],
        routes: [
          local('10.30.0.0/16'),
          { destination: '10.20.0.0/16', target: 'vpc-peering', targetId: peering },
        ],
      },
    ]);
    expect(found).toContainEqual({
      kind: 'vpc-peering',
      id: peering,
      name: 'office-lab',
      requester: { ...owner, vpcId: office },
      accepter: { ...owner, vpcId: lab },
    });
  });

  test('a transit link, whose table routes to every network of it', async () => {
    const found = await resourcesOf(`
      networks:
        - { name: office, prefixes: [10.20.0.0/16] }
        - { name: lab, region: munich, prefixes: [10.30.0.0/16] }
      links:
        - { name: wan, kind: transit, networks: [office, lab] }
    `);
    const munich = { ...owner, region: 'munich' };
    const far = networkId(munich, 'lab');
    const wan = stableId('tgw', owner.account, owner.region, 'wan');
    const attachment = (vpcId: string) => stableId('tgw-attach', wan, vpcId);
    const attached = { kind: 'transit-gateway-attachment', transitGatewayId: wan, attached: 'vpc' };
    expect(found.filter(({ kind }) => kind.startsWith('transit'))).toEqual([
      { kind: 'transit-gateway', id: wan, name: 'wan', ...owner },
      { ...attached, id: attachment(office), ...owner, attachedId: office },
      { ...attached, id: attachment(far), ...munich, attachedId: far },
      {
        kind: 'transit-gateway-route-table',
        id: stableId('tgw-rtb', wan),
        ...owner,
        transitGatewayId: wan,
        associations: [attachment(office), attachment(far)],
        routes: [
          { destination: '10.20.0.0/16', attachmentId: attachment(office) },
          { destination: '10.30.0.0/16', attachmentId: attachment(far) },
        ],
      },
    ]);
  });

  test('services by prefix, and local zones', async () => {
    const found = await resourcesOf(`
      region: munich
      zones: [{ id: muc-plant, name: The plant, type: local }]
      services: [{ name: S3, prefixes: [192.0.2.0/24] }]
    `);
    expect(found.slice(2)).toEqual([
      { kind: 'zone', id: 'muc-plant', name: 'The plant', region: 'munich', zoneType: 'local' },
      {
        kind: 'service-prefix',
        id: 'S3 munich 192.0.2.0/24',
        prefix: '192.0.2.0/24',
        service: 'S3',
        region: 'munich',
        networkBorderGroup: 'munich',
      },
    ]);
  });

  test('the same in JSON with tabs as in YAML, and listed ids', async () => {
    const network = { name: 'office', id: 'vpc-0123456789abcdef0', prefixes: ['10.0.0.0/8'] };
    const found = await resourcesOf(JSON.stringify({ networks: [network] }, null, '\t'));
    expect(found).toContainEqual({
      kind: 'vpc',
      id: 'vpc-0123456789abcdef0',
      name: 'office',
      ...owner,
      cidrs: ['10.0.0.0/8'],
    });
  });

  test('only account and Region when it is empty', async () => {
    expect(await resourcesOf('{}')).toHaveLength(2);
  });
});
