import { classify } from '../src/enrich/classify.ts';
import { seededRandom } from '../src/lib/testing.ts';
import { addressScope } from '../src/model/address.ts';
import { UNKNOWN_END } from '../src/model/enriched-flow.ts';
import type { PathEnd, Vantage } from '../src/model/topology.ts';
import { AddressBook } from '../src/topology/address-book.ts';
import type { Resource, ResourceOf } from '../src/topology/graph/resource.ts';
import type { ResourceVersion } from '../src/topology/graph/resource-version.ts';
import { FOREVER } from '../src/topology/graph/validity.ts';
import { GraphSnapshot } from '../src/topology/snapshot/graph-snapshot.ts';
import { TopologyView } from '../src/topology/topology-view.ts';
import { World } from '../test/topology/world.ts';

export interface TopologyBenchResult {
  readonly interfaces: number;
  readonly snapshotSeconds: number;
  /** The longest step of the build. A request may have to wait this long. */
  readonly longestPieceMillis: number;
  readonly snapshotMib: number;
  readonly lookupClassifyMicros: number;
  readonly lookupClassifyPathMicros: number;
  /** The same for flows in the order of reports: 500 flows of a host in sequence. */
  readonly lookupClassifyPathOfReportsMicros: number;
  /** The lower bound: one hit of a Map by network and address. */
  readonly mapHitMicros: number;
  /** The alternative that the index replaces: comparing all prefixes in sequence. */
  readonly linearScanMicros: number;
}

const SIZE = { vpcs: 100, subnetsPerVpc: 10, hostsPerSubnet: 100, pods: 5_000 };
const NOW = 1_800_000_000;
const ROUNDS = 15;
const FLOWS_A_ROUND = 20_000;

type Interface = ResourceOf<'network-interface'>;

interface BenchFlow {
  readonly local: PathEnd;
  readonly vantage: Vantage;
  readonly remote: string;
  readonly far: PathEnd;
}

/**
 * Builds a snapshot of 100,000 interfaces and looks up distinct random flows between them, to AWS
 * and to the internet, on one core after a warm-up. The figures are of the median flow.
 */
export function benchTopology(): TopologyBenchResult {
  const resources = new World(SIZE).statements(NOW).flatMap((said) => said.resources);
  const interfaces = resources.filter((own): own is Interface => own.kind === 'network-interface');
  const { snapshot, ...made } = makeSnapshot(resources);
  const topology = new TopologyView(snapshot, new AddressBook({ claims: [], onAmbiguous: noop }));
  const random = seededRandom(3);
  const roundsOf = (flowsAHost: number) =>
    Array.from({ length: ROUNDS }, () => makeFlows(interfaces, random, flowsAHost));
  const rounds = roundsOf(1);
  const hits = new Map(interfaces.map((own) => [`${own.vpcId} ${own.addresses[0]}`, own]));
  const prefixes = prefixesOf(resources);
  const lookupClassifyPath = ({ vantage, local, remote, far }: BenchFlow) => {
    const located = topology.locate(remote, vantage);
    const category = classify({ local, remote: located, remoteScope: addressScope(remote) });
    return topology.pathOf(local, far, NOW + 1).constructs.length + category.length;
  };
  return {
    interfaces: interfaces.length,
    ...made,
    lookupClassifyMicros: medianMicros(rounds, ({ vantage, local, remote }) => {
      const located = topology.locate(remote, vantage);
      return classify({ local, remote: located, remoteScope: addressScope(remote) }).length;
    }),
    lookupClassifyPathMicros: medianMicros(rounds, lookupClassifyPath),
    lookupClassifyPathOfReportsMicros: medianMicros(roundsOf(500), lookupClassifyPath),
    mapHitMicros: medianMicros(rounds, ({ local, remote }) =>
      hits.has(`${local.vpcId} ${remote}`) ? 1 : 0,
    ),
    linearScanMicros: medianMicros(rounds.slice(0, 3), ({ remote }) => scan(prefixes, remote)),
  };
}

const noop = () => {};

function makeSnapshot(resources: readonly Resource[]) {
  const histories = resources.map((resource): ResourceVersion[] => [
    { source: 'aws', slice: 'a', resource, fromSeconds: NOW, toSeconds: FOREVER },
  ]);
  globalThis.gc?.();
  const before = memoryBytes();
  const started = performance.now();
  const steps = GraphSnapshot.make(histories);
  let longestPieceMillis = 0;
  for (let pieceStarted = started; ; pieceStarted = performance.now()) {
    const step = steps.next();
    longestPieceMillis = Math.max(longestPieceMillis, performance.now() - pieceStarted);
    if (step.done !== true) continue;
    const snapshotSeconds = (performance.now() - started) / 1000;
    const snapshotMib = (memoryBytes() - before) / 2 ** 20;
    return { snapshot: step.value, snapshotSeconds, longestPieceMillis, snapshotMib };
  }
}

/** Heap and buffers; includes garbage if the collector cannot be called. */
function memoryBytes(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function makeFlows(
  interfaces: readonly Interface[],
  random: () => number,
  flowsAHost: number,
): BenchFlow[] {
  const one = <Item>(items: readonly Item[]) => items[Math.floor(random() * items.length)] as Item;
  const hosts = interfaces.filter(({ instanceId }) => instanceId !== undefined);
  const octet = () => Math.floor(random() * 256);
  let host = one(hosts);
  return Array.from({ length: FLOWS_A_ROUND }, (_, flow) => {
    if (flow % flowsAHost === 0) host = one(hosts);
    const { account, region, vpcId, subnetId = '', instanceId = '', addresses } = host;
    const kind = random();
    const near = one(hosts).addresses[0] ?? '';
    const remote =
      kind < 0.7
        ? near
        : kind < 0.85
          ? `52.216.${octet()}.${octet()}`
          : `8.${octet()}.${octet()}.1`;
    const address = addresses[0] ?? '';
    const local = { account, region, vpcId, subnetId, az: '', instanceId, address };
    const vantage = { owner: local, vpcId, subnetId, timeSeconds: NOW + 1 };
    return { local, vantage, remote, far: { ...UNKNOWN_END, address: remote } };
  });
}

/** The median time of a single flow after a warm-up, without the time of reading the clock. */
function medianMicros(
  rounds: readonly (readonly BenchFlow[])[],
  act: (flow: BenchFlow) => number,
): number {
  const timed = (work: (flow: BenchFlow) => number) => {
    let sum = 0;
    const micros = rounds.flatMap((flows) =>
      flows.map((flow) => {
        const started = performance.now();
        sum += work(flow);
        return (performance.now() - started) * 1000;
      }),
    );
    if (!Number.isFinite(sum)) throw new Error('nothing was measured');
    return Float64Array.from(micros).sort()[Math.floor(micros.length / 2)] ?? 0;
  };
  timed(act);
  return timed(act) - timed(() => 0);
}

interface NumberPrefix {
  readonly first: number;
  readonly last: number;
}

function prefixesOf(resources: readonly Resource[]): readonly NumberPrefix[] {
  return resources.flatMap((resource) => {
    if (resource.kind !== 'subnet') return [];
    const [base = '', length = '32'] = (resource.cidrs[0] ?? '').split('/');
    const first = numberOf(base);
    return [{ first, last: first + 2 ** (32 - Number(length)) - 1 }];
  });
}

function numberOf(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

function scan(prefixes: readonly NumberPrefix[], address: string): number {
  const number = numberOf(address);
  return prefixes.filter(({ first, last }) => first <= number && number <= last).length;
}
