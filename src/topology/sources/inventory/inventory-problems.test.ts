import { describe, expect, test, vi } from 'vitest';
import { instanceId } from '../../derived-ids.ts';
import { problemText, readInventory } from './read-inventory.ts';
import { compileSchemaCheck } from './schema-problems.ts';

// One document has the maximum size.
vi.setConfig({ testTimeout: 30_000 });

const owner = { account: '000000000000', region: 'berlin' };
const check = compileSchemaCheck();

async function problemsOf(text: string): Promise<string> {
  const reading = await readInventory(text, { fallback: owner, check });
  return reading.status === 'refused' ? problemText(reading.problems) : '';
}

describe('a faulty inventory is rejected:', () => {
  test.each([
    { name: 'text that is not YAML', text: 'networks: [', problem: /^line 1: / },
    { name: 'a member twice', text: 'region: a\nregion: b', problem: /^line 2: .*unique/ },
    { name: 'two documents', text: '{}\n---\n{}', problem: /^line 2: expected one document$/ },
    { name: 'no document', text: '', problem: 'line 1: expected members, as "name: value"' },
    {
      name: 'a bomb of aliases',
      text: 'a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c]\n',
      problem: /^line 1: .*alias/,
    },
    {
      name: 'a document with too many lexemes',
      text: `networks: [${'1,'.repeat(260_000)}]`,
      problem: /^line 1: too large/,
    },
    {
      name: 'lists nested 5,000 deep',
      text: `${'['.repeat(5_000)}${']'.repeat(5_000)}`,
      problem: 'line 1: the document is nested too deeply',
    },
    {
      name: 'members nested 3,000 deep by indentation',
      text: Array.from({ length: 3_000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
      problem: 'line 1: the document is nested too deeply',
    },
    {
      name: 'list items nested 3,000 deep on one line',
      text: '- '.repeat(3_000),
      problem: 'line 1: the document is nested too deeply',
    },
    {
      name: 'a missing required member',
      text: 'networks:\n  - prefixes: [10.0.0.0/8]',
      problem: 'line 2: networks[0].name: is required',
    },
    {
      name: 'an unknown member',
      text: 'networks:\n  - name: a\n    subnet: b',
      problem:
        'line 3: networks[0].subnet: unknown member; expected name, id, account, region, prefixes, sharedWith, tags, subnets, hosts, internetGateway, natGateways or routes',
    },
    {
      name: 'a number instead of text',
      text: 'account: 000000000000',
      problem: 'line 1: account: expected text (put a number in quotes)',
    },
    {
      name: 'text instead of a list',
      text: 'networks:\n  - name: a\n    prefixes: 10.0.0.0/8',
      problem: 'line 3: networks[0].prefixes: expected a list',
    },
    {
      name: 'a value that is not allowed',
      text: 'links:\n  - { name: a, kind: vpn, networks: [a, b] }',
      problem: 'line 2: links[0].kind: expected peering or transit',
    },
    {
      name: 'text without the form of a prefix',
      text: 'services: [{ name: a, prefixes: [ten/8] }]',
      problem:
        'line 1: services[0].prefixes[0]: expected a prefix, such as 10.0.1.0/24 or 2001:db8::/64',
    },
    {
      name: 'an impossible prefix length',
      text: 'services: [{ name: a, prefixes: [10.0.0.0/33] }]',
      problem: 'line 1: services[0].prefixes[0]: "10.0.0.0/33" is not a prefix',
    },
    {
      name: 'a prefix with host bits',
      text: 'services: [{ name: a, prefixes: [10.0.0.7/24] }]',
      problem:
        'line 1: services[0].prefixes[0]: "10.0.0.7/24" has bits beyond its length; did you mean 10.0.0.0/24?',
    },
    {
      name: 'an impossible address',
      text: 'networks: [{ name: a, hosts: [{ name: h, addresses: [10.0.0.256] }] }]',
      problem: 'line 1: networks[0].hosts[0].addresses[0]: "10.0.0.256" is not an address',
    },
    {
      name: 'a fault that an alias repeats',
      text: 'networks:\n  - &n { name: 1 }\n  - *n',
      problem:
        'line 2: networks[0].name: expected text (put a number in quotes)\nline 2: networks[1].name: expected text (put a number in quotes)',
    },
  ])('$name', async ({ text, problem }) => {
    const problems = await problemsOf(text);
    if (typeof problem === 'string') expect(problems).toBe(problem);
    else expect(problems).toMatch(problem);
  });

  const network = (members: string) => `networks: [{ name: a, ${members} }]`;
  test.each([
    {
      name: 'two networks with one name',
      text: 'networks:\n  - { name: a, region: x }\n  - { name: a, region: y }',
      problem: 'line 3: networks[1].name: duplicate name "a" in networks',
    },
    {
      name: 'two networks with one id',
      text: 'networks:\n  - { name: a, id: vpc-12345678 }\n  - { name: b, id: vpc-12345678 }',
      problem: 'line 3: networks[1]: duplicate id vpc-12345678, used by "a"',
    },
    {
      name: 'two hosts with one id',
      text: 'networks:\n  - { name: a, hosts: [{ name: h, id: i-12345678, addresses: [10.0.0.1] }] }\n  - { name: b, hosts: [{ name: g, id: i-12345678, addresses: [10.0.0.1] }] }',
      problem: 'line 3: networks[1].hosts[0]: duplicate id i-12345678, used by "h"',
    },
    {
      name: 'one host in two networks',
      text: 'networks:\n  - { name: a, hosts: [{ name: h, addresses: [10.0.0.1] }] }\n  - { name: b, hosts: [{ name: h, addresses: [10.0.0.1] }] }',
      problem: `line 3: networks[1].hosts[0]: duplicate id ${instanceId(owner, 'h')}, used by "h"`,
    },
    {
      name: 'a subnet outside of its network',
      text: network('prefixes: [10.0.0.0/16], subnets: [{ name: s, prefixes: [10.1.0.0/24] }]'),
      problem: 'line 1: networks[0].subnets[0].prefixes[0]: 10.1.0.0/24 is outside of network "a"',
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
        'line 1: networks[0].hosts[0].addresses[0]: 10.1.0.1 is outside of the prefixes of network "a"',
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
      problem: 'line 1: networks[0].natGateways[0].subnet: unknown subnet "s" in network "a"',
    },
    {
      name: 'a route to an unknown target',
      text: network('routes: [{ to: 0.0.0.0/0, via: nat }]'),
      problem:
        'line 1: networks[0].routes[0].via: unknown target "nat"; expected a gateway or link of network "a", or blackhole',
    },
    {
      name: 'a zone that is not listed',
      text: 'zones: [{ id: z }]\nnetworks: [{ name: a, subnets: [{ name: s, prefixes: [10.0.0.0/24], zone: y }] }]',
      problem: 'line 2: networks[0].subnets[0].zone: unknown zone "y"; expected one of zones',
    },
    {
      name: 'a link to an unknown network',
      text: 'networks: [{ name: a }]\nlinks: [{ name: l, kind: peering, networks: [a, b] }]',
      problem: 'line 2: links[0].networks[1]: unknown network "b"',
    },
    {
      name: 'a link from a network to itself',
      text: 'networks: [{ name: a }]\nlinks: [{ name: l, kind: peering, networks: [a, a] }]',
      problem: 'line 2: links[0].networks[1]: duplicate network "a"',
    },
    {
      name: 'a peering of three',
      text: 'networks: [{ name: a }, { name: b }, { name: c }]\nlinks: [{ name: l, kind: peering, networks: [a, b, c] }]',
      problem:
        'line 2: links[0].networks: a peering joins two networks; for more, use kind transit',
    },
    {
      name: 'a prefix of a service twice',
      text: 'services: [{ name: s, prefixes: [10.0.0.0/8, 10.0.0.0/8] }]',
      problem: 'line 1: services[0].prefixes[1]: duplicate prefix 10.0.0.0/8 of service "s"',
    },
  ])('$name', async ({ text, problem }) => {
    expect(await problemsOf(text)).toBe(problem);
  });

  test('all faults at once, by line, up to 20', async () => {
    const lines = Array.from({ length: 30 }, (_, i) => `  - { name: n${i}, prefix: x }`);
    const problems = (await problemsOf(`networks:\n${lines.join('\n')}`)).split('\n');
    expect(problems).toHaveLength(21);
    expect(problems[0]).toMatch(/^line 2: networks\[0\]\.prefix: unknown member/);
    expect(problems[20]).toBe('and 10 more');
  });
});
