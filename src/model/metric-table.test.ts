import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withSection } from '../lib/testing.ts';
import { PLAIN_TABLE, type PlainDescription, TIMING_TABLE } from './metric-table.ts';

const PAGE = join(import.meta.dirname, '../../docs/reference/agent-collection.md');

const PLAIN: readonly PlainDescription[] = PLAIN_TABLE;

function referenceTable(): string {
  const plain = PLAIN.map(({ name, meaning, unit, kind }) => [name, meaning, unit, kind]);
  const timings = TIMING_TABLE.map(({ name, meaning, unit }) => [name, meaning, unit, 'samples']);
  const rows = [...plain, ...timings].map(
    ([name, ...cells]) => `| \`${name}\` | ${cells.join(' | ')} |\n`,
  );
  return `\n| metric | meaning | unit | kind |\n|---|---|---|---|\n${rows.join('')}\n`;
}

test('the reference page lists the metrics (vitest -u writes it)', async () => {
  const page = readFileSync(PAGE, 'utf8');
  await expect(withSection(page, 'metrics', referenceTable())).toMatchFileSnapshot(PAGE);
});

test('a metric whose 0 busy_us implies is optional and a number of the socket', () => {
  for (const { name, isOptional, isZeroImplied, socket } of PLAIN) {
    if (isZeroImplied !== true) continue;
    expect({ name, isOptional, isOfSocket: socket !== undefined }).toEqual({
      name,
      isOptional: true,
      isOfSocket: true,
    });
  }
});
