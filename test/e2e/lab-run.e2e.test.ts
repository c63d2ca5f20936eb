import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { missingForLab } from '../../src/lab/net/kernel-need.ts';
import { checkoutRoot } from '../../src/lib/checkout-root.ts';

const missing = missingForLab();

const PROGRAM = join(checkoutRoot(), 'bin/nfm');

const lab = (...argv: string[]) =>
  spawnSync(process.execPath, [PROGRAM, 'lab', ...argv], { encoding: 'utf8' });

describe.skipIf(missing !== undefined)(`incidents on a real network ${missing ?? ''}`, () => {
  test('agents report the loss on one link, and health names that link', () => {
    const { status, stdout, stderr } = lab('run', 'link-loss');
    expect(stderr).toBe('');
    expect(stdout).toContain('named: network t1');
    expect(stdout).not.toContain('WRONG');
    expect(status).toBe(0);
  }, 240_000);
});

test('an unknown scenario is rejected, and `list` shows the known ones', () => {
  const { status, stderr } = lab('run', 'no-such');
  expect(status).toBe(1);
  expect(stderr).toContain('no scenario no-such');
  expect(lab('list').stdout).toContain('black-hole');
});
