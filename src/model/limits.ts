/**
 * A table, queue or cache with a bound. If the requests of one account can fill it, each account
 * has a bound of its own, or the account with the most entries loses its own first.
 */
export interface Limit {
  readonly holds: string;
  /** A number, or how it follows from the total. Absent where no account's requests can fill it. */
  readonly perAccount?: number | string | undefined;
  /** A number, or the setting that gives it. */
  readonly total?: number | `--${string}` | undefined;
  readonly metric?: string | undefined;
  readonly beyond: string;
}

const GIVES_WAY = 'the account with the most gives way';
const MIB = 1024 * 1024;

/** The bounds of the server. docs/reference/limits.md is generated from them. */
export const LIMITS = {
  addressClaims: {
    holds: 'address claims of hosts',
    perAccount: 400_000,
    total: 500_000,
    metric: 'nfm_topology_claims_refused_total',
    beyond:
      'further claims of the account are rejected; in a full table the account with the most loses those of one address',
  },
  claimsPerAddress: {
    holds: 'claims to one address of a network',
    perAccount: 100,
    metric: 'nfm_topology_claims_refused_total',
    beyond: 'the claim seen least recently is dropped',
  },
  hostTraits: {
    holds: 'images and types of instances, from agents',
    perAccount: 100_000,
    total: 200_000,
    beyond: `the oldest is dropped until its host reports again; ${GIVES_WAY}`,
  },
  hostIdentities: {
    holds: 'identities of hosts, to find those that several hosts share',
    perAccount: 100_000,
    total: 200_000,
    beyond: `the oldest is forgotten until its host reports again; ${GIVES_WAY}`,
  },
  identityConflicts: {
    holds: 'conflicts between the identities of hosts',
    perAccount: 100,
    total: 1_000,
    metric: 'nfm_topology_identity_conflicts',
    beyond: `the oldest is forgotten; ${GIVES_WAY}`,
  },
  resourceVersions: {
    holds: 'versions of resources from sources',
    total: 1_000_000,
    metric: 'nfm_topology_statements_refused_total',
    beyond: 'the statement of the source is rejected; agents cannot add resources',
  },
  cachedRoutes: {
    holds: 'cached routes',
    total: 65_536,
    beyond: 'the cache is emptied and fills again',
  },
  signatures: {
    holds: 'signatures of accepted reports, while they are valid',
    perAccount: GIVES_WAY,
    total: 900_000,
    metric: 'nfm_publish_signatures_forgotten_total',
    beyond: 'the earliest are forgotten, so a replay of them is stored again',
  },
  reportRuns: {
    holds: 'runs of agents, with the sequence numbers of their reports',
    perAccount: GIVES_WAY,
    total: 200_000,
    metric: 'nfm_report_runs_displaced_total',
    beyond: 'the run seen least recently is forgotten, and its missing reports count as lost',
  },
  inflatingBytes: {
    holds: 'bytes of reports that are inflated at one time',
    perAccount: 'a part of the total',
    total: 320 * MIB,
    beyond: 'the report waits, or is answered 503 and sent again',
  },
  journalPendingBytes: {
    holds: 'bytes of reports that wait for an fsync',
    total: 64 * MIB,
    beyond: 'the report is answered 503 and sent again',
  },
  connections: {
    holds: 'open connections',
    total: '--max-connections',
    metric: 'nfm_http_connections_displaced_total',
    beyond: 'the oldest that never sent an accepted request is closed',
  },
  auditPending: {
    holds: 'audit events that wait for the control database',
    perAccount: GIVES_WAY,
    total: 10_000,
    metric: 'nfm_audit_dropped_total',
    beyond: 'events are dropped',
  },
  auditEvents: {
    holds: 'stored audit events: changes, and as many failed changes and reads',
    perAccount: GIVES_WAY,
    total: '--audit-max-events',
    beyond: 'the oldest are deleted',
  },
  accounts: { holds: 'accounts', total: 10_000, beyond: 'ServiceQuotaExceededException' },
  accessKeys: {
    holds: 'access keys',
    perAccount: 1_000,
    beyond: 'ServiceQuotaExceededException',
  },
  cachedKeys: {
    holds: 'cached access keys',
    perAccount: 1_000,
    total: 10_000,
    beyond: 'the key used least recently is read from the control database again',
  },
  unknownKeys: {
    holds: 'ids of access keys that were not found, for 5 seconds',
    total: 10_000,
    beyond: 'the id is looked up in the control database again',
  },
  signingKeys: {
    holds: 'derived signing keys, one per access key, day and Region',
    perAccount: 2_000,
    total: 10_000,
    beyond: `the key is derived again; ${GIVES_WAY}`,
  },
  sessions: {
    holds: 'console sessions',
    perAccount: 200,
    total: 1_000,
    beyond: `the session used least recently ends; ${GIVES_WAY}`,
  },
  signInTokens: {
    holds: 'unused sign-in tokens',
    perAccount: 200,
    total: 1_000,
    beyond: `the oldest token is dropped; ${GIVES_WAY}`,
  },
  throttleBuckets: {
    holds: 'token buckets, one per account and class of calls',
    perAccount: 3,
    total: 30_000,
    metric: 'nfm_api_throttled_total',
    beyond: 'the bucket unused for longest is dropped, and its account starts with a full one',
  },
  unfinishedQueries: {
    holds: 'queries that run or wait',
    perAccount: '`--queries-per-account`',
    beyond: 'ServiceQuotaExceededException or ThrottlingException',
  },
  keptQueries: {
    holds: 'queries with their results, for an hour',
    perAccount: 1_000,
    beyond: 'the query that finished first is deleted',
  },
  waitingStatements: {
    holds: 'statements that wait for the store',
    perAccount: 100,
    total: 1_000,
    beyond: 'ThrottlingException; accounts take turns',
  },
} as const satisfies Readonly<Record<string, Limit>>;
