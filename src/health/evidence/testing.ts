import { ALIVE } from '../cells/life.ts';
import type { Cells } from '../channels/registry.ts';
import type { ConstructClassName } from '../constructs/construct-class.ts';
import {
  buildConstructs,
  type Constructs,
  LIMITED,
  WITHIN_LIMITS,
} from '../constructs/constructs.ts';
import { PRIOR_LOSS } from '../parameters.ts';
import { buildCells, compressPaths, emptyClasses } from './build-cells.ts';

/** A cell of a test. Absent members are those of a healthy cell. */
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
  /** Busy time, the part of it that the receiver's window blocked, and the blocked share before. */
  readonly busyMicros?: number;
  readonly rwndLimitedMicros?: number;
  readonly usuallyLimited?: number;
  readonly life?: number;
  readonly refused?: number;
  readonly history?: { readonly segments?: number; readonly retrans?: number };
  /** The windows with round-trip times of `rttBaseMicros` in its history. */
  readonly rttWindows?: number;
  readonly rttBaseMicros?: number;
}

export interface TestWindow {
  readonly cells: Cells;
  readonly constructs: Constructs;
  /** The index of a construct by `class:name`. */
  readonly indexOf: (name: string) => number;
}

/** Cells of one baseline class, as arrays. Constructs are named `class:name`. */
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
  const part = (i: number) => parts[i] as CellParts;
  const weight = (i: number) => part(i).rttWindows ?? 20;
  const lnBase = (i: number) => Math.log(part(i).rttBaseMicros ?? 1_000);
  const cells = buildCells({
    paths: compressPaths(paths),
    counts: {
      segments: (i) => part(i).segments ?? 1_000,
      retrans: (i) => part(i).retrans ?? 0,
      rttCount: () => 1,
      rttSum: (i) => part(i).rttMicros ?? 1_000,
      rttMin: (i) => part(i).rttMicros ?? 1_000,
      attempts: (i) => part(i).attempts ?? 0,
      silent: (i) => part(i).silent ?? 0,
      busyMicros: (i) => part(i).busyMicros ?? 0,
      rwndLimitedMicros: (i) => part(i).rwndLimitedMicros ?? 0,
    },
    life: (i) => part(i).life ?? ALIVE,
    isRefused: (i) => part(i).refused === 1,
    history: {
      retrans: (i) => part(i).history?.retrans ?? 0,
      segments: (i) => part(i).history?.segments ?? 0,
      rttWeight: weight,
      lnRtt: (i) => lnBase(i) * weight(i),
      lnRttSquare: (i) => lnBase(i) * lnBase(i) * weight(i),
      lnRttMin: (i) => lnBase(i) * weight(i),
      busyMicros: (i) => (part(i).usuallyLimited === undefined ? 0 : 1e9),
      rwndLimitedMicros: (i) => 1e9 * (part(i).usuallyLimited ?? 0),
    },
    classes: emptyClasses([PRIOR_LOSS.INTER_AZ ?? 0]),
  });
  const constructs = buildConstructs({
    names,
    classes: names.map((name) => name.split(':')[0] as ConstructClassName),
    limited: (c) => (options.limited?.includes(names[c] as string) ? LIMITED : WITHIN_LIMITS),
  });
  return { cells, constructs, indexOf };
}
