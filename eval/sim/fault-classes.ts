import type { CloudSimulator, WindowRequest } from './cloud-simulator.ts';
import type { Random } from './random.ts';
import { type ConstructKind, isNetwork } from './sim-network.ts';
import type { FaultKind, SimFault } from './sim-window.ts';

/** Faults of shared constructs, which a method should find and name. */
export const NETWORK_CLASSES = [
  'loss .05-.2%',
  'loss .2-5%',
  'loss 5-30%',
  'fraction 1/16-1/4',
  'latency .5-30 ms',
  'flap',
  'black hole',
  'congestion',
  '2-4 at once',
] as const;

/** Windows without a network fault: a method that blames the network for them is wrong. */
export const OTHER_CLASSES = [
  'none',
  'host',
  'host at its limit',
  'receiver overload',
  'refused connections',
  'zero window',
  'remote service',
  'bad image',
  'security group',
] as const;

type NetworkClass = (typeof NETWORK_CLASSES)[number];
type OtherClass = (typeof OTHER_CLASSES)[number];
export type FaultClass = NetworkClass | OtherClass;

/**
 * Minimum cells through a faulty construct, and minimum affected cells. A smaller fault cannot be
 * detected.
 */
const MIN_CELLS = 8;
const MIN_HIT_CELLS = 6;
/** The minimum for a host, an endpoint or a subnet. */
const MIN_OWN_CELLS = 4;

const CONGESTED: ReadonlySet<ConstructKind> = new Set([
  'attachment',
  'peering',
  'transit-gateway',
  'nat',
  'az-pair',
  'region-pair',
]);

/** Draws the faults of a window of a fault class. */
export class FaultDraw {
  readonly #simulator: CloudSimulator;
  readonly #random: Random;

  constructor(simulator: CloudSimulator, random: Random) {
    this.#simulator = simulator;
    this.#random = random;
  }

  draw(name: FaultClass): WindowRequest {
    const random = this.#random;
    switch (name) {
      case 'loss .05-.2%':
        return this.shared('loss', random.logUniform(0.0005, 0.002));
      case 'loss .2-5%':
        return this.shared('loss', random.logUniform(0.002, 0.05));
      case 'loss 5-30%':
        return this.shared('loss', random.logUniform(0.05, 0.3));
      case 'fraction 1/16-1/4':
        return this.shared('loss', random.logUniform(0.1, 0.9), random.logUniform(1 / 16, 1 / 4));
      case 'latency .5-30 ms':
        return this.shared('latency', random.logUniform(500, 30_000));
      case 'flap':
        return this.shared('flap', random.uniform(0.03, 0.2));
      case 'black hole':
        return this.shared('dead', 1, random.logUniform(1 / 16, 1 / 2));
      case 'congestion':
        return { faults: [this.#congestion()] };
      case '2-4 at once':
        return { faults: this.#several(random.integer(2, 5)) };
      default:
        return this.#other(name);
    }
  }

  #other(name: OtherClass): WindowRequest {
    const random = this.#random;
    const one = (kinds: ConstructKind, kind: FaultKind, severity: number): WindowRequest => ({
      faults: [{ construct: this.#any(new Set([kinds]), MIN_OWN_CELLS), kind, severity, share: 1 }],
    });
    switch (name) {
      case 'none':
        return { faults: [] };
      case 'host':
        return one('host', 'loss', random.logUniform(0.005, 0.1));
      case 'host at its limit': {
        const request = one('host', 'loss', random.logUniform(0.005, 0.1));
        return { ...request, limited: new Set(request.faults.map(({ construct }) => construct)) };
      }
      case 'receiver overload':
        return one('endpoint', 'loss', random.logUniform(0.01, 0.2));
      case 'refused connections':
        return one('host', 'refuse', 1);
      case 'zero window':
        return one('host', 'stall', 1);
      case 'remote service':
        return random.chance(0.6)
          ? one('service', 'loss', random.logUniform(0.005, 0.1))
          : one('service', 'latency', random.logUniform(2_000, 50_000));
      case 'bad image':
        return one('image', 'loss', random.logUniform(0.002, 0.05));
      case 'security group': {
        const construct = this.#any(new Set(['subnet']), MIN_HIT_CELLS / 0.4);
        const faults = [{ construct, kind: 'dead', severity: 1, share: 0.4 } as const];
        return { faults, changed: new Set([construct]) };
      }
    }
  }

  /** A fault of a random shared construct that enough cells cross. */
  shared(kind: FaultKind, severity: number, share = 1): WindowRequest {
    const construct = this.#oneOf(this.#networkKinds(), Math.max(MIN_CELLS, MIN_HIT_CELLS / share));
    return { faults: [{ construct, kind, severity, share }] };
  }

  #congestion(): SimFault {
    const severity = this.#random.logUniform(0.005, 0.03);
    return { construct: this.#any(CONGESTED, MIN_CELLS), kind: 'loss', severity, share: 1 };
  }

  #several(count: number): readonly SimFault[] {
    const faults = new Map<number, SimFault>();
    while (faults.size < count) {
      const [fault] = this.#random.chance(0.75)
        ? this.draw('loss .2-5%').faults
        : this.draw('latency .5-30 ms').faults;
      if (fault !== undefined) faults.set(fault.construct, fault);
    }
    return [...faults.values()];
  }

  #any(kinds: ReadonlySet<ConstructKind>, cells: number): number {
    const present = this.#simulator.network.constructs.map(({ kind }) => kind);
    return this.#oneOf(
      [...kinds].filter((kind) => present.includes(kind)),
      cells,
    );
  }

  #networkKinds(): readonly ConstructKind[] {
    return [...new Set(this.#simulator.network.constructs.map(({ kind }) => kind))].filter(
      isNetwork,
    );
  }

  /** Draws the kind first and then a construct of it, so that rare kinds are as likely as common ones. */
  #oneOf(kinds: readonly ConstructKind[], cells: number): number {
    const { constructs } = this.#simulator.network;
    const fitting = kinds
      .map((kind) =>
        constructs.flatMap((construct, i) =>
          construct.kind === kind && this.#simulator.cellsThrough(i) >= cells ? [i] : [],
        ),
      )
      .filter((list) => list.length > 0);
    return this.#random.pick(this.#random.pick(fitting));
  }
}
