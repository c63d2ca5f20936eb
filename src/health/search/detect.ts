import { FAULT_CHANNELS, type FaultChannel } from '../../model/health.ts';
import { WIDTH } from '../channels/registry.ts';
import type { ConstructClassName } from '../constructs/construct-class.ts';
import { type Constructs, classAt, nameAt } from '../constructs/constructs.ts';
import { severityOf } from '../evidence/evidence.ts';
import { lnAdd } from '../nats.ts';
import type { Parameters } from '../parameters.ts';
import { type Inference, lnEOfOthers } from './infer.ts';
import type { Fault } from './search.ts';

/** A construct is under alarm from the window that shows its fault to the window that clears it. */
export interface Alarm {
  readonly construct: string;
  readonly class: ConstructClassName;
  readonly channel: FaultChannel;
  readonly column: number;
  readonly shape: Fault['shape'];
  readonly size: number;
  readonly sinceSeconds: number;
  /** The end of the last window with cells of the construct. */
  readonly heardSeconds: number;
  /** Consecutive windows without evidence for the fault, and the evidence against it in them. */
  readonly quietWindows: number;
  readonly againstNats: number;
  /** Segments and excess retransmissions of the last windows, the latest last. */
  readonly load: readonly (readonly [segments: number, excess: number])[];
}

/** The state of a detector between windows. It is stored as JSON. */
export interface DetectorState {
  /** ln M of shared constructs by name. Absent: M is 0. */
  readonly lnM: Readonly<Record<string, number>>;
  readonly alarms: readonly Alarm[];
}

export const NOTHING_DETECTED: DetectorState = { lnM: {}, alarms: [] };

export interface DetectedWindow {
  readonly inference: Inference;
  readonly constructs: Constructs;
  readonly endSeconds: number;
  readonly windowSeconds: number;
}

export interface Detection {
  readonly state: DetectorState;
  readonly opened: readonly Alarm[];
  readonly closed: readonly Alarm[];
  /** ln A, the ln M of an alarm. Nats. */
  readonly threshold: number;
}

/** Entries with a smaller ln M are dropped. This can delay an alarm but cannot cause one. */
const MIN_LN_M = -1;

/**
 * Adds a window to the detector state. Each shared construct has a Shiryaev-Roberts e-detector,
 * M ← (M + 1)·E, and e-BH selects the alarms among all of them (Shin, Ramdas, Rinaldo, 2024;
 * Dandapanthula, Ramdas, 2025). There is at most one false alarm in `patienceSeconds`. Hosts and
 * other ends alarm in the window that finds their fault. Pure.
 */
export function detect(state: DetectorState, window: DetectedWindow, p: Parameters): Detection {
  const { constructs, inference } = window;
  const lnM = new Map<number, number>();
  const shared: number[] = [];
  const under = new Set(state.alarms.map(({ construct }) => construct));
  for (const [c, name] of constructs.names.entries()) {
    if (!isShared(constructs, c)) continue;
    shared.push(c);
    // `follow` decides when the alarm ends. M starts again after that.
    if (under.has(name)) continue;
    const before = state.lnM[name] ?? Number.NEGATIVE_INFINITY;
    const now = lnAdd(before, 0) + addedNats(c, inference);
    if (now > MIN_LN_M) lnM.set(c, now);
  }
  const threshold = Math.log(
    Math.max(1, shared.length) * Math.max(1, p.patienceSeconds / window.windowSeconds),
  );
  const found = new Set([...alarmedByEbh(lnM, threshold), ...ends(window)]);
  const { kept, closed } = follow(state.alarms, window, p);
  const opened = [...found]
    .filter((c) => !under.has(nameAt(constructs, c)))
    .map((c) => newAlarm(c, window));
  for (const c of found) lnM.delete(c);
  return {
    state: {
      lnM: Object.fromEntries([...lnM].map(([c, nats]) => [constructs.names[c], nats])),
      alarms: [...kept, ...opened],
    },
    opened,
    closed,
    threshold,
  };
}

/** Evidence of a fault of the window counts in full. Other evidence counts without its strongest cell. */
function addedNats(c: number, inference: Inference): number {
  const lnE = inference.lnE[c] ?? 0;
  const isFault = inference.faults.some(({ construct }) => construct === c);
  return lnE > 0 && !isFault ? lnEOfOthers(inference, c) : lnE;
}

function isShared(constructs: Constructs, c: number): boolean {
  const { role } = classAt(constructs, c);
  return constructs.eligible[c] === 1 && (role === 'network' || role === 'reported');
}

