import type { Cells } from '../cells/cells.ts';
import type { ConstructClassName } from '../constructs/construct-class.ts';
import type { Constructs } from '../constructs/constructs.ts';
import type {
  ConstructSelection,
  HostLimits,
  SharedConstruct,
} from '../constructs/window-constructs.ts';
import type { Alarm } from '../search/detect.ts';
import type { CellRow } from './cell-row.ts';

export interface WindowParts {
  readonly rows: readonly CellRow[];
  readonly shared: readonly SharedConstruct[];
  /** Hosts by what their allowance counters said; those that are in neither said nothing. */
  readonly limits: HostLimits;
  /** Only these have all of their cells among the rows; undefined: all have. */
  readonly only: ConstructSelection | undefined;
  readonly alarms: readonly Alarm[];
}

/** Rows of the store as arrays: shared constructs keep their numbers, hosts and remotes follow. */
export function windowCells(parts: WindowParts): { cells: Cells; constructs: Constructs } {
  const { rows, shared } = parts;
  const names = shared.map(({ name }) => name);
  const numberOf = new Map<string, number>();
  const end = (name: string): number => {
    const known = numberOf.get(name) ?? names.push(name) - 1;
    numberOf.set(name, known);
    return known;
  };
  const classNumber = new Map<string, number>();
  const classRows: CellRow[] = [];
  const host = Uint32Array.from(rows, (row) => end(row.host));
  const remote = Uint32Array.from(rows, (row) => end(row.remote));
  const baselineClass = Uint32Array.from(rows, (row) => {
    const known = classNumber.get(row.class) ?? classRows.push(row) - 1;
    classNumber.set(row.class, known);
    return known;
  });
  const paths = rows.map((row, i) => [host[i] as number, remote[i] as number, ...row.path]);
  const pathStart = new Uint32Array(rows.length + 1);
  for (const [i, path] of paths.entries())
    pathStart[i + 1] = (pathStart[i] as number) + path.length;
  const column = (value: (row: CellRow) => number) => Float64Array.from(rows, value);
  const ofClass = (value: (row: CellRow) => number) => Float64Array.from(classRows, value);
  const cells: Cells = {
    length: rows.length,
    host,
    remote,
    pathStart,
    path: Uint32Array.from(paths.flat()),
    segments: column(({ n }) => n),
    retrans: column(({ r }) => r),
    rttCount: column(({ rtts }) => rtts),
    rttSum: column(({ rtt_sum }) => rtt_sum),
    rttMin: column(({ rtt_min }) => rtt_min),
    attempts: column(({ tries }) => tries),
    silent: column(({ silent }) => silent),
    busyMicros: column(({ busy }) => busy),
    rwndLimitedMicros: column(({ rwnd_limited }) => rwnd_limited),
    life: Uint8Array.from(rows, ({ life }) => life),
    refused: Uint8Array.from(rows, ({ refused }) => refused),
    history: {
      retrans: column(({ h_k }) => h_k),
      segments: column(({ h_n }) => h_n),
      rttWeight: column(({ h_w }) => h_w),
      lnRtt: column(({ h_x }) => h_x),
      lnRttSquare: column(({ h_xx }) => h_xx),
      lnRttMin: column(({ h_m }) => h_m),
      attempts: column(({ h_tried }) => h_tried),
      silent: column(({ h_silent }) => h_silent),
      busyMicros: column(({ h_busy }) => h_busy),
      rwndLimitedMicros: column(({ h_limited }) => h_limited),
    },
    baselineClass,
    classes: {
      retrans: ofClass(({ class_k }) => class_k),
      segments: ofClass(({ class_n }) => class_n),
      attempts: ofClass(({ class_tried }) => class_tried),
      silent: ofClass(({ class_silent }) => class_silent),
      priorLoss: ofClass(({ prior }) => prior),
    },
  };
  return { cells, constructs: constructsOf(names, parts) };
}

function constructsOf(
  names: readonly string[],
  { shared, only, alarms, limits }: WindowParts,
): Constructs {
  const whole = only && { shared: new Set(only.shared), ends: new Set(only.ends) };
  const exceeded = new Set(limits.exceeded);
  const within = new Set(limits.within);
  const alarmed = new Set(alarms.map(({ construct }) => construct));
  const isEligible = (name: string, c: number) =>
    whole === undefined || (c < shared.length ? whole.shared.has(c) : isWhole(name, whole.ends));
  return {
    names,
    classes: names.map((name, c) => shared[c]?.class ?? (name.split(':')[0] as ConstructClassName)),
    limited: Uint8Array.from(names, (name) => (exceeded.has(name) ? 1 : within.has(name) ? 0 : 2)),
    changedSeconds: Float64Array.from(names, (_, c) => shared[c]?.changedSeconds ?? 0),
    eligible: Uint8Array.from(names, (name, c) => Number(isEligible(name, c))),
    alarmed: Uint8Array.from(names, (name) => Number(alarmed.has(name))),
  };
}

/** Remotes are judged by what there is of them: too readily, which only spares the network. */
function isWhole(name: string, ends: ReadonlySet<string>): boolean {
  return !name.startsWith('host:') || ends.has(name);
}

/** The cells of each monitor, by its place among the window's monitors. */
export function cellsOfMonitors(rows: readonly CellRow[], monitors: number): Uint32Array[] {
  const found = Array.from({ length: monitors }, (): number[] => []);
  for (const [i, row] of rows.entries()) {
    let bits = Number(row.monitors);
    for (let monitor = 0; bits > 0; monitor += 1, bits = Math.floor(bits / 2)) {
      if (bits % 2 === 1) found[monitor]?.push(i);
    }
  }
  return found.map((cells) => Uint32Array.from(cells));
}
