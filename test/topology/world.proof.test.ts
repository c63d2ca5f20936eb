import { expect, test } from 'vitest';
import { enrich } from '../../src/enrich/enrich.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import { openDatabase } from '../../src/lib/database.ts';
import { silentLog } from '../../src/lib/log.ts';
import { Metrics } from '../../src/lib/metrics.ts';
import { seededRandom } from '../../src/lib/testing.ts';
import type { EnrichedFlow } from '../../src/model/enriched-flow.ts';
import { VALUES_LENGTH } from '../../src/model/flow-metrics.ts';
import type { ReportedFlow } from '../../src/model/report.ts';
import type { TopologySnapshot, TraversedConstruct } from '../../src/model/topology.ts';
import { AddressBook } from '../../src/topology/address-book.ts';
import type { Resource, ResourceOf } from '../../src/topology/graph/resource.ts';
import { ResourceGraph } from '../../src/topology/graph/resource-graph.ts';
import type { SourceStatement } from '../../src/topology/graph/source-statement.ts';
import { VersionRepository } from '../../src/topology/graph/version-repository.ts';
import { makeSnapshot } from '../../src/topology/testing.ts';
import { TopologyView } from '../../src/topology/topology-view.ts';
import { Oracle, type OracleAnswer, type OracleQuestion } from './oracle.ts';
import { World } from './world.ts';

const START = 1_800_000_000;
const STEP_SECONDS = 600;
const STEPS = 8;
const FLOWS = 100_000;

const random = seededRandom(2);
const below = (limit: number) => Math.floor(random() * limit);
const oneOf = <Item>(items: readonly Item[]): Item => items[below(items.length)] as Item;

type Interface = ResourceOf<'network-interface'>;

/** The statements at one time, and the addresses of which flows are made. */
interface Moment {
  readonly statements: readonly SourceStatement[];
  readonly interfaces: readonly Interface[];
  readonly hosts: readonly Interface[];
  readonly ofVpc: ReadonlyMap<string, readonly Interface[]>;
  readonly publicAddresses: readonly string[];
}

test('lookup, category, path and pods of random flows at random times equal those of a full scan', async () => {
  const { moments, topology } = await makeWorld();
  const oracle = new Oracle(moments.map(({ statements }) => statements));
  const categories = new Map<string, number>();
  const kinds = new Set<number>();
  for (let i = 0; i < FLOWS; i += 1) {
    const question = anyFlow(moments);
    const expected = oracle.answer(question);
    const answer = answerOf(question, topology);
    // 100,000 deep comparisons by Vitest would take longer than the rest of the test.
    const isEqual = JSON.stringify(answer) === JSON.stringify(expected);
    if (!isEqual) expect({ question, ...answer }).toEqual({ question, ...expected });
    categories.set(expected.category, (categories.get(expected.category) ?? 0) + 1);
    kinds.add(expected.path.length);
  }
  // The flows must cover every category and paths of many lengths.
  expect(Math.min(...categories.values())).toBeGreaterThan(100);
  expect([...categories.keys()].sort()).toEqual([
    'AMAZON_DYNAMODB',
    'AMAZON_S3',
    'AWS_SERVICE',
    'INTERNET',
    'INTER_AZ',
    'INTER_REGION',
    'INTER_VPC',
    'INTRA_AZ',
    'LOCAL_ZONE',
    'TRANSIT_GATEWAY',
    'UNCLASSIFIED',
  ]);
  expect(kinds.size).toBeGreaterThan(6);
}, 240_000);

async function makeWorld() {
  const world = new World();
  const database = await openDatabase({ url: 'sqlite::memory:' });
  const clock = new FakeClock(START * 1000);
  const graph = new ResourceGraph({
    repository: new VersionRepository({ database, clock, retentionSeconds: 86_400 }),
    onChange: () => {},
    clock,
    log: silentLog,
    metrics: new Metrics(),
  });
  const moments: Moment[] = [];
  for (let step = 0; step < STEPS; step += 1) {
    const statements = world.statements(START + step * STEP_SECONDS);
    for (const statement of statements) await graph.accept(statement);
    moments.push(momentOf(statements));
    world.change();
  }
  await database.destroy();
  const book = new AddressBook({ claims: [], onAmbiguous: () => {} });
  const organization = { administers: () => false, areTogether: () => true };
  const topology = new TopologyView(makeSnapshot(graph.histories(), organization), book);
  return { moments, topology };
}

