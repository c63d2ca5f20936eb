import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  flowRow,
  oneSlice,
  startTestStore,
  TEST_SECONDS,
  type TestStore,
} from '../store/testing.ts';
import { type ExplorerRequest, exploreFlows } from './flow-explorer.ts';

const owner = { account: '000000000000', region: 'us-east-1' };
const whole = { startSeconds: TEST_SECONDS, endSeconds: TEST_SECONDS + 60, limit: 1_000 };

let bench: TestStore;
beforeAll(async () => {
  bench = await startTestStore();
  const web = { remoteAddress: '10.0.2.7', local: { az: 'use1-az1' } };
  const rtt = ([count, min, max, sum]: readonly [number, number, number, number]) => ({
    rtt_us_count: count,
    rtt_us_min: min,
    rtt_us_max: max,
    rtt_us_sum: sum,
  });
  await bench.store.insert(
    oneSlice([
      flowRow({
        ...web,
        values: {
          bytes_received: 1,
          sockets_established: 5,
          ...rtt([2, 10, 30, 40]),
          busy_us: 7,
          dsacks: 0,
          delivery_rate_count: 1,
          delivery_rate_max: 5_000_000_000,
        },
      }),
      flowRow({
        ...web,
        timeSeconds: TEST_SECONDS + 30,
        values: { bytes_received: 2, sockets_established: 3, ...rtt([0, 0, 0, 0]) },
      }),
      flowRow({
        ...web,
        timeSeconds: TEST_SECONDS + 59,
        values: { bytes_delivered: 4, sockets_established: 4, ...rtt([1, 20, 90, 90]) },
      }),
      flowRow({ ...web, timeSeconds: TEST_SECONDS + 60, values: { bytes_received: 1_000 } }),
      flowRow({ ...web, timeSeconds: TEST_SECONDS - 1, values: { bytes_received: 1_000 } }),
      flowRow({
        remoteAddress: '2001:db8::1',
        category: 'INTERNET',
        values: { bytes_received: 9 },
      }),
      flowRow({
        servicePort: 80,
        side: 'server',
        dnatAddress: '198.51.100.9',
        values: { bytes_received: 5 },
      }),
      flowRow({ account: '111111111111', values: { bytes_received: 99 } }),
      { ...flowRow({ values: { bytes_received: 1_000 } }), flowsCut: 12 },
      flowRow({ region: 'eu-west-1', values: { bytes_received: 99 } }),
    ]),
    1n,
  );
});
afterAll(() => bench[Symbol.asyncDispose]());

const explore = (request: Partial<ExplorerRequest> = {}) =>
  exploreFlows(bench.store, { owner }, { ...whole, ...request });

test('a flow is one row with the sums, the latest level, and the smallest and greatest sample', async () => {
  const [flow] = await explore({ servicePort: 443, category: 'INTRA_AZ' });
  expect(flow).toMatchObject({
    localIp: '10.0.1.7',
    remoteIp: '10.0.2.7',
    servicePort: 443,
    side: 'client',
    localAz: 'use1-az1',
    bytesReceived: 3n,
    bytesDelivered: 4n,
    socketsEstablished: 4n,
    rttUsCount: 3n,
    rttUsMin: 10n,
    rttUsMax: 90n,
    rttUsSum: 130n,
  });
  expect(flow).not.toHaveProperty('localSubnet');
});

test('flows of the account and Region in the half-open range, most bytes first', async () => {
  const flows = await explore();
  expect(flows.map(({ bytesReceived }) => bytesReceived)).toEqual([9n, 3n, 5n]);
  expect(await explore({ limit: 2 })).toEqual(flows.slice(0, 2));
});

test.each([
  { name: 'local address', request: { localIp: '10.0.1.7' }, found: 3 },
  { name: 'another local address', request: { localIp: '10.0.1.8' }, found: 0 },
  { name: 'remote address', request: { remoteIp: '10.0.2.7' }, found: 2 },
  { name: 'remote IPv6 address', request: { remoteIp: '2001:db8::1' }, found: 1 },
  { name: 'port', request: { servicePort: 80 }, found: 1 },
  { name: 'category', request: { category: 'INTERNET' }, found: 1 },
] as const)('only those of a $name', async ({ request, found }) => {
  expect(await explore(request)).toHaveLength(found);
});

test('a value that only some reports have is summed over those, and left out when none has it', async () => {
  const [flow] = await explore({ servicePort: 443, category: 'INTRA_AZ' });
  expect(flow).toMatchObject({ busyUs: 7n, dsacks: 0n, deliveryRateMax: 5_000_000_000n });
  expect(flow).not.toHaveProperty('segmentsCe');
  expect(flow).not.toHaveProperty('minRttUsMin');
});

test('translated addresses are shown when there are any', async () => {
  expect((await explore({ servicePort: 80 }))[0]).toMatchObject({ dnatIp: '198.51.100.9' });
  expect((await explore({ servicePort: 443 }))[0]).not.toHaveProperty('dnatIp');
});
