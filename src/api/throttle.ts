import { BoundedMap } from '../auth/bounded-map.ts';
import type { Clock } from '../lib/clock.ts';
import type { CounterMetric, Metrics } from '../lib/metrics.ts';
import { ApiError } from '../model/api-error.ts';

export const CALL_CLASSES = ['read', 'write', 'query'] as const;
/** Calls that cost about the same: `query` asks the flow store. */
export type CallClass = (typeof CALL_CLASSES)[number];

export interface ThrottleDeps {
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** Calls an account may make each second, on average; a class that is absent is not throttled. */
  readonly perSecond: Readonly<Partial<Record<CallClass, number>>>;
  /** How many seconds' calls may come at once after a rest. */
  readonly burstSeconds: number;
}

interface Bucket {
  readonly tokens: number;
  readonly atMillis: number;
}

/** Who has not called for longest begins again with a full bucket. */
const MAX_BUCKETS = 10_000;

/** Token buckets, one an account and class, in this server's memory. */
export class Throttle {
  readonly #deps: ThrottleDeps;
  readonly #buckets = new BoundedMap<string, Bucket>(MAX_BUCKETS);
  readonly #refused: CounterMetric;

  constructor(deps: ThrottleDeps) {
    this.#deps = deps;
    this.#refused = deps.metrics.counter({
      name: 'nfm_api_throttled_total',
      help: 'Calls refused because their account made too many, by class',
      labels: ['class'],
    });
  }

  /** Takes a token. Throws ThrottlingException when there is none, and counts it. */
  take(account: string, callClass: CallClass): void {
    const { clock, perSecond, burstSeconds } = this.#deps;
    const rate = perSecond[callClass];
    if (rate === undefined) return;
    const max = rate * burstSeconds;
    const key = `${account}/${callClass}`;
    const now = clock.now();
    const { tokens, atMillis } = this.#buckets.get(key) ?? { tokens: max, atMillis: now };
    // A clock set back gives no tokens, and takes none.
    const gained = (Math.max(0, now - atMillis) / 1000) * rate;
    const filled = Math.min(max, tokens + gained);
    const isAllowed = filled >= 1;
    this.#buckets.set(key, { tokens: isAllowed ? filled - 1 : filled, atMillis: now });
    if (isAllowed) return;
    this.#refused.add(1, { class: callClass });
    throw new ApiError(
      'ThrottlingException',
      `Rate exceeded: account ${account} may make ${rate} ${callClass} requests a second`,
    );
  }
}
