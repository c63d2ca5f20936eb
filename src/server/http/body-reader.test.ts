import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FakeClock } from '../../lib/clock.ts';
import { Metrics } from '../../lib/metrics.ts';
import { BodyReader, droppedBodiesCounter } from './body-reader.ts';

const MIB = 1024 * 1024;
const limits = { maxBytes: 8 * MIB, address: '192.0.2.1', accessKeyId: 'AKIAEXAMPLE' };

let clock: FakeClock;
let metrics: Metrics;
let bodies: BodyReader;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  clock = new FakeClock(Date.parse('2026-11-23T12:00:00Z'));
  metrics = new Metrics();
  bodies = new BodyReader({
    options: { maxBytes: 64 * MIB, maxBytesPerSender: 32 * MIB },
    dropped: droppedBodiesCounter(metrics),
    clock,
  });
});
afterEach(() => vi.useRealTimers());

/** A body that arrives up to `bytes`, and then no further. */
async function* withheld(bytes: number): AsyncGenerator<Uint8Array> {
  for (let sent = 0; sent < bytes; sent += 64 * 1024) yield Buffer.alloc(64 * 1024);
  await new Promise(() => {});
}

async function* whole(bytes: number): AsyncGenerator<Uint8Array> {
  yield Buffer.alloc(bytes);
}

const dropped = (reason: string) => metrics.value('nfm_http_bodies_dropped_total', { reason });

async function settled(): Promise<void> {
  for (let i = 0; i < 50; i += 1) await turn();
}

const senders = [
  { name: 'one address and key', senderOf: () => limits },
  {
    name: 'many addresses and one key',
    senderOf: (i: number) => ({ ...limits, address: `192.0.2.${i}` }),
  },
  {
    name: 'one address and many keys',
    senderOf: (i: number) => ({ ...limits, accessKeyId: `AKIA${i}` }),
  },
  {
    name: 'many addresses and keys',
    senderOf: (i: number) => ({ ...limits, address: `192.0.2.${i}`, accessKeyId: `AKIA${i}` }),
  },
];

describe.each(senders)('withheld bodies of 8 MiB from $name', ({ senderOf }) => {
  test('do not stop a sender with the same address and key, and use no more than the limit', async () => {
    const outcomes = Array.from({ length: 40 }, (_, i) =>
      bodies.read(withheld(8 * MIB - 1), senderOf(i)).catch((error) => error.name),
    );
    await settled();
    expect(bodies.held).toBeLessThanOrEqual(64 * MIB);
    clock.advance(1000);
    for (let i = 0; i < 20; i += 1) {
      expect(await bodies.read(whole(MIB), limits)).toHaveLength(MIB);
    }
    expect(await dropped('displaced')).toBeGreaterThan(30);
    expect(await Promise.race([...outcomes])).toBe('ServiceUnavailableException');
  });
});

test('an account that withholds bodies does not stop another, whatever their addresses and keys', async () => {
  const own = { ...limits, account: '111111111111' };
  for (let i = 0; i < 9; i += 1) bodies.read(withheld(8 * MIB), own).catch(() => {});
  await settled();
  expect(bodies.held).toBeLessThanOrEqual(32 * MIB);
  const before = await dropped('displaced');
  const other = { ...limits, account: '222222222222' };
  expect(await bodies.read(whole(8 * MIB), other)).toHaveLength(8 * MIB);
  expect(await dropped('displaced')).toBe(before);
});

describe('a body', () => {
  test('that stalls or trickles is dropped after 10 seconds', async () => {
    const stalled = bodies.read(withheld(0), limits);
    const trickling = bodies.read(
      (async function* () {
        for (;;) {
          yield Buffer.alloc(1);
          await new Promise((resolve) => setInterval(resolve, 1000));
        }
      })(),
      limits,
    );
    const outcomes = Promise.allSettled([stalled, trickling]);
    await vi.advanceTimersByTimeAsync(20_000);
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ reason: { name: 'ServiceUnavailableException' } });
    }
    expect([bodies.held, await dropped('slow')]).toEqual([0, 2]);
  });

  test('that keeps arriving may take long', async () => {
    let chunks = 0;
    const steady = bodies.read(
      (async function* () {
        for (; chunks < 60; chunks += 1) {
          yield Buffer.alloc(4096);
          await new Promise((resolve) => setInterval(resolve, 1000));
        }
      })(),
      limits,
    );
    await vi.advanceTimersByTimeAsync(61_000);
    expect(await steady).toHaveLength(60 * 4096);
  });

  test('beyond its limit is rejected, and its bytes are free again', async () => {
    const large = bodies.read(withheld(9 * MIB), { ...limits, advice: 'send less' });
    await expect(large).rejects.toMatchObject({ status: 413, message: /send less/ });
    expect([bodies.held, vi.getTimerCount()]).toEqual([0, 0]);
  });

  test('whose client goes away is released', async () => {
    const broken = bodies.read(
      (async function* () {
        yield Buffer.alloc(MIB);
        throw new Error('aborted');
      })(),
      limits,
    );
    await expect(broken).rejects.toThrow('aborted');
    expect([bodies.held, vi.getTimerCount()]).toEqual([0, 0]);
  });
});
