import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NetworkFlowMonitor } from '../../../src/client/network-flow-monitor.ts';
import type { NetworkFlowMonitorClient } from '../../../src/client/network-flow-monitor-client.ts';
import { isServiceError } from '../../../src/client/service-error.ts';
import type { InputOf, OutputOf } from '../../../src/contract/types.ts';
import { ServerProcess } from '../../../src/lab/server-process.ts';
import { readTerraformExample } from './terraform-example.ts';

/**
 * Replays the Terraform AWS provider (6.21) with its scope and monitor resources: the same calls, the
 * same waits, and the same states that count as errors.
 */
const ACCOUNT = '123456789012';
const REGION = 'us-east-1';

type Target = InputOf<'CreateScope'>['targets'][number];
type Local = InputOf<'CreateMonitor'>['localResources'][number];
type Remote = NonNullable<InputOf<'CreateMonitor'>['remoteResources']>[number];
type Tags = Readonly<Record<string, string>>;

/** A monitor in a configuration file. */
interface MonitorBlock {
  readonly local: readonly Local[];
  readonly remote: readonly Remote[];
  readonly tags: Tags;
}

const ec2 = (resource: string) => `arn:aws:ec2:${REGION}:${ACCOUNT}:${resource}`;
const vpc = { type: 'AWS::EC2::VPC', identifier: ec2('vpc/vpc-03ea55eeda25adbb0') } as const;
const subnet = {
  type: 'AWS::EC2::Subnet',
  identifier: ec2('subnet/subnet-0a5b30fb95dca2c14'),
} as const;
const target = (region: string): Target => ({
  targetIdentifier: { targetId: { accountId: ACCOUNT }, targetType: 'ACCOUNT' },
  region,
});

let server: ServerProcess;
let client: NetworkFlowMonitorClient;
beforeAll(async () => {
  server = await ServerProcess.start({ flags: ['--account', ACCOUNT] });
  const credentials = await server.credentials('default');
  client = new NetworkFlowMonitor({ endpoint: server.endpoint, region: REGION, credentials });
});
afterAll(() => server?.dispose());

/** Terraform's StateChangeConf: waits through pending states for the target; any other is an error. */
async function waitFor<State extends string>(
  look: () => Promise<State>,
  states: { readonly pending: readonly State[]; readonly target: State },
): Promise<void> {
  const latest = Date.now() + 60_000;
  for (;;) {
    const state = await look();
    if (state === states.target) return;
    if (!states.pending.includes(state)) {
      throw new Error(`unexpected state '${state}', wanted target '${states.target}'`);
    }
    if (Date.now() > latest) throw new Error(`timeout while waiting for '${states.target}'`);
    await delay(10);
  }
}

/** The resource's read; undefined if it does not exist, which removes it from Terraform's state. */
async function read<Answer>(call: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isServiceError(error, 'ResourceNotFoundException')) return undefined;
    throw error;
  }
}

async function applyScope(targets: readonly Target[], tags: Tags): Promise<OutputOf<'GetScope'>> {
  const { scopeId } = await client.createScope({ targets, tags });
  await waitForScope(scopeId);
  return await client.getScope({ scopeId });
}

async function waitForScope(scopeId: string): Promise<void> {
  const look = async () => (await client.getScope({ scopeId })).status;
  await waitFor(look, { pending: ['IN_PROGRESS'], target: 'SUCCEEDED' });
}

/** Adds and deletes the differences between the current and the wanted targets. */
async function applyTargets(scopeId: string, wanted: readonly Target[]): Promise<void> {
  const { targets } = await client.getScope({ scopeId });
  const missingIn = (list: readonly Target[]) => (one: Target) =>
    !list.some(({ region }) => region === one.region);
  const add = wanted.filter(missingIn(targets));
  const remove = targets.filter(missingIn(wanted));
  await client.updateScope({
    scopeId,
    ...(add.length > 0 ? { resourcesToAdd: add } : {}),
    ...(remove.length > 0 ? { resourcesToDelete: remove } : {}),
  });
  await waitForScope(scopeId);
}

async function destroyScope(scopeId: string): Promise<void> {
  await read(client.deleteScope({ scopeId }));
  const look = async () => (await read(client.getScope({ scopeId })))?.status ?? 'gone';
  await waitFor(look, { pending: ['DEACTIVATING'], target: 'gone' });
}

async function waitForMonitor(monitorName: string): Promise<OutputOf<'GetMonitor'>> {
  const look = async () => (await client.getMonitor({ monitorName })).monitorStatus;
  await waitFor(look, { pending: ['PENDING'], target: 'ACTIVE' });
  return await client.getMonitor({ monitorName });
}

