import { expect, test } from 'vitest';
import { networkId } from '../../derived-ids.ts';
import { readClusterSetting } from './cluster-setting.ts';

const owner = { account: '000000000000', region: 'berlin' };
const arn = 'arn:aws:eks:eu-west-1:111111111111:cluster/prod';
const ofArn = { account: '111111111111', region: 'eu-west-1' };

test.each([
  {
    name: 'a name and a kubeconfig',
    text: 'prod=/etc/nfm/prod.kubeconfig',
    access: '/etc/nfm/prod.kubeconfig',
    cluster: { id: 'prod', name: 'prod', ...owner, vpcId: undefined },
  },
  {
    name: 'the cluster of the server, by an ARN with its owner',
    text: `${arn}=in-cluster`,
    access: 'in-cluster',
    cluster: { id: arn, name: 'prod', ...ofArn, vpcId: undefined },
  },
  {
    name: 'a network by its name',
    text: 'lab=kubeconfig@office',
    access: 'kubeconfig',
    cluster: { id: 'lab', name: 'lab', ...owner, vpcId: networkId(owner, 'office') },
  },
  {
    name: 'a network by its id',
    text: `${arn}=in-cluster@vpc-0123456789abcdef0`,
    access: 'in-cluster',
    cluster: { id: arn, name: 'prod', ...ofArn, vpcId: 'vpc-0123456789abcdef0' },
  },
])('$name', ({ text, access, cluster }) => {
  expect(readClusterSetting(text, owner)).toEqual({ cluster, access });
});

test.each(['', 'prod', 'prod=', '=in-cluster', 'prod=a@', 'prod=a@b@c'])(
  '"%s" is not a cluster',
  (text) => {
    expect(readClusterSetting(text, owner)).toBeUndefined();
  },
);
