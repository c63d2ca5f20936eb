import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkoutRoot } from '../../src/lib/checkout-root.ts';

test('a command whose reader leaves, as head does, ends without an error', async () => {
  const argv = [join(checkoutRoot(), 'bin/nfm'), 'contract', 'openapi'];
  const command = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  command.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  command.stdout.destroy();
  expect(await once(command, 'exit')).toEqual([0, null]);
  expect(errors).toBe('');
});