interface CreatedMonitor extends MonitorBlock {
  readonly monitorName: string;
  readonly scopeArn: string;
}

async function createMonitor(block: CreatedMonitor): Promise<OutputOf<'GetMonitor'>> {
  const { monitorName, scopeArn, local, remote, tags } = block;
  await client.createMonitor({
    monitorName,
    scopeArn,
    localResources: local,
    remoteResources: remote,
    tags,
  });
  return await waitForMonitor(monitorName);
}

/** Plan and apply: reads the monitor and sends only the differences; false if there are none. */
async function applyMonitor(monitorName: string, wanted: MonitorBlock): Promise<boolean> {
  const {
    monitorArn,
    localResources,
    remoteResources,
    tags = {},
  } = await client.getMonitor({
    monitorName,
  });
  const change = {
    localResourcesToAdd: without(wanted.local, localResources),
    localResourcesToRemove: without(localResources, wanted.local),
    remoteResourcesToAdd: without(wanted.remote, remoteResources),
    remoteResourcesToRemove: without(remoteResources, wanted.remote),
  };
  const hasChange = Object.values(change).some((list) => list.length > 0);
  if (hasChange) await client.updateMonitor({ monitorName, ...change });
  const hasNewTags = await applyTags(monitorArn, tags, wanted.tags);
  await waitForMonitor(monitorName);
  return hasChange || hasNewTags;
}

function without<Item extends Local | Remote>(
  items: readonly Item[],
  others: readonly Item[],
): Item[] {
  const known = new Set(others.map(({ type, identifier }) => `${type} ${identifier}`));
  return items.filter(({ type, identifier }) => !known.has(`${type} ${identifier}`));
}

async function applyTags(resourceArn: string, present: Tags, wanted: Tags): Promise<boolean> {
  const tagKeys = Object.keys(present).filter((key) => !(key in wanted));
  const changed = Object.entries(wanted).filter(([key, value]) => present[key] !== value);
  if (tagKeys.length > 0) await client.untagResource({ resourceArn, tagKeys });
  if (changed.length > 0)
    await client.tagResource({ resourceArn, tags: Object.fromEntries(changed) });
  return tagKeys.length + changed.length > 0;
}

async function destroyMonitor(monitorName: string): Promise<void> {
  await read(client.deleteMonitor({ monitorName }));
  const look = async () =>
    (await read(client.getMonitor({ monitorName })))?.monitorStatus ?? 'gone';
  await waitFor(look, { pending: ['DELETING'], target: 'gone' });
}

describe('aws_networkflowmonitor_scope', () => {
  test('create, update, tags, import and destroy', async () => {
    const home = [target(REGION)];
    const scope = await applyScope(home, { key1: 'value1' });
    const { scopeId, scopeArn } = scope;
    expect(scope).toMatchObject({ status: 'SUCCEEDED', targets: home, tags: { key1: 'value1' } });

    const regions = [[REGION, 'eu-west-1'], ['eu-west-1', 'eu-west-2'], ['eu-west-2'], [REGION]];
    for (const wanted of regions) {
      await applyTargets(scopeId, wanted.map(target));
      const { targets } = await client.getScope({ scopeId });
      expect(targets.map(({ region }) => region)).toEqual(wanted);
    }

    const wanted = [{ key1: 'changed', key2: 'value2' }, { key2: 'value2' }, {}];
    for (const tags of wanted) {
      const present = (await client.listTagsForResource({ resourceArn: scopeArn })).tags ?? {};
      await applyTags(scopeArn, present, tags);
      // An import reads by the id alone and must return the whole configuration.
      expect(await client.getScope({ scopeId })).toEqual({ ...scope, tags });
    }
    await destroyScope(scopeId);
    expect((await client.listScopes()).scopes).toEqual([]);
  });

  test('one deleted behind its back is gone when read, and the plan makes it anew', async () => {
    const { scopeId } = await applyScope([target(REGION)], {});
    await destroyScope(scopeId);
    expect(await read(client.getScope({ scopeId }))).toBeUndefined();
    const again = await applyScope([target(REGION)], {});
    expect(again.scopeId).not.toBe(scopeId);
    await destroyScope(again.scopeId);
    await destroyScope(again.scopeId);
  });

  test('a second scope fails with a ConflictException that names the first', async () => {
    const { scopeId } = await applyScope([target(REGION)], {});
    const second = await applyScope([target(REGION)], {}).catch((error: unknown) => error);
    expect(second).toMatchObject({
      name: 'ConflictException',
      message: expect.stringContaining(scopeId),
    });
    await destroyScope(scopeId);
  });
});

