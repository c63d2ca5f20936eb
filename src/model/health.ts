/** What is said of a monitor and a minute, worst first. */
export const HEALTH_STATES = ['degraded', 'suspected', 'healthy', 'insufficient'] as const;
export type HealthState = (typeof HEALTH_STATES)[number];

/**
 * Who a finding says it is. `network` and `service-edge` may set the indicator, `congestion` is a
 * `network` whose excess follows its load; the others never do.
 */
export const VERDICT_KINDS = [
  'network',
  'congestion',
  'service-edge',
  'configuration',
  'instance-limit',
  'host',
  'remote-host',
  'remote-service',
  'application',
  'rollout',
  'internet',
  'nat',
] as const;
export type VerdictKind = (typeof VERDICT_KINDS)[number];

/** Why a fault of the network is only suspected. */
export type Doubt =
  | 'unconfirmed'
  | 'few-vantage-points'
  | 'ambiguous'
  | 'just-changed'
  | 'no-control-group';

export interface HealthConstruct {
  /** e.g. `tgw-attach-0a1b…`; pairs as `use1-az1>use1-az2`, from and to. */
  readonly id: string;
  readonly class: string;
}

export interface ContrastGroup {
  readonly group: 'through it' | 'same hosts, not through it' | 'other hosts, to the same remotes';
  readonly cells: number;
  readonly hosts: number;
  readonly segments: number;
  readonly retrans: number;
  /** Attempts to connect, and those met with silence: their SYN was sent again. */
  readonly attempts: number;
  readonly silent: number;
  /** Retransmissions a segment, and what the baseline expects; absent without a segment. */
  readonly rate?: number | undefined;
  readonly expected?: number | undefined;
}

/** One thing that is wrong, as far as it touches the monitor. */
export interface HealthFinding {
  readonly kind: VerdictKind;
  readonly construct: HealthConstruct;
  readonly setsIndicator: boolean;
  readonly doubt?: Doubt | undefined;
  /** ISO 8601. */
  readonly since: string;
  /** Posterior probability, and the evidence behind it against what an alarm needs, in nats. */
  readonly confidence: number;
  readonly evidenceNats: number;
  readonly thresholdNats: number;
  readonly fault: {
    readonly kind: 'loss' | 'latency' | 'dead' | 'connect' | 'refused' | 'stalled';
    readonly shape: 'uniform' | 'fraction';
    /** Excess loss, added microseconds, share of attempts, or (`fraction`) of its cells. */
    readonly size: number;
    readonly interval90: readonly [number, number];
    /** Share of its cells with evidence for it. */
    readonly affectedCells: number;
  };
  readonly contrast: readonly ContrastGroup[];
  /** Whose the retransmissions through it are. */
  readonly ledger: readonly { readonly owner: string; readonly retrans: number }[];
  readonly alternatives: readonly {
    readonly construct: HealthConstruct;
    readonly nats: number;
    readonly why: string;
  }[];
  /** What explains it as well: the fault is in one of these or in the construct itself. */
  readonly ambiguousWith: readonly HealthConstruct[];
  readonly monitorImpact: {
    readonly cells: number;
    /** Share of the monitor's segments that go through it. */
    readonly segmentsShare: number;
    readonly excessRetrans: number;
  };
  readonly sentence: string;
}

/** What health says of a monitor over a time, and why. */
export interface HealthExplanation {
  readonly state: HealthState;
  /** Absent where nothing can be told: that is not 0. */
  readonly healthIndicator?: 0 | 1 | undefined;
  /** ISO 8601; half-open. */
  readonly start: string;
  readonly end: string;
  /** One sentence a human can act on. */
  readonly sentence: string;
  readonly findings: readonly HealthFinding[];
  readonly power: {
    readonly cells: number;
    readonly segments: number;
    /** The least loss on all of its paths that would have shown; absent when none would. */
    readonly smallestLoss?: number | undefined;
  };
  readonly completeness: HealthCompleteness;
  /** `class priors`: there is no history yet of most of its cells. */
  readonly baseline: 'learned' | 'class priors';
  /** Version of the parameters, and up to when history counted. */
  readonly parameters: number;
  readonly baselineUntil: string;
  /** By which all that it was judged by is kept; absent where nothing scored and nothing was searched for. */
  readonly inputsId?: string | undefined;
}

/** How much of what the monitor's hosts did is known. */
export interface HealthCompleteness {
  /** Hosts that reported, of those that did lately; absent when nothing is known of earlier. */
  readonly hosts?: number | undefined;
  /**
   * Of its hosts' flows and bytes, the share their agents cut from their reports; absent where its
   * hosts reported nothing.
   */
  readonly flowsCut?: number | undefined;
  readonly bytesCut?: number | undefined;
}

/** What the last window says of a construct. */
export interface ConstructHealth {
  readonly construct: HealthConstruct;
  readonly state: HealthState;
  readonly cells: number;
  readonly segments: number;
  readonly retrans: number;
  /** The least loss through it that would have shown; absent when none would. */
  readonly smallestLoss?: number | undefined;
  /** Evidence for a fault of its own, nats; below 0 against. */
  readonly evidenceNats: number;
  readonly finding?: HealthFinding | undefined;
}

/** A monitor's minute as it is kept. Metrics are AWS's, by their names in CloudWatch. */
export interface HealthMinute {
  readonly monitorName: string;
  /** Start of the minute, ISO 8601. */
  readonly minute: string;
  readonly state: HealthState;
  readonly healthIndicator?: 0 | 1 | undefined;
  /** Bytes; counts; absent in a minute without flows. */
  readonly dataTransferred?: number | undefined;
  readonly retransmissions?: number | undefined;
  readonly timeouts?: number | undefined;
  /** Microseconds; absent in a minute without a sample. */
  readonly roundTripTime?: number | undefined;
  /** Nothing of it changes any more. */
  readonly isFinal: boolean;
}

export interface IncidentEvent {
  /** ISO 8601. */
  readonly at: string;
  readonly what: 'opened' | 'again' | 'also' | 'changed' | 'closed';
  readonly sentence: string;
}

/** A fault from its first window to the one that cleared it. */
export interface Incident {
  readonly incidentId: string;
  readonly kind: VerdictKind;
  /** The accused first; others were merged in, as they could not be told from it. */
  readonly constructs: readonly HealthConstruct[];
  readonly setsIndicator: boolean;
  /** ISO 8601; `closedAt` is absent while it goes on. */
  readonly openedAt: string;
  readonly closedAt?: string | undefined;
  readonly isFlapping: boolean;
  /** Monitors whose flows it harmed. */
  readonly monitors: readonly string[];
  readonly timeline: readonly IncidentEvent[];
  /** Flows through it, those that lost most first. */
  readonly flows: readonly IncidentFlow[];
}

export interface IncidentFlow {
  readonly local: string;
  readonly remote: string;
  readonly segments: number;
  readonly retrans: number;
}
