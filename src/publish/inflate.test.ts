import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { ByteBudget } from './byte-budget.ts';
import { inflate } from './inflate.ts';

const KIB = 1024;

describe('inflating', () => {
  const body = Buffer.from('a report '.repeat(500));
  const packed = gzipSync(body);

  test('returns the bytes that were compressed', async () => {
    expect(await inflate(packed, KIB * KIB)).toEqual(body);
    expect(await inflate(gzipSync(''), KIB)).toEqual(Buffer.alloc(0));
  });

  test('a stream cut at any byte is rejected', async () => {
    for (let length = 0; length < packed.length; length += 1) {
      await expect(inflate(packed.subarray(0, length), KIB * KIB)).rejects.toMatchObject({
        name: 'SerializationException',
        status: 400,
      });
    }
  });

  test.each([
    { name: 'plain text', bytes: body },
    { name: 'a wrong checksum', bytes: Buffer.concat([packed.subarray(0, -8), Buffer.alloc(8)]) },
    { name: 'garbage after the header', bytes: Buffer.concat([packed.subarray(0, 10), body]) },
  ])('$name is refused', async ({ bytes }) => {
    await expect(inflate(bytes, KIB * KIB)).rejects.toMatchObject({
      name: 'SerializationException',
    });
  });

  test.each([
    { name: 'as large as allowed', max: body.length, refused: undefined },
    { name: 'one byte larger', max: body.length - 1, refused: 'RequestEntityTooLargeException' },
  ])('what is $name', async ({ max, refused }) => {
    const outcome = await inflate(packed, max).then(
      () => undefined,
      (error: Error) => error.name,
    );
    expect(outcome).toBe(refused);
  });

  test('a gzip bomb is inflated no further than the limit', async () => {
    const bomb = gzipSync(Buffer.alloc(256 * KIB * KIB), { level: 9 });
    const before = process.memoryUsage().arrayBuffers;
    await expect(inflate(bomb, 8 * KIB * KIB)).rejects.toMatchObject({ status: 413 });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * KIB * KIB);
  });
});

describe('a byte budget', () => {
  test('reserves up to the share of a holder, and more only after a release', () => {
    const budget = new ByteBudget(100);
    const reserve = (bytes: number) => budget.reserve('a', bytes);
    expect([reserve(50), reserve(26), reserve(25)]).toEqual([true, false, true]);
    expect(budget.held).toBe(75);
    expect([reserve(0), reserve(1)]).toEqual([true, false]);
    budget.release('a', 50);
    expect([budget.held, reserve(51), reserve(50)]).toEqual([25, false, true]);
  });

  test('always leaves some for a holder that has none', () => {
    const budget = new ByteBudget(100_000);
    for (const holder of ['a', 'b', 'c', 'd']) {
      expect(budget.reserve(holder, 100), holder).toBe(true);
      while (budget.reserve(holder, 100));
      expect(budget.held).toBeLessThan(100_000);
    }
    expect(budget.reserve('e', 100)).toBe(true);
  });
});
