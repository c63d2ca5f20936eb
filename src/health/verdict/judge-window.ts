import type {
  ConstructHealth,
  HealthConstruct,
  HealthExplanation,
  IncidentFlow,
} from '../../model/health.ts';
import type { Constructs } from '../constructs/constructs.ts';
import type { ConstructSelection } from '../constructs/window-constructs.ts';
import type { FirstPassRow } from '../evidence/first-pass.ts';
import { cellsOfMonitors, windowCells } from '../evidence/window-cells.ts';
import type { Parameters } from '../parameters.ts';
import { type DetectorState, detect } from '../search/detect.ts';
import { type Inference, infer, quietInference } from '../search/infer.ts';
import { describe, type ExplainedWindow, explain, explainFinding } from './explain.ts';
import { type Finding, findings, type MonitorCells, monitorVerdict, power } from './findings.ts';
import type { AlarmReport } from './incidents.ts';
import type { WindowInputs } from './window-inputs.ts';

/** What is made of a window. */
export interface WindowJudgement {
  readonly detector: DetectorState;
  readonly monitors: readonly {
    readonly monitorName: string;
    readonly explanation: HealthExplanation;
  }[];
  readonly constructs: readonly ConstructHealth[];
  readonly reports: readonly AlarmReport[];
  readonly alarmed: readonly HealthConstruct[];
  /** Not to be learned from. */
  readonly excluded: ConstructSelection;
}

const MAX_CONSTRUCTS = 1_000;
const MAX_FLOWS = 10;

/** The verdict on a window. Pure: the same inputs and parameters give the same verdict, always. */
export function judgeWindow(inputs: WindowInputs, p: Parameters): WindowJudgement {
  const { startSeconds, endSeconds, rows, shared, before } = inputs;
  const windowSeconds = endSeconds - startSeconds;
  const { constructs, inference } = inferred(inputs, p);
  const detection = detect(before, { inference, constructs, endSeconds, windowSeconds }, p);
  const judged: ExplainedWindow = {
    inference,
    constructs,
    alarms: detection.state.alarms,
    startSeconds,
    windowSeconds,
    threshold: detection.threshold,
    inputsId: inputs.inputsId,
  };
  const found = findings(judged, p);
  const own = cellsOfMonitors(rows, inputs.monitors.length);
  const monitors = inputs.monitors.map(({ name, sums, completeness }, i) => {
    const monitor = { name, cells: own[i] ?? new Uint32Array(), sums };
    const verdict = monitorVerdict(judged, { monitor, found }, p);
    const explanation = explain(judged, { verdict, monitor, completeness }, p);
    return { verdict, monitor, explanation };
  });
  const harmed = (finding: Finding) =>
    monitors
      .filter(({ verdict }) =>
        verdict.findings.some((each) => each.finding === finding && each.isMaterial),
      )
      .map(({ monitor }) => monitor.name);
  return {
    detector: detection.state,
    monitors: monitors.map(({ monitor, explanation }) => ({
      monitorName: monitor.name,
      explanation,
    })),
    constructs: constructHealth(judged, { first: inputs.first, found, p }),
    reports: found
      .filter(({ alarm }) => alarm !== undefined)
      .map((finding) => reportOf(judged, finding, harmed(finding))),
    alarmed: detection.state.alarms.map(({ construct, class: name }) => ({
      id: construct.slice(construct.indexOf(':') + 1),
      class: name,
    })),
    excluded: excludedOf(judged, { found, shared: shared.length, p }),
  };
}

function inferred(
  inputs: WindowInputs,
  p: Parameters,
): { readonly constructs: Constructs; readonly inference: Inference } {
  const { rows, shared, only, limits, before, first, isQuiet } = inputs;
  const { cells, constructs } = windowCells({ rows, shared, only, limits, alarms: before.alarms });
  const inference = isQuiet
    ? quietInference(cells, { constructs, first }, p)
    : infer(cells, constructs, p);
  return { constructs, inference };
}

