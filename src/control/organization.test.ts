import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Organization } from './organization.ts';
import { type ControlBench, controlBench, owner } from './testing.ts';

const management = owner.account;
const [shop, bank, stranger] = ['210987654321', '333333333333', '444444444444'];

let bench: ControlBench;
let organization: Organization;
beforeEach(async () => {
  bench = await controlBench();
  organization = bench.organization();
  const delegatedAdministrators = [bank, management];
  await organization.ensure({ managementAccount: management, delegatedAdministrators });
});
afterEach(() => bench[Symbol.asyncDispose]());

const target = (account: string) => ({ account, region: owner.region });

function createScope(account: string, ...targets: readonly string[]) {
  return bench
    .scopes({ organization })
    .create({ ...owner, account }, { targets: targets.map(target), tags: {} });
}

test('is created once, with its delegated administrators', async () => {
  const again = { managementAccount: shop, delegatedAdministrators: [] };
  expect(await organization.ensure(again)).toBe(false);
  expect(await organization.describe()).toEqual({
    managementAccount: management,
    members: [{ account: bank, isDelegatedAdministrator: true, joinedAtMillis: bench.clock.now() }],
  });
});

test('every member is visible to the management account and to delegated administrators', async () => {
  await organization.add(shop);
  const everybody = new Set([management, bank, shop]);
  expect(await organization.visibleTo(management)).toEqual(everybody);
  expect(await organization.visibleTo(bank)).toEqual(everybody);
  expect(await organization.visibleTo(shop)).toBeUndefined();
  expect(await organization.visibleTo(stranger)).toBeUndefined();
});

test('decides which accounts may be targets of a scope', async () => {
  await organization.add(shop);
  await expect(createScope(shop, shop, bank)).rejects.toMatchObject({
    name: 'AccessDeniedException',
    message: expect.stringContaining("only the organization's management account"),
  });
  await expect(createScope(bank, stranger)).rejects.toMatchObject({
    name: 'AccessDeniedException',
    message: expect.stringContaining(`account ${stranger} as a target: it is not in the`),
  });
  expect((await createScope(shop, shop)).targets).toEqual([target(shop)]);
  expect((await createScope(bank, bank, shop)).targets).toEqual([target(bank), target(shop)]);
});

test('a membership cannot be removed while a target depends on it', async () => {
  await organization.add(shop);
  const { scopeId } = await createScope(bank, bank, shop);
  const name = 'ConflictException';
  const message = `Scope ${scopeId} of account ${bank} in us-east-1 has account ${shop} as a target: remove that target first`;
  await expect(organization.remove(shop)).rejects.toMatchObject({ name, message });
  await bench.setScopeStatus('SUCCEEDED');
  const change = { add: [], remove: [target(shop)] };
  await bench.scopes({ organization }).update({ ...owner, account: bank }, scopeId, change);
  await organization.remove(shop);
  await organization.setDelegated(bank, false);
  expect(await organization.visibleTo(bank)).toBeUndefined();
  await organization.remove(bank);
  expect((await organization.describe()).members).toEqual([]);
});

test.each([
  ['is removed', () => organization.remove(bank)],
  ['becomes an ordinary member', () => organization.setDelegated(bank, false)],
])(
  'the scopes of a delegated administrator that %s lose the targets of others',
  async (_, change) => {
    await organization.add(shop);
    const { scopeId } = await createScope(bank, bank, shop);
    await bench.setScopeStatus('SUCCEEDED');
    await change();
    expect(
      await bench.scopes({ organization }).get({ ...owner, account: bank }, scopeId),
    ).toMatchObject({ status: 'IN_PROGRESS', targets: [target(bank)] });
    await organization.remove(shop);
  },
);

test('after a change of the management account, every member stays visible to the former one', async () => {
  await organization.setManagementAccount(bank);
  expect(await organization.isManagementAccount(bank)).toBe(true);
  expect(await organization.isManagementAccount(management)).toBe(false);
  expect(await organization.visibleTo(management)).toEqual(new Set([management, bank]));
  await organization.setManagementAccount(bank);
  expect((await organization.describe()).members).toHaveLength(1);
});

test('an account in it cannot be added again or deleted', async () => {
  for (const account of [management, bank]) {
    await expect(organization.add(account)).rejects.toMatchObject({ name: 'ConflictException' });
    await expect(organization.refuseInOrganization(account)).rejects.toMatchObject({
      name: 'ConflictException',
    });
  }
  await organization.refuseInOrganization(shop);
});

test('an account outside it cannot be removed or made an administrator', async () => {
  for (const change of [
    organization.remove(stranger),
    organization.setDelegated(stranger, true),
    organization.setManagementAccount(stranger),
    organization.remove(management),
  ]) {
    await expect(change).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  }
});
