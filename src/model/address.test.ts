import { BlockList, isIPv4, isIPv6, SocketAddress } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  addressBytes,
  addressScope,
  addressText,
  canonicalAddress,
  canonicalPrefix,
  prefixOf,
} from './address.ts';

describe('the canonical text of an address', () => {
  test.each([
    // RFC 5952, section by section.
    { name: '4.1: leading zeros go', text: '2001:0db8::0001', canonical: '2001:db8::1' },
    {
      name: '4.2.1: :: is as long as can be',
      text: '2001:db8:0:0:0:0:2:1',
      canonical: '2001:db8::2:1',
    },
    {
      name: '4.2.2: one group stays',
      text: '2001:db8::1:1:1:1:1',
      canonical: '2001:db8:0:1:1:1:1:1',
    },
    { name: '4.2.3: the longest run', text: '2001:0:0:1:0:0:0:1', canonical: '2001:0:0:1::1' },
    {
      name: '4.2.3: the first of equals',
      text: '2001:db8:0:0:1:0:0:1',
      canonical: '2001:db8::1:0:0:1',
    },
    { name: '4.3: lower case', text: '2001:DB8::ABCD', canonical: '2001:db8::abcd' },
    { name: '5: v4-mapped is v4', text: '::FFFF:192.0.2.1', canonical: '192.0.2.1' },
    { name: 'v4-mapped in hexadecimal', text: '::ffff:c000:201', canonical: '192.0.2.1' },
    { name: 'v4-compatible is not v4', text: '::192.0.2.1', canonical: '::c000:201' },
    { name: 'NAT64', text: '64:ff9b::192.0.2.1', canonical: '64:ff9b::c000:201' },
    { name: 'a zone id goes', text: 'fe80::1%eth0', canonical: 'fe80::1' },
    { name: 'all zeros', text: '0:0:0:0:0:0:0:0', canonical: '::' },
    { name: 'v4 stays', text: '10.0.1.7', canonical: '10.0.1.7' },
    { name: 'the greatest v4', text: '255.255.255.255', canonical: '255.255.255.255' },
  ])('$name: $text', ({ text, canonical }) => {
    expect(canonicalAddress(text)).toBe(canonical);
  });

  test.each([
    ['nothing', ''],
    ['a name', 'localhost'],
    ['a leading zero, octal to some', '10.0.01.7'],
    ['an octet too large', '10.0.0.256'],
    ['an octet too long', '10.0.0.1000'],
    ['three octets', '10.0.1'],
    ['five octets', '10.0.1.7.8'],
    ['a trailing dot', '10.0.1.7.'],
    ['a space', ' 10.0.1.7'],
    ['a prefix', '10.0.1.0/24'],
    ['a port', '10.0.1.7:80'],
    ['brackets', '[::1]'],
    ['two ::', '1::2::3'],
    ['nine groups', '1:2:3:4:5:6:7:8:9'],
    ['a v4 address with a zone', '10.0.1.7%eth0'],
    ['a zone alone', '%eth0'],
  ])('there is none of %s', (_, text) => {
    expect(canonicalAddress(text)).toBeUndefined();
  });

  test('an IPv4 text is an address exactly if node says so', () => {
    const octet = fc.oneof(
      fc.nat(300).map(String),
      fc.constantFrom('', '00', '01', '001', '1e1', '-1', '+1', ' 1', '256', '１'),
    );
    const almost = fc.array(octet, { minLength: 3, maxLength: 5 }).map((parts) => parts.join('.'));
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), almost), (text) => {
        expect(canonicalAddress(text)).toBe(isIPv4(text) ? text : undefined);
      }),
    );
  });

  test('an IPv6 text is an address exactly if node says so, and the same one', () => {
    const hexish = fc.string({
      unit: fc.constantFrom(...'0123456789abcdefABCDEF:.'),
      maxLength: 40,
    });
    fc.assert(
      fc.property(fc.oneof(fc.ipV6(), hexish), (text) => {
        const canonical = canonicalAddress(text);
        expect(canonical !== undefined).toBe(isIPv6(text) || isIPv4(text));
        if (canonical === undefined) return;
        // BlockList compares addresses by their bits, not by their text.
        const list = new BlockList();
        list.addAddress(text, isIPv4(text) ? 'ipv4' : 'ipv6');
        expect(list.check(canonical, isIPv4(canonical) ? 'ipv4' : 'ipv6')).toBe(true);
      }),
    );
  });

  test('it is its own canonical text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        const canonical = canonicalAddress(text) ?? '';
        expect(canonicalAddress(canonical)).toBe(canonical);
      }),
    );
  });
});

