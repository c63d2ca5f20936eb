import type { Doubt, HealthState, VerdictKind } from '../../model/health.ts';
import { DEAD, IDLE } from '../cells/cells.ts';
import { stalledRemotes } from '../cells/stall.ts';
import { type ConstructClassName, classOf } from '../constructs/construct-class.ts';
import type { Constructs } from '../constructs/constructs.ts';
import type { Channel } from '../evidence/evidence.ts';
import type { CellSums } from '../evidence/first-pass.ts';
import type { Parameters } from '../parameters.ts';
import { type Alarm, followsLoad } from '../search/detect.ts';
import type { Inference } from '../search/infer.ts';
import { breadthOf } from '../search/refit.ts';
import type { Fault } from '../search/search.ts';

/** A fault of a window with what is made of it. */
export interface Finding {
  readonly construct: number;
  readonly kind: VerdictKind;
  readonly fault: Fault | undefined;
  readonly alarm: Alarm | undefined;
  /** What its application does, where it is that. */
  readonly cause?: 'refused' | 'stalled' | undefined;
  /** It is the network, and sure enough: it degrades the monitors it is material to. */
  readonly setsIndicator: boolean;
  readonly doubt?: Doubt | undefined;
}

/** The cells of a monitor that count: those of the six categories of the indicator. */
export interface MonitorCells {
  readonly name: string;
  /** Those among the window's cells; none where no cell was looked at. */
  readonly cells: Uint32Array;
  /** Over all of its cells; `expected` with the tolerance. */
  readonly sums: CellSums;
}

export interface MonitorVerdict {
  readonly monitor: string;
  readonly state: HealthState;
  /** Undefined where nothing can be told. */
  readonly healthIndicator: 0 | 1 | undefined;
  /** Those that touch the monitor, those that are material first. */
  readonly findings: readonly { readonly finding: Finding; readonly isMaterial: boolean }[];
  readonly smallestLoss: number | undefined;
}

export interface JudgedWindow {
  readonly inference: Inference;
  readonly constructs: Constructs;
  readonly alarms: readonly Alarm[];
  readonly startSeconds: number;
}

const KIND_OF_CLASS: Readonly<Partial<Record<ConstructClassName, VerdictKind>>> = {
  host: 'host',
  endpoint: 'remote-host',
  service: 'remote-service',
  edge: 'service-edge',
  nat: 'nat',
  'internet-edge': 'internet',
};

/** What is wrong in a window, and who it is: from the faults found and the alarms that go on. */
export function findings(window: JudgedWindow, p: Parameters): Finding[] {
  const { inference, constructs, alarms } = window;
  const alarmOf = new Map(alarms.map((alarm) => [alarm.construct, alarm]));
  const faulty = new Map<number, Fault | undefined>();
  for (const alarm of alarms) {
    const c = constructs.names.indexOf(alarm.construct);
    if (c !== -1 && alarm.quietWindows === 0) faulty.set(c, undefined);
  }
  // Of several channels of one construct, the one with most evidence speaks for it.
  for (const fault of inference.faults.toSorted((a, b) => a.lnE - b.lnE)) {
    faulty.set(fault.construct, fault);
  }
  const found = [...faulty].map(([construct, fault]) => {
    const alarm = alarmOf.get(constructs.names[construct] as string);
    return judged(window, { construct, fault, alarm }, p);
  });
  return [...found, ...applications(window, p)];
}

type Suspect = Pick<Finding, 'construct' | 'fault' | 'alarm'>;

function judged(window: JudgedWindow, suspect: Suspect, p: Parameters): Finding {
  const { constructs } = window;
  const { construct, fault, alarm } = suspect;
  const name = constructs.classes[construct] as ConstructClassName;
  const { role } = classOf(name);
  if (role === 'rollout') return { ...suspect, kind: 'rollout', setsIndicator: false };
  if (role !== 'network') {
    const isLimit = name === 'host' && constructs.limited[construct] === 1;
    const kind = isLimit ? 'instance-limit' : (KIND_OF_CLASS[name] ?? 'host');
    return { ...suspect, kind, setsIndicator: false };
  }
  const doubt = doubtOf(window, suspect, p);
  if (doubt === 'just-changed') {
    return { ...suspect, kind: 'configuration', setsIndicator: false, doubt };
  }
  const isLoad = alarm !== undefined && fault?.channel !== 'dead' && followsLoad(alarm, p);
  const kind = isLoad ? 'congestion' : (KIND_OF_CLASS[name] ?? 'network');
  return { ...suspect, kind, setsIndicator: doubt === undefined, doubt };
}

