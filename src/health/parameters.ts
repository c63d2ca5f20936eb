/**
 * Every number that verdicts depend on. Operators cannot change them: each was chosen by
 * measurement. A verdict holds the version of the parameters that it was judged with.
 */
export const PARAMETERS = {
  /** Changes whenever another number changes. */
  version: 2,

  /** Excess retransmissions per segment to try. One window shows a loss of 0.03% at least. */
  lossGrid: [3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3],
  /** Shares of broken cells to try: ECMP members, black holes, flaps. */
  fractionGrid: [1 / 16, 1 / 8, 1 / 4, 1 / 2],
  /** Shares of silent connection attempts to try. */
  silenceGrid: [0.02, 0.06, 0.2, 0.5, 0.9],
  /** Added round-trip times to try, in microseconds. */
  shiftGrid: [100, 300, 1e3, 3e3, 1e4, 3e4, 1e5],
  /**
   * The probability that a cell has a private fault: of its application or of one socket. It limits
   * the evidence of a cell.
   */
  privateLoss: 0.007,
  privateLatency: 0.02,
  privateDead: 0.01,
  privateSilence: 0.01,
  /**
   * A cell of an explained broken share has the loss of that share with this probability. Without
   * this term the rest of the share would look like another fault.
   */
  brokenLoss: 0.75,
  /** The maximum evidence of one cell, for or against a fault. Nats. */
  maxNatsPerCell: 7,

  /** Variance over mean of retransmissions: one loss event causes several (1.5 to 3 in the lab). */
  burstiness: 1.6,
  /** The relative variance of a cell's loss: of a new cell, and of a well-known one. */
  newSpread: 0.6,
  knownSpread: 0.1,
  /** The relative variance of a fault's loss between its cells. */
  faultSpread: 0.3,
  /**
   * Evidence is measured against the baseline × `tolerance` + `toleranceAdded`, so drifts are no
   * fault.
   */
  tolerance: 1.3,
  toleranceAdded: 3e-5,
  minLoss: 1e-6,
  /**
   * Limits a cell's baseline to this multiple of its class's, in case the cell was sick while it
   * was learned.
   */
  maxAboveClass: 10,
  /** The number of events at the rate of the prior that a baseline begins with. */
  classWeight: 1,
  /** The age at which a window's weight in the history has halved. */
  halfLifeSeconds: 86_400,

  /** After this time a fault that persists is added to the history, and so becomes the baseline. */
  freezeSeconds: 86_400,

  /** Windows with round-trip times before a cell's latency is judged. */
  rttMinWindows: 5,
  /** The relative scale of round-trip times that a cell begins with, and the windows it counts for. */
  rttScale: 0.08,
  rttScaleWindows: 2,
  /** The smallest scale: this share of the round-trip time plus these microseconds. */
  rttMinScale: 0.02,
  rttMinScaleMicros: 20,
  /**
   * The squared scale grows by the square of this share of the explained shift. Otherwise a fault
   * that shifts its cells unequally would look like several.
   */
  shiftScale: 0.2,
  /** A drift of the median up to this share is removed first: clocks, kernels and load cause it. */
  commonMode: 0.5,

  /**
   * The assumed share of connection attempts whose SYN is sent again, before any are known. Full
   * listen queues cause it more than loss does. Evidence is measured against the baseline ×
   * `tolerance` + `silenceAdded`.
   */
  priorSilence: 1e-3,
  silenceAdded: 1e-3,
  maxSilence: 0.9,
  /**
   * The concentration of the beta-binomial: the greater it is, the more alike the cells of one
   * fault are.
   */
  silenceConcentration: 10,

  /**
   * A receiver stalls if its senders wait for `stallShare` of their busy time and waited for at
   * most `stallUsualShare` of it before.
   */
  stallShare: 0.5,
  stallUsualShare: 0.25,
  /** Busy time of a remote's senders before a stall is reported. Microseconds. */
  stallMinMicros: 1e6,
  /** The weight of a stalled window in the history: a stall becomes the baseline only after days. */
  stallWeight: 0.05,

  /** P(dead cell | its path is dead), and P(dead | nothing is wrong). */
  deadGivenFault: 0.9,
  deadBase: 1e-4,

  /** The log posterior odds from which a fault is accepted: 95%. Nats. */
  accept: Math.log(20),
  /** The prior of a host whose allowance counters rose. */
  limitedHostPrior: 0.3,
  /** The prior of a second faulty channel of a construct. */
  secondChannelPrior: 0.1,
  /**
   * The maximum number of faults in a window: the greater of `maxFaults` and `maxFaultsPerHost` ×
   * hosts.
   */
  maxFaults: 14,
  maxFaultsPerHost: 0.012,
  /**
   * A construct is ambiguous with a fault if it explains the window at most this much worse. Nats.
   */
  ambiguity: 3,
  /**
   * The prior of a construct under alarm, so that it explains a lasting fault rather than its
   * neighbours.
   */
  alarmedPrior: 0.5,
  /**
   * A shared construct is blamed only if `breadthHosts` hosts, or `breadthHostsWithRemotes` hosts
   * and `breadthRemotes` remotes, have a nat of evidence each.
   */
  breadthHosts: 3,
  breadthHostsWithRemotes: 2,
  breadthRemotes: 3,

  /** At most one false alarm in this time, over all constructs of an account and Region. */
  patienceSeconds: 30 * 86_400,
  /**
   * An alarm ends after `clearWindows` windows without evidence for it and `clearNats` of evidence
   * against it.
   */
  clearWindows: 2,
  clearNats: 3,
  /** An alarm whose construct has no more cells ends after this time. */
  silentSeconds: 600,
  /** An incident that opens this often within this time is flapping. */
  flapCount: 3,
  flapSeconds: 600,

  /**
   * Excess follows load if their rank correlation over the last `loadWindows` exceeds
   * `loadCorrelation`.
   */
  loadWindows: 60,
  loadMinWindows: 10,
  loadCorrelation: 0.6,

  /**
   * Harm that is material to a monitor: excess loss, and its multiple of the baseline; added
   * microseconds, and their share of the round-trip time; the share of dead cells or silent attempts.
   */
  materialLoss: 1e-3,
  materialLossTimesBase: 2,
  materialMicros: 500,
  materialRtt: 0.15,
  materialDead: 0.01,
  /** An outage that begins this close to a change of the topology is attributed to the change. */
  configurationSeconds: 120,
  /** A monitor is `insufficient` if a loss of this size would not give `powerNats` of evidence. */
  minPower: 0.3,
  powerNats: 19,
} as const;

export type Parameters = typeof PARAMETERS;

/**
 * Assumed retransmissions per segment before any are known, by destination category. Within a Region
 * 1e-5 to 1e-4 are usual (Pingmesh, SIGCOMM 2015), on the Internet 1e-3 and more. The first thousands
 * of segments outweigh them.
 */
export const PRIOR_LOSS: Readonly<Record<string, number>> = {
  INTRA_AZ: 3e-5,
  INTER_AZ: 5e-5,
  INTER_VPC: 5e-5,
  INTER_REGION: 3e-4,
  AMAZON_S3: 1e-4,
  AMAZON_DYNAMODB: 1e-4,
  AWS_SERVICE: 1e-4,
  INTERNET: 2e-3,
};
/** For all other categories. */
export const PRIOR_LOSS_ELSEWHERE = 5e-4;
