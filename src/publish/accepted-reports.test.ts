import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../lib/clock.ts';
import { Metrics } from '../lib/metrics.ts';
import { loadAccepted, saveAccepted } from './accepted-file.ts';
import {
  AcceptedReports,
  type AcceptedReportsDeps,
  type Claim,
  type ReportKey,
} from './accepted-reports.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const owner = { account: '123456789012', region: 'us-east-1' };

let clock: FakeClock;
let metrics: Metrics;
let accepted: AcceptedReports;
let signatures = 0;

beforeEach(() => {
  clock = new FakeClock(Date.parse('2026-11-23T12:00:00Z'));
  ({ accepted, metrics } = empty());
});

function restored(): AcceptedReports {
  const after = empty().accepted;
  after.restore(accepted.state());
  return after;
}

function empty(limits: Pick<AcceptedReportsDeps, 'maxSignatures' | 'maxRuns'> = {}): {
  readonly accepted: AcceptedReports;
  readonly metrics: Metrics;
} {
  const own = new Metrics();
  return { accepted: new AcceptedReports({ clock, metrics: own, ...limits }), metrics: own };
}

const newSignature = (): string => {
  signatures += 1;
  return signatures.toString(16).padStart(64, '0').split('').reverse().join('');
};
const unnumbered = (signature = newSignature()): ReportKey => ({
  owner,
  signature,
  signedAtMillis: clock.now(),
});
const numbered = (sequence: number, over: Partial<ReportKey> = {}): ReportKey => ({
  owner,
  signature: newSignature(),
  signedAtMillis: clock.now(),
  runId: 'run',
  sequence,
  ...over,
});

function settle(claim: Claim, isAccepted: boolean): void {
  if (claim.status !== 'new') throw new Error(`the claim is ${claim.status}`);
  claim.settle(isAccepted);
}
const take = (key: ReportKey, from = accepted) => settle(from.claim(key), true);
const statusOf = (key: ReportKey, from = accepted) => from.claim(key).status;
const takeAll = (sequences: readonly number[]) => {
  for (const sequence of sequences) take(numbered(sequence));
};
const lost = () => metrics.value('nfm_reports_lost_total');

describe('a signature', () => {
  test.each([
    { name: 'now', minutes: 0 },
    { name: '14 minutes ahead', minutes: 14 },
    { name: '14 minutes ago', minutes: -14 },
  ])('made $name is known for as long as it is valid, and a minute more', async ({ minutes }) => {
    const key = { ...unnumbered(), signedAtMillis: clock.now() + minutes * MINUTE };
    take(key);
    const restarted = restored();
    clock.advance((15 + minutes + 1) * MINUTE - 1);
    expect([statusOf(key), statusOf(key, restarted)]).toEqual(['duplicate', 'duplicate']);
    clock.advance(1);
    expect([statusOf(key), statusOf(key, restarted)]).toEqual(['new', 'new']);
  });

  test('in a file of an earlier version, which names no account, is known', () => {
    const key = unnumbered();
    accepted.restore({
      signatures: [[key.signature.slice(0, 32), clock.now() + MINUTE]],
      runs: [],
    });
    expect(statusOf(key)).toBe('duplicate');
  });

  test('of another account is not forgotten when an account has too many', async () => {
    ({ accepted, metrics } = empty({ maxSignatures: 10 }));
    const other = { ...unnumbered(), owner: { ...owner, account: '210987654321' } };
    take(other);
    for (let i = 0; i < 100; i += 1) {
      take({ ...unnumbered(), signedAtMillis: clock.now() + i * 1000 });
    }
    expect(statusOf(other)).toBe('duplicate');
    expect(accepted.state().signatures.length).toBeLessThanOrEqual(10);
    expect(await metrics.value('nfm_publish_signatures_forgotten_total')).toBeGreaterThan(0);
  });

  test('is forgotten after 16 minutes, so that the rate bounds the memory', () => {
    for (let i = 0; i < 100; i += 1) take(unnumbered());
    clock.advance(16 * MINUTE);
    take(unnumbered());
    expect(accepted.state().signatures).toHaveLength(1);
  });
});

