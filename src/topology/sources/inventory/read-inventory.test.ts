import { describe, expect, test, vi } from 'vitest';
import { stableId } from '../../../model/ids.ts';
import { instanceId, networkId, subnetId } from '../../derived-ids.ts';
import type { Resource } from '../../graph/resource.ts';
import { problemText, readInventory } from './read-inventory.ts';
import { compileSchemaCheck } from './schema-problems.ts';

// Documents as large as are taken.
vi.setConfig({ testTimeout: 30_000 });

const owner = { account: '000000000000', region: 'berlin' };
const check = compileSchemaCheck();
const read = (text: string) => readInventory(text, { fallback: owner, check });

async function resourcesOf(text: string): Promise<readonly Resource[]> {
  const reading = await read(text);
  if (reading.status === 'refused') throw new Error(problemText(reading.problems));
  return reading.resources;
}

async function problemsOf(text: string): Promise<string> {
  const reading = await read(text);
  return reading.status === 'refused' ? problemText(reading.problems) : '';
}

const office = networkId(owner, 'office');
const lab = networkId(owner, 'lab');
const servers = subnetId(office, '10.20.1.0/24');

describe('an inventory names', () => {
  test('networks and subnets, with the ids that agents make of the same names', async () => {
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

  test('what hosts have in common with others', async () => {
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

  test('gateways, and the routes to them: written ones, else those that links imply', async () => {
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

  test('transit, whose table routes to every network it joins', async () => {
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

  test('services by prefix, and zones apart from their Region', async () => {
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

  test('the same in JSON as in YAML, tabs too, and ids it gives itself', async () => {
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

  test('nothing when it is empty', async () => {
    expect(await resourcesOf('{}')).toHaveLength(2);
  });
});

describe('a bad inventory is refused with', () => {
  test.each([
    { name: 'what is no YAML', text: 'networks: [', problem: /^line 1: / },
    { name: 'a name twice', text: 'region: a\nregion: b', problem: /^line 2: .*unique/ },
    { name: 'two documents', text: '{}\n---\n{}', problem: /^line 2: one document is taken$/ },
    { name: 'no document', text: '', problem: 'line 1: members are taken, as "name: value"' },
    {
      name: 'a bomb of aliases',
      text: 'a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c]\n',
      problem: /^line 1: .*alias/,
    },
    {
      name: 'a document too large to look at',
      text: `networks: [${'1,'.repeat(260_000)}]`,
      problem: /^line 1: is too large/,
    },
    {
      name: 'what is required and missing',
      text: 'networks:\n  - prefixes: [10.0.0.0/8]',
      problem: 'line 2: networks[0].name: is required',
    },
    {
      name: 'a member that does not exist',
      text: 'networks:\n  - name: a\n    subnet: b',
      problem:
        'line 3: networks[0].subnet: is not taken; name, id, account, region, prefixes, tags, subnets, hosts, internetGateway, natGateways, routes are',
    },
    {
      name: 'a number for text',
      text: 'account: 000000000000',
      problem: 'line 1: account: text is taken (a number in quotes)',
    },
    {
      name: 'a text for a list',
      text: 'networks:\n  - name: a\n    prefixes: 10.0.0.0/8',
      problem: 'line 3: networks[0].prefixes: a list is taken',
    },
    {
      name: 'a choice there is not',
      text: 'links:\n  - { name: a, kind: vpn, networks: [a, b] }',
      problem: 'line 2: links[0].kind: one of peering, transit is taken',
    },
    {
      name: 'what has not the form of a prefix',
      text: 'services: [{ name: a, prefixes: [ten/8] }]',
      problem:
        'line 1: services[0].prefixes[0]: a prefix, such as 10.0.1.0/24 or 2001:db8::/64 is taken',
    },
    {
      name: 'what has the form, but is none',
      text: 'services: [{ name: a, prefixes: [10.0.0.0/33] }]',
      problem: 'line 1: services[0].prefixes[0]: "10.0.0.0/33" is no prefix',
    },
    {
      name: 'a prefix that is an address',
      text: 'services: [{ name: a, prefixes: [10.0.0.7/24] }]',
      problem:
        'line 1: services[0].prefixes[0]: "10.0.0.7/24" has bits beyond its length; 10.0.0.0/24 has none',
    },
    {
      name: 'an address that is none',
      text: 'networks: [{ name: a, hosts: [{ name: h, addresses: [10.0.0.256] }] }]',
      problem: 'line 1: networks[0].hosts[0].addresses[0]: "10.0.0.256" is no address',
    },
    {
      name: 'the same problem once in what an alias repeats',
      text: 'networks:\n  - &n { name: 1 }\n  - *n',
      problem:
        'line 2: networks[0].name: text is taken (a number in quotes)\nline 2: networks[1].name: text is taken (a number in quotes)',
    },
  ])('$name', async ({ text, problem }) => {
    const problems = await problemsOf(text);
    if (typeof problem === 'string') expect(problems).toBe(problem);
    else expect(problems).toMatch(problem);
  });

  const network = (members: string) => `networks: [{ name: a, ${members} }]`;
  test.each([
    {
      name: 'two networks of one name',
      text: 'networks:\n  - { name: a, region: x }\n  - { name: a, region: y }',
      problem: 'line 3: networks[1].name: "a" is twice among the networks',
    },
    {
      name: 'two networks of one id',
      text: 'networks:\n  - { name: a, id: vpc-12345678 }\n  - { name: b, id: vpc-12345678 }',
      problem: 'line 3: networks[1]: has the id of "a", vpc-12345678',
    },
    {
      name: 'two hosts of one id',
      text: 'networks:\n  - { name: a, hosts: [{ name: h, id: i-12345678, addresses: [10.0.0.1] }] }\n  - { name: b, hosts: [{ name: g, id: i-12345678, addresses: [10.0.0.1] }] }',
      problem: 'line 3: networks[1].hosts[0]: has the id of "h", i-12345678',
    },
    {
      name: 'one host in two networks',
      text: 'networks:\n  - { name: a, hosts: [{ name: h, addresses: [10.0.0.1] }] }\n  - { name: b, hosts: [{ name: h, addresses: [10.0.0.1] }] }',
      problem: `line 3: networks[1].hosts[0]: has the id of "h", ${instanceId(owner, 'h')}`,
    },
    {
      name: 'a subnet outside of its network',
      text: network('prefixes: [10.0.0.0/16], subnets: [{ name: s, prefixes: [10.1.0.0/24] }]'),
      problem:
        'line 1: networks[0].subnets[0].prefixes[0]: 10.1.0.0/24 is outside of its network "a"',
    },
    {
      name: 'subnets that overlap, whichever comes first',
      text: network(
        'subnets: [{ name: s, prefixes: [10.0.1.0/24] }, { name: t, prefixes: [10.0.0.0/16] }]',
      ),
      problem: 'line 1: networks[0].subnets[0].prefixes[0]: 10.0.1.0/24 overlaps 10.0.0.0/16',
    },
    {
      name: 'an address outside of its network',
      text: network('prefixes: [10.0.0.0/16], hosts: [{ name: h, addresses: [10.1.0.1] }]'),
      problem:
        'line 1: networks[0].hosts[0].addresses[0]: 10.1.0.1 is in no prefix of its network "a"',
    },
    {
      name: 'an address of two hosts',
      text: network(
        'hosts: [{ name: h, addresses: [10.0.0.1] }, { name: g, addresses: [10.0.0.1] }]',
      ),
      problem: 'line 1: networks[0].hosts[1].addresses[0]: 10.0.0.1 is also an address of "h"',
    },
    {
      name: 'a NAT gateway in no subnet',
      text: network('natGateways: [{ name: n, subnet: s, addresses: [10.0.0.1] }]'),
      problem: 'line 1: networks[0].natGateways[0].subnet: there is no subnet "s" in the network',
    },
    {
      name: 'a route that leads nowhere',
      text: network('routes: [{ to: 0.0.0.0/0, via: nat }]'),
      problem: 'line 1: networks[0].routes[0].via: "nat" is no gateway or link of the network "a"',
    },
    {
      name: 'a zone that is not listed',
      text: 'zones: [{ id: z }]\nnetworks: [{ name: a, subnets: [{ name: s, prefixes: [10.0.0.0/24], zone: y }] }]',
      problem: 'line 2: networks[0].subnets[0].zone: "y" is not among the zones',
    },
    {
      name: 'a link to nowhere',
      text: 'networks: [{ name: a }]\nlinks: [{ name: l, kind: peering, networks: [a, b] }]',
      problem: 'line 2: links[0].networks[1]: there is no network "b"',
    },
    {
      name: 'a link from a network to itself',
      text: 'networks: [{ name: a }]\nlinks: [{ name: l, kind: peering, networks: [a, a] }]',
      problem: 'line 2: links[0].networks[1]: "a" is joined already',
    },
    {
      name: 'a peering of three',
      text: 'networks: [{ name: a }, { name: b }, { name: c }]\nlinks: [{ name: l, kind: peering, networks: [a, b, c] }]',
      problem:
        'line 2: links[0].networks: two networks are taken; more are joined by a link of kind transit',
    },
    {
      name: 'a prefix of a service twice',
      text: 'services: [{ name: s, prefixes: [10.0.0.0/8, 10.0.0.0/8] }]',
      problem: 'line 1: services[0].prefixes[1]: 10.0.0.0/8 is a prefix of "s" already',
    },
  ])('$name', async ({ text, problem }) => {
    expect(await problemsOf(text)).toBe(problem);
  });

  test('all that is wrong at once, by line, up to 20', async () => {
    const lines = Array.from({ length: 30 }, (_, i) => `  - { name: n${i}, prefix: x }`);
    const problems = (await problemsOf(`networks:\n${lines.join('\n')}`)).split('\n');
    expect(problems).toHaveLength(21);
    expect(problems[0]).toMatch(/^line 2: networks\[0\]\.prefix: is not taken/);
    expect(problems[20]).toBe('and 10 more');
  });
});
