/** A policy's decision: `denied` without an Allow, `explicitly-denied` by a Deny, which wins. */
export type PolicyDecision = 'allowed' | 'denied' | 'explicitly-denied';

/** The permissions of an access key: its parsed policy. */
export interface Permissions {
  /**
   * @param action for example `networkflowmonitor:GetScope`, in any case
   * @param resource an ARN; undefined for an action without a resource, which only `*` matches
   */
  decide(action: string, resource: string | undefined): PolicyDecision;
}
