import { expect, test } from 'vitest';
import { DEAD } from '../cells/life.ts';
import { type CellParts, windowOf } from '../evidence/testing.ts';
import { PARAMETERS } from '../parameters.ts';
import { type DetectorState, detect, NOTHING_DETECTED } from '../search/detect.ts';
import { infer } from '../search/infer.ts';
import { explain } from './explain.ts';
import { findings } from './findings.ts';
import { monitorVerdict } from './monitor-verdict.ts';

interface Circumstances {
  readonly changedSeconds?: number;
  readonly limited?: readonly string[];
  readonly before?: DetectorState;
}

/** The verdict on a monitor of all cells of one window. */
function judge(
  parts: readonly CellParts[],
  { changedSeconds = 0, limited = [], before }: Circumstances = {},
) {
  const { cells, constructs } = windowOf(parts, { limited });
  constructs.changedSeconds.fill(changedSeconds);
  const inference = infer(cells, constructs, PARAMETERS);
  const window = { inference, constructs, endSeconds: 1_030, windowSeconds: 30 };
  const detection = detect(before ?? NOTHING_DETECTED, window, PARAMETERS);
  const judged = {
    ...window,
    alarms: detection.state.alarms,
    startSeconds: 1_000,
    threshold: detection.threshold,
    inputsId: undefined,
  };
  const found = findings(judged, PARAMETERS);
  const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0);
  const { tolerated } = inference.evidence.of.loss;
  const monitor = {
    name: 'all',
    cells: Uint32Array.from(parts.keys()),
    sums: {
      cells: cells.length,
      segments: sum(cells.segments),
      retrans: sum(cells.retrans),
      expected: sum(cells.segments.map((n, i) => n * (tolerated[i] as number))),
      known: 0,
    },
  };
  const verdict = monitorVerdict(judged, { monitor, found }, PARAMETERS);
  const explanation = explain(judged, { verdict, monitor, completeness: {} }, PARAMETERS);
  const { state, healthIndicator, sentence } = explanation;
  return { state, healthIndicator, sentence, findings: explanation.findings };
}

const HOSTS = ['h1', 'h2', 'h3', 'h4'];

/** Cells of hosts through two links, three remotes each. */
function cells(change: (cell: CellParts) => Partial<CellParts>, hosts = HOSTS): CellParts[] {
  return hosts.flatMap((host) =>
    ['x', 'y'].flatMap((link) =>
      [1, 2, 3].map((n) => {
        const cell: CellParts = {
          host,
          remote: `${link}${n}`,
          through: [`tgw:t`, `tgw-attachment:${link}`],
        };
        return { ...cell, ...change(cell) };
      }),
    ),
  );
}

const onX = (cell: CellParts) => cell.through?.includes('tgw-attachment:x') === true;

test('a lossy attachment degrades, and the sentence has the evidence', () => {
  const {
    state,
    healthIndicator,
    sentence,
    findings: found,
  } = judge(cells((cell) => (onX(cell) ? { retrans: 20 } : {})));
  expect({ state, healthIndicator }).toEqual({ state: 'degraded', healthIndicator: 1 });
  expect(sentence).toBe(
    'Since 00:16 UTC flows through transit gateway attachment x lose 2% (240 of 12000 segments, 4 hosts). ' +
      'The same hosts lose 0% on every other path. Not transit gateway t: 12 of 24 cells through it are healthy.',
  );
  expect(found[0]).toMatchObject({
    kind: 'network',
    contrast: [
      { group: 'through it', cells: 12, hosts: 4, segments: 12_000, retrans: 240 },
      { group: 'same hosts, not through it', cells: 12, hosts: 4, retrans: 0 },
    ],
    monitorImpact: { cells: 12, segmentsShare: 0.5, excessRetrans: 239 },
  });
  expect(found[0]?.ledger[0]?.owner).toBe('tgw-attachment:x');
});

