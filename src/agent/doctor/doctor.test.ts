import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkOf, tryTo } from './check.ts';
import { clockCheck, keyCheck } from './endpoint-checks.ts';
import { capabilityCheck, conntrackCheck, spoolCheck } from './host-checks.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nfm-doctor-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('a success is OK, an error has its status, a missing right is a warning', () => {
  const refused = (code: string) => () => {
    throw Object.assign(new Error('it says'), { code });
  };
  const texts = { name: 'x', yes: (n: number) => `${n}`, no: 'FAIL', todo: 'do' } as const;
  const check = (act: () => number) => checkOf(tryTo(act), texts);
  expect(check(() => 1)).toEqual({ name: 'x', status: 'OK', found: '1' });
  const no = { name: 'x', status: 'FAIL', found: 'it says', todo: 'do' };
  expect(check(refused('ENOENT'))).toEqual(no);
  const perhaps = { ...no, status: 'WARN', found: 'cannot check: it says' };
  expect(check(refused('EACCES'))).toEqual(perhaps);
});

test.each([
  { name: 'all', text: 'CapEff:\t000001ffffffffff', status: 'OK' },
  { name: 'the three', text: 'CapEff:\t000000c000001000', status: 'OK' },
  { name: 'those of an old kernel', text: 'CapEff:\t0000000000201000', status: 'OK' },
  { name: 'one missing', text: 'CapEff:\t0000008000001000', status: 'FAIL' },
  { name: 'none', text: 'CapEff:\t0000000000000000', status: 'FAIL' },
  { name: 'not shown', text: 'Name:\tnode', status: 'WARN' },
])('capabilities: $name', ({ text, status }) => {
  expect(capabilityCheck(text).status).toBe(status);
});

test.each([
  { name: 'not in use', files: {}, status: 'OK', found: 'not in use' },
  { name: 'half full', files: { count: '50', max: '100' }, status: 'OK', found: '50 of 100' },
  { name: 'nearly full', files: { count: '95', max: '100' }, status: 'WARN', found: '95 of 100' },
  { name: 'without its maximum', files: { count: '1' }, status: 'WARN', found: 'ENOENT' },
])('conntrack: $name', ({ files, status, found }) => {
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(folder, `nf_conntrack_${name}`), `${text}\n`);
  }
  const check = conntrackCheck(folder);
  expect(check.status).toBe(status);
  expect(check.found).toContain(found);
});

test('the spool: none, a folder that can be created, a folder that anyone may change', () => {
  expect(spoolCheck(undefined).status).toBe('WARN');
  expect(spoolCheck(join(folder, 'not', 'yet', 'there')).status).toBe('OK');
  expect(spoolCheck('/tmp').status).toBe('FAIL');
});

test.each([
  { name: 'right', millis: 300, status: 'OK', found: '0 s' },
  { name: 'an hour behind', millis: -3_600_400, status: 'WARN', found: '3600 s behind' },
  { name: 'a minute ahead', millis: 60_000, status: 'WARN', found: '60 s ahead' },
  { name: 'unknown', millis: undefined, status: 'WARN', found: 'cannot check' },
])('a clock that is $name', ({ millis, status, found }) => {
  const check = clockCheck(millis);
  expect(check.status).toBe(status);
  expect(check.found).toContain(found);
});

test.each([
  { result: { status: 'rejected', reason: '400' }, status: 'OK' },
  { result: { status: 'forbidden', reason: '403' }, status: 'FAIL' },
  { result: { status: 'failed', reason: '503' }, status: 'WARN' },
] as const)('a post that is $result.status: $status', ({ result, status }) => {
  expect(keyCheck(result).status).toBe(status);
});
