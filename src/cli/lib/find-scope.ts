import type { NetworkFlowMonitorClient } from '../../client/network-flow-monitor-client.ts';
import { CliError } from './cli-error.ts';

/** The ID that was given, else that of the only scope. */
export async function scopeIdOr(
  client: NetworkFlowMonitorClient,
  given: string | undefined,
): Promise<string> {
  return given ?? (await onlyScope(client)).scopeId;
}

/** An account has at most one scope in a Region. */
export async function onlyScope(client: NetworkFlowMonitorClient) {
  const { scopes } = await client.listScopes();
  const [scope] = scopes;
  if (scope === undefined) {
    throw new CliError('this account has no scope in this Region; run nfm scope create');
  }
  return scope;
}