test('added round-trip time degrades when it is material', () => {
  const slow = judge(cells((cell) => (onX(cell) ? { rttMicros: 9_000 } : {})));
  expect(slow).toMatchObject({ state: 'degraded', healthIndicator: 1 });
  expect(slow.sentence).toMatch(
    /flows through transit gateway attachment x take [789](\.\d)? ms longer/,
  );
  const little = judge(cells((cell) => (onX(cell) ? { rttMicros: 1_350, rttWindows: 2_000 } : {})));
  expect(little.healthIndicator).toBe(0);
});

test.each([
  { name: 'slow', change: { rttMicros: 9_000 } },
  { name: 'lossy', change: { retrans: 20 } },
])('flows that are $name on every path only raise a suspicion', ({ change }) => {
  const all = judge(cells(() => change));
  expect(all).toMatchObject({ state: 'suspected', healthIndicator: 0 });
  expect(all.sentence).toContain('It may as well be the hosts: none of their flows avoids it');
});

test('two hosts with loss to two remotes are too few to blame a shared construct', () => {
  const few = cells((cell) => (onX(cell) ? { retrans: 60 } : {}), ['h1', 'h2']).filter(
    ({ remote }) => remote.endsWith('1') || remote.endsWith('2'),
  );
  const { state, healthIndicator } = judge(few);
  expect(healthIndicator).not.toBe(1);
  expect(['suspected', 'healthy', 'insufficient']).toContain(state);
});

test('silence right after a change of the topology is configuration', () => {
  const silent = cells((cell) => (onX(cell) ? { segments: 0, life: DEAD } : {}));
  const changed = judge(silent, { changedSeconds: 950 });
  expect(changed).toMatchObject({ state: 'suspected', healthIndicator: 0 });
  expect(changed.findings[0]?.kind).toBe('configuration');
  expect(judge(silent)).toMatchObject({ state: 'degraded', healthIndicator: 1 });
});

test.each([
  { name: 'a sick host', limited: [], kind: 'host' },
  { name: 'a host beyond its allowance', limited: ['host:h2'], kind: 'instance-limit' },
])('$name is no fault of the network', ({ limited, kind }) => {
  const sick = judge(
    cells(({ host }) => (host === 'h2' ? { retrans: 40 } : {})),
    { limited },
  );
  expect(sick).toMatchObject({ state: 'healthy', healthIndicator: 0 });
  expect(sick.findings[0]?.kind).toBe(kind);
  expect(sick.sentence).toContain('Not the network, but: Since 00:16 UTC flows of host h2 lose 4');
});

test('refused connections are the fault of an application', () => {
  const refusing = judge(
    cells(({ remote }) => (remote === 'x1' ? { refused: 1, segments: 0 } : {})),
  );
  expect(refusing).toMatchObject({ state: 'healthy', healthIndicator: 0 });
  expect(refusing.findings[0]?.kind).toBe('application');
});

test('a bad service differs from a bad edge of one zone', () => {
  const zones = (bad: (zone: string, service: string) => boolean) =>
    ['z1', 'z2'].flatMap((zone) =>
      [1, 2, 3].flatMap((n) =>
        ['s3', 'dynamo'].flatMap((service) => ({
          host: `${zone}-${n}`,
          remote: `${service}`,
          through: [`edge:${service}@${zone}`, `az:${zone}`],
          segments: 5_000,
          retrans: bad(zone, service) ? 100 : 0,
        })),
      ),
    );
  const service = judge(zones((_, name) => name === 's3'));
  expect(service).toMatchObject({ state: 'healthy', healthIndicator: 0 });
  const edge = judge(zones((zone, name) => zone === 'z1' && name === 's3'));
  expect(edge).toMatchObject({ state: 'degraded', healthIndicator: 1 });
  expect(edge.findings[0]?.kind).toBe('service-edge');
});

test('a fault of all hosts of one image is a rollout, although they share a subnet', () => {
  const rolled = cells(({ host }) => {
    const image = host < 'h3' ? 'image:old' : 'image:new';
    const subnet = host < 'h3' ? 'subnet:s1' : 'subnet:s2';
    return { through: ['tgw:t', image, subnet], retrans: host < 'h3' ? 0 : 20 };
  });
  const rollout = judge(rolled);
  expect(rollout).toMatchObject({ healthIndicator: 0 });
  expect(rollout.findings.map(({ kind }) => kind)).toContain('rollout');
});

