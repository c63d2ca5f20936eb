import { expect, test } from 'vitest';
import { ec2Arn, monitorArn, parseArn, partitionOf, scopeArn } from './arn.ts';

const owner = { account: '123456789012', region: 'us-east-1' };

test.each([
  { arn: scopeArn(owner, 's-1'), service: 'networkflowmonitor', resource: 'scope/s-1' },
  { arn: monitorArn(owner, 'web'), service: 'networkflowmonitor', resource: 'monitor/web' },
  { arn: ec2Arn(owner, 'vpc', 'vpc-1'), service: 'ec2', resource: 'vpc/vpc-1' },
])('$arn is parsed', ({ arn, service, resource }) => {
  expect(parseArn(arn)).toEqual({ ...owner, partition: 'aws', service, resource });
});

test.each([
  ['us-east-1', 'aws'],
  ['us-gov-west-1', 'aws-us-gov'],
  ['cn-north-1', 'aws-cn'],
  ['us-iso-east-1', 'aws-iso'],
  ['us-isob-east-1', 'aws-iso-b'],
])('%s is in the partition %s', (region, partition) => {
  expect(partitionOf(region)).toBe(partition);
  const arns = [scopeArn({ ...owner, region }, 's-1'), ec2Arn({ ...owner, region }, 'vpc', 'v')];
  expect(arns.map((arn) => parseArn(arn)?.partition)).toEqual([partition, partition]);
});

test('a resource may have colons, and Region and account may be empty', () => {
  expect(parseArn('arn:aws:s3:::a:b')).toEqual({
    partition: 'aws',
    service: 's3',
    region: '',
    account: '',
    resource: 'a:b',
  });
});

test.each([
  '',
  'web',
  'arn:',
  'arn:aws:ec2:us-east-1:123456789012',
  'ARN:aws:a:b:c:d',
  'arn::a:b:c:d',
  'arn:aws:a:b:c:',
])('%j is no ARN', (text) => {
  expect(parseArn(text)).toBeUndefined();
});
