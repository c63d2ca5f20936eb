/** The states of a monitor, the worst first. */
export const HEALTH_STATES = ['degraded', 'suspected', 'healthy', 'insufficient'] as const;
export type HealthState = (typeof HEALTH_STATES)[number];

/**
 * The kinds of findings. `network`, `service-edge` and `congestion` may set the indicator; the others
 * never do. `congestion` is a `network` finding whose excess follows the load.
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

/** The kinds of evidence. A construct can have a fault of each kind. */
export const FAULT_CHANNELS = ['loss', 'latency', 'dead', 'connect'] as const;
export type FaultChannel = (typeof FAULT_CHANNELS)[number];

/** Why a fault of the network is only suspected. */
export type Doubt =
  | 'unconfirmed'
  | 'few-vantage-points'
  | 'ambiguous'
  | 'just-changed'
  | 'no-control-group';

export interface HealthConstruct {
  /** e.g. `tgw-attach-0a1b…`. A pair is `use1-az1>use1-az2`, from one to the other. */
  readonly id: string;
  readonly class: string;
}

export interface ContrastGroup {
  readonly group: 'through it' | 'same hosts, not through it' | 'other hosts, to the same remotes';
  readonly cells: number;
  readonly hosts: number;
  readonly segments: number;
  readonly retrans: number;
  /** Connection attempts; and the `silent` ones, whose SYN was not answered and was sent again. */
  readonly attempts: number;
  readonly silent: number;
  /** Retransmissions per segment, measured and expected by the baseline. Absent without a segment. */
  readonly rate?: number | undefined;
  readonly expected?: number | undefined;
}

/** A fault, and its impact on a monitor. */
export interface HealthFinding {
  readonly kind: VerdictKind;
  readonly construct: HealthConstruct;
  readonly setsIndicator: boolean;
  readonly doubt?: Doubt | undefined;
  /** ISO 8601. */
  readonly since: string;
  /** The posterior probability, the evidence, and the evidence that an alarm needs. Nats. */
  readonly confidence: number;
  readonly evidenceNats: number;
  readonly thresholdNats: number;
  readonly fault: {
    readonly kind: FaultChannel | 'refused' | 'stalled';
    readonly shape: 'uniform' | 'fraction';
    /**
     * Depends on `kind`: excess loss, added microseconds, or share of connection attempts. For the
     * shape `fraction`: the share of the construct's cells that are affected.
     */
    readonly size: number;
    readonly interval90: readonly [number, number];
    /** The share of its cells with evidence for it. */
    readonly affectedCells: number;
  };
  readonly contrast: readonly ContrastGroup[];
  /** The retransmissions through the construct, by the fault that explains them. */
  readonly ledger: readonly { readonly owner: string; readonly retrans: number }[];
  readonly alternatives: readonly {
    readonly construct: HealthConstruct;
    readonly nats: number;
    readonly why: string;
  }[];
  /**
   * Constructs that explain the evidence equally well. The fault is in `construct` or in one of
   * these.
   */
  readonly ambiguousWith: readonly HealthConstruct[];
  readonly monitorImpact: {
    readonly cells: number;
    /** The share of the monitor's segments that go through it. */
    readonly segmentsShare: number;
    readonly excessRetrans: number;
  };
  readonly sentence: string;
}

/** The verdict on a monitor in a window, with its evidence. */
export interface HealthExplanation {
  readonly state: HealthState;
  /** Absent if nothing is known, which is not 0. */
  readonly healthIndicator?: 0 | 1 | undefined;
  /** ISO 8601. `end` is exclusive. */
  readonly start: string;
  readonly end: string;
  /** A sentence that a person can act on. */
  readonly sentence: string;
  readonly findings: readonly HealthFinding[];
  readonly power: {
    readonly cells: number;
    readonly segments: number;
    /**
     * The smallest loss that the window would have shown, if all of the monitor's paths had had it.
     * Absent if no loss would have shown.
     */
    readonly smallestLoss?: number | undefined;
  };
  readonly completeness: HealthCompleteness;
  /** `class priors`: most of its cells have no history yet. */
  readonly baseline: 'learned' | 'class priors';
  /** The version of the parameters, and the time up to which history counted. */
  readonly parameters: number;
  readonly baselineUntil: string;
  /** The id of its stored inputs. Absent if the window needed no search. */
  readonly inputsId?: string | undefined;
}

/** How complete the reports of the monitor's hosts are. */
export interface HealthCompleteness {
  /** The share of hosts that reported, among those that did lately. Absent without earlier reports. */
  readonly hosts?: number | undefined;
  /**
   * The share of its hosts' flows and bytes that their agents cut from full reports. Absent if its
   * hosts reported nothing.
   */
  readonly flowsCut?: number | undefined;
  readonly bytesCut?: number | undefined;
}

/** A construct's health in the last window. */
export interface ConstructHealth {
  readonly construct: HealthConstruct;
  readonly state: HealthState;
  readonly cells: number;
  readonly segments: number;
  readonly retrans: number;
  /**
   * The smallest loss through the construct that the window would have shown. Absent if no loss
   * would have shown.
   */
  readonly smallestLoss?: number | undefined;
  /** Evidence for a fault of its own, in nats. Below 0 it is evidence against one. */
  readonly evidenceNats: number;
  readonly finding?: HealthFinding | undefined;
}

/** A monitor's minute. The metrics are those of AWS, named as in CloudWatch. */
export interface HealthMinute {
  readonly monitorName: string;
  /** The start of the minute, ISO 8601. */
  readonly minute: string;
  readonly state: HealthState;
  readonly healthIndicator?: 0 | 1 | undefined;
  /** Bytes; the others are counts. Absent in a minute without flows. */
  readonly dataTransferred?: number | undefined;
  readonly retransmissions?: number | undefined;
  readonly timeouts?: number | undefined;
  /** Microseconds. Absent in a minute without a sample. */
  readonly roundTripTime?: number | undefined;
  /** Whether the numbers of the minute no longer change. */
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
  /** The blamed construct first, then those that were merged in because they are ambiguous with it. */
  readonly constructs: readonly HealthConstruct[];
  readonly setsIndicator: boolean;
  /** ISO 8601. `closedAt` is absent while it is open. */
  readonly openedAt: string;
  readonly closedAt?: string | undefined;
  readonly isFlapping: boolean;
  /** Monitors whose flows it harmed. */
  readonly monitors: readonly string[];
  readonly timeline: readonly IncidentEvent[];
  /** Flows through it, those with most retransmissions first. */
  readonly flows: readonly IncidentFlow[];
}

export interface IncidentFlow {
  readonly local: string;
  readonly remote: string;
  readonly segments: number;
  readonly retrans: number;
}
