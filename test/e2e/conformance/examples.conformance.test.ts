import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkoutRoot } from '../../../src/lib/checkout-root.ts';
import { ACCOUNT, ForeignClient, need } from './foreign-client.ts';

const examples = join(checkoutRoot(), 'examples');

let client: ForeignClient;
beforeAll(async () => {
  client = await ForeignClient.start();
  expect(client.run(process.execPath, [join(checkoutRoot(), 'bin/nfm'), ...createScope])).toEqual({
    status: 0,
    lines: expect.arrayContaining([expect.stringContaining('SUCCEEDED')]),
  });
});
afterAll(() => client?.dispose());

const createScope = ['scope', 'create', '--target', ACCOUNT, '--wait'];
const ROW = /^ *\d+\s+subnet-\w+ (?:→ )?\S*subnet-\w+$/;

test('examples/boto3 prints the top contributors between zones', (context) => {
  need(context, '/usr/lib/python3/dist-packages/boto3', 'python3-boto3');
  const script = join(examples, 'boto3/top_contributors.py');
  const { status, lines } = client.run('/usr/bin/python3', [script, 'DATA_TRANSFERRED']);
  expect({ status, lines }).toEqual({ status: 0, lines: expect.any(Array) });
  expect(lines.length).toBeGreaterThan(1);
  for (const line of lines) expect(line).toMatch(ROW);
});

test('examples/aws-cli prints the same rows', (context) => {
  need(context, '/usr/bin/aws', 'awscli');
  const { status, lines } = client.run('/bin/sh', [join(examples, 'aws-cli/top-contributors.sh')]);
  const rows = lines.map((line) => line.replaceAll('\t', ' '));
  expect({ status, rows }).toEqual({ status: 0, rows: expect.any(Array) });
  expect(rows.length).toBeGreaterThan(1);
  for (const row of rows) expect(row).toMatch(ROW);
});

test('examples/curl prints flows of a category, which only the extension API has', (context) => {
  need(context, '/usr/bin/curl', 'curl');
  const { status, lines } = client.run('/bin/sh', [join(examples, 'curl/flows.sh'), 'INTER_AZ']);
  expect({ status, lines }).toEqual({ status: 0, lines: [expect.any(String)] });
  const { flows } = JSON.parse(lines[0] ?? '') as { flows: readonly { category: string }[] };
  expect(flows.length).toBeGreaterThan(1);
  expect(new Set(flows.map(({ category }) => category))).toEqual(new Set(['INTER_AZ']));
});
