import { expect, test } from 'vitest';
import { FakeClock } from '../../lib/clock.ts';
import { type GivenIdentity, HostIdentityReader } from './host-identity.ts';
import { NO_METADATA } from './instance-metadata.ts';

const GIVEN: GivenIdentity = {
  ...{ instanceId: undefined, zone: undefined },
  ...{ network: undefined, defaultZone: 'use1-az1' },
  ...{ k8sNodeName: undefined, k8sClusterName: 'prod' },
};
const EC2 = { ...NO_METADATA, instanceId: 'i-1', instanceType: 'm6a.xlarge', zone: 'euc1-az2' };

function reader(given: Partial<GivenIdentity> = {}) {
  const steady = new FakeClock(1_000);
  const answers = [EC2];
  let asked = 0;
  const identity = new HostIdentityReader({
    given: { ...GIVEN, ...given },
    readMetadata: async () => {
      asked += 1;
      return answers.shift() ?? NO_METADATA;
    },
    steady,
  });
  return { identity, steady, answers, asked: () => asked };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('the identity comes from the metadata service', async () => {
  const { identity } = reader();
  await identity.start();
  const own = { network: 'default', k8sNodeName: undefined, k8sClusterName: 'prod' };
  expect(identity.current()).toEqual({ ...EC2, ...own });
});

test('options override the metadata service', async () => {
  const { identity } = reader({ instanceId: 'i-mine', zone: 'use1-az6' });
  await identity.start();
  await settled();
  const mine = { instanceId: 'i-mine', zone: 'use1-az6', instanceType: 'm6a.xlarge' };
  expect(identity.current()).toMatchObject(mine);
});

test.each([
  { name: 'the VPC of its first card', given: undefined, network: 'vpc-1' },
  { name: 'that of the options', given: 'prod', network: 'prod' },
])('its network is $name', async ({ given, network }) => {
  const { identity, answers } = reader({ network: given });
  const card = { id: 'eni-1', mac: '02:00:00:00:00:01', subnetId: 'subnet-1' };
  answers[0] = {
    ...EC2,
    cards: [
      { ...card, vpcId: 'vpc-1' },
      { ...card, vpcId: 'vpc-2' },
    ],
  };
  await identity.start();
  expect(identity.current().network).toBe(network);
});

test('without options and metadata service, the zone is the default one', async () => {
  const { identity, answers } = reader();
  answers.length = 0;
  await identity.start();
  expect(identity.current()).toMatchObject({ instanceId: '', zone: 'use1-az1' });
});

test('it is read again after ten minutes, and kept when the service stops answering', async () => {
  const { identity, steady, answers, asked } = reader();
  await identity.start();
  steady.advance(599_999);
  identity.current();
  expect(asked()).toBe(1);
  steady.advance(1);
  identity.current();
  identity.current();
  await settled();
  expect(asked()).toBe(2);
  expect(identity.current().instanceId).toBe('i-1');
  answers.push({ ...EC2, instanceType: 'm6a.large' });
  steady.advance(600_000);
  identity.current();
  await settled();
  expect(identity.current().instanceType).toBe('m6a.large');
});