test('a monitor whose flows send next to nothing is insufficient', () => {
  const idle = judge(cells(() => ({ segments: 1 }), ['h1']));
  expect(idle).toMatchObject({ state: 'insufficient', healthIndicator: undefined });
  expect(idle.sentence).toBe('Cannot tell: with 6 segments sent on 6 flows no loss would show.');
});

test('the sentence of a healthy monitor has the smallest loss that would have shown', () => {
  expect(judge(cells(() => ({}))).sentence).toMatch(
    /^The network is healthy: 0 of 24000 segments were sent again, as usual, and a loss of 0\.\d+% would have shown\.$/,
  );
});

test('silent connection attempts are the fault of the path, although established connections are fine', () => {
  // Half of the four attempts of each cell are silent.
  const halved = judge(cells((cell) => (onX(cell) ? { attempts: 4, silent: 2 } : { attempts: 4 })));
  expect(halved).toMatchObject({ state: 'degraded', healthIndicator: 1 });
  expect(halved.findings[0]).toMatchObject({
    kind: 'network',
    construct: { id: 'x' },
    fault: { kind: 'connect' },
    contrast: [
      { attempts: 48, silent: 24 },
      { attempts: 48, silent: 0 },
    ],
  });
  expect(halved.sentence).toMatch(
    /flows through transit gateway attachment x have 5\d% of their connection attempts met with silence \(24 of 48, 4 hosts\)\. Elsewhere it is 0%/,
  );
});

test('a slow listener is a fault of the remote host, and a rare lost SYN is no fault', () => {
  const slow = judge(cells(({ remote }) => ({ attempts: 20, silent: remote === 'x1' ? 10 : 0 })));
  expect(slow).toMatchObject({ state: 'healthy', healthIndicator: 0 });
  expect(slow.findings.map(({ kind }) => kind)).toEqual(['remote-host']);
  const rare = judge(
    cells(({ host, remote }) => ({
      attempts: 40,
      silent: host === 'h1' && remote === 'x1' ? 1 : 0,
    })),
  );
  expect(rare.findings).toEqual([]);
});

test('a receiver that keeps its senders waiting is an application, and its round-trip times are no fault', () => {
  const stalled = judge(
    cells(({ remote }) => ({
      busyMicros: 2e7,
      usuallyLimited: 0.02,
      rwndLimitedMicros: remote === 'x1' ? 1.9e7 : 1e5,
      rttMicros: remote === 'x1' ? 300_000 : 1_000,
    })),
  );
  expect(stalled).toMatchObject({ state: 'healthy', healthIndicator: 0 });
  expect(stalled.findings).toMatchObject([
    { kind: 'application', construct: { id: 'x1' }, fault: { kind: 'stalled' } },
  ]);
  expect(stalled.sentence).toContain('x1 reads too slowly and keeps its senders waiting');
});

test.each([
  { name: 'always wait for their receiver', usuallyLimited: 0.9 },
  { name: 'have no history', usuallyLimited: undefined },
])('transfers that $name are not stalled', ({ usuallyLimited }) => {
  const limited = usuallyLimited === undefined ? {} : { usuallyLimited };
  const waiting = judge(cells(() => ({ busyMicros: 2e7, rwndLimitedMicros: 1.9e7, ...limited })));
  expect(waiting.findings).toEqual([]);
});

test('retransmissions of dead paths are silence, and configuration right after a change', () => {
  const silent = cells((cell) => (onX(cell) ? { segments: 4, retrans: 4, life: DEAD } : {}));
  const changed = judge(silent, { changedSeconds: 950 });
  expect(changed).toMatchObject({ state: 'suspected', healthIndicator: 0 });
  expect(changed.findings.map(({ kind }) => kind)).toEqual(['configuration']);
  const dead = judge(silent);
  expect(dead).toMatchObject({ state: 'degraded', healthIndicator: 1 });
  expect(dead.findings[0]?.ledger).toEqual([{ owner: 'tgw-attachment:x', retrans: 48 }]);
});
