import { expect, test } from 'vitest';
import { contributorOf } from './contributor.ts';
import { type EmptyMessage, emptyMessage } from './empty-message.ts';
import type { Insights } from './load-insights.ts';

const EMPTY: Insights = {
  window: { startMillis: 0, endMillis: 1 },
  contributors: [],
  series: [],
  onlyLoopback: false,
};
const BUSY: Insights = {
  ...EMPTY,
  contributors: [contributorOf({ value: 1n, destinationCategory: 'INTERNET' })],
};

interface Case {
  readonly name: string;
  readonly traffic: Insights | undefined;
  readonly meaning: EmptyMessage['meaning'];
}

const CASES: readonly Case[] = [
  { name: 'traffic without losses is good', traffic: BUSY, meaning: 'good' },
  { name: 'no traffic is not', traffic: EMPTY, meaning: 'nothing' },
  {
    name: 'loopback alone is a quiet network',
    traffic: { ...EMPTY, onlyLoopback: true },
    meaning: 'quiet',
  },
  { name: 'traffic not read yet is not', traffic: undefined, meaning: 'unknown' },
];

test.each(CASES)('$name', ({ traffic, meaning }) => {
  const message = emptyMessage({ metric: 'TIMEOUTS', range: '1h', traffic });
  expect(message.meaning).toBe(meaning);
  expect(message.text).toContain('in the last hour');
});
