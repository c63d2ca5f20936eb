import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { FLOWS } from './flows.ts';
import { HOST_STATS } from './host-stats.ts';
import { INSTALLATIONS } from './installations.ts';
import { columnChanges, defineTable, expiryOf, migrationText } from './table.ts';

/** The SHA-256 of every migration that a data folder may have applied. A new one is added here. */
const APPLIED = {
  'flows 1': 'cd388c0561bda25b1140fad092609cd79593030a52ef8f3d051560a124a551fc',
  'host_stats 1': '9bcaa9da36c623de5b5ee9f804c788de558737deed8d91b1319493ae232303c8',
  'installations 1': 'c75c3e142bcb96fa1e09c2344b2b93d607fa2fd0508df0bccbe1835e1a712849',
};

test('applied migrations are never rewritten', () => {
  const hashes = [FLOWS, HOST_STATS, INSTALLATIONS].flatMap(({ name, migrations }) =>
    migrations.map(({ number, text }) => [`${name} ${number}`, sha256(text)]),
  );
  expect(Object.fromEntries(hashes)).toEqual(APPLIED);
});

test('migrations that are not numbered in order are refused', () => {
  const migrations = [1, 3].map((number) => ({ number, text: 'SELECT 1' }));
  expect(() => defineTable({ name: 'a', columns: [], migrations })).toThrow(
    'migrations of a must be numbered 1, 2, 3',
  );
});

test('the retention is filled in where the migration names it', () => {
  const [first = { number: 1, text: '' }] = FLOWS.migrations;
  expect(migrationText(FLOWS, first, 7)).toContain('\nTTL time + toIntervalDay(7)\n');
  expect(() => expiryOf(FLOWS, 0.5)).toThrow('retentionDays must be an integer from 1');
});

test('a declared column that is missing is added, and one of another type is changed', () => {
  const table = defineTable({
    name: 'a',
    columns: [
      { name: 'same', type: 'UInt32' },
      { name: 'wider', type: 'UInt64', codec: 'T64, ZSTD(3)' },
      { name: 'added', type: 'String' },
    ],
    migrations: [{ number: 1, text: 'SELECT 1' }],
  });
  const existing = new Map([
    ['same', 'UInt32'],
    ['wider', 'UInt32'],
    ['former', 'UInt8'],
  ]);
  expect(columnChanges(table, existing)).toEqual([
    'ALTER TABLE a MODIFY COLUMN wider UInt64 CODEC(T64, ZSTD(3))',
    'ALTER TABLE a ADD COLUMN IF NOT EXISTS added String',
  ]);
});

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
