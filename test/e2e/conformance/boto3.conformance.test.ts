import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { OPERATIONS, type OperationName, operationSpec } from '../../../src/contract/operations.ts';
import { ForeignClient, need } from './foreign-client.ts';

interface Unreachable {
  readonly error: string;
  readonly operations: readonly string[];
}

const fixtures = join(import.meta.dirname, '../../fixtures/contract');
const unreachable: readonly Unreachable[] = [
  ...(JSON.parse(
    readFileSync(join(fixtures, 'errors-that-cannot-occur.json'), 'utf8'),
  ) as Unreachable[]),
  // A client cannot provoke these errors; test/golden/api/errors shows them.
  { error: 'InternalServerException', operations: Object.keys(OPERATIONS) },
  { error: 'ServiceQuotaExceededException', operations: ['CreateScope'] },
  { error: 'ConflictException', operations: ['UpdateScope', 'TagResource', 'UntagResource'] },
];

let client: ForeignClient;
beforeAll(async () => {
  client = await ForeignClient.start(['--queries-per-account', '2', '--query-concurrency', '1']);
});
afterAll(() => client?.dispose());

function expectedExchanges(): string[] {
  return (Object.keys(OPERATIONS) as OperationName[]).flatMap((operation) => {
    const errors = operationSpec(operation).errors.filter(
      (error) =>
        !unreachable.some((one) => one.error === error && one.operations.includes(operation)),
    );
    return ['success', ...errors].map((outcome) => `exchange ${operation} ${outcome}`);
  });
}

test('boto3 with the derived model runs all 25 operations and receives every error that can occur', async (context) => {
  need(context, '/usr/lib/python3/dist-packages/boto3', 'python3-boto3');
  const story = join(import.meta.dirname, 'boto3_story.py');
  const { status, lines } = client.run('/usr/bin/python3', [story]);
  expect({ status, last: lines.at(-1) }).toEqual({
    status: 0,
    last: expect.stringMatching(/^exchange /),
  });
  const exchanges = lines.filter((line) => line.startsWith('exchange '));
  expect(exchanges).toEqual(expectedExchanges().toSorted());
  const checks = lines.filter((line) => line.startsWith('check '));
  await expect(`${checks.join('\n')}\n`).toMatchFileSnapshot('boto3-checks.txt');
});
