import type {
  ConstructHealth,
  HealthConstruct,
  HealthExplanation,
  IncidentFlow,
} from '../model/health.ts';
import type { Constructs } from './cells.ts';
import { type ConstructClassName, classOf } from './construct-class.ts';
import { describe, type ExplainedWindow, explain, explainFinding } from './explain.ts';
import type { FlowWindow } from './first-pass-sql.ts';
import type { ConstructsOf } from './flow-constructs.ts';
import type { AlarmReport } from './incidents.ts';
import { type Inference, infer, quietInference } from './infer.ts';
import type { Parameters } from './parameters.ts';
import { type DetectorState, detect } from './sequential.ts';
import { SharedConstructs } from './shared-constructs.ts';
import { type Finding, findings, type MonitorCells, monitorVerdict, power } from './verdict.ts';
import { cellsOfMonitors, type SharedConstruct, windowCells } from './window-cells.ts';
import type {
  CellRow,
  Excluded,
  FirstPass,
  FirstPassRow,
  PairPaths,
  WindowReader,
} from './window-reader.ts';

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
  readonly paths: PairPaths;
  /** Not to be learned from. */
  readonly excluded: Excluded;
}

/** So many cells are looked at whole; of more, those that may be at fault. */
const MOST_WHOLE = 50_000;
const MOST_CELLS = 500_000;
/** A construct this far below acceptance is not looked at: refitting may add to its score. Nats. */
const MARGIN = 5;
const MOST_CONSTRUCTS = 1_000;
const MOST_FLOWS = 10;

/** Judges windows one after the other: first pass in the store, and a search if anything scores. */
export class WindowJudge {
  readonly #reader: WindowReader;
  readonly #constructsOf: ConstructsOf;
  readonly #p: Parameters;

  constructor(parts: {
    readonly reader: WindowReader;
    readonly constructsOf: ConstructsOf;
    readonly parameters: Parameters;
  }) {
    this.#reader = parts.reader;
    this.#constructsOf = parts.constructsOf;
    this.#p = parts.parameters;
  }

