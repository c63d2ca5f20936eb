import { join } from 'node:path';
import { expect, test } from 'vitest';
import { INVENTORY_SCHEMA } from './inventory-schema.ts';

const published = join(import.meta.dirname, '../../../../docs/reference/inventory.schema.json');

test('the published schema is the one that inventories are checked against', async () => {
  const text = `${JSON.stringify(INVENTORY_SCHEMA, null, 2)}\n`;
  await expect(text).toMatchFileSnapshot(published);
});
