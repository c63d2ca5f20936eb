import type { Doubt, FaultChannel, VerdictKind } from '../../model/health.ts';
import { stalledRemotes } from '../cells/stall.ts';
import type { Channel } from '../channels/channel.ts';
import { type Cells, CHANNELS } from '../channels/registry.ts';
import type { ConstructClassName } from '../constructs/construct-class.ts';
import { type Constructs, classAt, LIMITED, nameAt } from '../constructs/constructs.ts';
import type { Parameters } from '../parameters.ts';
import { type Alarm, followsLoad } from '../search/detect.ts';
import type { Inference } from '../search/infer.ts';
import { breadthOf } from '../search/refit.ts';
import type { Fault } from '../search/search.ts';

/** A fault of a window and its kind: the network, a host, an application and so on. */
export interface Finding {
  readonly construct: number;
  readonly kind: VerdictKind;
  readonly fault: Fault | undefined;
  readonly alarm: Alarm | undefined;
  /** The fault of an application. */
  readonly cause?: 'refused' | 'stalled' | undefined;
  /**
   * Whether it degrades the monitors whose flows it harms. True only for a network fault without
   * doubt.
   */
  readonly setsIndicator: boolean;
  readonly doubt?: Doubt | undefined;
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

/** The findings of a window: the faults found, the alarms that go on, and sick applications. */
export function findings(window: JudgedWindow, p: Parameters): Finding[] {
  const { inference, constructs, alarms } = window;
  const alarmOf = new Map(alarms.map((alarm) => [alarm.construct, alarm]));
  const faulty = new Map<number, Fault | undefined>();
  for (const alarm of alarms) {
    const c = constructs.names.indexOf(alarm.construct);
    if (c !== -1 && alarm.quietWindows === 0) faulty.set(c, undefined);
  }
  // A construct may have several faults. The map keeps the last, which has most evidence.
  for (const fault of inference.faults.toSorted((a, b) => a.lnE - b.lnE)) {
    faulty.set(fault.construct, fault);
  }
  const found = [...faulty].map(([construct, fault]) => {
    const alarm = alarmOf.get(nameAt(constructs, construct));
    return judged(window, { construct, fault, alarm }, p);
  });
  return [...found, ...applications(window, p)];
}

type Suspect = Pick<Finding, 'construct' | 'fault' | 'alarm'>;

function judged(window: JudgedWindow, suspect: Suspect, p: Parameters): Finding {
  const { constructs } = window;
  const { construct, fault, alarm } = suspect;
  const { name, role } = classAt(constructs, construct);
  if (role === 'rollout') return { ...suspect, kind: 'rollout', setsIndicator: false };
  if (role !== 'network') {
    const isLimit = name === 'host' && constructs.limited[construct] === LIMITED;
    const kind = isLimit ? 'instance-limit' : (KIND_OF_CLASS[name] ?? 'host');
    return { ...suspect, kind, setsIndicator: false };
  }
  const doubt = doubtOf(window, suspect, p);
  if (doubt === 'just-changed') {
    return { ...suspect, kind: 'configuration', setsIndicator: false, doubt };
  }
  const isCongestible = fault === undefined || CHANNELS[fault.channel].isCongestible;
  const isLoad = alarm !== undefined && isCongestible && followsLoad(alarm, p);
  const kind = isLoad ? 'congestion' : (KIND_OF_CLASS[name] ?? 'network');
  return { ...suspect, kind, setsIndicator: doubt === undefined, doubt };
}

function doubtOf(
  { inference, constructs, startSeconds }: JudgedWindow,
  { construct, fault, alarm }: Suspect,
  p: Parameters,
): Doubt | undefined {
  const since = alarm?.sinceSeconds ?? startSeconds;
  const changed = constructs.changedSeconds[construct] ?? 0;
  const own = inference.faults.filter((each) => each.construct === construct);
  const channels: readonly Channel<Cells>[] = [...own, ...(alarm === undefined ? [] : [alarm])].map(
    ({ channel }) => CHANNELS[channel],
  );
  const isSilence = channels.some((channel) => channel.isSilence);
  if (isSilence && changed > 0 && Math.abs(since - changed) <= p.configurationSeconds) {
    return 'just-changed';
  }
  const isOther = ({ construct: other }: { readonly construct: number }) =>
    classAt(constructs, other).role !== 'network';
  if (fault?.ambiguous.some(isOther)) return 'ambiguous';
  // Without a control group the hosts may be the cause of slow or lossy flows. They are not the
  // cause if packets get no answer.
  const needsControlGroup = channels.every((channel) => channel.needsControlGroup);
  if (needsControlGroup && !hasControlGroup(inference, construct)) return 'no-control-group';
  const column = alarm?.column ?? 0;
  const { hosts, remotes } = fault ?? breadthOf(inference.evidence, construct, column);
  const isBroad =
    hosts >= p.breadthHosts || (hosts >= p.breadthHostsWithRemotes && remotes >= p.breadthRemotes);
  if (!isBroad) return 'few-vantage-points';
  return alarm === undefined ? 'unconfirmed' : undefined;
}

/**
 * Whether some flows that avoid the construct share a host or a remote with flows that cross it.
 */
function hasControlGroup({ evidence }: Inference, construct: number): boolean {
  const { host, remote, length } = evidence.cells;
  const through = new Uint8Array(length);
  const ends = new Set<number>();
  for (const i of evidence.cellsOf(construct)) {
    through[i] = 1;
    ends.add(host[i] ?? 0).add(remote[i] ?? 0);
  }
  return through.some((is, i) => is === 0 && (ends.has(host[i] ?? 0) || ends.has(remote[i] ?? 0)));
}

/** Remote ends whose application is at fault: they answer connections with RST, or read no data. */
function applications(window: JudgedWindow, p: Parameters): Finding[] {
  const { cells } = window.inference.evidence;
  const causes = new Map<number, Finding['cause']>();
  for (const remote of stalledRemotes(cells, p)) causes.set(remote, 'stalled');
  const silenced = silencedCells(window);
  for (let i = 0; i < cells.length; i += 1) {
    if (cells.refused[i] !== 1 || silenced.has(i)) continue;
    causes.set(cells.remote[i] ?? 0, 'refused');
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

/** Cells that cross a path without answers. A client that gives up there is counted as refused. */
function silencedCells({ inference, constructs, alarms }: JudgedWindow): ReadonlySet<number> {
  const isSilence = ({ channel }: { readonly channel: FaultChannel }) =>
    CHANNELS[channel].isSilence;
  const silent = [
    ...inference.faults.filter(isSilence).map(({ construct }) => construct),
    ...alarms.filter(isSilence).map(({ construct }) => constructs.names.indexOf(construct)),
  ];
  return new Set(silent.filter((c) => c !== -1).flatMap((c) => [...inference.evidence.cellsOf(c)]));
}
