import { Random } from './random.ts';
import { NetworkBuilder, pathOf, type SimNetwork } from './sim-network.ts';
import { emptyWindow, type SimFault, type SimWindow } from './sim-window.ts';

/** The parameters of a data centre's three-layer fabric, its traffic and its losses. */
export interface FabricParameters {
  readonly name: string;
  readonly pods: number;
  readonly topsOfRackPerPod: number;
  readonly aggregationsPerPod: number;
  readonly cores: number;
  /** Whether an aggregation switch has links to a group of cores, as in a fat tree, or to all cores. */
  readonly hasCoreGroups: boolean;
  readonly hostsPerTopOfRack: number;
  readonly flows: number;
  /** Segments of a flow: a Pareto distribution by shape, minimum and maximum. */
  readonly segmentShape: number;
  readonly segmentMin: number;
  readonly segmentMax: number;
  /** The loss of a good link is uniform between 0 and this. */
  readonly goodLoss: number;
  /** Share of the flows whose destination is in a twentieth of the racks. */
  readonly skew: number;
}

/**
 * The k = 10 fat tree of Flock (PACMNET CoNEXT 2023): 125 switches, 250 servers; Pareto(1.05) flows of
 * 200 KB on average (1,460-byte segments), at most 100 MB; good links lose up to 1e-4.
 */
export const FAT_TREE: FabricParameters = {
  name: 'fat tree k=10',
  pods: 10,
  topsOfRackPerPod: 5,
  aggregationsPerPod: 5,
  cores: 25,
  hasCoreGroups: true,
  hostsPerTopOfRack: 5,
  flows: 50_000,
  segmentShape: 1.05,
  segmentMin: 17,
  segmentMax: 68_500,
  goodLoss: 1e-4,
  skew: 0,
};

/**
 * The Clos of 007 (NSDI 2018): 2 pods of 20 top-of-rack and 8 T1 switches, 10 T2, 40 hosts a rack,
 * connections of at most 100 packets, good links lose up to 1e-6. The paper's 16 connections per
 * host and second are reduced to 100,000 per window, to keep the run short.
 */
export const TWO_POD_CLOS: FabricParameters = {
  name: 'two-pod Clos',
  pods: 2,
  topsOfRackPerPod: 20,
  aggregationsPerPod: 8,
  cores: 10,
  hasCoreGroups: false,
  hostsPerTopOfRack: 40,
  flows: 100_000,
  segmentShape: 1.05,
  segmentMin: 20,
  segmentMax: 100,
  goodLoss: 1e-6,
  skew: 0,
};

interface Rack {
  readonly pod: number;
  readonly switch: number;
  /** The link to each aggregation switch of the pod. */
  readonly links: readonly number[];
  readonly hosts: readonly number[];
}

interface Aggregation {
  readonly switch: number;
  /** The link to each core. */
  readonly links: ReadonlyMap<number, number>;
}

/** Simulates a fabric window by window: the same flows with new sizes, with loss on bad links and switches. */
export class FabricSimulator {
  readonly network: SimNetwork;
  readonly #parameters: FabricParameters;
  readonly #random: Random;
  readonly #loss: Float64Array;
  #index = 0;

  constructor(parameters: FabricParameters, seed: number) {
    this.#parameters = parameters;
    this.#random = new Random(seed);
    this.network = fabricNetwork(parameters, this.#random, seed);
    this.#loss = Float64Array.from(this.network.constructs, ({ kind }) =>
      kind === 'link' ? this.#random.uniform(0, parameters.goodLoss) : 0,
    );
  }

