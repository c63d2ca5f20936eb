import type {
  ContrastGroup,
  HealthCompleteness,
  HealthConstruct,
  HealthExplanation,
  HealthFinding,
} from '../../model/health.ts';
import { DEAD } from '../cells/cells.ts';
import { type ConstructClassName, classOf } from '../constructs/construct-class.ts';
import type { Parameters } from '../parameters.ts';
import type { Finding, JudgedWindow, MonitorCells, MonitorVerdict } from './findings.ts';
import { findingSentence, verdictSentence } from './sentence.ts';

export interface ExplainedWindow extends JudgedWindow {
  readonly windowSeconds: number;
  readonly threshold: number;
  /** By which its inputs are kept; undefined where nothing was searched for. */
  readonly inputsId: string | undefined;
}

/** Findings explained in full; those of one monitor are rarely more. */
const MAX_FINDINGS = 10;

/** A monitor's verdict with all that proves it. */
export function explain(
  window: ExplainedWindow,
  {
    verdict,
    monitor,
    completeness,
  }: {
    readonly verdict: MonitorVerdict;
    readonly monitor: MonitorCells;
    readonly completeness: HealthCompleteness;
  },
  p: Parameters,
): HealthExplanation {
  const { state, healthIndicator, smallestLoss } = verdict;
  const { cells, segments, retrans, known } = monitor.sums;
  const explained = verdict.findings
    .slice(0, MAX_FINDINGS)
    .map(({ finding }) => explainFinding(window, finding, monitor));
  const power = { cells, segments, smallestLoss };
  return {
    state,
    healthIndicator,
    start: iso(window.startSeconds),
    end: iso(window.startSeconds + window.windowSeconds),
    sentence: verdictSentence({ state, findings: explained, power, retrans }),
    findings: explained,
    power,
    completeness,
    baseline: known * 2 > cells ? 'learned' : 'class priors',
    parameters: p.version,
    baselineUntil: iso(window.startSeconds),
    inputsId: window.inputsId,
  };
}

/** What is wrong, as far as it touches these cells. */
export function explainFinding(
  window: ExplainedWindow,
  finding: Finding,
  monitor: MonitorCells,
): HealthFinding {
  const { construct, kind, fault, alarm, cause, setsIndicator, doubt } = finding;
  const { inference } = window;
  const severity = fault ?? alarm;
  const size = severity?.size ?? 1;
  const nats = fault?.lnE ?? (inference.lnE[construct] as number);
  const explained = {
    kind,
    construct: describe(window, construct),
    setsIndicator,
    doubt,
    since: iso(alarm?.sinceSeconds ?? window.startSeconds),
    confidence: fault === undefined ? 1 : 1 / (1 + Math.exp(-fault.score)),
    evidenceNats: nats,
    thresholdNats: window.threshold,
    fault: {
      kind: severity?.channel ?? cause ?? 'refused',
      shape: severity?.shape ?? 'fraction',
      size,
      interval90: fault?.interval90 ?? [size, size],
      affectedCells: fault?.affected ?? 1,
    },
    contrast: contrastOf(window, construct),
    ledger: ledgerOf(window, construct),
    alternatives: (fault?.rivals ?? []).map((rival) => ({
      construct: describe(window, rival.construct),
      nats: rival.nats,
      why: `${rival.healthyCells} of ${rival.cells} cells through it are healthy`,
    })),
    ambiguousWith: (fault?.ambiguous ?? []).map((other) => describe(window, other.construct)),
    monitorImpact: impactOf(window, construct, monitor),
  } as const;
  const noun = (other: HealthConstruct) => classOf(other.class as ConstructClassName).noun;
  return { ...explained, sentence: findingSentence(explained, noun) };
}

export function describe({ constructs }: JudgedWindow, construct: number): HealthConstruct {
  const name = constructs.names[construct] as string;
  return { id: name.slice(name.indexOf(':') + 1), class: constructs.classes[construct] as string };
}

/**
 * Flows through the accused and, as the proof, flows that avoid it but have all else in common:
 * those of the same hosts or, where it is a host, of others to the same remotes.
 */
