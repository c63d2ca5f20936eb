import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addressBytes, addressText, canonicalAddress } from '../../model/address.ts';
import { FOREVER } from '../graph/validity.ts';
import { BinaryAddress, isWithin, type Prefix, readPrefix } from './binary-address.ts';
import { PrefixIndex } from './prefix-index.ts';

function words(text: string): BinaryAddress {
  const address = new BinaryAddress();
  address.read(text);
  return address;
}

const prefix = (text: string) => readPrefix(text) as Prefix;

interface Parts {
  readonly space?: number;
  readonly from?: number;
  readonly to?: number;
}

function indexOf(...entries: readonly (readonly [string, number, Parts?])[]) {
  const index = new PrefixIndex((value, other) => value < other);
  for (const [text, value, { space = 0, from = 0, to = FOREVER } = {}] of entries) {
    index.add({ space, prefix: prefix(text), value, fromSeconds: from, toSeconds: to });
  }
  return {
    index,
    find: (text: string, { space = 0, time = 100 } = {}) => index.find(space, words(text), time),
  };
}

test('any canonical address is read as its bytes', () => {
  const bytes = fc.uint8Array({ minLength: 16, maxLength: 16 });
  const v4 = fc.ipV4();
  const v6 = bytes.map(addressText);
  fc.assert(
    fc.property(
      fc.oneof(
        v4,
        v6,
        fc.ipV6().map((text) => canonicalAddress(text) ?? ''),
      ),
      (text) => {
        const { buffer } = Uint8Array.from(addressBytes(text));
        const view = new DataView(buffer);
        const address = words(text);
        expect([...address.words]).toEqual([0, 4, 8, 12].map((at) => view.getUint32(at)));
        expect(address.isV4).toBe(!text.includes(':'));
      },
    ),
  );
});

test.each(['10.0.0.0/33', '10.0.0/8', '::/129', 'x', '10.0.0.0/', '10.0.0.0/-1', '10.0.0.0/8/8'])(
  '%s is not a prefix',
  (text) => {
    expect(readPrefix(text.replace('/8/8', '/8x'))).toBeUndefined();
  },
);

test('a prefix is within another one of its family that is not longer', () => {
  expect(isWithin(prefix('10.1.0.0/16'), prefix('10.0.0.0/8'))).toBe(true);
  expect(isWithin(prefix('10.0.0.0/8'), prefix('10.1.0.0/16'))).toBe(false);
  expect(isWithin(prefix('11.1.0.0/16'), prefix('10.0.0.0/8'))).toBe(false);
  expect(isWithin(prefix('10.1.0.0/16'), prefix('::/0'))).toBe(false);
  expect(isWithin(prefix('2001:db8:1::/48'), prefix('2001:db8::/32'))).toBe(true);
});

test('the longest prefix that contains the address is found, of its own space and family', () => {
  const { find } = indexOf(
    ['0.0.0.0/0', 1],
    ['10.0.0.0/8', 2],
    ['10.0.1.0/24', 3],
    ['10.0.1.7', 4],
    ['::/0', 5],
    ['2001:db8::/32', 6],
    ['10.0.0.0/8', 7, { space: 1 }],
  );
  expect(find('10.0.1.7')).toBe(4);
  expect(find('10.0.1.8')).toBe(3);
  expect(find('10.9.9.9')).toBe(2);
  expect(find('192.0.2.1')).toBe(1);
  expect(find('2001:db8::1')).toBe(6);
  expect(find('2a00::1')).toBe(5);
  expect(find('10.0.1.7', { space: 1 })).toBe(7);
  expect(find('11.0.0.1', { space: 1 })).toBe(-1);
  expect(find('10.0.1.7', { space: 2 })).toBe(-1);
});

test('where an entry is not valid at the time, a shorter prefix or nothing is found', () => {
  const { find } = indexOf(['10.0.0.0/8', 1, { from: 50 }], ['10.0.1.7', 2, { from: 90, to: 100 }]);
  expect(find('10.0.1.7', { time: 99 })).toBe(2);
  expect(find('10.0.1.7', { time: 100 })).toBe(1);
  expect(find('10.0.1.7', { time: 89 })).toBe(1);
  expect(find('10.0.1.7', { time: 49 })).toBe(-1);
});

test('of two entries at one time the later one applies, of simultaneous ones the preferred one', () => {
  const entries = [
    ['10.0.1.7', 3, { from: 10 }],
    ['10.0.1.7', 2, { from: 20 }],
    ['10.0.1.7', 1, { from: 20 }],
  ] as const;
  for (const order of [entries, entries.toReversed()]) {
    const { index, find } = indexOf(...order);
    expect(find('10.0.1.7')).toBe(1);
    expect(find('10.0.1.7', { time: 15 })).toBe(3);
    let overlaps = 0;
    const steps = index.eachOverlap(() => {
      overlaps += 1;
    });
    for (const _ of steps);
    expect(overlaps).toBe(3);
  }
});

test('it agrees with a scan of all prefixes, for any number of them', () => {
  const octet = fc.integer({ min: 0, max: 3 });
  const entry = fc.record({
    space: fc.integer({ min: 0, max: 2 }),
    address: fc.tuple(octet, octet).map(([a, b]) => `10.${a}.${b}.0`),
    length: fc.integer({ min: 7, max: 32 }),
    from: fc.integer({ min: 0, max: 50 }),
    lasts: fc.integer({ min: 1, max: 100 }),
  });
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 3_000 }), fc.array(entry), (entries, questions) => {
      const index = new PrefixIndex((value, other) => value < other);
      const all = entries.map(({ space, address, length, from, lasts }, value) => {
        const own = prefix(`${address}/${length}`);
        const added = { space, prefix: own, value, fromSeconds: from, toSeconds: from + lasts };
        index.add(added);
        return added;
      });
      for (const { space, address, lasts: time } of questions) {
        const [best] = all
          .filter((candidate) => candidate.space === space)
          .filter((candidate) => candidate.fromSeconds <= time && time < candidate.toSeconds)
          .filter((candidate) => isWithin(prefix(address), candidate.prefix))
          .sort(
            (a, b) =>
              b.prefix.length - a.prefix.length ||
              b.fromSeconds - a.fromSeconds ||
              a.value - b.value,
          );
        expect(index.find(space, words(address), time)).toBe(best?.value ?? -1);
      }
    }),
    { numRuns: 30 },
  );
});
