import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { CLICKHOUSE_TABLES } from './clickhouse-tables.ts';

/** The SHA-256 of every migration that a data folder may have applied. A new one is added here. */
const APPLIED = {
  'health_history 1': 'fd3c34c0080bf7e26be151e5fe8853e63bcc72244f4c1cd086bdf2ac5bf91dfc',
  'health_cells 1': '12ff801fcd7e5c275bb1004ea76fbffbb1f3fdfac443687b187e4e484fe345e4',
  'health_inputs 1': 'c78745fc83d7b7124be77532e7c0241e99c52f95707c72b064ed911b1f0e5a66',
};

test('applied migrations are never rewritten', () => {
  const hashes = CLICKHOUSE_TABLES.flatMap(({ name, migrations }) =>
    migrations.map(({ number, text }) => [
      `${name} ${number}`,
      createHash('sha256').update(text).digest('hex'),
    ]),
  );
  expect(Object.fromEntries(hashes)).toEqual(APPLIED);
});