function contrastOf({ inference }: JudgedWindow, construct: number): ContrastGroup[] {
  const { state } = inference.evidence;
  const { host, remote, length } = state.cells;
  const through = new Set(inference.evidence.cellsOf(construct));
  const avoiding = (ends: Uint32Array) => {
    const shared = new Set([...through].map((i) => ends[i]));
    return Array.from({ length }, (_, i) => i).filter(
      (i) => !through.has(i) && shared.has(ends[i]),
    );
  };
  const groups = [groupOf(state, 'through it', through)];
  const own = avoiding(host);
  if (own.length > 0) return [...groups, groupOf(state, 'same hosts, not through it', own)];
  const others = avoiding(remote);
  if (others.length === 0) return groups;
  return [...groups, groupOf(state, 'other hosts, to the same remotes', others)];
}

function groupOf(
  { cells, baseLoss }: JudgedWindow['inference']['evidence']['state'],
  group: ContrastGroup['group'],
  members: Iterable<number>,
): ContrastGroup {
  const hosts = new Set<number>();
  const sum = { cells: 0, segments: 0, retrans: 0, attempts: 0, silent: 0 };
  let expected = 0;
  for (const i of members) {
    hosts.add(cells.host[i] as number);
    sum.cells += 1;
    sum.segments += cells.segments[i] as number;
    sum.retrans += cells.retrans[i] as number;
    sum.attempts += cells.attempts[i] as number;
    sum.silent += cells.silent[i] as number;
    expected += (cells.segments[i] as number) * (baseLoss[i] as number);
  }
  const rates =
    sum.segments === 0
      ? {}
      : { rate: sum.retrans / sum.segments, expected: expected / sum.segments };
  return { group, ...sum, hosts: hosts.size, ...rates };
}

/** Retransmissions through a construct by owner, by each one's share of what was expected. */
function ledgerOf(window: JudgedWindow, construct: number): HealthFinding['ledger'] {
  const { inference, constructs } = window;
  const { cells, loss, lossWeight } = inference.evidence.state;
  const losing = inference.faults.filter(({ channel }) => channel === 'loss' || channel === 'dead');
  const crossed = losing.map((fault) => ({
    fault,
    cells: new Set(inference.evidence.cellsOf(fault.construct)),
  }));
  const owners = new Map<string, number>();
  const owe = (owner: string, retrans: number) =>
    owners.set(owner, (owners.get(owner) ?? 0) + retrans);
  for (const i of inference.evidence.cellsOf(construct)) {
    const retrans = cells.retrans[i] as number;
    if (!(retrans > 0)) continue;
    const own = crossed.filter((each) => each.cells.has(i)).map(({ fault }) => fault);
    const isDead = cells.life[i] === DEAD;
    const broken = own.find(
      ({ channel, shape }) => shape === 'fraction' && (channel === 'dead') === isDead,
    );
    // What is not of a sound cell is of one connection, or of the broken share it belongs to.
    const outlier = retrans * (1 - (lossWeight[i] as number));
    const outlierOwner =
      broken === undefined ? 'one connection' : constructs.names[broken.construct];
    owe(outlierOwner as string, outlier);
    const even = own.filter(({ shape }) => shape === 'uniform');
    const total = even.reduce((sum, { size }) => sum + size, loss[i] as number);
    for (const { construct: owner, size } of even) {
      owe(constructs.names[owner] as string, ((retrans - outlier) * size) / total);
    }
    owe('background', ((retrans - outlier) * (loss[i] as number)) / total);
  }
  return [...owners]
    .map(([owner, retrans]) => ({ owner, retrans: Math.round(retrans) }))
    .filter(({ retrans }) => retrans > 0)
    .sort((a, b) => b.retrans - a.retrans);
}

function impactOf(
  { inference }: JudgedWindow,
  construct: number,
  monitor: MonitorCells,
): HealthFinding['monitorImpact'] {
  const { cells, baseLoss } = inference.evidence.state;
  const through = new Set(inference.evidence.cellsOf(construct));
  let count = 0;
  let segments = 0;
  let all = 0;
  let excess = 0;
  for (const i of monitor.cells) {
    const n = cells.segments[i] as number;
    all += n;
    if (!through.has(i)) continue;
    count += 1;
    segments += n;
    excess += (cells.retrans[i] as number) - n * (baseLoss[i] as number);
  }
  return {
    cells: count,
    segmentsShare: all === 0 ? 0 : segments / all,
    excessRetrans: Math.max(0, Math.round(excess)),
  };
}

export function iso(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
