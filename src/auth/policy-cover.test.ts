import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Principal } from '../model/owner.ts';
import type { KeyPolicy } from './access-keys.ts';
import { CompiledPolicy } from './compiled-policy.ts';
import { includesPattern, uncoveredPart } from './policy-cover.ts';
import type { PolicyStatement } from './policy-document.ts';
import { matchesWildcard } from './wildcard.ts';

const base = { account: '123456789012', region: 'us-east-1', accessKeyId: 'AKIA' };

type Rule = readonly [effect: PolicyStatement['Effect'], action: string, resource: string];

function documentOf(rules: readonly Rule[]) {
  return {
    Statement: rules.map(([Effect, action, resource]) => ({
      Effect,
      Action: [action],
      Resource: [resource],
    })),
  };
}

function custom(...rules: readonly Rule[]): KeyPolicy {
  return { kind: 'custom', policy: documentOf(rules) };
}

function maker(...rules: readonly Rule[]): Principal {
  return { ...base, kind: 'custom', permissions: new CompiledPolicy(documentOf(rules)) };
}

const SCOPES = 'arn:aws:networkflowmonitor:*:123456789012:scope/*';

type Case = readonly [name: string, principal: Principal, grant: KeyPolicy, isCovered: boolean];

function cases(list: readonly Case[]) {
  return list.map(([name, principal, grant, isCovered]) => ({ name, principal, grant, isCovered }));
}

describe('a grant', () => {
  const creator = maker(['Allow', 'nfm:CreateKey', '*'], ['Allow', 'nfm:Get*', '*']);

  test.each(
    cases([
      ['of everything by an administrator', { ...base, kind: 'admin' }, { kind: 'admin' }, true],
      ['of * by an administrator', { ...base, kind: 'admin' }, custom(['Allow', '*', '*']), true],
      ['of an administrator by CreateKey alone', creator, { kind: 'admin' }, false],
      ['of an agent by CreateKey alone', creator, { kind: 'agent' }, false],
      ['of what the maker holds', creator, custom(['Allow', 'nfm:GetKey', SCOPES]), true],
      ['of the maker in other case', creator, custom(['Allow', 'NFM:getKEY', '*']), true],
      ['of a wider action', creator, custom(['Allow', 'nfm:G*', '*']), false],
      [
        'of a wider resource',
        maker(['Allow', 'nfm:*', SCOPES]),
        custom(['Allow', 'nfm:*', '*']),
        false,
      ],
      [
        'around a denial of the maker',
        maker(['Allow', 'nfm:*', '*'], ['Deny', 'nfm:DeleteKey', '*']),
        custom(['Allow', 'nfm:*', '*']),
        false,
      ],
      [
        'with the denial of the maker',
        maker(['Allow', 'nfm:*', '*'], ['Deny', 'nfm:DeleteKey', '*']),
        custom(['Allow', 'nfm:*', '*'], ['Deny', 'nfm:Delete*', '*']),
        true,
      ],
      [
        'apart from the denial of the maker',
        maker(['Allow', 'nfm:*', '*'], ['Deny', 'nfm:DeleteKey', '*']),
        custom(['Allow', 'nfm:Get*', '*']),
        true,
      ],
      ['of denials only', creator, custom(['Deny', '*', '*']), true],
      ['by a key without a policy', { ...base, kind: 'custom' }, { kind: 'agent' }, false],
    ]),
  )('$name', ({ principal, grant, isCovered }) => {
    expect(uncoveredPart(principal, grant) === undefined).toBe(isCovered);
  });

  test('that is accepted allows no action that its maker is denied', () => {
    const action = fc.stringMatching(/^nfm:[AB*?]{1,3}$/);
    const resource = fc.oneof(fc.constant('*'), fc.stringMatching(/^arn:[ab*?]{0,3}$/));
    const effect = fc.constantFrom<PolicyStatement['Effect']>('Allow', 'Allow', 'Deny');
    const rules = fc.array(fc.tuple(effect, action, resource), { minLength: 1, maxLength: 3 });
    const call = fc.tuple(
      fc.stringMatching(/^nfm:[AB]{1,3}$/),
      fc.option(fc.stringMatching(/^arn:[ab]{0,3}$/), { nil: undefined }),
    );
    fc.assert(
      fc.property(
        rules,
        rules,
        fc.array(call, { minLength: 20, maxLength: 20 }),
        (own, grant, calls) => {
          const principal = maker(...own);
          if (uncoveredPart(principal, custom(...grant)) !== undefined) return;
          const granted = new CompiledPolicy(documentOf(grant));
          for (const [name, on] of calls) {
            if (granted.decide(name, on) !== 'allowed') continue;
            expect(principal.permissions?.decide(name, on)).toBe('allowed');
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

test('a pattern that includes another matches every text of it', () => {
  const pattern = fc.stringMatching(/^[ab*?]{0,5}$/);
  const text = fc.stringMatching(/^[ab]{0,5}$/);
  fc.assert(
    fc.property(pattern, pattern, text, (outer, inner, one) => {
      fc.pre(includesPattern(outer, inner) && matchesWildcard(inner, one));
      expect(matchesWildcard(outer, one)).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});
