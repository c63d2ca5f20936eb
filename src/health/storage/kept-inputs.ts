import { gunzipSync, gzipSync } from 'node:zlib';
import type { Owner } from '../../model/owner.ts';
import { joinSql, name, param, type SqlFragment, sql } from '../../store/sql.ts';
import type { ConstructSelection, WindowPaths } from '../constructs/window-constructs.ts';
import type { CellRow } from '../evidence/cell-row.ts';
import { COUNTS, HISTORY } from '../evidence/columns.ts';
import { cellsWithHistorySql } from '../evidence/first-pass-sql.ts';
import { throughSql, withPathsSql } from '../evidence/paths-sql.ts';
import type { HealthWindow } from '../health-window.ts';
import type { Parameters } from '../parameters.ts';
import { dateTime, ofOwner } from '../sql-values.ts';
import type { WindowInputs } from '../verdict/window-inputs.ts';
import { CELL_COLUMNS, HEALTH_CELLS, HEALTH_INPUTS } from './clickhouse-tables.ts';
import type { HealthStore } from './health-store.ts';

/** The key of the inputs of a verdict. */
export interface InputsKey {
  readonly owner: Owner;
  readonly startSeconds: number;
  readonly inputsId: string;
}

const names = (columns: readonly string[]) =>
  joinSql(
    columns.map((column) => name(column)),
    ', ',
  );
const KEY = ['account', 'region', 'start', 'inputs_id'];
const CELLS = names(CELL_COLUMNS.map((column) => column.name));

const COUNT_NAMES = Object.values(COUNTS).map(({ column }) => column);
const HISTORY_NAMES = Object.values(HISTORY).map(({ column }) => `h_${column}`);
/**
 * The order of the stored cells. A verdict does not depend on the order of cells that are equal in
 * all of these columns.
 */
const ORDER = names([
  ...['host', 'remote', 'path', 'class'],
  ...COUNT_NAMES,
  ...HISTORY_NAMES,
  'monitors',
]);

/** The inputs of verdicts: the cells that were searched with their baselines, and all else. */
export class KeptInputs {
  readonly #store: HealthStore;
  readonly #p: Parameters;

  constructor(store: HealthStore, p: Parameters) {
    this.#store = store;
    this.#p = p;
  }

  /** Stores the cells through any of these constructs, or all cells, as inputs of a verdict. */
  async keepCells(
    window: HealthWindow,
    cells: {
      readonly inputsId: string;
      readonly paths: WindowPaths;
      readonly only: ConstructSelection | undefined;
      readonly limit: number;
    },
  ): Promise<void> {
    const { inputsId, paths, only, limit } = cells;
    const where = only === undefined ? sql`1` : throughSql(only);
    const from = withPathsSql(cellsWithHistorySql(window, this.#p), paths);
    await this.#store.change(
      sql`INSERT INTO ${name(HEALTH_CELLS.name)} (${names(KEY)}, ${CELLS})
SELECT ${keyValues({ ...window, inputsId })}, ${CELLS} FROM (${from})
WHERE ${where} ORDER BY ${ORDER} LIMIT ${param('UInt32', limit)}`,
    );
  }

  /** The cells that were kept. */
  async cells(key: InputsKey): Promise<CellRow[]> {
    // ClickHouse prints a Float32 with so few digits that reading it as a double gives another
    // number.
    const floats = [...COUNT_NAMES, ...HISTORY_NAMES].map(
      (column) => sql`toFloat64(${name(column)}) AS ${name(column)}`,
    );
    return await this.#store.query<CellRow>(
      sql`SELECT * REPLACE (${joinSql(floats, ', ')}) FROM (SELECT ${CELLS} FROM ${name(HEALTH_CELLS.name)} WHERE ${isKept(key)} ORDER BY ${ORDER})`,
    );
  }

  /**
   * Stores the inputs other than cells. The first pass is left out: a verdict with cells does not
   * use it.
   */
  async keep(window: HealthWindow, inputsId: string, inputs: WindowInputs): Promise<void> {
    const rest = { ...inputs, rows: [], first: [] };
    const packed = gzipSync(JSON.stringify(rest)).toString('base64');
    await this.#store.change(
      sql`INSERT INTO ${name(HEALTH_INPUTS.name)} (${names(KEY)}, packed) SELECT ${keyValues({ ...window, inputsId })}, ${param('String', packed)}`,
    );
  }

  /** The inputs of a window. Undefined if they are no longer kept. */
  async read(key: InputsKey): Promise<WindowInputs | undefined> {
    const [row] = await this.#store.query<{ packed: string }>(
      sql`SELECT packed FROM ${name(HEALTH_INPUTS.name)} WHERE ${isKept(key)}`,
    );
    if (row === undefined) return undefined;
    const rest = JSON.parse(gunzipSync(Buffer.from(row.packed, 'base64')).toString());
    return { ...rest, rows: await this.cells(key) };
  }
}

function keyValues({ owner, startSeconds, inputsId }: InputsKey): SqlFragment {
  return sql`${param('String', owner.account)}, ${param('String', owner.region)}, ${dateTime(startSeconds)}, ${param('String', inputsId)}`;
}

function isKept({ owner, startSeconds, inputsId }: InputsKey): SqlFragment {
  return sql`${ofOwner(owner)} AND start = ${dateTime(startSeconds)} AND inputs_id = ${param('String', inputsId)}`;
}
