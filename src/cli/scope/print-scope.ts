import { waitUntilScopeSucceeded } from '../../client/waiters.ts';
import type { CommandCall } from '../lib/command-call.ts';

/** Limit for the first topology of a scope; AWS states 20 to 30 minutes for its own service. */
const SCOPE_WAIT_SECONDS = 1800;

/** Prints a created or updated scope; with `--wait`, only once its status is SUCCEEDED. */
export async function printScope(
  call: CommandCall<{ readonly wait?: true }>,
  scope: { readonly scopeId: string },
): Promise<void> {
  if (call.options.wait !== true) return call.printJson(scope);
  const { clock, sleep, signal } = call.context;
  const client = call.connect();
  const waiter = { client, maxWaitSeconds: SCOPE_WAIT_SECONDS, clock, sleep, signal };
  return call.printJson(await waitUntilScopeSucceeded(waiter, scope));
}
