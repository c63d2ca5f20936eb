export const SCOPE_STATUSES = [
  'SUCCEEDED',
  'IN_PROGRESS',
  'FAILED',
  'DEACTIVATING',
  'DEACTIVATED',
] as const;
export type ScopeStatus = (typeof SCOPE_STATUSES)[number];

/** An account and Region whose flows a scope shows. The only target type is ACCOUNT. */
export interface ScopeTarget {
  readonly account: string;
  readonly region: string;
}

export interface Scope {
  readonly scopeId: string;
  readonly scopeArn: string;
  readonly status: ScopeStatus;
  /** The reason of a FAILED scope, or of one IN_PROGRESS whose targets do not answer. */
  readonly reason?: string | undefined;
  readonly targets: readonly ScopeTarget[];
  readonly tags: Readonly<Record<string, string>>;
}
