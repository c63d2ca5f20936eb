import type {
  ConstructHealth,
  HealthConstruct,
  HealthExplanation,
  IncidentFlow,
} from '../../model/health.ts';
import { type Constructs, idOf, nameAt } from '../constructs/constructs.ts';
import type { ConstructSelection } from '../constructs/window-constructs.ts';
import type { FirstPassRow } from '../evidence/first-pass.ts';
import { cellsOfMonitors, windowCells } from '../evidence/window-cells.ts';
import type { Parameters } from '../parameters.ts';
import { type DetectorState, detect } from '../search/detect.ts';
import { type Inference, infer, quietInference } from '../search/infer.ts';
import { describe, type ExplainedWindow, explain, explainFinding } from './explain.ts';
import { type Finding, findings } from './findings.ts';
import type { AlarmReport } from './incidents.ts';
import { type MonitorCells, monitorVerdict, power } from './monitor-verdict.ts';
import type { WindowInputs } from './window-inputs.ts';

/** The results of a window. */
export interface WindowJudgement {
  readonly detector: DetectorState;
  readonly monitors: readonly {
    readonly monitorName: string;
    readonly explanation: HealthExplanation;
  }[];
  readonly constructs: readonly ConstructHealth[];
  readonly reports: readonly AlarmReport[];
  readonly alarmed: readonly HealthConstruct[];
  /** The constructs whose cells do not learn from the window. */
  readonly excluded: ConstructSelection;
}

const MAX_CONSTRUCTS = 1_000;
const MAX_FLOWS = 10;

/** The verdict on a window. Pure: the same inputs and parameters always give the same verdict. */
export function judgeWindow(inputs: WindowInputs, p: Parameters): WindowJudgement {
  const { startSeconds, endSeconds, shared, before, first } = inputs;
  const windowSeconds = endSeconds - startSeconds;
  const { constructs, inference } = inferred(inputs, p);
  const detection = detect(before, { inference, constructs, endSeconds, windowSeconds }, p);
  const { alarms } = detection.state;
  const judged: ExplainedWindow = {
    inference,
    constructs,
    alarms,
    startSeconds,
    windowSeconds,
    threshold: detection.threshold,
    inputsId: inputs.inputsId,
  };
  const found = findings(judged, p);
  const monitors = judgedMonitors(judged, { inputs, found }, p);
  const harmed = (finding: Finding) =>
    monitors
      .filter(({ findings: touching }) =>
        touching.some((each) => each.finding === finding && each.isMaterial),
      )
      .map(({ monitorName }) => monitorName);
  return {
    detector: detection.state,
    monitors: monitors.map(({ monitorName, explanation }) => ({ monitorName, explanation })),
    constructs: constructHealth(judged, { first, found, p }),
    reports: found
      .filter(({ alarm }) => alarm !== undefined)
      .map((finding) => reportOf(judged, finding, harmed(finding))),
    alarmed: alarms.map(({ construct, class: name }) => ({ id: idOf(construct), class: name })),
    excluded: excludedOf(judged, { found, shared: shared.length, p }),
  };
}

function inferred(
  { rows, shared, only, limits, before, first, isQuiet }: WindowInputs,
  p: Parameters,
): { readonly constructs: Constructs; readonly inference: Inference } {
  const alarmed = new Set(before.alarms.map(({ construct }) => construct));
  const { cells, constructs } = windowCells({ rows, shared, only, limits, alarmed });
  const inference = isQuiet
    ? quietInference(cells, { constructs, first }, p)
    : infer(cells, constructs, p);
  return { constructs, inference };
}

function judgedMonitors(
  judged: ExplainedWindow,
  { inputs, found }: { readonly inputs: WindowInputs; readonly found: readonly Finding[] },
  p: Parameters,
) {
  const own = cellsOfMonitors(inputs.rows, inputs.monitors.length);
  return inputs.monitors.map(({ name, sums, completeness }, i) => {
    const monitor = { name, cells: own[i] ?? new Uint32Array(), sums };
    const verdict = monitorVerdict(judged, { monitor, found }, p);
    const explanation = explain(judged, { verdict, monitor, completeness }, p);
    return { monitorName: name, findings: verdict.findings, explanation };
  });
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
      evidenceNats: judged.inference.lnE[c] ?? 0,
      finding: finding && explainFinding(judged, finding, everything(judged)),
    });
  }
  return health.sort((a, b) => b.evidenceNats - a.evidenceNats).slice(0, MAX_CONSTRUCTS);
}

const NO_SUMS = { cells: 0, segments: 0, retrans: 0, expected: 0, known: 0 };

/** All cells of the window as one monitor. */
function everything({ inference }: ExplainedWindow): MonitorCells {
  const { length } = inference.evidence.cells;
  return { name: '', cells: Uint32Array.from({ length }, (_, i) => i), sums: NO_SUMS };
}

function stateOf(finding: Finding | undefined, smallestLoss: number | undefined) {
  if (finding === undefined) return smallestLoss === undefined ? 'insufficient' : 'healthy';
  return finding.doubt === undefined ? 'degraded' : 'suspected';
}

/** The flows through the blamed construct, those with most retransmissions first. */
function proof({ inference, constructs }: ExplainedWindow, { construct }: Finding): IncidentFlow[] {
  const { cells } = inference.evidence;
  const endOf = (end: number | undefined) => idOf(nameAt(constructs, end ?? -1));
  return [...inference.evidence.cellsOf(construct)]
    .map((i) => ({
      local: endOf(cells.host[i]),
      remote: endOf(cells.remote[i]),
      segments: cells.segments[i] ?? 0,
      retrans: cells.retrans[i] ?? 0,
    }))
    .sort((a, b) => b.retrans - a.retrans)
    .slice(0, MAX_FLOWS);
}

/**
 * Constructs at fault are excluded from learning. A drift of all flows at once is learned, and so is
 * a fault older than `freezeSeconds`.
 */
function excludedOf(
  { inference, constructs, startSeconds }: ExplainedWindow,
  {
    found,
    shared,
    p,
  }: { readonly found: readonly Finding[]; readonly shared: number; readonly p: Parameters },
): ConstructSelection {
  const learned = new Set(
    found
      .filter(({ alarm, doubt }) => {
        const since = alarm?.sinceSeconds ?? startSeconds;
        return doubt === 'no-control-group' || startSeconds - since > p.freezeSeconds;
      })
      .map(({ construct }) => construct),
  );
  const faulty = inference.faults.map(({ construct }) => construct).filter((c) => !learned.has(c));
  return {
    shared: faulty.filter((c) => c < shared),
    ends: faulty.filter((c) => c >= shared).map((c) => nameAt(constructs, c)),
  };
}
