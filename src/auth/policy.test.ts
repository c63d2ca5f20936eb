import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Principal } from '../model/owner.ts';
import { authorize } from './authorize.ts';
import { CompiledPolicy } from './compiled-policy.ts';
import { parsePolicy } from './policy-document.ts';
import { compileWildcard, matchesWildcard } from './wildcard.ts';

const scope = 'arn:aws:networkflowmonitor:us-east-1:123456789012:scope/s-1';
const web = 'arn:aws:networkflowmonitor:us-east-1:123456789012:monitor/web';

const allow = (Action: unknown, Resource: unknown) => ({ Effect: 'Allow', Action, Resource });
const deny = (Action: unknown, Resource: unknown) => ({ Effect: 'Deny', Action, Resource });
const policy = (...Statement: unknown[]) => new CompiledPolicy(parsePolicy({ Statement }));
const nfm = (name: string) => `networkflowmonitor:${name}`;

const decisions = [
  {
    name: 'no statement that allows it',
    statements: [allow(nfm('ListScopes'), '*')],
    asked: [nfm('GetScope'), scope],
    decision: 'denied',
  },
  {
    name: 'an Allow of everything',
    statements: [allow('*', '*')],
    asked: [nfm('GetScope'), scope],
    decision: 'allowed',
  },
  {
    name: 'a pattern of the action, in another case',
    statements: [allow('NetworkFlowMonitor:get?COPE', '*')],
    asked: [nfm('GetScope'), scope],
    decision: 'allowed',
  },
  {
    name: 'a pattern of the resource',
    statements: [allow(nfm('*'), 'arn:aws:networkflowmonitor:*:123456789012:monitor/w?b')],
    asked: [nfm('GetMonitor'), web],
    decision: 'allowed',
  },
  {
    name: 'a resource in another case',
    statements: [allow(nfm('*'), web.replace('web', 'Web'))],
    asked: [nfm('GetMonitor'), web],
    decision: 'denied',
  },
  {
    name: 'one of several actions and resources',
    statements: [allow([nfm('GetScope'), nfm('GetMonitor')], [scope, web])],
    asked: [nfm('GetMonitor'), web],
    decision: 'allowed',
  },
  {
    name: 'a Deny after an Allow',
    statements: [allow('*', '*'), deny(nfm('Delete*'), web)],
    asked: [nfm('DeleteMonitor'), web],
    decision: 'explicitly-denied',
  },
  {
    name: 'a Deny before an Allow',
    statements: [deny(nfm('Delete*'), web), allow('*', '*')],
    asked: [nfm('DeleteMonitor'), web],
    decision: 'explicitly-denied',
  },
  {
    name: 'a Deny of something else',
    statements: [allow('*', '*'), deny(nfm('DeleteMonitor'), `${web}2`)],
    asked: [nfm('DeleteMonitor'), web],
    decision: 'allowed',
  },
  {
    name: 'an action without resources, allowed on *',
    statements: [allow(nfm('ListScopes'), '*')],
    asked: [nfm('ListScopes'), undefined],
    decision: 'allowed',
  },
  {
    name: 'an action without resources, allowed on ARNs only',
    statements: [allow(nfm('ListScopes'), ['arn:*', scope])],
    asked: [nfm('ListScopes'), undefined],
    decision: 'denied',
  },
  {
    name: 'an action of another service by the same name',
    statements: [allow('nfm:GetScope', '*')],
    asked: [nfm('GetScope'), scope],
    decision: 'denied',
  },
] as const;
test.each(decisions)('$name: $decision', ({ statements, asked: [action, resource], decision }) => {
  const compiled = policy(...statements);
  expect(compiled.decide(action, resource)).toBe(decision);
  expect(compiled.decide(action, resource)).toBe(decision);
});

test('a policy of many patterns decides each resource on its own, repeatedly', () => {
  const monitor = (n: number) => web.replace('web', `m-${n}`);
  const even = Array.from({ length: 50 }, (_, i) => monitor(2 * i));
  const compiled = policy(allow(nfm('*'), even), deny(nfm('Delete*'), monitor(4)));
  for (let round = 0; round < 3; round += 1) {
    for (let n = 0; n < 100; n += 1) {
      const decision = n % 2 === 0 ? 'allowed' : 'denied';
      expect(compiled.decide(nfm('GetMonitor'), monitor(n))).toBe(decision);
    }
    expect(compiled.decide(nfm('DeleteMonitor'), monitor(4))).toBe('explicitly-denied');
    expect(compiled.decide(nfm('ListMonitors'), undefined)).toBe('denied');
  }
});

test('wildcards match like the equivalent regular expression', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '/', '.'), maxLength: 12 });
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '/', '.', '*', '?'), maxLength: 8 });
  fc.assert(
    fc.property(pattern, text, (wildcard, value) => {
      const escaped = wildcard.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('?', '.');
      const expected = new RegExp(`^(?:${escaped})$`).test(value);
      expect(matchesWildcard(wildcard, value)).toBe(expected);
      expect(compileWildcard(wildcard)(value)).toBe(expected);
    }),
    { numRuns: 5_000 },
  );
});