const sixteen = fc.uint8Array({ minLength: 16, maxLength: 16 });
const sparse = fc
  .array(fc.constantFrom(0, 0, 0, 1, 0xff), { minLength: 16, maxLength: 16 })
  .map((bytes) => Uint8Array.from(bytes));

describe('the bytes of an address', () => {
  test('any 16 bytes are parsed again from their text', () => {
    fc.assert(
      fc.property(fc.oneof(sixteen, sparse), (bytes) => {
        expect([...addressBytes(addressText(bytes))]).toEqual([...bytes]);
      }),
    );
  });

  test('any address is formatted again from its bytes', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        const canonical = canonicalAddress(text) ?? '';
        expect(addressText(addressBytes(canonical))).toBe(canonical);
      }),
    );
  });

  test('an IPv4 address is its v4-mapped one', () => {
    expect(Buffer.from(addressBytes('192.0.2.1')).toString('hex')).toBe(
      '00000000000000000000ffffc0000201',
    );
  });
});

describe('the prefix of an address', () => {
  test.each([
    ['10.0.1.7', 24, '10.0.1.0/24'],
    ['10.0.1.7', 32, '10.0.1.7/32'],
    ['10.0.1.7', 0, '0.0.0.0/0'],
    ['10.255.255.255', 9, '10.128.0.0/9'],
    ['2001:db8:1:2:3:4:5:6', 64, '2001:db8:1:2::/64'],
    ['2001:db8:1:2:3:4:5:6', 61, '2001:db8:1::/61'],
    ['2001:db8::6', 128, '2001:db8::6/128'],
    ['2001:db8::6', 0, '::/0'],
  ])('%s of length %i is %s', (address, length, prefix) => {
    expect(prefixOf(address, length)).toBe(prefix);
  });

  test('it contains the address, and no other prefix of that length does', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.ipV4(), fc.nat(32), (one, other, length) => {
        const [network = ''] = prefixOf(one, length).split('/');
        const subnet = new BlockList();
        subnet.addSubnet(network, length, 'ipv4');
        expect(subnet.check(one)).toBe(true);
        expect(subnet.check(other)).toBe(prefixOf(other, length) === prefixOf(one, length));
      }),
    );
  });
});

