import type { HealthCompleteness } from '../../model/health.ts';
import { type ConstructClassName, classOf } from '../constructs/construct-class.ts';
import type { ConstructsOf, GroupsOf } from '../constructs/flow-constructs.ts';
import { SharedConstructs } from '../constructs/shared-constructs.ts';
import type {
  ConstructSelection,
  HostLimits,
  SharedConstruct,
  WindowPaths,
} from '../constructs/window-constructs.ts';
import { COLUMNS } from '../evidence/cell-state.ts';
import { lnMeanExp } from '../evidence/evidence.ts';
import type { FirstPass, FirstPassRow } from '../evidence/first-pass.ts';
import type { HealthWindow } from '../health-window.ts';
import type { Parameters } from '../parameters.ts';
import type { DetectorState } from '../search/detect.ts';
import { judgeWindow, type WindowJudgement } from '../verdict/judge-window.ts';
import type { WindowInputs } from '../verdict/window-inputs.ts';
import type { WindowReader } from './window-reader.ts';

export interface WindowJudgeParts {
  readonly reader: WindowReader;
  readonly constructsOf: ConstructsOf;
  readonly groupsOf: GroupsOf;
  readonly newId: () => string;
  readonly parameters: Parameters;
}

/** So many cells are looked at whole; of more, those that may be at fault. */
const MAX_WHOLE = 50_000;
const MAX_CELLS = 500_000;
/** A construct this far below acceptance is not looked at: refitting may add to its score. Nats. */
const MARGIN = 5;
const NO_LIMITS: HostLimits = { exceeded: [], within: [] };

/** Judges windows one after the other: first pass in the store, and a search if anything scores. */
export class WindowJudge {
  readonly #parts: WindowJudgeParts;

  constructor(parts: WindowJudgeParts) {
    this.#parts = parts;
  }

  async judge(
    window: HealthWindow,
    before: DetectorState,
    completeness: readonly HealthCompleteness[],
  ): Promise<WindowJudgement & { readonly paths: WindowPaths }> {
    const { reader, parameters } = this.#parts;
    const shared = new SharedConstructs(window.startSeconds);
    const pairs = await reader.pairs(window);
    const paths = shared.add({ pairs, instances: await reader.instances(window) }, this.#parts);
    const first = await reader.firstPass(window, paths, this.#min('host'));
    const looked = await this.#look(window, { shared: shared.list, paths, first, before });
    const inputs: WindowInputs = {
      ...looked,
      startSeconds: window.startSeconds,
      endSeconds: window.endSeconds,
      shared: shared.list,
      before,
      monitors: window.monitors.map(({ monitorName: name }, i) => ({
        name,
        sums: first.monitors[i] ?? { cells: 0, segments: 0, retrans: 0, expected: 0, known: 0 },
        completeness: completeness[i] ?? {},
      })),
      first: first.constructs,
    };
    if (looked.inputsId !== undefined) await reader.keepInputs(window, looked.inputsId, inputs);
    return { ...judgeWindow(inputs, parameters), paths };
  }

  /** What a construct's best column must reach to be looked at. */
  #min(name: ConstructClassName): number {
    const { prior } = classOf(name);
    return this.#parts.parameters.accept - MARGIN - Math.log(prior / (1 - prior));
  }

  #candidates(
    first: readonly FirstPassRow[],
    shared: readonly SharedConstruct[],
    before: DetectorState,
  ): ConstructSelection {
    const alarmed = new Set(before.alarms.map(({ construct }) => construct));
    const numbers: number[] = [];
    const ends: string[] = [];
    for (const { construct, totals } of first) {
      if (typeof construct === 'string') {
        ends.push(construct);
        continue;
      }
      const { name, class: className } = shared[construct] as SharedConstruct;
      const isHigh = Math.max(...totals) >= this.#min(className);
      // What adds up is looked at when there is more of it: first-pass totals tell the rest.
      const isMore =
        before.lnM[name] !== undefined && lnMeanExp(Float64Array.from(totals), 0, COLUMNS) > 0;
      if (isHigh || isMore || alarmed.has(name)) numbers.push(construct);
    }
    return { shared: numbers, ends };
  }

  /** The cells to search, if anything asks for it. */
  async #look(
    window: HealthWindow,
    parts: {
      readonly shared: readonly SharedConstruct[];
      readonly paths: WindowPaths;
      readonly first: FirstPass;
      readonly before: DetectorState;
    },
  ): Promise<Pick<WindowInputs, 'rows' | 'isQuiet' | 'only' | 'limits' | 'inputsId'>> {
    const { reader, newId } = this.#parts;
    const { shared, paths, first, before } = parts;
    const candidates = this.#candidates(first.constructs, shared, before);
    const isWhole = first.all.cells <= MAX_WHOLE;
    const isQuiet =
      candidates.shared.length === 0 &&
      candidates.ends.length === 0 &&
      before.alarms.length === 0 &&
      !(isWhole && first.applications > 0);
    if (isQuiet) return { rows: [], isQuiet, limits: NO_LIMITS };
    const only = isWhole ? undefined : candidates;
    const inputsId = newId();
    await reader.keepCells(window, { inputsId, paths, only, limit: MAX_CELLS });
    const rows = await reader.cells(window, inputsId);
    // A disk that got full meanwhile keeps nothing, and says so to nobody.
    if (isWhole && rows.length < first.all.cells) {
      throw new Error(`of ${first.all.cells} cells to be judged only ${rows.length} were kept`);
    }
    return {
      rows,
      isQuiet,
      only,
      limits: await reader.limits(window),
      inputsId,
    };
  }

  /** The verdict on a window whose inputs were kept, computed again; undefined when they are gone. */
  async judgeAgain(
    owner: HealthWindow['owner'],
    kept: { readonly inputsId: string; readonly startSeconds: number },
  ): Promise<WindowJudgement | undefined> {
    const inputs = await this.#parts.reader.inputs(owner, kept);
    return inputs && judgeWindow(inputs, this.#parts.parameters);
  }
}