describe('documents', () => {
  const good = { Effect: 'Allow', Action: 'nfm:*', Resource: '*' };
  const refused = [
    { name: 'a list instead of an object', document: [], at: 'policy must be a JSON object' },
    { name: 'no statement', document: {}, at: 'policy.Statement must not be empty' },
    { name: 'another version', document: { Version: '2008-10-17' }, at: 'policy.Version must be' },
    {
      name: 'an unknown element',
      document: { Statements: [] },
      at: 'unknown element policy.Statements',
    },
    {
      name: 'a condition, which would be ignored',
      document: { Statement: [good, { ...good, Condition: {} }] },
      at: 'unknown element policy.Statement[1].Condition',
    },
    {
      name: 'NotAction, which would be ignored',
      document: { Statement: { Effect: 'Deny', NotAction: 'nfm:*', Resource: '*' } },
      at: 'unknown element policy.Statement[0].NotAction',
    },
    {
      name: 'an effect in lower case',
      document: { Statement: { ...good, Effect: 'allow' } },
      at: 'policy.Statement[0].Effect must be Allow or Deny',
    },
    {
      name: "another service's action",
      document: { Statement: { ...good, Action: ['nfm:GetInsights', 'ec2:RunInstances'] } },
      at: 'policy.Statement[0].Action must be *, networkflowmonitor:NAME or nfm:NAME',
    },
    {
      name: 'no action',
      document: { Statement: { ...good, Action: [] } },
      at: 'policy.Statement[0].Action must not be empty',
    },
    {
      name: 'a resource that is not an ARN',
      document: { Statement: { ...good, Resource: 'monitor/web' } },
      at: 'policy.Statement[0].Resource must be * or an ARN',
    },
    {
      name: 'too many characters',
      document: { Statement: { ...good, Sid: 'x'.repeat(6_144) } },
      at: 'policy must have at most 6144 characters',
    },
  ];
  test.each(refused)('with $name are rejected with the name of the element', ({ document, at }) => {
    const name = 'ValidationException';
    const message = expect.stringContaining(at);
    expect(() => parsePolicy(document)).toThrow(expect.objectContaining({ name, message }));
  });

  test('survive being written and parsed', () => {
    const parsed = parsePolicy({ Version: '2012-10-17', Id: 'x', Statement: [good] });
    expect(parsePolicy(JSON.parse(JSON.stringify(parsed)))).toEqual(parsed);
  });
});

describe('built-in policies', () => {
  const principal = { account: '123456789012', region: 'us-east-1', accessKeyId: 'AKIA1' } as const;
  const may = (kind: Principal['kind'], action: string, resource?: string) => {
    try {
      authorize({ ...principal, kind }, { action, resource });
      return true;
    } catch {
      return false;
    }
  };
  const table = [
    { action: nfm('Publish'), resource: undefined, allowed: ['admin', 'agent'] },
    { action: nfm('GetScope'), resource: scope, allowed: ['admin', 'read'] },
    { action: nfm('ListTagsForResource'), resource: web, allowed: ['admin', 'read'] },
    {
      action: nfm('StartQueryMonitorTopContributors'),
      resource: web,
      allowed: ['admin', 'read'],
    },
    { action: nfm('CreateScope'), resource: undefined, allowed: ['admin'] },
    { action: nfm('TagResource'), resource: web, allowed: ['admin'] },
    { action: nfm('DeleteMonitor'), resource: web, allowed: ['admin'] },
    { action: 'nfm:ListFlows', resource: undefined, allowed: ['admin', 'read'] },
    { action: 'nfm:ListHosts', resource: undefined, allowed: ['admin', 'read'] },
    { action: 'nfm:ExplainHealth', resource: web, allowed: ['admin', 'read'] },
    { action: 'nfm:GetInsights', resource: scope, allowed: ['admin', 'read'] },
    { action: 'nfm:ListKeys', resource: undefined, allowed: ['admin'] },
    { action: 'nfm:LookupEvents', resource: undefined, allowed: ['admin'] },
  ];
  test.each(table)('allow $action to $allowed', ({ action, resource, allowed }) => {
    const kinds = ['admin', 'read', 'agent', 'custom'] as const;
    expect(kinds.filter((kind) => may(kind, action, resource))).toEqual(allowed);
  });
});

describe('a denied call gets AWS’s message', () => {
  const principal: Principal = {
    account: '123456789012',
    region: 'us-east-1',
    accessKeyId: 'AKIA1',
    kind: 'custom',
    permissions: policy(allow(nfm('*'), scope), deny(nfm('DeleteScope'), scope)),
  };
  const denied = [
    {
      name: 'without an Allow',
      intent: { action: nfm('GetMonitor'), resource: web },
      message: `User: arn:aws:iam::123456789012:access-key/AKIA1 is not authorized to perform: networkflowmonitor:GetMonitor on resource: ${web} because no identity-based policy allows the networkflowmonitor:GetMonitor action`,
    },
    {
      name: 'by a Deny',
      intent: { action: nfm('DeleteScope'), resource: scope },
      message: `User: arn:aws:iam::123456789012:access-key/AKIA1 is not authorized to perform: networkflowmonitor:DeleteScope on resource: ${scope} with an explicit deny in an identity-based policy`,
    },
    {
      name: 'where there is no resource',
      intent: { action: nfm('ListScopes') },
      message:
        'User: arn:aws:iam::123456789012:access-key/AKIA1 is not authorized to perform: networkflowmonitor:ListScopes on resource: * because no identity-based policy allows the networkflowmonitor:ListScopes action',
    },
  ];
  test.each(denied)('$name', ({ intent, message }) => {
    expect(() => authorize(principal, intent)).toThrow(
      expect.objectContaining({ name: 'AccessDeniedException', message }),
    );
  });
});