describe('aws_networkflowmonitor_monitor', () => {
  const name = 'tf-acc-test';
  let scopeId: string;
  let scopeArn: string;
  beforeAll(async () => {
    ({ scopeId, scopeArn } = await applyScope([target(REGION)], {}));
  });
  afterAll(async () => {
    await destroyMonitor(name);
    await destroyScope(scopeId);
  });

  const steps: readonly (MonitorBlock & { readonly name: string })[] = [
    { name: '1 local and no remote', local: [vpc], remote: [], tags: {} },
    { name: '2 local and 1 remote', local: [vpc, subnet], remote: [vpc], tags: {} },
    { name: '1 local and no remote again', local: [vpc], remote: [], tags: {} },
    { name: '2 local and 2 remote', local: [vpc, subnet], remote: [vpc, subnet], tags: {} },
    { name: 'a tag', local: [vpc, subnet], remote: [vpc, subnet], tags: { key1: 'value1' } },
    {
      name: 'a tag changed and one added',
      local: [vpc],
      remote: [],
      tags: { key1: 'x', key2: 'y' },
    },
    { name: 'a tag removed', local: [vpc], remote: [], tags: { key2: 'y' } },
  ];
  test('after each applied configuration the next plan is empty', async () => {
    const [first, ...more] = steps;
    const created = await createMonitor({ ...first!, monitorName: name, scopeArn });
    expect(created).toMatchObject({ localResources: [vpc], remoteResources: [], tags: {} });
    for (const step of more) {
      expect([step.name, await applyMonitor(name, step)]).toEqual([step.name, true]);
      expect([step.name, await applyMonitor(name, step)]).toEqual([step.name, false]);
      const { createdAt, monitorArn } = await client.getMonitor({ monitorName: name });
      expect({ createdAt, monitorArn }).toEqual({
        createdAt: created.createdAt,
        monitorArn: created.monitorArn,
      });
    }
  });

  test('an import by name finds all but scopeArn, which the API does not return', async () => {
    const imported = await client.getMonitor({ monitorName: name });
    expect(imported).toEqual({
      monitorName: name,
      monitorArn: `arn:aws:networkflowmonitor:${REGION}:${ACCOUNT}:monitor/${name}`,
      monitorStatus: 'ACTIVE',
      localResources: [vpc],
      remoteResources: [],
      createdAt: expect.any(Date),
      modifiedAt: expect.any(Date),
      tags: { key2: 'y' },
    });
  });

  test('changes made outside Terraform are planned and reverted', async () => {
    const wanted: MonitorBlock = { local: [vpc], remote: [], tags: { key2: 'y' } };
    const { monitorArn } = await client.getMonitor({ monitorName: name });
    await client.updateMonitor({ monitorName: name, remoteResourcesToAdd: [subnet] });
    await client.tagResource({ resourceArn: monitorArn, tags: { key2: 'drift', stray: '' } });
    expect(await applyMonitor(name, wanted)).toBe(true);
    const { localResources, remoteResources, tags } = await client.getMonitor({
      monitorName: name,
    });
    expect({ localResources, remoteResources, tags }).toEqual({
      localResources: wanted.local,
      remoteResources: wanted.remote,
      tags: wanted.tags,
    });
  });

  test('one deleted behind its back is gone when read, and the plan makes it anew', async () => {
    await destroyMonitor(name);
    expect(await read(client.getMonitor({ monitorName: name }))).toBeUndefined();
    await createMonitor({ monitorName: name, scopeArn, local: [vpc], remote: [], tags: {} });
  });

  test('destroying the scope before its monitor fails with a ConflictException that names the monitor', async () => {
    const refused = await destroyScope(scopeId).catch((error: unknown) => error);
    expect(refused).toMatchObject({
      name: 'ConflictException',
      message: expect.stringContaining(name),
    });
  });
});

describe('examples/terraform/main.tf', () => {
  test('its scope and monitors are created, leave nothing to plan, and are destroyed', async () => {
    const example = readTerraformExample({ account: ACCOUNT, region: REGION });
    expect(example.endpoint).toEqual({ reference: 'var.endpoint' });
    const targets = example.targets.map(({ account, region }) => {
      expect(account).toBe(ACCOUNT);
      return target(region);
    });
    const { scopeId, scopeArn } = await applyScope(targets, example.scopeTags);

    expect(example.monitors).not.toEqual([]);
    for (const { name, scopeArn: reference, ...resources } of example.monitors) {
      expect(reference).toEqual({ reference: 'aws_networkflowmonitor_scope.all.scope_arn' });
      const block = resources as MonitorBlock;
      await createMonitor({ ...block, monitorName: name, scopeArn });
      expect([name, await applyMonitor(name, block)]).toEqual([name, false]);
    }
    for (const { name } of example.monitors) await destroyMonitor(name);
    await destroyScope(scopeId);
  });
});
