import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../lib/clock.ts';
import { type Database, openDatabase } from '../../lib/database.ts';
import { silentLog } from '../../lib/log.ts';
import { Metrics } from '../../lib/metrics.ts';
import { ServiceGroup } from '../../lib/service.ts';
import { UNRELATED } from '../../model/account-relations.ts';
import { groupHeaders } from '../../model/http.ts';
import type { KeyKind } from '../../model/owner.ts';
import { instanceId, networkId } from '../../topology/derived-ids.ts';
import { ResourceGraph } from '../../topology/graph/resource-graph.ts';
import { VersionRepository } from '../../topology/graph/version-repository.ts';
import { LiveSnapshot } from '../../topology/snapshot/live-snapshot.ts';
import { InventoryRepository } from '../../topology/sources/inventory/inventory-repository.ts';
import { INVENTORY_SCHEMA } from '../../topology/sources/inventory/inventory-schema.ts';
import { InventorySource } from '../../topology/sources/inventory/inventory-source.ts';
import { SliceReader } from '../../topology/sources/slice-reader.ts';
import { createApi } from '../create-api.ts';
import { admin, memoryApi } from '../testing.ts';
import { inventoryRoutes } from './inventory-routes.ts';

const PATH = '/api/v1/topology/inventory';
const OFFICE = `
networks:
  - name: office
    subnets: [{ name: servers, prefixes: [10.20.1.0/24], zone: ber1 }]
    hosts: [{ name: db-1, addresses: [10.20.1.7] }]
`;

let database: Database;
let services: ServiceGroup;
let live: LiveSnapshot;
let call: ReturnType<typeof createApi>;

beforeEach(async () => {
  database = await openDatabase({ url: 'sqlite::memory:' });
  const metrics = new Metrics();
  const log = silentLog;
  const kept = { database, clock: systemClock, retentionSeconds: 86_400 };
  live = new LiveSnapshot({
    histories: () => graph.histories(),
    relations: UNRELATED,
    log,
    metrics,
  });
  const graph = new ResourceGraph({
    repository: new VersionRepository(kept),
    onChange: () => live.changed(),
    clock: systemClock,
    log,
    metrics,
  });
  const inventory = new InventorySource({
    reader: new SliceReader({ sink: graph, clock: systemClock, log, metrics }),
    repository: new InventoryRepository(database),
    slices: () => graph.statuses(),
    file: '',
    owner: admin,
    log,
  });
  services = new ServiceGroup([live, graph, inventory]);
  await services.start();
  const settled = () => live.settled();
  const administration = {
    isManagementAccount: async (account: string) => account === admin.account,
  };
  const extensionRoutes = inventoryRoutes({ inventory, settled, administration });
  call = createApi(memoryApi({ extensionRoutes }).deps);
});
afterEach(async () => {
  await services.stop();
  await database.destroy();
});

interface Given {
  readonly type?: string;
  readonly body?: string | Uint8Array;
  readonly kind?: KeyKind;
  readonly account?: string;
}

async function ask(method: string, target: string, given: Given = {}) {
  const { type = 'application/yaml', body = '', kind = 'admin', account = admin.account } = given;
  const response = await call(
    {
      method,
      target,
      headers: groupHeaders(['content-type', type]),
      body: typeof body === 'string' ? new TextEncoder().encode(body) : body,
      remoteAddress: '127.0.0.1',
    },
    { ...admin, kind, account },
  );
  return { ...response, text: String(response.body) };
}

/** Looks up an address of the office in the topology. */
function lookUp(address: string) {
  const vpcId = networkId(admin, 'office');
  // A version begins with the second in which it was put.
  const timeSeconds = Math.floor(Date.now() / 1000) + 1;
  return live.current.locate(address, { owner: admin, vpcId, timeSeconds });
}

test('putting an inventory changes lookups, and deleting it changes them back', async () => {
  expect(lookUp('10.20.1.7')).toBeUndefined();
  const { status, text } = await ask('PUT', PATH, { body: OFFICE });
  expect([status, text]).toEqual([200, '{"resources":8}']);
  expect(lookUp('10.20.1.7')).toMatchObject({
    vpcId: networkId(admin, 'office'),
    az: 'ber1',
    instanceId: instanceId(admin, 'db-1'),
  });
  expect(await ask('GET', PATH)).toMatchObject({
    status: 200,
    headers: { 'content-type': 'application/yaml' },
    text: OFFICE,
  });
  expect(await ask('DELETE', PATH)).toMatchObject({ status: 200, text: '{}' });
  expect(await ask('GET', PATH)).toMatchObject({ status: 404 });
});

test('an invalid inventory is rejected with every problem and changes nothing', async () => {
  await ask('PUT', PATH, { body: OFFICE });
  const { status, text } = await ask('PUT', PATH, { body: 'a: 1\nnetworks: 2' });
  expect(status).toBe(400);
  expect(JSON.parse(text).message.split('\n')).toEqual([
    'line 1: a: unknown member; expected account, region, zones, networks, links or services',
    'line 2: networks: expected a list',
  ]);
  expect((await ask('GET', PATH)).text).toBe(OFFICE);
  expect(lookUp('10.20.1.7')).toBeDefined();
});

describe('the body', () => {
  test.each(['application/yaml', 'application/x-yaml; charset=utf-8', 'text/yaml'])(
    'may be %s',
    async (type) => {
      expect(await ask('PUT', PATH, { type, body: OFFICE })).toMatchObject({ status: 200 });
    },
  );

  test('may be JSON', async () => {
    const body = '{"networks":[{"name":"office"}]}';
    const type = 'application/json';
    expect(await ask('PUT', PATH, { type, body })).toMatchObject({ status: 200 });
    expect((await ask('GET', PATH)).text).toBe(body);
  });

  test('must not have a type that a page of another site can make a browser send', async () => {
    const answer = await ask('PUT', PATH, { type: 'text/plain', body: OFFICE });
    expect(answer).toMatchObject({ status: 415 });
  });

  test('must be UTF-8', async () => {
    const body = new Uint8Array([0x61, 0x3a, 0xff]);
    expect(await ask('PUT', PATH, { body })).toMatchObject({ status: 400 });
  });
});

test('get and delete find nothing before a put', async () => {
  expect(await ask('GET', PATH)).toMatchObject({ status: 404 });
  expect(await ask('DELETE', PATH)).toMatchObject({ status: 404 });
});

test('a read key may get the inventory and its schema, but not put one', async () => {
  const schema = await ask('GET', `${PATH}/schema`, { kind: 'read' });
  expect(JSON.parse(schema.text)).toEqual(INVENTORY_SCHEMA);
  expect(await ask('PUT', PATH, { body: OFFICE, kind: 'read' })).toMatchObject({ status: 403 });
  expect(await ask('GET', PATH, { kind: 'read' })).toMatchObject({ status: 404 });
  expect(await ask('GET', PATH, { kind: 'agent' })).toMatchObject({ status: 403 });
});

test.each(['GET', 'PUT', 'DELETE'])('only the management account may %s', async (method) => {
  const body = method === 'PUT' ? OFFICE : '';
  const answer = await ask(method, PATH, { body, account: '222222222222' });
  expect(answer).toMatchObject({ status: 403 });
});
