import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkoutRoot } from '../src/lib/checkout-root.ts';

test('the sources keep the limits of `npm run metrics:house -- --check`', () => {
  const script = join(checkoutRoot(), 'scripts', 'metrics-house.mjs');
  const { stdout, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
  expect(stdout + stderr).toBe('');
});
