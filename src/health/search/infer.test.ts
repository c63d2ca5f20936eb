import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ALIVE, DEAD } from '../cells/life.ts';
import { type CellParts, windowOf } from '../evidence/testing.ts';
import { PARAMETERS } from '../parameters.ts';
import { infer } from './infer.ts';

const HOSTS = ['h1', 'h2', 'h3', 'h4', 'h5', 'h6'];

/**
 * Six hosts in two subnets, each with flows to four remotes behind transit gateway attachment `x` and
 * four behind `y`. `change` gives the unhealthy members of a cell.
 */
function fleet(change: (cell: CellParts) => Partial<CellParts> = () => ({})): CellParts[] {
  const cells: CellParts[] = [];
  for (const [h, host] of HOSTS.entries()) {
    for (const attachment of ['x', 'y']) {
      for (let remote = 0; remote < 4; remote += 1) {
        const cell: CellParts = {
          host,
          remote: `${attachment}${remote}`,
          through: [`subnet:s${h % 2}`, 'tgw:t', `tgw-attachment:${attachment}`],
        };
        cells.push({ ...cell, ...change(cell) });
      }
    }
  }
  return cells;
}

const through = (cell: CellParts, name: string) => cell.through?.includes(name) === true;

/** The faults found, with names. */
function blamed(parts: readonly CellParts[], options = {}) {
  const { cells, constructs } = windowOf(parts, options);
  const { faults } = infer(cells, constructs, PARAMETERS);
  return faults.map(({ construct, channel, shape, size, ambiguous }) => ({
    name: constructs.names[construct],
    channel,
    shape,
    size,
    ambiguous: ambiguous.map((other) => constructs.names[other.construct]),
  }));
}

test('nothing is blamed where nothing is wrong', () => {
  expect(blamed(fleet())).toEqual([]);
});

test('loss on an attachment is blamed on it, not on its gateway, with its size', () => {
  const faults = blamed(
    fleet((cell) => (through(cell, 'tgw-attachment:x') ? { retrans: 20 } : {})),
  );
  expect(faults).toMatchObject([
    { name: 'tgw-attachment:x', channel: 'loss', shape: 'uniform', ambiguous: [] },
  ]);
  expect(faults[0]?.size).toBeGreaterThan(0.015);
  expect(faults[0]?.size).toBeLessThan(0.025);
});

test('loss on every path is blamed on the construct that all share', () => {
  expect(blamed(fleet(() => ({ retrans: 10 })))).toMatchObject([{ name: 'tgw:t' }]);
});

test('a bad host is blamed, with or without an allowance counter', () => {
  const bad = fleet(({ host }) => (host === 'h3' ? { retrans: 30 } : {}));
  expect(blamed(bad)).toMatchObject([{ name: 'host:h3' }]);
  expect(blamed(bad, { limited: ['host:h3'] })).toMatchObject([{ name: 'host:h3' }]);
});

test('one connection that loses half of its segments blames no construct', () => {
  const sick = fleet(({ host, remote }) =>
    host === 'h1' && remote === 'x0' ? { segments: 50_000, retrans: 25_000 } : {},
  );
  expect(blamed(sick)).toEqual([]);
});

test('a bad host and a bad attachment are both blamed', () => {
  const faults = blamed(
    fleet((cell) => ({
      retrans: (cell.host === 'h2' ? 100 : 0) + (through(cell, 'tgw-attachment:y') ? 20 : 0),
    })),
  );
  expect(faults.map(({ name }) => name).sort()).toEqual(['host:h2', 'tgw-attachment:y']);
});

test('added round-trip time is blamed on one construct only', () => {
  const faults = blamed(
    fleet((cell) => (through(cell, 'tgw-attachment:x') ? { rttMicros: 7_700 } : {})),
  );
  expect(faults).toMatchObject([{ name: 'tgw-attachment:x', channel: 'latency' }]);
  expect(faults[0]?.size).toBeGreaterThan(5_000);
  expect(faults[0]?.size).toBeLessThan(9_000);
});

test('round-trip times without a history, and a drift of all cells, are no fault', () => {
  const slow = (cell: CellParts) => (through(cell, 'tgw-attachment:x') ? { rttMicros: 7_700 } : {});
  expect(blamed(fleet((cell) => ({ ...slow(cell), rttWindows: 0 })))).toEqual([]);
  expect(blamed(fleet(() => ({ rttMicros: 1_100 })))).toEqual([]);
});

test('a path that delivers nothing is dead', () => {
  const silent = fleet((cell) =>
    through(cell, 'tgw-attachment:y') ? { segments: 0, life: DEAD } : { life: ALIVE },
  );
  expect(blamed(silent)).toMatchObject([{ name: 'tgw-attachment:y', channel: 'dead' }]);
});

test('constructs with the same cells are ambiguous', () => {
  const twins = fleet((cell) => ({
    through: [...(cell.through ?? []), ...(through(cell, 'tgw-attachment:x') ? ['link:l'] : [])],
    retrans: through(cell, 'tgw-attachment:x') ? 20 : 0,
  }));
  expect(blamed(twins)).toMatchObject([{ name: 'tgw-attachment:x', ambiguous: ['link:l'] }]);
});

test('senseless counters blame no network construct', () => {
  const counts = fc.oneof(
    fc.constantFrom(0, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, 1e-300),
    fc.nat(1e9),
  );
  fc.assert(
    fc.property(counts, counts, counts, (segments, retrans, rttMicros) => {
      const one = {
        segments,
        retrans,
        rttMicros,
        history: { segments: retrans, retrans: segments },
        attempts: segments,
        silent: retrans,
        busyMicros: rttMicros,
        rwndLimitedMicros: retrans,
        usuallyLimited: segments,
      };
      const { cells, constructs } = windowOf(
        fleet(({ host, remote }) => (host === 'h1' && remote === 'x0' ? one : {})),
      );
      const { faults, lnE } = infer(cells, constructs, PARAMETERS);
      const network = faults.filter(({ construct }) => constructs.classes[construct] !== 'host');
      expect(network).toEqual([]);
      expect([...lnE].every(Number.isFinite)).toBe(true);
    }),
  );
});
