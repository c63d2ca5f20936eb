import { expect, test } from 'vitest';
import { ClosedRing } from './closed-ring.ts';

const PAGE = 4_096;
const BYTES = 64;
const BUSY = 0x8000_0000;
const DISCARDED = 0x4000_0000;

/** A ring of 64 bytes that the test writes as linux/kernel/bpf/ringbuf.c does. */
function ringOf64() {
  const consumer = new ArrayBuffer(PAGE);
  const rest = new ArrayBuffer(PAGE + BYTES);
  const produced = new BigUint64Array(rest, 0, 1);
  const data = new DataView(rest, PAGE);
  const ring = new ClosedRing(
    {
      pageBytes: () => PAGE,
      mapMemory: (_, { offset }) => (offset === 0 ? consumer : rest),
      errno: () => 0,
    },
    3,
    BYTES,
  );
  let position = 0;
  const write = (bytes: readonly number[], flags = 0): void => {
    data.setUint32(position % BYTES, (bytes.length | flags) >>> 0, true);
    for (const [i, byte] of bytes.entries()) data.setUint8((position + 8 + i) % BYTES, byte);
    position += Math.ceil((8 + bytes.length) / 8) * 8;
    produced[0] = BigInt(position);
  };
  const take = (length: number): number[][] => {
    const taken: number[][] = [];
    ring.take((view, at) => {
      taken.push(Array.from({ length }, (_, i) => view.getUint8(at + i)));
    });
    return taken;
  };
  return { data, write, take };
}

test('records are read in their order, each once', () => {
  const { write, take } = ringOf64();
  expect(take(3)).toEqual([]);
  write([1, 2, 3]);
  write([4, 5, 6]);
  expect(take(3)).toEqual([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  expect(take(3)).toEqual([]);
});

test('a record that wraps at the end of the ring is read whole', () => {
  const { write, take } = ringOf64();
  const record = (first: number) => Array.from({ length: 24 }, (_, i) => first + i);
  for (let round = 0; round < 10; round += 1) {
    write(record(round));
    expect(take(24)).toEqual([record(round)]);
  }
});

test('a discarded record is skipped, and reading stops at a busy one', () => {
  const { data, write, take } = ringOf64();
  write([1], DISCARDED);
  write([2]);
  write([3], BUSY);
  write([4]);
  expect(take(1)).toEqual([[2]]);
  data.setUint32(32, 1, true);
  expect(take(1)).toEqual([[3], [4]]);
});