function doubtOf(
  { inference, constructs, startSeconds }: JudgedWindow,
  { construct, fault, alarm }: Suspect,
  p: Parameters,
): Doubt | undefined {
  const since = alarm?.sinceSeconds ?? startSeconds;
  const changed = constructs.changedSeconds[construct] as number;
  const isOn = (channel: Channel) =>
    alarm?.channel === channel ||
    inference.faults.some((each) => each.construct === construct && each.channel === channel);
  const isDead = isOn('dead');
  const isSilent = isDead || isOn('connect');
  if (isSilent && changed > 0 && Math.abs(since - changed) <= p.configurationSeconds) {
    return 'just-changed';
  }
  const isOther = ({ construct: other }: { readonly construct: number }) =>
    classOf(constructs.classes[other] as ConstructClassName).role !== 'network';
  if (fault?.ambiguous.some(isOther)) return 'ambiguous';
  const { evidence } = inference;
  // What all flows suffer may as well come from their hosts; but for silence, which is no slowness.
  if (!isDead && !hasControlGroup(inference, construct)) return 'no-control-group';
  const parts = { state: evidence.state, cellsOf: evidence.cellsOf(construct) };
  const { hosts, remotes } = fault ?? breadthOf(parts, alarm?.column ?? 0);
  const isBroad =
    hosts >= p.breadthHosts || (hosts >= p.breadthHostsWithRemotes && remotes >= p.breadthRemotes);
  if (!isBroad) return 'few-vantage-points';
  return alarm === undefined ? 'unconfirmed' : undefined;
}

/** Whether flows that avoid a construct share a host or a remote with some that do not. */
function hasControlGroup({ evidence }: Inference, construct: number): boolean {
  const { host, remote, length } = evidence.state.cells;
  const through = new Uint8Array(length);
  const ends = new Set<number>();
  for (const i of evidence.cellsOf(construct)) {
    through[i] = 1;
    ends.add(host[i] as number).add(remote[i] as number);
  }
  return through.some(
    (is, i) => is === 0 && (ends.has(host[i] as number) || ends.has(remote[i] as number)),
  );
}

/** Remote ends that answer connections with RST, or do not read: their application, and nobody else. */
function applications({ inference, constructs, alarms }: JudgedWindow, p: Parameters): Finding[] {
  const { cells } = inference.evidence.state;
  const causes = new Map<number, Finding['cause']>();
  for (const remote of stalledRemotes(cells, p)) causes.set(remote, 'stalled');
  const silenced = silencedCells({ inference, constructs, alarms });
  for (let i = 0; i < cells.length; i += 1) {
    if (cells.refused[i] === 1 && !silenced.has(i))
      causes.set(cells.remote[i] as number, 'refused');
  }
  return [...causes].map(([construct, cause]) => ({
    construct,
    kind: 'application',
    fault: undefined,
    alarm: undefined,
    cause,
    setsIndicator: false,
  }));
}

/** Cells that cross a silent path: who gave up waiting there was not refused, though it looks so. */
function silencedCells({
  inference,
  constructs,
  alarms,
}: Pick<JudgedWindow, 'inference' | 'constructs' | 'alarms'>): ReadonlySet<number> {
  const isSilence = ({ channel }: { readonly channel: Channel }) =>
    channel === 'dead' || channel === 'connect';
  const silent = [
    ...inference.faults.filter(isSilence).map(({ construct }) => construct),
    ...alarms.filter(isSilence).map(({ construct }) => constructs.names.indexOf(construct)),
  ];
  return new Set(silent.filter((c) => c !== -1).flatMap((c) => [...inference.evidence.cellsOf(c)]));
}

