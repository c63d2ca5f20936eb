import { expect, test } from 'vitest';
import { scopeArn } from '../model/arn.ts';
import type { Principal } from '../model/owner.ts';
import { authorize } from './authorize.ts';
import { CompiledPolicy } from './compiled-policy.ts';
import { parsePolicy } from './policy-document.ts';

const owner = { account: '123456789012', region: 'us-gov-west-1' };
const old = scopeArn(owner, 's-1').replace('aws-us-gov', 'aws');
const action = 'networkflowmonitor:GetScope';

function principal(...statements: readonly object[]): Principal {
  const permissions = new CompiledPolicy(
    parsePolicy({ Version: '2012-10-17', Statement: statements }),
  );
  return { ...owner, accessKeyId: 'A', kind: 'custom', permissions };
}

test.each([old, scopeArn(owner, 's-1')])('a policy that names %s is for either form', (named) => {
  const allowed = principal({ Effect: 'Allow', Action: action, Resource: named });
  const denied = principal(
    { Effect: 'Allow', Action: action, Resource: '*' },
    { Effect: 'Deny', Action: action, Resource: named },
  );
  for (const resource of [old, scopeArn(owner, 's-1')]) {
    authorize(allowed, { action, resource });
    expect(() => authorize(denied, { action, resource })).toThrow('explicit deny');
  }
  const other = scopeArn(owner, 's-2');
  expect(() => authorize(allowed, { action, resource: other })).toThrow('not authorized');
});
