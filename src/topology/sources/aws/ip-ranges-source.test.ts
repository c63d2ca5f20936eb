import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FakeClock } from '../../../lib/clock.ts';
import { silentLog } from '../../../lib/log.ts';
import { Metrics } from '../../../lib/metrics.ts';
import { SliceReader } from '../slice-reader.ts';
import { HttpStandIn, RecordingSink, until } from '../testing.ts';
import { IpRangesSource } from './ip-ranges-source.ts';

vi.setConfig({ testTimeout: 30_000 });

let folder: string;
let sink: RecordingSink;
let source: IpRangesSource;
let server: HttpStandIn | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nfm-ip-ranges-'));
});
afterEach(async () => {
  await source.stop();
  await server?.stop();
  server = undefined;
  await rm(folder, { recursive: true });
});

const published = {
  syncToken: '1800000000',
  createDate: '2027-01-15-08-00-00',
  prefixes: [
    {
      ip_prefix: '52.216.0.0/15',
      region: 'us-east-1',
      service: 'S3',
      network_border_group: 'us-east-1',
    },
    {
      ip_prefix: '15.181.232.0/21',
      region: 'us-east-1',
      service: 'EC2',
      network_border_group: 'us-east-1-bos-1',
    },
    { ip_prefix: '52.216.0.0/99', region: 'us-east-1', service: 'S3' },
  ],
  ipv6_prefixes: [
    {
      ipv6_prefix: '2600:9000:0::/28',
      region: 'GLOBAL',
      service: 'CLOUDFRONT',
      network_border_group: 'GLOBAL',
    },
  ],
};

async function start(location: string) {
  sink = new RecordingSink();
  const clock = new FakeClock(1_800_000_000_000);
  const reader = new SliceReader({ sink, clock, log: silentLog, metrics: new Metrics() });
  source = new IpRangesSource({ reader, location });
  await source.start();
}

async function fileOf(text: string): Promise<string> {
  const path = join(folder, 'ip-ranges.json');
  await writeFile(path, text);
  return path;
}

async function serve(status: number, body: string): Promise<string> {
  server = new HttpStandIn((_, response) => response.writeHead(status).end(body));
  await server.start();
  return `${server.url}/ip-ranges.json`;
}

test.each([
  { name: 'a file', locate: () => fileOf(JSON.stringify(published)) },
  { name: 'a URL', locate: () => serve(200, JSON.stringify(published)) },
])(
  'reads the prefixes of services from $name, and leaves unreadable entries out',
  async ({ locate }) => {
    await start(await locate());
    await until(() => expect(sink.statements).toHaveLength(1));
    const base = { kind: 'service-prefix', region: 'us-east-1' };
    expect(sink.statements[0]).toEqual({
      source: 'aws',
      slice: 'ip-ranges',
      atSeconds: 1_800_000_000,
      resources: [
        {
          ...base,
          id: 'S3 us-east-1 52.216.0.0/15',
          prefix: '52.216.0.0/15',
          service: 'S3',
          networkBorderGroup: 'us-east-1',
        },
        {
          ...base,
          id: 'EC2 us-east-1 15.181.232.0/21',
          prefix: '15.181.232.0/21',
          service: 'EC2',
          networkBorderGroup: 'us-east-1-bos-1',
        },
        {
          kind: 'service-prefix',
          id: 'CLOUDFRONT GLOBAL 2600:9000::/28',
          prefix: '2600:9000::/28',
          service: 'CLOUDFRONT',
          region: 'GLOBAL',
          networkBorderGroup: 'GLOBAL',
        },
      ],
      warnings: [
        'unreadable entry: {"ip_prefix":"52.216.0.0/99","region":"us-east-1","service":"S3"}',
      ],
    });
  },
);

test.each([
  {
    name: 'is missing',
    locate: async () => join(folder, 'none'),
    message: /cannot read .*ENOENT/,
  },
  { name: 'is not JSON', locate: () => fileOf('<html>'), message: /not JSON/ },
  { name: 'has another format', locate: () => fileOf('{"a":[]}'), message: /expected prefixes/ },
  { name: 'is refused', locate: () => serve(403, 'no'), message: /cannot read .*HTTP status 403/ },
  {
    name: 'is too large',
    locate: () => fileOf(' '.repeat(16 * 1024 * 1024 + 1)),
    message: /more than 16777216 bytes/,
  },
])('a list that $name fails with the reason', async ({ locate, message }) => {
  await start(await locate());
  await until(() => expect(sink.failures).toHaveLength(1));
  expect(sink.failures[0]?.message).toMatch(message);
  expect(sink.statements).toEqual([]);
});
