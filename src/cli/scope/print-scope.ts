import { WaiterError, waitUntilScopeSucceeded } from '../../client/waiters.ts';
import { CliError } from '../lib/cli-error.ts';
import type { CommandCall } from '../lib/command-call.ts';
import { scopeState } from './scope-state.ts';

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
  const succeeded = await waitUntilScopeSucceeded(waiter, scope).catch(async (error: unknown) => {
    if (!(error instanceof WaiterError)) throw error;
    const { reason } = await scopeState(call, scope.scopeId);
    throw reason === undefined ? error : new CliError(`${error.message}: ${reason}`);
  });
  return call.printJson(succeeded);
}
