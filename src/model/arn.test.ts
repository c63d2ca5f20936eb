import { expect, test } from 'vitest';
import { ec2Arn, monitorArn, parseArn, scopeArn } from './arn.ts';

const owner = { account: '123456789012', region: 'us-east-1' };

test.each([
  { arn: scopeArn(owner, 's-1'), service: 'networkflowmonitor', resource: 'scope/s-1' },
  { arn: monitorArn(owner, 'web'), service: 'networkflowmonitor', resource: 'monitor/web' },
  { arn: ec2Arn(owner, 'vpc', 'vpc-1'), service: 'ec2', resource: 'vpc/vpc-1' },
])('$arn is parsed', ({ arn, service, resource }) => {
  expect(parseArn(arn)).toEqual({ ...owner, partition: 'aws', service, resource });
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
