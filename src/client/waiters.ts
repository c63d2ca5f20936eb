import type { OutputOf } from '../contract/types.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import type { QueryRef } from '../model/query.ts';
import type { NetworkFlowMonitorClient } from './network-flow-monitor-client.ts';
import { queryStatus } from './query-steps.ts';
import { sleep } from './sleep.ts';

export interface WaiterOptions {
  readonly client: NetworkFlowMonitorClient;
  readonly maxWaitSeconds: number;
  readonly signal?: AbortSignal | undefined;
  readonly clock?: Clock | undefined;
  readonly sleep?: ((millis: number, signal?: AbortSignal) => Promise<void>) | undefined;
}

/** The resource can no longer reach the expected status, or did not reach it in time. */
export class WaiterError extends Error {
  override readonly name = 'WaiterError';
}

/**
 * Waits until the scope is SUCCEEDED. Rejects with WaiterError if the scope ends in another status
 * or the deadline passes.
 */
export function waitUntilScopeSucceeded(
  options: WaiterOptions,
  input: { readonly scopeId: string },
): Promise<OutputOf<'GetScope'>> {
  return poll(options, async () => {
    const scope = await options.client.getScope(input, options);
    if (scope.status === 'SUCCEEDED') return scope;
    if (scope.status === 'IN_PROGRESS') return undefined;
    throw new WaiterError(`scope ${input.scopeId} is ${scope.status}`);
  });
}

/**
 * Waits until the query is SUCCEEDED. Rejects with WaiterError if the query ends in another status
 * or the deadline passes.
 */
export async function waitUntilQueryDone(options: WaiterOptions, query: QueryRef): Promise<void> {
  await poll(options, async () => {
    const status = await queryStatus(options.client, query, options);
    if (status === 'SUCCEEDED') return status;
    if (status === 'QUEUED' || status === 'RUNNING') return undefined;
    throw new WaiterError(`query ${query.queryId} ended as ${status}`);
  });
}

const POLL = { firstMillis: 25, maxMillis: 2_000, growth: 1.6 };

async function poll<Result>(
  options: WaiterOptions,
  look: () => Promise<Result | undefined>,
): Promise<Result> {
  const { clock = systemClock } = options;
  const deadlineMillis = clock.now() + options.maxWaitSeconds * 1000;
  for (let waitMillis = POLL.firstMillis; ; waitMillis *= POLL.growth) {
    const result = await look();
    if (result !== undefined) return result;
    if (clock.now() >= deadlineMillis) {
      throw new WaiterError(`not done within ${options.maxWaitSeconds} s`);
    }
    await (options.sleep ?? sleep)(Math.min(waitMillis, POLL.maxMillis), options.signal);
  }
}