describe('a number of a run', () => {
  test('is known for as long as the run is, under any signature', () => {
    take(numbered(1));
    clock.advance(6 * DAY);
    expect(statusOf(numbered(1))).toBe('duplicate');
    expect(statusOf(numbered(2))).toBe('new');
  });

  test.each([
    { name: 'another run', over: { runId: 'other' } },
    { name: 'another account', over: { owner: { ...owner, account: '210987654321' } } },
    { name: 'another Region', over: { owner: { ...owner, region: 'eu-west-1' } } },
  ])('is not that of $name', ({ over }) => {
    take(numbered(1));
    expect(statusOf(numbered(1, over))).toBe('new');
  });

  test('is accepted once, in any order', () => {
    const order = [5, 1, 9, 2, 3, 8, 4, 7, 6, 10];
    for (const [i, sequence] of order.entries()) {
      take(numbered(sequence));
      for (let n = 1; n <= 11; n += 1) {
        const isKnown = order.slice(0, i + 1).includes(n);
        const claim = accepted.claim(numbered(n));
        expect(claim.status, `${n} after ${order.slice(0, i + 1)}`).toBe(
          isKnown ? 'duplicate' : 'new',
        );
        if (claim.status === 'new') claim.settle(false);
      }
    }
    expect(accepted.missing).toBe(0);
    expect(accepted.state().runs).toEqual([[expect.any(String), 10, [], clock.now()]]);
  });

  test('that was skipped is missing until it arrives', () => {
    takeAll([1, 2, 5, 6, 9]);
    expect(accepted.missing).toBe(4);
    takeAll([3, 8]);
    expect(accepted.missing).toBe(2);
    takeAll([4, 7]);
    expect(accepted.missing).toBe(0);
  });

  test('that was skipped costs the same memory however many follow', () => {
    take(numbered(1));
    for (let sequence = 3; sequence < 20_000; sequence += 1) accepted.remember(numbered(sequence));
    expect(accepted.state().runs).toEqual([[expect.any(String), 1, [[3, 19_999]], clock.now()]]);
    expect(accepted.missing).toBe(1);
  });

  test('in the oldest gap counts as lost once there are more than 1,024 gaps, and is not accepted any more', async () => {
    for (let sequence = 2; sequence <= 2 * 1025; sequence += 2)
      accepted.remember(numbered(sequence));
    expect(await lost()).toBe(1);
    expect(statusOf(numbered(1))).toBe('duplicate');
    expect(statusOf(numbered(3))).toBe('new');
    expect(accepted.missing).toBe(1024);
  });

  test('is forgotten with its run after 7 days without a report, and missing ones count as lost', async () => {
    takeAll([1, 4]);
    clock.advance(7 * DAY + 1);
    take(numbered(1, { runId: 'other' }));
    expect(accepted.state().runs).toHaveLength(1);
    expect(await lost()).toBe(2);
    expect(statusOf(numbered(1))).toBe('new');
  });
});

test('one report cannot claim any number of missing ones, and an account not any number in all', async () => {
  take(numbered(1));
  take(numbered(Number.MAX_SAFE_INTEGER));
  expect(accepted.missing).toBe(20_160);
  expect(await metrics.value('nfm_report_gaps_capped_total')).toBe(1);
  for (let run = 0; run < 60; run += 1) take(numbered(1e15, { runId: `run ${run}` }));
  expect(accepted.missing).toBe(1_000_000);
  clock.advance(7 * DAY + 1);
  take(numbered(1, { runId: 'later' }));
  expect(await lost()).toBe(61 * 20_160);
});

test('an account with too many runs forgets its own, not those of another', async () => {
  ({ accepted, metrics } = empty({ maxRuns: 10 }));
  const other = { owner: { ...owner, account: '210987654321' } };
  take(numbered(1, other));
  for (let run = 0; run < 100; run += 1) take(numbered(1, { runId: `run ${run}` }));
  expect(statusOf(numbered(1, other))).toBe('duplicate');
  expect(accepted.state().runs).toHaveLength(10);
  expect(await metrics.value('nfm_report_runs_displaced_total')).toBe(91);
});

describe('a report that is being stored', () => {
  test.each([
    { name: 'the same request', again: (key: ReportKey) => key },
    { name: 'the same number', again: (key: ReportKey) => ({ ...key, signature: newSignature() }) },
  ])('is waited for by $name: stored, it is a duplicate', async ({ again }) => {
    const key = numbered(1);
    const first = accepted.claim(key);
    const second = accepted.claim(again(key));
    settle(first, true);
    expect(second.status === 'pending' && (await second.outcome)).toBe(true);
    expect(statusOf(again(key))).toBe('duplicate');
  });

  test('and fails may be stored by the next request', async () => {
    const key = numbered(1);
    const first = accepted.claim(key);
    const second = accepted.claim(key);
    settle(first, false);
    expect(second.status === 'pending' && (await second.outcome)).toBe(false);
    expect(statusOf(key)).toBe('new');
  });
});

test('accepted reports are known after a restart', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'nfm-accepted-'));
  const path = join(folder, 'accepted.json');
  try {
    const signed = unnumbered();
    take(signed);
    takeAll([1, 2, 5]);
    await saveAccepted(path, accepted, { installation: 'a', generation: 1 });
    const { accepted: after } = empty();
    await loadAccepted(path, after);
    expect(after.state()).toEqual(accepted.state());
    expect([signed, numbered(2), numbered(5)].map((key) => statusOf(key, after))).toEqual([
      'duplicate',
      'duplicate',
      'duplicate',
    ]);
    expect(statusOf(numbered(3), after)).toBe('new');
    clock.advance(16 * MINUTE);
    expect(statusOf(signed, after)).toBe('new');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a missing file restores nothing, and an error names a damaged one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'nfm-accepted-'));
  const path = join(folder, 'accepted.json');
  try {
    await loadAccepted(path, accepted);
    expect(accepted.state()).toEqual({ signatures: [], runs: [] });
    writeFileSync(path, '{"signatures":');
    await expect(loadAccepted(path, accepted)).rejects.toThrow(`cannot read ${path}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
