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

test('is made once, with its delegated administrators', async () => {
  const again = { managementAccount: shop, delegatedAdministrators: [] };
  expect(await organization.ensure(again)).toBe(false);
  expect(await organization.describe()).toEqual({
    managementAccount: management,
    members: [{ account: bank, isDelegatedAdministrator: true, joinedAtMillis: bench.clock.now() }],
  });
});

test('its management account and delegated administrators may look into every member', async () => {
  await organization.add(shop);
  const everybody = new Set([management, bank, shop]);
  expect(await organization.visibleTo(management)).toEqual(everybody);
  expect(await organization.visibleTo(bank)).toEqual(everybody);
  expect(await organization.visibleTo(shop)).toBeUndefined();
  expect(await organization.visibleTo(stranger)).toBeUndefined();
});

test('decides who may have which targets', async () => {
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

test('a membership that scopes rest on stays until they do not', async () => {
  await organization.add(shop);
  const { scopeId } = await createScope(bank, bank, shop);
  const name = 'ConflictException';
  const message = `Scope ${scopeId} of account ${bank} in us-east-1 has account ${shop} as a target: take it out first`;
  await expect(organization.remove(shop)).rejects.toMatchObject({ name, message });
  await expect(organization.remove(bank)).rejects.toMatchObject({ name, message });
  await expect(organization.setDelegated(bank, false)).rejects.toMatchObject({ name, message });
  await bench.setScopeStatus('SUCCEEDED');
  const change = { add: [], remove: [target(shop)] };
  await bench.scopes({ organization }).update({ ...owner, account: bank }, scopeId, change);
  await organization.remove(shop);
  await organization.setDelegated(bank, false);
  expect(await organization.visibleTo(bank)).toBeUndefined();
  await organization.remove(bank);
  expect((await organization.describe()).members).toEqual([]);
});

test('changes hands: the former management account keeps looking into the others', async () => {
  await organization.setManagementAccount(bank);
  expect(await organization.isManagementAccount(bank)).toBe(true);
  expect(await organization.isManagementAccount(management)).toBe(false);
  expect(await organization.visibleTo(management)).toEqual(new Set([management, bank]));
  await organization.setManagementAccount(bank);
  expect((await organization.describe()).members).toHaveLength(1);
});

test('who is in it is not added again, and not to be deleted', async () => {
  for (const account of [management, bank]) {
    await expect(organization.add(account)).rejects.toMatchObject({ name: 'ConflictException' });
    await expect(organization.refuseInOrganization(account)).rejects.toMatchObject({
      name: 'ConflictException',
    });
  }
  await organization.refuseInOrganization(shop);
});

test('who is not in it can be neither removed nor raised', async () => {
  for (const change of [
    organization.remove(stranger),
    organization.setDelegated(stranger, true),
    organization.setManagementAccount(stranger),
    organization.remove(management),
  ]) {
    await expect(change).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  }
});
