import { ALIVE, type Cells } from '../cells/cells.ts';
import type { ConstructClassName } from '../constructs/construct-class.ts';
import type { Constructs } from '../constructs/constructs.ts';
import { PRIOR_LOSS } from '../parameters.ts';

/** A cell a test describes; the rest of it is a healthy one. */
export interface CellParts {
  readonly host: string;
  readonly remote: string;
  /** Shared constructs, as `class:name`. */
  readonly through?: readonly string[];
  readonly segments?: number;
  readonly retrans?: number;
  readonly rttMicros?: number;
  readonly attempts?: number;
  readonly silent?: number;
  /** Busy time, of which the receiver's window forbade some, and the share it did before. */
  readonly busyMicros?: number;
  readonly rwndLimitedMicros?: number;
  readonly usuallyLimited?: number;
  readonly life?: number;
  readonly refused?: number;
  readonly history?: { readonly segments?: number; readonly retrans?: number };
  /** Windows of round trips of `rttBaseMicros` it has seen; 0 for none. */
  readonly rttWindows?: number;
  readonly rttBaseMicros?: number;
}

export interface TestWindow {
  readonly cells: Cells;
  readonly constructs: Constructs;
  /** The index of a construct by `class:name`. */
  readonly indexOf: (name: string) => number;
}

/** Cells of one class of baseline, as arrays; constructs are named `class:name`. */
export function windowOf(
  parts: readonly CellParts[],
  options: { readonly limited?: readonly string[] } = {},
): TestWindow {
  const names: string[] = [];
  const found = new Map<string, number>();
  const indexOf = (name: string): number => {
    const index = found.get(name) ?? names.push(name) - 1;
    found.set(name, index);
    return index;
  };
  const paths = parts.map(({ host, remote, through = [] }) =>
    [`host:${host}`, `endpoint:${remote}`, ...through].map(indexOf),
  );
  const numbers = (value: (part: CellParts) => number) => Float64Array.from(parts, value);
  const rtt = numbers(({ rttMicros = 1_000 }) => rttMicros);
  const weight = numbers(({ rttWindows = 20 }) => rttWindows);
  const lnBase = numbers(({ rttBaseMicros = 1_000 }) => Math.log(rttBaseMicros));
  const pathStart = new Uint32Array(parts.length + 1);
  for (const [i, path] of paths.entries())
    pathStart[i + 1] = (pathStart[i] as number) + path.length;
  const cells: Cells = {
    length: parts.length,
    host: Uint32Array.from(paths, ([host = 0]) => host),
    remote: Uint32Array.from(paths, ([, remote = 0]) => remote),
    pathStart,
    path: Uint32Array.from(paths.flat()),
    segments: numbers(({ segments = 1_000 }) => segments),
    retrans: numbers(({ retrans = 0 }) => retrans),
    rttCount: numbers(() => 1),
    rttSum: rtt,
    rttMin: rtt,
    attempts: numbers(({ attempts = 0 }) => attempts),
    silent: numbers(({ silent = 0 }) => silent),
    busyMicros: numbers(({ busyMicros = 0 }) => busyMicros),
    rwndLimitedMicros: numbers(({ rwndLimitedMicros = 0 }) => rwndLimitedMicros),
    life: Uint8Array.from(parts, ({ life = ALIVE }) => life),
    refused: Uint8Array.from(parts, ({ refused = 0 }) => refused),
    history: {
      retrans: numbers(({ history }) => history?.retrans ?? 0),
      segments: numbers(({ history }) => history?.segments ?? 0),
      rttWeight: weight,
      lnRtt: lnBase.map((ln, i) => ln * (weight[i] as number)),
      lnRttSquare: lnBase.map((ln, i) => ln * ln * (weight[i] as number)),
      lnRttMin: lnBase.map((ln, i) => ln * (weight[i] as number)),
      attempts: numbers(() => 0),
      silent: numbers(() => 0),
      busyMicros: numbers(({ usuallyLimited }) => (usuallyLimited === undefined ? 0 : 1e9)),
      rwndLimitedMicros: numbers(({ usuallyLimited = 0 }) => 1e9 * usuallyLimited),
    },
    baselineClass: new Uint32Array(parts.length),
    classes: {
      retrans: new Float64Array(1),
      segments: new Float64Array(1),
      attempts: new Float64Array(1),
      silent: new Float64Array(1),
      priorLoss: Float64Array.of(PRIOR_LOSS.INTER_AZ ?? 0),
    },
  };
  const constructs: Constructs = {
    names,
    classes: names.map((name) => name.split(':')[0] as ConstructClassName),
    limited: Uint8Array.from(names, (name) => (options.limited?.includes(name) ? 1 : 0)),
    changedSeconds: new Float64Array(names.length),
    eligible: new Uint8Array(names.length).fill(1),
    alarmed: new Uint8Array(names.length),
  };
  return { cells, constructs, indexOf };
}