describe('the canonical text of a prefix', () => {
  test.each([
    ['10.0.1.0/24', '10.0.1.0/24'],
    ['10.0.1.7/24', '10.0.1.0/24'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['2001:DB8:0:0::/64', '2001:db8::/64'],
    ['::/0', '::/0'],
    ['10.0.1.7', undefined],
    ['10.0.1.0/33', undefined],
    ['2001:db8::/129', undefined],
    ['10.0.1.0/', undefined],
    ['10.0.1.0/24/8', undefined],
    ['10.0.1/24', undefined],
    ['10.0.1.0/-1', undefined],
    ['', undefined],
  ])('"%s" is %s', (text, canonical) => {
    expect(canonicalPrefix(text)).toBe(canonical);
  });
});

describe('the scope of an address, by the IANA special-purpose registries', () => {
  test.each([
    ['8.8.8.8', 'global', 'public'],
    ['1.1.1.1', 'global', 'public'],
    ['0.0.0.0', 'unspecified', '"this host"'],
    ['0.1.2.3', 'reserved', '"this network"'],
    ['10.0.0.0', 'private', 'private-use'],
    ['10.255.255.255', 'private', 'private-use'],
    ['11.0.0.0', 'global', 'after private-use'],
    ['100.63.255.255', 'global', 'before shared space'],
    ['100.64.0.0', 'private', 'shared space'],
    ['100.127.255.255', 'private', 'shared space'],
    ['100.128.0.0', 'global', 'after shared space'],
    ['127.0.0.1', 'loopback', 'loopback'],
    ['127.255.255.255', 'loopback', 'loopback'],
    ['169.254.169.254', 'link-local', 'link local'],
    ['172.15.255.255', 'global', 'before private-use'],
    ['172.16.0.0', 'private', 'private-use'],
    ['172.31.255.255', 'private', 'private-use'],
    ['172.32.0.0', 'global', 'after private-use'],
    ['192.0.0.1', 'reserved', 'IETF protocol assignments'],
    ['192.0.0.9', 'global', 'PCP anycast'],
    ['192.0.0.10', 'global', 'TURN anycast'],
    ['192.0.0.170', 'reserved', 'NAT64 discovery'],
    ['192.0.2.1', 'reserved', 'documentation 1'],
    ['192.31.196.1', 'global', 'AS112'],
    ['192.52.193.1', 'global', 'AMT'],
    ['192.168.0.1', 'private', 'private-use'],
    ['192.175.48.1', 'global', 'AS112 direct delegation'],
    ['198.18.0.1', 'reserved', 'benchmarking'],
    ['198.19.255.255', 'reserved', 'benchmarking'],
    ['198.20.0.0', 'global', 'after benchmarking'],
    ['198.51.100.1', 'reserved', 'documentation 2'],
    ['203.0.113.1', 'reserved', 'documentation 3'],
    ['224.0.0.1', 'multicast', 'multicast'],
    ['239.255.255.255', 'multicast', 'multicast'],
    ['240.0.0.1', 'reserved', 'class E'],
    ['255.255.255.255', 'reserved', 'limited broadcast'],
    ['::', 'unspecified', 'unspecified'],
    ['::1', 'loopback', 'loopback'],
    ['::2', 'reserved', 'v4-compatible'],
    ['64:ff9b::808:808', 'global', 'NAT64'],
    ['64:ff9b:1::1', 'private', 'NAT64 of a local network'],
    ['100::1', 'reserved', 'discard-only'],
    ['2001:2::1', 'reserved', 'benchmarking'],
    ['2001:3::1', 'global', 'AMT'],
    ['2001:4:112::1', 'global', 'AS112'],
    ['2001:10::1', 'reserved', 'ORCHID'],
    ['2001:20::1', 'global', 'ORCHIDv2'],
    ['2001:db8::1', 'reserved', 'documentation'],
    ['2001:db9::1', 'global', 'after documentation'],
    ['2606:4700:4700::1111', 'global', 'public'],
    ['2620:4f:8000::1', 'global', 'AS112 direct delegation'],
    ['3fff:fff::1', 'reserved', 'documentation'],
    ['3fff:1000::1', 'global', 'after documentation'],
    ['5f00::1', 'reserved', 'segment routing'],
    ['fc00::1', 'private', 'unique local'],
    ['fdff::1', 'private', 'unique local'],
    ['fe80::1', 'link-local', 'link-local'],
    ['febf::1', 'link-local', 'link-local'],
    ['fec0::1', 'reserved', 'site-local of old'],
    ['ff02::1', 'multicast', 'multicast'],
  ])('%s is %s: %s', (address, scope) => {
    expect(addressScope(address)).toBe(scope);
  });
});

test("node's text differs from the canonical one only in dotted decimal", () => {
  fc.assert(
    fc.property(fc.ipV6(), (text) => {
      const own = new SocketAddress({ address: text, family: 'ipv6' }).address;
      if (!own.includes('.')) expect(canonicalAddress(text)).toBe(own);
    }),
  );
});