  /** Draws a number of distinct bad links or switches, each with a loss from a range. */
  faults(kind: 'link' | 'switch', count: number, range: readonly [number, number]): SimFault[] {
    const { constructs } = this.network;
    const all = constructs.flatMap((construct, i) => (construct.kind === kind ? [i] : []));
    const chosen = new Set<number>();
    while (chosen.size < count) chosen.add(this.#random.pick(all));
    return [...chosen].map((construct) => {
      const severity = this.#random.uniform(...range);
      return { construct, kind: 'loss', severity, share: 1 };
    });
  }

  next(faults: readonly SimFault[] = []): SimWindow {
    const random = this.#random;
    const { segmentShape, segmentMin, segmentMax } = this.#parameters;
    const window = emptyWindow(this.network, this.#index);
    this.#index += 1;
    const bad = new Map(faults.map(({ construct, severity }) => [construct, severity]));
    for (let cell = 0; cell < this.network.cells; cell += 1) {
      const segments = Math.round(random.pareto(segmentShape, segmentMin, segmentMax));
      const retrans = random.binomial(segments, this.#pathLoss(cell, bad));
      window.segments[cell] = segments;
      window.retrans[cell] = retrans;
      window.delivered[cell] = (segments - retrans) * 1_460;
      const rtt = 200 * random.logNormal(0.05);
      window.rttMean[cell] = rtt;
      window.rttMin[cell] = rtt * 0.9;
    }
    return { ...window, faults };
  }

  #pathLoss(cell: number, bad: ReadonlyMap<number, number>): number {
    let through = 1;
    for (const construct of pathOf(this.network, cell)) {
      through *= 1 - (bad.get(construct) ?? this.#loss[construct] ?? 0);
    }
    return 1 - through;
  }
}

function fabricNetwork(parameters: FabricParameters, random: Random, seed: number): SimNetwork {
  const builder = new NetworkBuilder();
  const cores = Array.from({ length: parameters.cores }, (_, i) =>
    builder.construct('switch', `core-${i}`),
  );
  const pods = Array.from({ length: parameters.pods }, (_, pod) =>
    fabricPod(builder, { parameters, pod, cores }),
  );
  const racks = pods.flatMap((pod) => pod.racks);
  const popular = racks.slice(0, Math.ceil(racks.length / 20));
  for (let flow = 0; flow < parameters.flows; flow += 1) {
    const from = random.pick(racks);
    const to = random.pick(random.chance(parameters.skew) ? popular : racks);
    const host = random.pick(from.hosts);
    const others = to.hosts.filter((other) => other !== host);
    const remote = random.pick(others);
    const between = drawRoute({ from, to, pods, random });
    builder.cell({
      host,
      remote,
      pathClass: `${between.length}`,
      path: [host, ...between, remote],
    });
  }
  return builder.build(`${parameters.name} ${seed}`);
}

interface Pod {
  readonly racks: readonly Rack[];
  readonly aggregations: readonly Aggregation[];
}

interface PodPlace {
  readonly parameters: FabricParameters;
  readonly pod: number;
  readonly cores: readonly number[];
}

function fabricPod(builder: NetworkBuilder, { parameters, pod, cores }: PodPlace): Pod {
  const { aggregationsPerPod, topsOfRackPerPod, hostsPerTopOfRack, hasCoreGroups } = parameters;
  const group = cores.length / aggregationsPerPod;
  const aggregations = Array.from({ length: aggregationsPerPod }, (_, i) => {
    const reached = hasCoreGroups ? cores.slice(i * group, (i + 1) * group) : cores;
    return {
      switch: builder.construct('switch', `agg-${pod}-${i}`),
      links: new Map(
        reached.map((core) => [core, builder.construct('link', `agg-${pod}-${i}=core-${core}`)]),
      ),
    };
  });
  const racks = Array.from({ length: topsOfRackPerPod }, (_, i) => ({
    pod,
    switch: builder.construct('switch', `tor-${pod}-${i}`),
    links: aggregations.map((_, a) => builder.construct('link', `tor-${pod}-${i}=agg-${pod}-${a}`)),
    hosts: Array.from({ length: hostsPerTopOfRack }, (_, h) =>
      builder.construct('host', `host-${pod}-${i}-${h}`),
    ),
  }));
  return { racks, aggregations };
}

interface Ends {
  readonly from: Rack;
  readonly to: Rack;
  readonly pods: readonly Pod[];
  readonly random: Random;
}

/** Draws one of the equal-cost routes between two racks, as ECMP would: its switches and links. */
function drawRoute({ from, to, pods, random }: Ends): readonly number[] {
  if (from === to) return [from.switch];
  const ups = pods[from.pod]?.aggregations ?? [];
  const up = random.integer(0, ups.length);
  const first = [from.switch, from.links[up] ?? 0, ups[up]?.switch ?? 0];
  if (from.pod === to.pod) return [...first, to.links[up] ?? 0, to.switch];
  const [core, upLink] = random.pick([...(ups[up]?.links ?? [])]);
  const downs = (pods[to.pod]?.aggregations ?? []).map((one, index) => ({ one, index }));
  const down = random.pick(downs.filter(({ one }) => one.links.has(core)));
  const last = [down.one.links.get(core) ?? 0, down.one.switch, to.links[down.index] ?? 0];
  return [...first, upLink, core, ...last, to.switch];
}
