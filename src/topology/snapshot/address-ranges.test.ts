import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AddressRanges } from './address-ranges.ts';
import { BinaryAddress, isWithin, type Prefix, readPrefix } from './binary-address.ts';

const octet = fc.constantFrom(0, 1, 127, 128, 255);
const v4 = fc.tuple(octet, octet, octet, octet).map((octets) => octets.join('.'));
const group = fc.constantFrom('0', '1', '7fff', '8000', 'ffff');
const v6 = fc.tuple(group, group).map(([a, b]) => `2001:${a}::${b}`);
const prefixes = fc.array(
  fc.oneof(
    fc.tuple(v4, fc.integer({ min: 0, max: 32 })),
    fc.tuple(v6, fc.integer({ min: 0, max: 128 })),
  ),
  { maxLength: 30 },
);

const prefix = ([address, length]: readonly [string, number]) =>
  readPrefix(`${address}/${length}`) as Prefix;

test('addresses of one range are in the same prefixes', () => {
  fc.assert(
    fc.property(prefixes, fc.array(fc.oneof(v4, v6), { maxLength: 30 }), (texts, addresses) => {
      const all = texts.map(prefix);
      const ranges = new AddressRanges(all);
      const heldBy = (own: Prefix) => all.map((outer) => isWithin(own, outer)).join();
      const known = new Map<number, string>();
      for (const text of addresses) {
        const own = readPrefix(text) as Prefix;
        const range = ranges.of(own.address);
        expect(known.get(range) ?? heldBy(own)).toBe(heldBy(own));
        known.set(range, heldBy(own));
      }
    }),
    { numRuns: 500 },
  );
});

test('without prefixes all addresses of a family are one range', () => {
  const ranges = new AddressRanges([]);
  const rangeOf = (text: string) => {
    const address = new BinaryAddress();
    address.read(text);
    return ranges.of(address);
  };
  expect(rangeOf('0.0.0.0')).toBe(rangeOf('255.255.255.255'));
  expect(rangeOf('::')).toBe(rangeOf('ffff::1'));
  expect(rangeOf('::1')).not.toBe(rangeOf('0.0.0.1'));
});
