import { cloudNetwork } from './cloud-network.ts';
import type { CloudParameters, TrafficCategory } from './cloud-parameters.ts';
import { Random } from './random.ts';
import { cellsByConstruct, type SimNetwork } from './sim-network.ts';
import { emptyWindow, type SimFault, type SimWindow } from './sim-window.ts';

/** The faults and changes of one window. */
export interface WindowRequest {
  readonly faults: readonly SimFault[];
  readonly limited?: ReadonlySet<number> | undefined;
  readonly changed?: ReadonlySet<number> | undefined;
  /** Share of this window during which the faults exist; default 1. */
  readonly onset?: number | undefined;
}

/** Sigma of the spread of a fault's effect over its cells. */
const FAULT_SPREAD = 0.4;
const LATENCY_SPREAD = 0.2;
/** Above this loss, the rate of TCP falls with the square root of the loss (Mathis et al., CCR 1997). */
const SLOWING_LOSS = 0.01;
const BYTES_PER_SEGMENT = 1_400;
const SILENT = 0.03;
const WINDOW_MICROS = 30e6;

/**
 * Simulates a cloud window by window: a permanent base loss per cell, noise, bursts, sick hosts and
 * applications, and the requested faults. Deterministic for a seed.
 */
export class CloudSimulator {
  readonly network: SimNetwork;
  readonly #parameters: CloudParameters;
  readonly #random: Random;
  readonly #cellsOf: readonly Uint32Array[];
  readonly #hosts: readonly number[];
  readonly #baseLoss: Float64Array;
  readonly #baseRtt: Float64Array;
  readonly #volume: Float64Array;
  readonly #connects: Float64Array;
  /** By cell: the usual share of its busy time in which it waits for its receiver. */
  readonly #waiting: Float64Array;
  readonly #sickHosts = new Map<
    number,
    { readonly fault: SimFault; readonly isLimited: boolean }
  >();
  readonly #sickCells = new Map<number, SimFault>();
  // The effects of the window's faults on each cell; cleared for each window.
  readonly #extraLoss: Float64Array;
  readonly #extraRtt: Float64Array;
  readonly #state: Uint8Array;
  readonly #waitNoise: Random;
  #index = 0;

