import { expect, test } from 'vitest';
import { instanceId, networkId } from './derived-ids.ts';

const owner = { account: '000000000000', region: 'us-east-1' };

test.each([
  { name: 'default', id: 'vpc-9be6e076d296c4091' },
  { name: 'vpc-0a1b2c3d', id: 'vpc-0a1b2c3d' },
  { name: 'vpc-', id: expect.stringMatching(/^vpc-[0-9a-f]{17}$/) },
])('the network called $name', ({ name, id }) => {
  expect(networkId(owner, name)).toEqual(id);
});

test.each([
  { name: 'i-0123456789abcdef0', id: 'i-0123456789abcdef0' },
  { name: 'web-1', id: expect.stringMatching(/^i-[0-9a-f]{17}$/) },
])('the instance called $name', ({ name, id }) => {
  expect(instanceId(owner, name)).toEqual(id);
});