  async judge(
    window: FlowWindow,
    before: DetectorState,
    completeness: number | undefined,
  ): Promise<WindowJudgement> {
    const shared = new SharedConstructs(this.#constructsOf, window.startSeconds);
    const paths = shared.add(await this.#reader.pairs(window));
    const first = await this.#reader.firstPass(window, paths, this.#least('host'));
    const candidates = this.#candidates(first.constructs, shared.list, before);
    const looked = await this.#look(window, {
      shared: shared.list,
      paths,
      first,
      candidates,
      before,
    });
    const detection = detect(
      before,
      {
        inference: looked.inference,
        constructs: looked.constructs,
        endSeconds: window.endSeconds,
        windowSeconds: window.endSeconds - window.startSeconds,
      },
      this.#p,
    );
    const judged: ExplainedWindow = {
      inference: looked.inference,
      constructs: looked.constructs,
      alarms: detection.state.alarms,
      startSeconds: window.startSeconds,
      windowSeconds: window.endSeconds - window.startSeconds,
      threshold: detection.threshold,
      completeness,
    };
    const found = findings(judged, this.#p);
    const own = cellsOfMonitors(looked.rows, window.monitors.length);
    const monitors = window.monitors.map(({ monitorName }, i) => {
      const monitor = monitorCells(monitorName, { own: own[i], sums: first.monitors[i] });
      const verdict = monitorVerdict(judged, { monitor, found }, this.#p);
      return { verdict, monitor, explanation: explain(judged, { verdict, monitor }, this.#p) };
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
      constructs: this.#constructHealth(judged, { first: first.constructs, found }),
      reports: found
        .filter(({ alarm }) => alarm !== undefined)
        .map((finding) => this.#report(judged, finding, harmed(finding))),
      alarmed: detection.state.alarms.map(({ construct, class: name }) => ({
        id: construct.slice(construct.indexOf(':') + 1),
        class: name,
      })),
      paths,
      excluded: excludedOf(judged, { found, shared: shared.list.length, p: this.#p }),
    };
  }

  /** What a construct's best column must reach to be looked at. */
  #least(name: ConstructClassName): number {
    const { prior } = classOf(name);
    return this.#p.accept - MARGIN - Math.log(prior / (1 - prior));
  }

  #candidates(
    first: readonly FirstPassRow[],
    shared: readonly SharedConstruct[],
    before: DetectorState,
  ): Excluded {
    const suspects = new Set([
      ...before.alarms.map(({ construct }) => construct),
      ...Object.keys(before.lnM),
    ]);
    const numbers: number[] = [];
    const ends: string[] = [];
    for (const { construct, totals } of first) {
      if (typeof construct === 'string') {
        ends.push(construct);
        continue;
      }
      const { name, class: className } = shared[construct] as SharedConstruct;
      const isHigh = Math.max(...totals) >= this.#least(className);
      if (isHigh || suspects.has(name)) numbers.push(construct);
    }
    return { shared: numbers, ends };
  }

  /** The cells and their search, if anything asks for it. */
  async #look(
    window: FlowWindow,
    parts: {
      readonly shared: readonly SharedConstruct[];
      readonly paths: PairPaths;
      readonly first: FirstPass;
      readonly candidates: Excluded;
      readonly before: DetectorState;
    },
  ): Promise<Looked> {
    const { shared, paths, first, candidates, before } = parts;
    const isWhole = first.all.cells <= MOST_WHOLE;
    const isQuiet =
      candidates.shared.length === 0 &&
      candidates.ends.length === 0 &&
      before.alarms.length === 0 &&
      !(isWhole && first.refused > 0);
    const only = isWhole ? undefined : candidates;
    const limit = MOST_CELLS;
    const rows = isQuiet ? [] : await this.#reader.cells(window, { paths, only, limit });
    const pathOf = new Map(paths.pairs.map((pair, i) => [pair, paths.paths[i] ?? []]));
    const { cells, constructs } = windowCells({
      rows,
      shared,
      pathOf,
      only,
      alarms: before.alarms,
    });
    const inference = isQuiet
      ? quietInference(cells, { constructs, first: first.constructs }, this.#p)
      : infer(cells, constructs, this.#p);
    return { rows, constructs, inference };
  }

  #report(judged: ExplainedWindow, finding: Finding, monitors: readonly string[]): AlarmReport {
    const explained = explainFinding(judged, finding, everything(judged));
    const { construct, ambiguousWith, kind, setsIndicator, fault, sentence } = explained;
    const flows = proof(judged, finding);
    return {
      construct,
      ambiguousWith,
      kind,
      setsIndicator,
      size: fault.size,
      sentence,
      monitors,
      flows,
    };
  }

  #constructHealth(
    judged: ExplainedWindow,
    parts: {
      readonly first: readonly FirstPassRow[];
      readonly found: readonly Finding[];
    },
  ): ConstructHealth[] {
    const byConstruct = new Map(parts.found.map((finding) => [finding.construct, finding]));
    const health: ConstructHealth[] = [];
    for (const { construct, sums } of parts.first) {
      const c =
        typeof construct === 'number' ? construct : judged.constructs.names.indexOf(construct);
      if (c === -1) continue;
      const finding = byConstruct.get(c);
      const smallestLoss = power(sums, this.#p);
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
    return health.sort((a, b) => b.evidenceNats - a.evidenceNats).slice(0, MOST_CONSTRUCTS);
  }
}

interface Looked {
  readonly rows: readonly CellRow[];
  readonly constructs: Constructs;
  readonly inference: Inference;
}

const NO_SUMS = { cells: 0, segments: 0, retrans: 0, expected: 0, known: 0 };

function monitorCells(
  name: string,
  {
    own,
    sums,
  }: { readonly own: Uint32Array | undefined; readonly sums: MonitorCells['sums'] | undefined },
): MonitorCells {
  return { name, cells: own ?? new Uint32Array(), sums: sums ?? NO_SUMS };
}

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
    .slice(0, MOST_FLOWS);
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
): Excluded {
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
