/**
 * Every number the health indicator judges by. Not settings: each was chosen by measurement, and a
 * verdict names the version it was judged by.
 */
export const PARAMETERS = {
  /** Changes whenever one of the others does. */
  version: 2,

  /** Excess retransmissions a segment that are tried; loss of 0.03% is the least one window shows. */
  lossGrid: [3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3],
  /** Shares of a construct's cells that may be broken: ECMP members, black holes, flaps. */
  fractionGrid: [1 / 16, 1 / 8, 1 / 4, 1 / 2],
  /** Shares of connection attempts that may be met with silence. */
  silenceGrid: [0.02, 0.06, 0.2, 0.5, 0.9],
  /** Added round-trip time that is tried, microseconds. */
  shiftGrid: [100, 300, 1e3, 3e3, 1e4, 3e4, 1e5],
  /** Private fault of a cell (its application, one socket): bounds what one cell can say. */
  privateLoss: 0.007,
  privateLatency: 0.02,
  privateDead: 0.01,
  privateSilence: 0.01,
  /** Once a broken share is found, its cells lose alike with this probability: no part of it is news. */
  brokenLoss: 0.75,
  /** No cell says more, for or against. Nats. */
  maxNatsPerCell: 7,

  /** Var/mean of retransmissions: one loss event gives several (lab: 1.5 to 3). */
  burstiness: 1.6,
  /** Relative variance of a cell's own loss: unknown cell, well known cell. */
  newSpread: 0.6,
  knownSpread: 0.1,
  /** A fault does not hit all cells equally. */
  faultSpread: 0.3,
  /** Evidence is against the baseline times this, plus that: small drifts are no fault. */
  tolerance: 1.3,
  toleranceAdded: 3e-5,
  minLoss: 1e-6,
  /** A cell learned while sick stays at most this many times its class. */
  maxAboveClass: 10,
  /** Retransmissions of its class a cell's baseline begins with. */
  classWeight: 1,
  /** Weights halve with age. Seconds. */
  halfLifeSeconds: 86_400,

  /** A fault that goes on for longer is how things are now: it is learned. Seconds. */
  freezeSeconds: 86_400,

  /** Windows of round trips before latency is judged. */
  rttMinWindows: 5,
  /** Relative scale a cell begins with, and how many windows it counts for. */
  rttScale: 0.08,
  rttScaleWindows: 2,
  /** No scale is below this share of the round trip plus these microseconds. */
  rttMinScale: 0.02,
  rttMinScaleMicros: 20,
  /** Scale grows with the shift explained, or one fault spawns ghosts. */
  shiftScale: 0.2,
  /** All cells' median may drift so far and is taken out first: clocks, kernels, load. */
  commonMode: 0.5,

  /**
   * Share of connection attempts whose SYN is sent again before any were seen: listeners' full
   * queues more than loss; as with loss, evidence is against the tolerance times it, plus that.
   */
  priorSilence: 1e-3,
  silenceAdded: 1e-3,
  maxSilence: 0.9,
  /** Beta-binomial: how little the attempts of a cell under a fault differ from those of others. */
  silenceConcentration: 10,

  /** A receiver keeps its senders waiting at least this share of their busy time, where it was at most that. */
  stallShare: 0.5,
  stallUsualShare: 0.25,
  /** Busy time of a remote's senders before it is said. Microseconds. */
  stallMinMicros: 1e6,
  /** A stalled window counts so little in the history: what goes on for days is how things are. */
  stallWeight: 0.05,

  /** P(dead cell | its path is dead), and P(dead | nothing is wrong). */
  deadGivenFault: 0.9,
  deadBase: 1e-4,

  /** Log posterior odds to accept a fault: 95%. Nats. */
  accept: Math.log(20),
  /** A host whose allowance counters rose needs no further reason. */
  limitedHostPrior: 0.3,
  /** A construct with one faulty channel easily has another. */
  secondChannelPrior: 0.1,
  /** Faults at most, and so many more for each host. */
  maxFaults: 14,
  maxFaultsPerHost: 0.012,
  /** What explains nearly as well is named beside. Nats. */
  ambiguity: 3,
  /** A construct under alarm is believed sooner: it is to explain what goes on, not its neighbours. */
  alarmedPrior: 0.5,
  /** To accuse a shared construct: local hosts, or hosts and remotes, with a nat of evidence each. */
  breadthHosts: 3,
  breadthHostsWithRemotes: 2,
  breadthRemotes: 3,

  /** At most one false alarm in so many seconds, over all constructs of an account. */
  patienceSeconds: 30 * 86_400,
  /** An alarm ends after so many windows without it and so many nats against it. */
  clearWindows: 2,
  clearNats: 3,
  /** An alarm nothing is heard of any more ends after so many seconds. */
  silentSeconds: 600,
  /** Opened so often within so many seconds: flapping. */
  flapCount: 3,
  flapSeconds: 600,

  /** Evidence so far back tells whether excess follows load; rank correlation, windows at least. */
  loadWindows: 60,
  loadMinWindows: 10,
  loadCorrelation: 0.6,

  /** Material to a monitor: excess loss, or times its baseline; added microseconds or share; dead. */
  materialLoss: 1e-3,
  materialLossTimesBase: 2,
  materialMicros: 500,
  materialRtt: 0.15,
  materialDead: 0.01,
  /** Silence so soon after a change of the topology is a change's doing. Seconds. */
  configurationSeconds: 120,
  /** A monitor whose flows would not show a loss of this says `insufficient`. */
  minPower: 0.3,
  powerNats: 19,
} as const;

export type Parameters = typeof PARAMETERS;

/**
 * Retransmissions a segment before any were seen, by destination category. Within a Region 1e-5 to
 * 1e-4 (Pingmesh, SIGCOMM 2015), the Internet 1e-3 and more; each gives way to the first thousands
 * of segments.
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
export const PRIOR_LOSS_ELSEWHERE = 5e-4;