/** The k constructs of the greatest M, for the largest k with k·M_(k) ≥ A. */
function alarmedByEbh(lnM: ReadonlyMap<number, number>, threshold: number): number[] {
  const sorted = [...lnM].sort((a, b) => b[1] - a[1]);
  const max = sorted.findLastIndex(([, nats], k) => Math.log(k + 1) + nats >= threshold);
  return sorted.slice(0, max + 1).map(([c]) => c);
}

function ends({ inference, constructs }: DetectedWindow): number[] {
  return inference.faults.map(({ construct }) => construct).filter((c) => !isShared(constructs, c));
}

function newAlarm(c: number, window: DetectedWindow): Alarm {
  const { constructs, endSeconds, windowSeconds } = window;
  return {
    construct: nameAt(constructs, c),
    class: classAt(constructs, c).name,
    ...severity(c, window),
    sinceSeconds: endSeconds - windowSeconds,
    heardSeconds: endSeconds,
    quietWindows: 0,
    againstNats: 0,
    load: [loadOf(c, window)],
  };
}

/** The severity of the fault in this window, or the severity with most evidence. */
function severity(c: number, { inference }: DetectedWindow) {
  const fault = inference.faults.find(({ construct }) => construct === c);
  if (fault !== undefined) {
    const { channel, column, shape, size } = fault;
    return { channel, column, shape, size };
  }
  const { evidence } = inference;
  const channel = FAULT_CHANNELS.reduce((best, each) =>
    evidence.lnE(c, each) > evidence.lnE(c, best) ? each : best,
  );
  const column = evidence.bestColumn(c, channel);
  return { channel, column, ...severityOf(channel, column) };
}

function loadOf(c: number, { inference }: DetectedWindow): readonly [number, number] {
  const { cells, of } = inference.evidence;
  let segments = 0;
  let excess = 0;
  for (const i of inference.evidence.cellsOf(c)) {
    const n = cells.segments[i] ?? 0;
    segments += n;
    excess += (cells.retrans[i] ?? 0) - n * (of.loss.baseline[i] ?? 0);
  }
  return [segments, excess];
}

/** Divides the alarms into those that go on after a window and those that it clears. */
function follow(alarms: readonly Alarm[], window: DetectedWindow, p: Parameters) {
  const kept: Alarm[] = [];
  const closed: Alarm[] = [];
  for (const alarm of alarms) {
    const next = followed(alarm, window, p);
    const isClear = next.quietWindows >= p.clearWindows && next.againstNats >= p.clearNats;
    const isSilent = window.endSeconds - next.heardSeconds >= p.silentSeconds;
    if (isClear || isSilent) closed.push(next);
    else kept.push(next);
  }
  return { kept, closed };
}

function followed(alarm: Alarm, window: DetectedWindow, p: Parameters): Alarm {
  const { inference, constructs, endSeconds } = window;
  const c = constructs.names.indexOf(alarm.construct);
  if (c === -1 || inference.evidence.cellsOf(c).length === 0) return alarm;
  const load = [...alarm.load, loadOf(c, window)].slice(-p.loadWindows);
  const isFound = inference.faults.some(({ construct }) => construct === c);
  if (isFound || (inference.lnE[c] ?? 0) >= 0) {
    const now = isFound ? severity(c, window) : {};
    return { ...alarm, ...now, heardSeconds: endSeconds, quietWindows: 0, againstNats: 0, load };
  }
  const against = -(inference.evidence.totals[c * WIDTH + alarm.column] ?? 0);
  return {
    ...alarm,
    heardSeconds: endSeconds,
    quietWindows: alarm.quietWindows + 1,
    againstNats: Math.max(0, alarm.againstNats + against),
    load,
  };
}

/** Whether excess retransmissions follow load: then the construct is congested, not at fault. */
export function followsLoad({ load }: Pick<Alarm, 'load'>, p: Parameters): boolean {
  if (load.length < p.loadMinWindows) return false;
  const rank = ranks(load.map(([segments]) => segments));
  const excessRank = ranks(load.map(([segments, excess]) => excess / Math.max(1, segments)));
  const mean = (load.length - 1) / 2;
  let both = 0;
  let square = 0;
  let excessSquare = 0;
  for (const [i, each] of rank.entries()) {
    const other = excessRank[i] ?? 0;
    both += (each - mean) * (other - mean);
    square += (each - mean) ** 2;
    excessSquare += (other - mean) ** 2;
  }
  return both / Math.sqrt(square * excessSquare) > p.loadCorrelation;
}

function ranks(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0));
  const rank = new Array<number>(values.length);
  for (const [at, i] of order.entries()) rank[i] = at;
  return rank;
}
