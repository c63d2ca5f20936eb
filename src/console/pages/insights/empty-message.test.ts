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
  { name: 'traffic without loss is good', traffic: BUSY, meaning: 'good' },
  { name: 'no traffic at all may be a fault', traffic: EMPTY, meaning: 'nothing' },
  {
    name: 'only loopback is a quiet network',
    traffic: { ...EMPTY, onlyLoopback: true },
    meaning: 'quiet',
  },
  {
    name: 'the meaning is unknown before the traffic has been read',
    traffic: undefined,
    meaning: 'unknown',
  },
];

test.each(CASES)('$name', ({ traffic, meaning }) => {
  const message = emptyMessage({ metric: 'TIMEOUTS', range: '1h', traffic });
  expect(message.meaning).toBe(meaning);
  expect(message.text).toContain('in the last hour');
});
