/** All parameters of the cloud simulator; `npm run bench:health` prints them. */
export interface CloudParameters {
  readonly regions: number;
  /** Each topology draws its numbers from these ranges, both ends included. */
  readonly zonesPerRegion: readonly [number, number];
  readonly vpcsPerRegion: readonly [number, number];
  readonly peeringsPerRegion: readonly [number, number];
  readonly servicesPerRegion: number;
  readonly endpointsPerRegion: number;
  readonly images: number;
  readonly hosts: number;
  readonly cells: number;
  /** Share of hosts that have an agent. */
  readonly agentShare: number;
  /** The share of cells of each category; the shares add up to 1. */
  readonly traffic: Readonly<Record<TrafficCategory, number>>;
  /** Median base loss and round trip (microseconds) of a category. */
  readonly baseLoss: Readonly<Record<TrafficCategory, number>>;
  readonly baseRtt: Readonly<Record<TrafficCategory, number>>;
  /** Sigma of the log-normal spread of base loss: between cells (permanent) and between windows. */
  readonly lossPersistence: number;
  readonly lossNoise: number;
  /** Variance over mean of the retransmissions: one loss event causes several. */
  readonly burst: number;
  readonly rttPersistence: number;
  readonly rttNoise: number;
  readonly rttOutliers: number;
  /** Sigma of the common change of all round trips in a window, and of all base losses of a host. */
  readonly rttDrift: number;
  readonly hostNoise: number;
  /** Data segments of a cell per window: a truncated Pareto distribution. */
  readonly segmentShape: number;
  readonly segmentMin: number;
  readonly segmentMax: number;
  /** Microseconds that a cell is busy per segment; share of cells that always wait for their receiver. */
  readonly segmentMicros: number;
  readonly waitingCells: number;
  /**
   * Share of hosts and of cells (applications) that are sick at a time, and the mean duration of a
   * sickness in windows.
   */
  readonly sickHosts: number;
  readonly sickCells: number;
  readonly sickWindows: number;
  /** The flows of a host that a report keeps: those with most loss. 0 keeps all. */
  readonly topFlows: number;
}

export type TrafficCategory =
  | 'intra-az'
  | 'inter-az'
  | 'peering'
  | 'transit-gateway'
  | 'inter-region'
  | 'service'
  | 'internet';

export const CLOUD: CloudParameters = {
  regions: 2,
  zonesPerRegion: [2, 4],
  vpcsPerRegion: [3, 6],
  peeringsPerRegion: [2, 3],
  servicesPerRegion: 3,
  endpointsPerRegion: 30,
  images: 8,
  hosts: 480,
  cells: 8_000,
  agentShare: 1,
  traffic: {
    'intra-az': 0.35,
    'inter-az': 0.25,
    peering: 0.08,
    'transit-gateway': 0.12,
    'inter-region': 0.05,
    service: 0.1,
    internet: 0.05,
  },
  baseLoss: {
    'intra-az': 1e-5,
    'inter-az': 2e-5,
    peering: 3e-5,
    'transit-gateway': 5e-5,
    'inter-region': 3e-4,
    service: 1e-4,
    internet: 2e-3,
  },
  baseRtt: {
    'intra-az': 250,
    'inter-az': 900,
    peering: 700,
    'transit-gateway': 1_300,
    'inter-region': 62_000,
    service: 3_000,
    internet: 35_000,
  },
  lossPersistence: 1,
  lossNoise: 0.5,
  burst: 1.6,
  rttPersistence: 0.3,
  rttNoise: 0.08,
  rttOutliers: 0.02,
  rttDrift: 0.01,
  hostNoise: 0,
  segmentShape: 1.05,
  segmentMin: 100,
  segmentMax: 70_000,
  segmentMicros: 400,
  waitingCells: 0.1,
  sickHosts: 0.004,
  sickCells: 0.004,
  sickWindows: 10,
  topFlows: 0,
};