function momentOf(statements: readonly SourceStatement[]): Moment {
  const isInterface = (resource: Resource): resource is Interface =>
    resource.kind === 'network-interface';
  const interfaces = statements.flatMap(({ resources }) => resources).filter(isInterface);
  const ofVpc = new Map<string, Interface[]>();
  for (const { vpcId } of interfaces) ofVpc.set(vpcId, []);
  for (const own of interfaces) ofVpc.get(own.vpcId)?.push(own);
  const publicAddresses = interfaces.flatMap((own) => own.publicAddresses ?? []);
  const hosts = interfaces.filter(({ instanceId }) => instanceId !== undefined);
  return { statements, interfaces, hosts, ofVpc, publicAddresses };
}

const isV6 = (address: string) => address.includes(':');

function anyFlow(moments: readonly Moment[]): OracleQuestion {
  const step = below(STEPS);
  const moment = moments[step] as Moment;
  const host = oneOf(moment.hosts);
  const localAddress = oneOf(host.addresses);
  const { account, region, vpcId, instanceId = '' } = host;
  const remoteAddress = isV6(localAddress) ? anyV6(moment, host) : anyRemote(moments, moment, host);
  const timeSeconds = START + step * STEP_SECONDS + below(STEP_SECONDS);
  return { account, region, vpcId, instanceId, localAddress, remoteAddress, timeSeconds };
}

/** A current, a former or an unused address of the world, or one of the internet. */
function anyRemote(moments: readonly Moment[], moment: Moment, host: Interface): string {
  const v4Of = ({ addresses }: Interface) => oneOf(addresses.filter((own) => !isV6(own)));
  const kinds: readonly (() => string)[] = [
    () => v4Of(oneOf(moment.ofVpc.get(host.vpcId) ?? [])),
    () => v4Of(oneOf(oneOf(moments).ofVpc.get(host.vpcId) ?? [])),
    () => v4Of(oneOf(moment.interfaces)),
    () =>
      `10.${oneOf([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 50, 97, 98, 99])}.${below(12)}.${below(256)}`,
    () => oneOf(moment.publicAddresses),
    () =>
      oneOf([
        '52.216',
        '52.217',
        '52.218.3',
        '52.94.1',
        '52.94.24',
        '52.94.9',
        '3.81',
        '3.216.149',
        '34.241',
        '13.33',
        '15.181.2',
        '15.181.99',
      ]),
    () => oneOf(['8', '150.9', '99.1.2']),
    () => `172.${16 + below(16)}.${below(5)}.${1 + below(25)}`,
  ];
  const address = oneOf(kinds)();
  const missing = 4 - address.split('.').length;
  return [address, ...Array.from({ length: missing }, () => 1 + below(254))].join('.');
}

function anyV6(moment: Moment, host: Interface): string {
  const own = oneOf(moment.ofVpc.get(host.vpcId) ?? []).addresses.filter(isV6);
  const other = oneOf(moment.interfaces).addresses.filter(isV6);
  return oneOf([...own, ...other, '2600:1fa0:8000::1', '2a00:1450::1', '2600:1f00:1:3::ffff']);
}

/** The answer of the topology and of `enrich`, in the form of the oracle's. */
function answerOf(question: OracleQuestion, topology: TopologySnapshot): OracleAnswer {
  const { account, region, vpcId, instanceId, localAddress, remoteAddress, timeSeconds } = question;
  const owner = { account, region };
  const host = { owner, instanceId, vpcId, az: '', cluster: '', subnetOf: new Map() };
  const values = new Float64Array(VALUES_LENGTH);
  const flow: ReportedFlow = {
    side: 'client',
    localAddress,
    remoteAddress,
    servicePort: 443,
    values,
  };
  const row = enrich(
    { host, timeSeconds, flows: [flow], remainders: [] },
    topology,
  )[0] as EnrichedFlow;
  const { remote, local, category, remoteIdentifier: identifier } = row;
  const path = topology.pathOf(
    { ...local, address: localAddress },
    { ...remote, address: remoteAddress },
    timeSeconds,
  );
  const { service = '' } = remote as { readonly service?: string };
  return {
    remote: {
      account: remote.account,
      region: remote.region,
      vpcId: remote.vpcId,
      subnetId: remote.subnetId,
      az: remote.az,
      instanceId: remote.instanceId,
      service,
    },
    category,
    identifier,
    path: path.constructs.map(wordOf),
    snatAddress: path.snatAddress,
    dnatAddress: path.dnatAddress,
    remotePod: row.pods?.remotePodName ?? '',
    remoteService: row.pods?.remoteServiceName ?? '',
  };
}

const wordOf = ({ componentId, serviceName }: TraversedConstruct) =>
  componentId ?? serviceName ?? '';
