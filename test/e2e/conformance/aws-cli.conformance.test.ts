import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ACCOUNT, ForeignClient, need, REGION } from './foreign-client.ts';

let client: ForeignClient;
beforeAll(async () => {
  client = await ForeignClient.start();
});
afterAll(() => client?.dispose());

test('the AWS CLI with the derived model runs from create-scope to the rows of a query and deletes all again', (context) => {
  need(context, '/usr/bin/aws', 'awscli');
  const story = join(import.meta.dirname, 'aws-cli-story.sh');
  const { status, lines } = client.run('/bin/sh', [story]);
  expect({ lines, status }).toEqual({
    lines: [
      `scopeArn=arn:aws:networkflowmonitor:${REGION}:${ACCOUNT}:scope/SCOPE`,
      `target=${ACCOUNT}`,
      'listed=SUCCEEDED',
      'created=demo ACTIVE',
      'tags=stack Production',
      'unit=Bytes',
      'rows=5',
      'zones=True',
      'with monitors=ConflictException',
      'left=0',
    ],
    status: 0,
  });
});
