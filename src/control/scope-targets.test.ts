import { expect, test } from 'vitest';
import { targetsOfScopes } from './scope-targets.ts';
import { controlBench, organizationOf, owner } from './testing.ts';

test('returns the targets of all scopes once each, without scopes that are being deleted', async () => {
  await using bench = await controlBench();
  const west = { ...owner, region: 'us-west-2' };
  const gone = { account: '210987654321', region: 'eu-west-1' };
  const scopes = bench.scopes({ organization: organizationOf(owner.account) });
  await scopes.create(owner, { targets: [owner, west], clientToken: 'a', tags: {} });
  await scopes.create(west, { targets: [west], clientToken: 'b', tags: {} });
  const { scopeId } = await scopes.create(gone, { targets: [gone], clientToken: 'c', tags: {} });
  await bench.setScopeStatus('SUCCEEDED');
  const found = async () => {
    const targets = await targetsOfScopes(bench.database);
    return targets.map(({ account, region }) => `${account}/${region}`).sort();
  };
  expect(await found()).toEqual([
    '123456789012/us-east-1',
    '123456789012/us-west-2',
    '210987654321/eu-west-1',
  ]);
  await scopes.delete(gone, scopeId);
  expect(await found()).toEqual(['123456789012/us-east-1', '123456789012/us-west-2']);
});
