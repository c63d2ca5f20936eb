/** What a policy says: `denied` for want of an Allow, `explicitly-denied` by a Deny, which wins. */
export type PolicyDecision = 'allowed' | 'denied' | 'explicitly-denied';

/** What an access key may do: its policy, ready to be asked. */
export interface Permissions {
  /**
   * @param action e.g. `networkflowmonitor:GetScope`; case does not matter
   * @param resource an ARN; undefined for an action without one, which only `*` takes in
   */
  decide(action: string, resource: string | undefined): PolicyDecision;
}