function reportOf(
  judged: ExplainedWindow,
  finding: Finding,
  monitors: readonly string[],
): AlarmReport {
  const explained = explainFinding(judged, finding, everything(judged));
  const { construct, ambiguousWith, kind, setsIndicator, fault, sentence } = explained;
  return {
    construct,
    ambiguousWith,
    kind,
    setsIndicator,
    size: fault.size,
    sentence,
    monitors,
    flows: proof(judged, finding),
  };
}

function constructHealth(
  judged: ExplainedWindow,
  {
    first,
    found,
    p,
  }: {
    readonly first: readonly FirstPassRow[];
    readonly found: readonly Finding[];
    readonly p: Parameters;
  },
): ConstructHealth[] {
  const byConstruct = new Map(found.map((finding) => [finding.construct, finding]));
  const health: ConstructHealth[] = [];
  for (const { construct, sums } of first) {
    const c =
      typeof construct === 'number' ? construct : judged.constructs.names.indexOf(construct);
    if (c === -1) continue;
    const finding = byConstruct.get(c);
    const smallestLoss = power(sums, p);
    health.push({
      construct: describe(judged, c),
      state: stateOf(finding, smallestLoss),
      cells: sums.cells,
      segments: sums.segments,
      retrans: sums.retrans,
      smallestLoss,
      evidenceNats: judged.inference.lnE[c] as number,
      finding: finding && explainFinding(judged, finding, everything(judged)),
    });
  }
  return health.sort((a, b) => b.evidenceNats - a.evidenceNats).slice(0, MAX_CONSTRUCTS);
}

const NO_SUMS = { cells: 0, segments: 0, retrans: 0, expected: 0, known: 0 };

/** All cells looked at, as if they were one monitor's. */
function everything({ inference }: ExplainedWindow): MonitorCells {
  const { length } = inference.evidence.state.cells;
  return { name: '', cells: Uint32Array.from({ length }, (_, i) => i), sums: NO_SUMS };
}

function stateOf(finding: Finding | undefined, smallestLoss: number | undefined) {
  if (finding === undefined) return smallestLoss === undefined ? 'insufficient' : 'healthy';
  return finding.doubt === undefined ? 'degraded' : 'suspected';
}

/** Flows through what is blamed, those that lost most first. */
function proof({ inference, constructs }: ExplainedWindow, { construct }: Finding): IncidentFlow[] {
  const { cells } = inference.evidence.state;
  const idOf = (end: number | undefined) => {
    const name = constructs.names[end ?? -1] ?? '';
    return name.slice(name.indexOf(':') + 1);
  };
  return [...inference.evidence.cellsOf(construct)]
    .map((i) => ({
      local: idOf(cells.host[i]),
      remote: idOf(cells.remote[i]),
      segments: cells.segments[i] as number,
      retrans: cells.retrans[i] as number,
    }))
    .sort((a, b) => b.retrans - a.retrans)
    .slice(0, MAX_FLOWS);
}

/**
 * What is at fault is not learned from: but for a drift of all flows at once, and for what has gone
 * on for so long that it is how things are now.
 */
function excludedOf(
  { inference, constructs, startSeconds }: ExplainedWindow,
  {
    found,
    shared,
    p,
  }: { readonly found: readonly Finding[]; readonly shared: number; readonly p: Parameters },
): ConstructSelection {
  const usual = new Set(
    found
      .filter(({ alarm, doubt }) => {
        const since = alarm?.sinceSeconds ?? startSeconds;
        return doubt === 'no-control-group' || startSeconds - since > p.freezeSeconds;
      })
      .map(({ construct }) => construct),
  );
  const faulty = inference.faults.map(({ construct }) => construct).filter((c) => !usual.has(c));
  return {
    shared: faulty.filter((c) => c < shared),
    ends: faulty.filter((c) => c >= shared).map((c) => constructs.names[c] as string),
  };
}
