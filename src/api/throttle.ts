import { BoundedMap } from '../lib/bounded-map.ts';
import type { Clock } from '../lib/clock.ts';
import type { CounterMetric, Metrics } from '../lib/metrics.ts';
import { ApiError } from '../model/api-error.ts';
import { LIMITS } from '../model/limits.ts';

export const CALL_CLASSES = ['read', 'write', 'query'] as const;
/** Each class is throttled on its own; `query` calls read the flow store. */
export type CallClass = (typeof CALL_CLASSES)[number];

export interface ThrottleDeps {
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** Average calls per second and account; a class without a rate is not throttled. */
  readonly perSecond: Readonly<Partial<Record<CallClass, number>>>;
  /** Size of a full bucket, in seconds of the rate. */
  readonly burstSeconds: number;
}

interface Bucket {
  readonly tokens: number;
  readonly atMillis: number;
}

/**
 * Maximum number of buckets. Past it, the bucket unused for longest is dropped, and its account
 * starts again with a full one.
 */
const MAX_BUCKETS = LIMITS.throttleBuckets.total;

/** Token buckets in this server's memory, one per account and class. */
export class Throttle {
  readonly #deps: ThrottleDeps;
  readonly #buckets = new BoundedMap<string, Bucket>(MAX_BUCKETS);
  readonly #refused: CounterMetric;

  constructor(deps: ThrottleDeps) {
    this.#deps = deps;
    this.#refused = deps.metrics.counter({
      name: 'nfm_api_throttled_total',
      help: 'API calls rejected because their account exceeded its rate, by class',
      labels: ['class'],
    });
  }

  /** Takes a token. If the bucket is empty, counts the call and throws ThrottlingException. */
  take(account: string, callClass: CallClass): void {
    const { clock, perSecond, burstSeconds } = this.#deps;
    const rate = perSecond[callClass];
    if (rate === undefined) return;
    const max = rate * burstSeconds;
    const key = `${account}/${callClass}`;
    const now = clock.now();
    const { tokens, atMillis } = this.#buckets.get(key) ?? { tokens: max, atMillis: now };
    // A clock that is set back neither adds nor removes tokens.
    const gained = (Math.max(0, now - atMillis) / 1000) * rate;
    const filled = Math.min(max, tokens + gained);
    const isAllowed = filled >= 1;
    this.#buckets.set(key, { tokens: isAllowed ? filled - 1 : filled, atMillis: now });
    if (isAllowed) return;
    this.#refused.add(1, { class: callClass });
    throw new ApiError(
      'ThrottlingException',
      `Rate exceeded: account ${account} may make ${rate} ${callClass} requests per second`,
    );
  }
}
