import type {
  ContrastGroup,
  HealthCompleteness,
  HealthConstruct,
  HealthExplanation,
  HealthFinding,
} from '../../model/health.ts';
import { DEAD } from '../cells/life.ts';
import type { Channel } from '../channels/channel.ts';
import { type Cells, CHANNELS } from '../channels/registry.ts';
import { classOf, isConstructClass } from '../constructs/construct-class.ts';
import { classAt, idOf, nameAt } from '../constructs/constructs.ts';
import type { Evidence } from '../evidence/evidence.ts';
import { isoTime } from '../iso-time.ts';
import type { Parameters } from '../parameters.ts';
import type { Finding, JudgedWindow } from './findings.ts';
import type { MonitorCells, MonitorVerdict } from './monitor-verdict.ts';
import { findingSentence, verdictSentence } from './sentence.ts';

export interface ExplainedWindow extends JudgedWindow {
  readonly windowSeconds: number;
  readonly threshold: number;
  /** The id of the stored inputs. Undefined if the window needed no search. */
  readonly inputsId: string | undefined;
}

/** The most findings to explain. A monitor rarely has more. */
const MAX_FINDINGS = 10;

/** A monitor's verdict with its evidence. */
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
    start: isoTime(window.startSeconds),
    end: isoTime(window.startSeconds + window.windowSeconds),
    sentence: verdictSentence({ state, findings: explained, power, retrans }),
    findings: explained,
    power,
    completeness,
    baseline: known * 2 > cells ? 'learned' : 'class priors',
    parameters: p.version,
    baselineUntil: isoTime(window.startSeconds),
    inputsId: window.inputsId,
  };
}

/** A finding with its evidence, and its impact on the cells of a monitor. */
export function explainFinding(
  window: ExplainedWindow,
  finding: Finding,
  monitor: MonitorCells,
): HealthFinding {
  const { construct, kind, fault, alarm, cause, setsIndicator, doubt } = finding;
  const { inference } = window;
  const severity = fault ?? alarm;
  const size = severity?.size ?? 1;
  const nats = fault?.lnE ?? inference.lnE[construct] ?? 0;
  const explained = {
    kind,
    construct: describe(window, construct),
    setsIndicator,
    doubt,
    since: isoTime(alarm?.sinceSeconds ?? window.startSeconds),
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
  const noun = ({ class: name }: HealthConstruct) =>
    isConstructClass(name) ? classOf(name).noun : name;
  return { ...explained, sentence: findingSentence(explained, noun) };
}

export function describe({ constructs }: JudgedWindow, construct: number): HealthConstruct {
  return {
    id: idOf(nameAt(constructs, construct)),
    class: classAt(constructs, construct).name,
  };
}

/**
 * The flows through the accused construct, and a control group of flows that avoid it: flows of the
 * same hosts or, if there are none, flows of other hosts to the same remotes.
 */
function contrastOf({ inference: { evidence } }: JudgedWindow, construct: number): ContrastGroup[] {
  const { host, remote, length } = evidence.cells;
  const through = new Set(evidence.cellsOf(construct));
  const avoiding = (ends: Uint32Array) => {
    const shared = new Set([...through].map((i) => ends[i]));
    return Array.from({ length }, (_, i) => i).filter(
      (i) => !through.has(i) && shared.has(ends[i]),
    );
  };
  const groups = [groupOf(evidence, 'through it', through)];
  const own = avoiding(host);
  if (own.length > 0) return [...groups, groupOf(evidence, 'same hosts, not through it', own)];
  const others = avoiding(remote);
  if (others.length === 0) return groups;
  return [...groups, groupOf(evidence, 'other hosts, to the same remotes', others)];
}

function groupOf(
  { cells, of }: Evidence,
  group: ContrastGroup['group'],
  members: Iterable<number>,
): ContrastGroup {
  const own = [...members];
  const hosts = new Set(own.map((i) => cells.host[i]));
  return {
    group,
    cells: own.length,
    hosts: hosts.size,
    ...of.loss.contrast(own),
    ...of.connect.contrast(own),
  };
}

/**
 * The retransmissions through a construct, divided among their causes: faults, one connection, and
 * the background. Within a cell, each cause gets a share in proportion to the loss that is expected
 * of it.
 */
function ledgerOf(window: JudgedWindow, construct: number): HealthFinding['ledger'] {
  const { inference, constructs } = window;
  const { cells, of } = inference.evidence;
  const owning = inference.faults
    .map((fault) => {
      const { retransmissionsOf }: Channel<Cells> = CHANNELS[fault.channel];
      const crossing = new Set(inference.evidence.cellsOf(fault.construct));
      return { ...fault, retransmissionsOf, crossing };
    })
    .filter(({ retransmissionsOf }) => retransmissionsOf !== undefined);
  const owners = new Map<string, number>();
  const owe = (owner: string, retrans: number) =>
    owners.set(owner, (owners.get(owner) ?? 0) + retrans);
  for (const i of inference.evidence.cellsOf(construct)) {
    const retrans = cells.retrans[i] ?? 0;
    if (!(retrans > 0)) continue;
    const own = owning.filter(({ crossing }) => crossing.has(i));
    const life = cells.life[i] === DEAD ? 'dead cells' : 'living cells';
    const broken = own.find(
      ({ shape, retransmissionsOf }) => shape === 'fraction' && retransmissionsOf === life,
    );
    // The retransmissions of an unhealthy cell are caused by its broken share, or by one
    // connection.
    const outlier = retrans * (1 - (of.loss.weight[i] ?? 0));
    owe(broken === undefined ? 'one connection' : nameAt(constructs, broken.construct), outlier);
    const even = own.filter(({ shape }) => shape === 'uniform');
    const background = of.loss.tolerated[i] ?? 0;
    const total = even.reduce((sum, { size }) => sum + size, background);
    for (const { construct: owner, size } of even) {
      owe(nameAt(constructs, owner), ((retrans - outlier) * size) / total);
    }
    owe('background', ((retrans - outlier) * background) / total);
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
  const { cells, of } = inference.evidence;
  const through = new Set(inference.evidence.cellsOf(construct));
  let count = 0;
  let segments = 0;
  let all = 0;
  let excess = 0;
  for (const i of monitor.cells) {
    const n = cells.segments[i] ?? 0;
    all += n;
    if (!through.has(i)) continue;
    count += 1;
    segments += n;
    excess += (cells.retrans[i] ?? 0) - n * (of.loss.baseline[i] ?? 0);
  }
  return {
    cells: count,
    segmentsShare: all === 0 ? 0 : segments / all,
    excessRetrans: Math.max(0, Math.round(excess)),
  };
}
