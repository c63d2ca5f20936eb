import fc from 'fast-check';
import { PbfReader, PbfWriter } from 'pbf';
import { describe, expect, test } from 'vitest';
import { Cursor, fixed64Tag, MalformedError, spanTag, varintTag } from './cursor.ts';

const at = (...bytes: readonly number[]) => new Cursor(Buffer.from(bytes));

/** A cursor over the bytes that pbf, a writer by another author, makes. */
function written(write: (pbf: PbfWriter) => void): Cursor {
  const pbf = new PbfWriter();
  write(pbf);
  return new Cursor(Buffer.from(pbf.finish()));
}

test('unsigned varints are read as pbf writes them', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (value) => {
      expect(written((pbf) => pbf.writeVarint(value)).varint()).toBe(value);
    }),
  );
});

test('signed varints are exact over all 64 bits', () => {
  const bytesOf = (value: bigint): number[] => {
    const bytes: number[] = [];
    let rest = BigInt.asUintN(64, value);
    for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
    return [...bytes, Number(rest)];
  };
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
      expect(at(...bytesOf(value)).int64()).toBe(value);
    }),
  );
});

test('fixed numbers and doubles are read as pbf writes them', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.double({ noNaN: true }), (whole, double) => {
      const cursor = written((pbf) => {
        pbf.writeFixed64(whole);
        pbf.writeFixed64(whole);
        pbf.writeDouble(double);
      });
      expect([cursor.fixed64(), cursor.fixed64Number(), cursor.double()]).toEqual([
        BigInt(whole),
        whole,
        double,
      ]);
      expect(cursor.more).toBe(false);
    }),
  );
});

describe('nothing is read beyond the end', () => {
  test.each([
    { name: 'a varint that goes on', read: () => at(0x80).varint() },
    { name: 'no varint', read: () => at().varint() },
    { name: 'a varint of 11 bytes', read: () => at(...Array(10).fill(0xff), 1).varint() },
    { name: 'a signed one of 11 bytes', read: () => at(...Array(10).fill(0xff), 1).int64() },
    { name: 'a signed one that goes on', read: () => at(0xff, 0xff).int64() },
    { name: 'a fixed64 of 7 bytes', read: () => at(1, 2, 3, 4, 5, 6, 7).fixed64() },
    { name: 'a double of 7 bytes', read: () => at(1, 2, 3, 4, 5, 6, 7).double() },
    { name: 'a string longer than its message', read: () => at(3, 65, 66).string() },
    { name: 'a message longer than its own', read: () => at(3, 65, 66).enter() },
    { name: 'a length of 2^64', read: () => at(...Array(9).fill(0xff), 1).enter() },
    { name: 'the field number 0', read: () => at(0x02).tag() },
    { name: 'a field number beyond 2^29', read: () => at(0xff, 0xff, 0xff, 0xff, 0x7f).tag() },
    { name: 'a group', read: () => at().skip(0x0b) },
    { name: 'a wire type nobody has', read: () => at().skip(0x0f) },
    { name: 'a skipped fixed32 of 3 bytes', read: () => at(1, 2, 3).skip(0x0d) },
  ])('$name is malformed', ({ read }) => {
    expect(read).toThrow(MalformedError);
  });

  test('a nested message ends at its length, even if bytes follow', () => {
    const cursor = at(2, 0x80, 0x80, 1, 2, 3);
    cursor.enter();
    expect(() => cursor.varint()).toThrow('cut varint');
  });

  test('a message inside another cannot be longer than it', () => {
    const cursor = at(2, 5, 0, 1, 2, 3, 4);
    cursor.enter();
    expect(() => cursor.enter()).toThrow('length beyond its message');
  });
});

test('leaving a message moves behind its end, however much was read', () => {
  const cursor = at(3, 1, 2, 3, 42);
  const outer = cursor.enter();
  expect(cursor.varint()).toBe(1);
  cursor.leave(outer);
  expect([cursor.varint(), cursor.more]).toEqual([42, false]);
});

describe('a span is taken', () => {
  const expected = Buffer.from('abc');
  test.each([
    { name: 'when it is the one', bytes: [3, 97, 98, 99, 7], taken: true, position: 4 },
    { name: 'not when a byte differs', bytes: [3, 97, 98, 100, 7], taken: false, position: 0 },
    { name: 'not when it is longer', bytes: [4, 97, 98, 99, 7], taken: false, position: 0 },
    { name: 'not when it is cut', bytes: [3, 97, 98], taken: false, position: 0 },
    { name: 'not at the end', bytes: [], taken: false, position: 0 },
  ])('$name', ({ bytes, taken, position }) => {
    const cursor = at(...bytes);
    expect([cursor.takeSpan(expected), cursor.at]).toEqual([taken, position]);
  });
});

test('any bytes are either skipped field by field to their end, or malformed', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const cursor = new Cursor(Buffer.from(bytes));
      try {
        while (cursor.more) {
          const before = cursor.at;
          cursor.skip(cursor.tag());
          expect(cursor.at).toBeGreaterThan(before);
        }
        expect(cursor.at).toBe(bytes.length);
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedError);
      }
    }),
    { numRuns: 2_000 },
  );
});

test('tags are those of the protobuf encoding', () => {
  const pbf = new PbfWriter();
  pbf.writeStringField(3, '');
  pbf.writeVarintField(4, 1);
  pbf.writeFixed64Field(11, 1);
  const reader = new PbfReader(pbf.finish());
  const tags: number[] = [];
  reader.readFields((field) => tags.push(field), {});
  expect(tags).toEqual([3, 4, 11]);
  expect([spanTag(3), varintTag(4), fixed64Tag(11)]).toEqual([0x1a, 0x20, 0x59]);
});
