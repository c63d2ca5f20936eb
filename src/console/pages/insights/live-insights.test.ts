import { expect, test } from 'vitest';
import { FakeTimers } from '../../lib/testing.ts';
import { LiveInsights, REFRESH_MILLIS } from './live-insights.ts';
import { InsightsApiFake } from './testing.ts';

const QUESTION = {
  scopeId: 'scope',
  scopeReady: true,
  category: 'INTERNET',
  loopback: false,
  range: '1h',
} as const;

function setUp() {
  const timers = new FakeTimers(Date.UTC(2026, 0, 1, 10));
  const api = new InsightsApiFake(1n);
  const ended: string[] = [];
  const live = new LiveInsights({
    api,
    clock: timers.clock,
    timers,
    isSessionEnd: (error) => error instanceof Error && error.message === 'who are you',
    onSessionEnd: () => ended.push('ended'),
  });
  const value = () => live.state.get().sections.DATA_TRANSFERRED.insights?.contributors[0]?.value;
  const settled = () => expect.poll(() => live.state.get().loading).toBe(false);
  /** Number of rounds that have started. Each reads three metrics. */
  const rounds = () => api.asked.length / 3;
  return { timers, api, live, ended, value, settled, rounds };
}

test('a round reads every metric for the same window', async () => {
  const { live, api, value, settled } = setUp();
  live.ask(QUESTION);
  expect(live.state.get().loading).toBe(true);
  await settled();
  expect(value()).toBe(1n);
  expect(new Set(api.asked.map(({ metric }) => metric)).size).toBe(3);
  expect(new Set(api.asked.map(({ window }) => window.endMillis)).size).toBe(1);
});

test('the next round starts 30 seconds after the last one and shows its answers', async () => {
  const { live, api, timers, value, settled, rounds } = setUp();
  live.ask(QUESTION);
  await settled();
  api.value = 2n;
  timers.advance(REFRESH_MILLIS - 1);
  expect(rounds()).toBe(1);
  timers.advance(1);
  expect(value()).toBe(1n);
  await settled();
  expect(value()).toBe(2n);
});

const QUIET = [
  { name: 'paused', hush: (live: LiveInsights) => live.setLive(false) },
  { name: 'hidden', hush: (live: LiveInsights) => live.setVisible(false) },
];

test.each(QUIET)('no request is sent while the page is $name', async ({ hush }) => {
  const { live, timers, settled, rounds } = setUp();
  live.ask(QUESTION);
  await settled();
  hush(live);
  timers.advance(10 * REFRESH_MILLIS);
  expect(rounds()).toBe(1);
  expect(timers.pending).toBe(0);
});

test('a stale tab is refreshed as soon as it becomes visible', async () => {
  const { live, timers, settled, rounds } = setUp();
  live.ask(QUESTION);
  await settled();
  live.setVisible(false);
  timers.advance(10 * REFRESH_MILLIS);
  live.setVisible(true);
  timers.advance(0);
  expect(rounds()).toBe(2);
  await settled();
});

test('two refreshes during a round start one more round after it', async () => {
  const { live, api, settled, rounds } = setUp();
  const release = api.hold();
  live.ask(QUESTION);
  live.refresh();
  live.refresh();
  expect(rounds()).toBe(1);
  release();
  await expect.poll(rounds).toBe(2);
  await settled();
  expect(rounds()).toBe(2);
});

test('a failed round keeps the last answer and adds the reason; the next round clears it', async () => {
  const { live, api, value, settled } = setUp();
  live.ask(QUESTION);
  await settled();
  api.failure = new Error('down');
  live.refresh();
  await settled();
  expect(value()).toBe(1n);
  expect(live.state.get().sections.DATA_TRANSFERRED.error).toBe('down');
  api.failure = undefined;
  live.refresh();
  await settled();
  expect(live.state.get().sections.DATA_TRANSFERRED.error).toBeUndefined();
});

test('a new question discards the previous answers and those still loading', async () => {
  const { live, api, value, settled } = setUp();
  const release = api.hold();
  live.ask(QUESTION);
  live.ask({ ...QUESTION, category: 'INTER_AZ' });
  expect(value()).toBeUndefined();
  api.value = 2n;
  release();
  await settled();
  expect(value()).toBe(2n);
  expect(api.asked.map(({ category }) => category)).toEqual([
    ...Array(3).fill('INTERNET'),
    ...Array(3).fill('INTER_AZ'),
  ]);
});

test('the end of the session is reported once, and no request follows', async () => {
  const { live, api, timers, ended, rounds } = setUp();
  api.failure = new Error('who are you');
  live.ask(QUESTION);
  await expect.poll(() => ended).toEqual(['ended']);
  timers.advance(10 * REFRESH_MILLIS);
  live.refresh();
  expect(rounds()).toBe(1);
  expect(timers.pending).toBe(0);
});

test('stop leaves no timer', async () => {
  const { live, timers, settled } = setUp();
  live.ask(QUESTION);
  await settled();
  expect(timers.pending).toBe(1);
  live.stop();
  expect(timers.pending).toBe(0);
});
