import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkoutRoot } from './checkout-root.ts';

test('the root of the checkout is the folder of bin/nfm and package.json', () => {
  const root = checkoutRoot();
  for (const name of ['bin/nfm', 'package.json']) expect(existsSync(join(root, name))).toBe(true);
});