/** What a window says of a monitor. */
export function monitorVerdict(
  window: JudgedWindow,
  { monitor, found }: { readonly monitor: MonitorCells; readonly found: readonly Finding[] },
  p: Parameters,
): MonitorVerdict {
  const own = new Set(monitor.cells);
  const touching = found
    .map((finding) => {
      const through = window.inference.evidence
        .cellsOf(finding.construct)
        .filter((i) => own.has(i));
      return { finding, through };
    })
    .filter(({ through }) => through.length > 0)
    .map(({ finding, through }) => ({
      finding,
      isMaterial: isMaterial(window, { finding, through }, p),
    }))
    .sort((a, b) => Number(b.isMaterial) - Number(a.isMaterial));
  const smallestLoss = power(monitor.sums, p);
  const has = (is: (finding: Finding) => boolean) =>
    touching.some(({ finding, isMaterial: harms }) => harms && is(finding));
  const isDegraded = has(({ setsIndicator }) => setsIndicator);
  const isSuspected = has(({ doubt }) => doubt !== undefined);
  const isTold = smallestLoss !== undefined && smallestLoss <= p.minPower;
  const calm = isTold ? 'healthy' : 'insufficient';
  const state = isDegraded ? 'degraded' : isSuspected ? 'suspected' : calm;
  return {
    monitor: monitor.name,
    state,
    healthIndicator: state === 'insufficient' ? undefined : isDegraded ? 1 : 0,
    findings: touching,
    smallestLoss,
  };
}

/** Whether a fault does the monitor's own flows enough harm to be named. */
function isMaterial(
  window: JudgedWindow,
  { finding, through }: { readonly finding: Finding; readonly through: Uint32Array },
  p: Parameters,
): boolean {
  const severity = finding.fault ?? finding.alarm;
  if (severity === undefined) return true;
  const sums = harmOf(window, through);
  switch (severity.channel) {
    case 'connect':
      return sums.silent > p.materialDead * sums.attempts;
    case 'dead':
      return sums.dead >= p.materialDead * sums.tried && sums.dead > 0;
    case 'latency':
      return (
        sums.rtts > 0 &&
        severity.size >= Math.max(p.materialMicros, (p.materialRtt * sums.rtt) / sums.rtts)
      );
    case 'loss': {
      const { segments, retrans, expected } = sums;
      if (segments === 0) return false;
      const base = expected / segments;
      const excess = severity.shape === 'uniform' ? severity.size : (retrans - expected) / segments;
      return excess >= Math.max(p.materialLoss, p.materialLossTimesBase * base);
    }
  }
}

/** What these cells suffered, added up. */
function harmOf({ inference }: JudgedWindow, through: Uint32Array) {
  const { cells, baseLoss, baseRtt } = inference.evidence.state;
  const sums = {
    ...{ segments: 0, retrans: 0, expected: 0, tried: 0, dead: 0, rtt: 0, rtts: 0 },
    ...{ attempts: 0, silent: 0 },
  };
  for (const i of through) {
    const n = cells.segments[i] as number;
    sums.segments += n;
    sums.retrans += cells.retrans[i] as number;
    sums.expected += n * (baseLoss[i] as number);
    sums.attempts += cells.attempts[i] as number;
    sums.silent += cells.silent[i] as number;
    if (cells.life[i] !== IDLE) sums.tried += 1;
    if (cells.life[i] === DEAD) sums.dead += 1;
    if ((baseRtt[i] as number) > 0) {
      sums.rtt += baseRtt[i] as number;
      sums.rtts += 1;
    }
  }
  return sums;
}

/**
 * The smallest loss on all of these cells that one window would have shown: N segments show
 * an excess δ over a base μ when N·[(μ+δ)·ln((μ+δ)/μ) − δ] / burstiness is the nats of an alarm.
 */
export function power({ segments, expected }: CellSums, p: Parameters): number | undefined {
  if (segments === 0) return undefined;
  const base = expected / segments;
  const nats = (excess: number) =>
    (segments / p.burstiness) * ((base + excess) * Math.log1p(excess / base) - excess);
  if (nats(1) < p.powerNats) return undefined;
  let [low, high] = [1e-6, 1];
  for (let step = 0; step < 40; step += 1) {
    const middle = Math.sqrt(low * high);
    if (nats(middle) < p.powerNats) low = middle;
    else high = middle;
  }
  return high;
}
