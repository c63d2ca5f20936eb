import type { CommandCall } from '../lib/command-call.ts';

/** The state of a scope that AWS's API does not return. */
export interface ScopeState {
  /** Why it FAILED, or why it is IN_PROGRESS for long. */
  readonly reason?: string | undefined;
  /** Sources of its targets that cannot be read, with the age of their resources. */
  readonly warnings?: readonly string[] | undefined;
}

/** Empty if the caller's policy does not allow it. */
export async function scopeState(call: CommandCall, scopeId: string): Promise<ScopeState> {
  const path = `/scopes/${encodeURIComponent(scopeId)}/topology`;
  const state = await call.request<ScopeState>({ method: 'GET', path }).catch(() => ({}));
  const { reason, warnings = [] }: ScopeState = state;
  return { reason, warnings: warnings.length === 0 ? undefined : warnings };
}
