import { defineTable } from './table.ts';

/** One row per data folder that stores rows here; the highest generation of a folder counts. */
export const INSTALLATIONS = defineTable({
  name: 'installations',
  columns: [
    { name: 'installation', type: 'String' },
    { name: 'generation', type: 'UInt64' },
  ],
  migrations: [
    {
      number: 1,
      text: `CREATE TABLE IF NOT EXISTS installations (
  installation String,
  generation UInt64
)
ENGINE = ReplacingMergeTree(generation)
ORDER BY installation
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1`,
    },
  ],
});
