import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { checkoutRoot } from '../../src/lib/checkout-root.ts';

export interface RowCount {
  readonly rows: number;
  /**
   * Distinct rows, compared without their batch. Fewer than `rows` means that rows are stored
   * twice.
   */
  readonly distinct: number;
}

/** Counts the rows of a stopped server's data folder. */
export async function countRows(data: string): Promise<RowCount> {
  const row = await queryStopped(
    data,
    'SELECT toUInt32(count()) AS rows, toUInt32(uniqExact(cityHash64(* EXCEPT batch))) AS distinct FROM flows',
  );
  return row as unknown as RowCount;
}

/**
 * The only row of a statement on a stopped server's data folder. Runs in a child process, because
 * chDB binds a process to one data folder permanently.
 */
export async function queryStopped(
  data: string,
  sql: string,
): Promise<Readonly<Record<string, number>>> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '-e', SCRIPT],
    {
      env: { ...process.env, NFM_QUERY_PATH: join(data, 'clickhouse'), NFM_QUERY: sql },
      cwd: checkoutRoot(),
    },
  );
  return JSON.parse(stdout);
}

const SCRIPT = `
import { createRequire } from 'node:module';
const { createChdbConnection } = createRequire(process.cwd() + '/package.json')('chdb/connection');
const { chdb } = createChdbConnection({ path: process.env.NFM_QUERY_PATH });
const result = await chdb.queryAsync(process.env.NFM_QUERY, { format: 'JSONEachRow' });
process.stdout.write(result.text(), () => process.exit(0));
`;