  constructor(parameters: CloudParameters, seed: number) {
    this.#parameters = parameters;
    this.network = cloudNetwork(parameters, seed);
    this.#random = new Random(seed ^ 0x5eed);
    this.#cellsOf = cellsByConstruct(this.network);
    this.#hosts = [...new Set(this.network.host)];
    const { cells, pathClass, classes } = this.network;
    const byCell = (draw: (category: TrafficCategory) => number) =>
      Float64Array.from({ length: cells }, (_, cell) =>
        draw((classes[pathClass[cell] ?? 0] ?? '').split(' ')[0] as TrafficCategory),
      );
    const { lossPersistence, rttPersistence, segmentShape, segmentMin, segmentMax } = parameters;
    this.#baseLoss = byCell(
      (category) => parameters.baseLoss[category] * this.#random.logNormal(lossPersistence),
    );
    this.#baseRtt = byCell(
      (category) => parameters.baseRtt[category] * this.#random.logNormal(rttPersistence),
    );
    this.#volume = byCell(() => this.#random.pareto(segmentShape, segmentMin, segmentMax));
    this.#connects = byCell(() =>
      this.#random.chance(0.6) ? this.#random.logUniform(0.2, 30) : 0,
    );
    // A separate random stream leaves the draws of the main stream as they were without it.
    const own = new Random(seed ^ 0x3a17);
    this.#waiting = Float64Array.from({ length: cells }, () =>
      own.chance(parameters.waitingCells) ? own.uniform(0.3, 0.95) : own.uniform(0, 0.05),
    );
    this.#waitNoise = new Random(seed ^ 0x77a1);
    this.#extraLoss = new Float64Array(cells);
    this.#extraRtt = new Float64Array(cells);
    this.#state = new Uint8Array(cells);
  }

  /** The number of cells that cross a construct. */
  cellsThrough(construct: number): number {
    return this.#cellsOf[construct]?.length ?? 0;
  }

  next(request: WindowRequest = { faults: [] }): SimWindow {
    const window = emptyWindow(this.network, this.#index);
    this.#index += 1;
    this.#sicken();
    this.#extraLoss.fill(0);
    this.#extraRtt.fill(0);
    this.#state.fill(STATE_OK);
    const sick = [...this.#sickHosts.values()];
    for (const { fault } of sick) this.#apply(fault, 1);
    for (const [cell, fault] of this.#sickCells) this.#hit(cell, fault, 1);
    for (const fault of request.faults) this.#apply(fault, request.onset ?? 1);
    this.#observe(window);
    if (this.#parameters.topFlows > 0) this.#truncate(window);
    const limited = sick.filter(({ isLimited }) => isLimited).map(({ fault }) => fault.construct);
    return {
      ...window,
      limited: new Set([...limited, ...(request.limited ?? [])]),
      changed: request.changed ?? new Set(),
      faults: request.faults,
      sickHosts: new Set(this.#sickHosts.keys()),
    };
  }

  /** Lets hosts and applications fall sick and recover, so that the parameters' shares are sick. */
  #sicken(): void {
    const { sickHosts, sickCells, sickWindows } = this.#parameters;
    const random = this.#random;
    const isFirst = this.#index === 1;
    const recover = <T>(sick: Map<number, T>) => {
      for (const one of sick.keys()) if (random.chance(1 / sickWindows)) sick.delete(one);
    };
    recover(this.#sickHosts);
    recover(this.#sickCells);
    const pace = isFirst ? 1 : 1 / sickWindows;
    for (let i = random.poisson(this.#hosts.length * sickHosts * pace); i > 0; i -= 1) {
      const construct = random.pick(this.#hosts);
      const fault = this.#trouble(construct);
      this.#sickHosts.set(construct, { fault, isLimited: random.chance(0.5) });
    }
    for (let i = random.poisson(this.network.cells * sickCells * pace); i > 0; i -= 1) {
      this.#sickCells.set(random.integer(0, this.network.cells), this.#trouble(-1));
    }
  }

  #trouble(construct: number): SimFault {
    const random = this.#random;
    return random.chance(0.7)
      ? { construct, kind: 'loss', severity: random.logUniform(0.003, 0.2), share: 1 }
      : { construct, kind: 'latency', severity: random.logUniform(1_000, 50_000), share: 1 };
  }

  #apply(fault: SimFault, onset: number): void {
    const salt = fault.construct * 977 + Math.round(fault.severity * 1e6);
    const isOwnFault = fault.kind === 'refuse' || fault.kind === 'stall';
    for (const cell of this.#cellsOf[fault.construct] ?? []) {
      // Only the peers of an application observe that it refuses connections or stops reading.
      if (isOwnFault && this.network.remote[cell] !== fault.construct) continue;
      if (fault.share >= 1 || hash(cell, salt) < fault.share) this.#hit(cell, fault, onset);
    }
  }

  #hit(cell: number, { kind, severity }: SimFault, onset: number): void {
    const random = this.#random;
    if (kind === 'loss') this.#lose(cell, severity * onset * random.logNormal(FAULT_SPREAD));
    else if (kind === 'flap') {
      // `severity` is the share of time without a link; a cell that sends then loses packets.
      if (random.chance(0.7)) this.#lose(cell, severity * onset * random.uniform(0.2, 1));
    } else if (kind === 'latency') {
      const added = severity * onset * random.logNormal(LATENCY_SPREAD);
      this.#extraRtt[cell] = (this.#extraRtt[cell] ?? 0) + added;
    } else if (kind === 'dead' && onset < 1) {
      // A cell that worked for part of the window has delivered data, so it is not dead.
      this.#lose(cell, 0.3 * onset);
    } else this.#state[cell] = STATES[kind];
  }

  #lose(cell: number, loss: number): void {
    this.#extraLoss[cell] = 1 - (1 - (this.#extraLoss[cell] ?? 0)) * (1 - Math.min(0.95, loss));
  }

  #observe(window: SimWindow): void {
    const { hostNoise, rttDrift } = this.#parameters;
    const drift = this.#random.logNormal(rttDrift);
    const ofHost = new Map(this.#hosts.map((host) => [host, this.#random.logNormal(hostNoise)]));
    for (let cell = 0; cell < this.network.cells; cell += 1) {
      const state = this.#state[cell];
      if (state === STATES.dead) this.#observeDead(window, cell);
      else if (!this.#random.chance(SILENT)) {
        const factor = ofHost.get(this.network.host[cell] ?? 0) ?? 1;
        this.#observeLoss(window, cell, factor);
        this.#observeConnects(window, cell);
        this.#observeWaiting(window, cell);
        this.#observeRtt(window, cell, drift);
      }
    }
  }

  #observeDead(window: SimWindow, cell: number): void {
    const random = this.#random;
    const lost = 1 + random.poisson(3);
    window.segments[cell] = lost;
    window.retrans[cell] = lost;
    window.timeouts[cell] = lost;
    const connects = random.poisson(this.#connects[cell] ?? 0);
    window.connects[cell] = connects;
    window.failedConnects[cell] = connects;
    window.synRetrans[cell] = connects * 4;
  }

  #observeLoss(window: SimWindow, cell: number, hostFactor: number): void {
    const random = this.#random;
    const { lossNoise, burst } = this.#parameters;
    const extra = this.#extraLoss[cell] ?? 0;
    const base = (this.#baseLoss[cell] ?? 0) * random.logNormal(lossNoise) * hostFactor;
    const loss = Math.min(0.97, base + extra);
    const slowing = extra > SLOWING_LOSS ? Math.sqrt(SLOWING_LOSS / extra) : 1;
    const stalling = this.#state[cell] === STATE_OK ? 1 : 0.02;
    const volume = (this.#volume[cell] ?? 0) * random.logNormal(0.5) * slowing * stalling;
    const segments = Math.max(1, Math.round(volume));
    // Events with a geometric size of mean m have a variance over mean of 2m - 1.
    const size = (burst + 1) / 2;
    const events = random.binomial(segments, loss / size);
    const retrans = Math.min(segments, this.#burstSum(events, size));
    window.segments[cell] = segments;
    window.retrans[cell] = retrans;
    window.timeouts[cell] = random.binomial(events, Math.min(1, 0.04 + 1.2 * loss));
    window.delivered[cell] = (segments - retrans) * BYTES_PER_SEGMENT;
  }

  #burstSum(events: number, size: number): number {
    if (events > 60) {
      const spread = Math.sqrt(events * size * (size - 1)) * this.#random.normal();
      return Math.max(events, Math.round(events * size + spread));
    }
    let sum = 0;
    for (let i = 0; i < events; i += 1) sum += this.#random.geometric(size);
    return sum;
  }

  #observeConnects(window: SimWindow, cell: number): void {
    const random = this.#random;
    const connects = random.poisson(this.#connects[cell] ?? 0);
    if (connects === 0) return;
    const isRefused = this.#state[cell] === STATES.refuse;
    window.connects[cell] = connects;
    window.failedConnects[cell] = isRefused ? connects : random.binomial(connects, 1e-4);
    window.synRetrans[cell] = random.binomial(
      connects,
      Math.min(0.9, (this.#baseLoss[cell] ?? 0) + (this.#extraLoss[cell] ?? 0)),
    );
  }

  #observeRtt(window: SimWindow, cell: number, drift: number): void {
    const random = this.#random;
    const { rttNoise, rttOutliers } = this.#parameters;
    const base = (this.#baseRtt[cell] ?? 0) * drift;
    const min = base * (1 - Math.abs(random.normal()) * rttNoise * 0.5);
    const outlier = random.chance(rttOutliers) ? random.logUniform(1.3, 10) : 1;
    const mean = base * random.logNormal(rttNoise) * outlier;
    const extra = this.#extraRtt[cell] ?? 0;
    window.rttMin[cell] = Math.min(min, mean) + extra * 0.9;
    window.rttMean[cell] = mean + extra;
  }

  /** A stalled receiver makes the sender wait nearly all the time; some cells always wait in part. */
  #observeWaiting(window: SimWindow, cell: number): void {
    const random = this.#waitNoise;
    const isStalled = this.#state[cell] === STATES.stall;
    const sending = (window.segments[cell] ?? 0) * this.#parameters.segmentMicros;
    const busy = isStalled ? WINDOW_MICROS * random.uniform(0.5, 1) : sending;
    const usual = this.#waiting[cell] ?? 0;
    // One window in a hundred has a receiver that is slow for a moment.
    const share = isStalled
      ? random.uniform(0.85, 0.99)
      : random.chance(0.01)
        ? random.uniform(usual, 1)
        : Math.min(1, usual * random.uniform(0.5, 1.5));
    window.busyMicros[cell] = Math.min(WINDOW_MICROS, busy);
    window.rwndLimitedMicros[cell] = Math.min(WINDOW_MICROS, busy) * share;
  }

  /** Clears the cells that a report leaves out: it keeps the flows of a host with most loss. */
  #truncate(window: SimWindow): void {
    const lossOf = (cell: number) =>
      (window.retrans[cell] ?? 0) +
      2 * (window.timeouts[cell] ?? 0) +
      4 * (window.failedConnects[cell] ?? 0);
    for (const host of this.#hosts) {
      const own = [...(this.#cellsOf[host] ?? [])].filter(
        (cell) => this.network.host[cell] === host,
      );
      const sorted = own.sort(
        (a, b) => lossOf(b) - lossOf(a) || (window.segments[b] ?? 0) - (window.segments[a] ?? 0),
      );
      for (const cell of sorted.slice(this.#parameters.topFlows)) {
        silence(window, cell);
      }
    }
  }
}

const STATE_OK = 0;
const STATES = { dead: 1, refuse: 2, stall: 3 };

function silence(window: SimWindow, cell: number): void {
  for (const counter of Object.values(window)) {
    if (counter instanceof Float64Array) counter[cell] = 0;
  }
}

/** A number in [0, 1) that selects the cells of a partial fault, the same in every window. */
function hash(cell: number, salt: number): number {
  let mixed = Math.imul(cell ^ Math.imul(salt, 0x9e3779b1), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
}
