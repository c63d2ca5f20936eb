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
import type { FirstPass, FirstPassRow } from '../evidence/first-pass.ts';
import type { HealthWindow } from '../health-window.ts';
import { lnMeanExp, lnOdds } from '../nats.ts';
import type { Parameters } from '../parameters.ts';
import type { DetectorState } from '../search/detect.ts';
import type { WindowInputs } from '../verdict/window-inputs.ts';
import type { KeptInputs } from './kept-inputs.ts';
import type { WindowReader } from './window-reader.ts';

export interface InputCollectorDeps {
  readonly reader: WindowReader;
  readonly kept: KeptInputs;
  readonly constructsOf: ConstructsOf;
  readonly groupsOf: GroupsOf;
  readonly newId: () => string;
  readonly parameters: Parameters;
}

/** All cells of a window up to this size are searched, and of a larger window the suspect ones. */
const MAX_WHOLE = 50_000;
const MAX_CELLS = 500_000;
/**
 * A construct whose score is at most this far below acceptance is searched, because fitting may
 * raise the score. Nats.
 */
const MARGIN = 5;
const NO_LIMITS: HostLimits = { exceeded: [], within: [] };
const NO_CELLS = { cells: 0, segments: 0, retrans: 0, expected: 0, known: 0 };

/**
 * Collects the inputs of a verdict: the first pass in the store, and the cells if there is anything
 * to search for. Stores the inputs of a search, so that the verdict can be repeated.
 */
export class InputCollector {
  readonly #deps: InputCollectorDeps;

  constructor(deps: InputCollectorDeps) {
    this.#deps = deps;
  }

  async collect(
    window: HealthWindow,
    before: DetectorState,
    completeness: readonly HealthCompleteness[],
  ): Promise<{ readonly inputs: WindowInputs; readonly paths: WindowPaths }> {
    const { reader, kept } = this.#deps;
    const { startSeconds, endSeconds } = window;
    const shared = new SharedConstructs(startSeconds);
    const pairs = await reader.pairs(window);
    const paths = shared.add({ pairs, instances: await reader.instances(window) }, this.#deps);
    const first = await reader.firstPass(window, paths, this.#minNats('host'));
    const cells = await this.#cells(window, { shared: shared.list, paths, first, before });
    const inputs: WindowInputs = {
      ...cells,
      startSeconds,
      endSeconds,
      shared: shared.list,
      before,
      monitors: window.monitors.map(({ monitorName: name }, i) => ({
        name,
        sums: first.monitors[i] ?? NO_CELLS,
        completeness: completeness[i] ?? {},
      })),
      first: first.constructs,
    };
    if (cells.inputsId !== undefined) await kept.keep(window, cells.inputsId, inputs);
    return { inputs, paths };
  }

  /** The minimum evidence, in its best column, for a construct of this class to be a suspect. */
  #minNats(name: ConstructClassName): number {
    return this.#deps.parameters.accept - MARGIN - lnOdds(classOf(name).prior);
  }

  #suspects(
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
      const known = shared[construct];
      if (known === undefined) continue;
      const { name } = known;
      const isHigh = Math.max(...totals) >= this.#minNats(known.class);
      // Weak evidence adds up over windows. Only a window that adds to it needs a search.
      const isGrowing =
        before.lnM[name] !== undefined &&
        lnMeanExp(Float64Array.from(totals), 0, totals.length) > 0;
      if (isHigh || isGrowing || alarmed.has(name)) numbers.push(construct);
    }
    return { shared: numbers, ends };
  }

  /** The cells to search, if there is anything to search for. */
  async #cells(
    window: HealthWindow,
    parts: {
      readonly shared: readonly SharedConstruct[];
      readonly paths: WindowPaths;
      readonly first: FirstPass;
      readonly before: DetectorState;
    },
  ): Promise<Pick<WindowInputs, 'rows' | 'isQuiet' | 'only' | 'limits' | 'inputsId'>> {
    const { reader, kept, newId } = this.#deps;
    const { shared, paths, first, before } = parts;
    const suspects = this.#suspects(first.constructs, shared, before);
    const isWhole = first.all.cells <= MAX_WHOLE;
    const isQuiet =
      suspects.shared.length === 0 &&
      suspects.ends.length === 0 &&
      before.alarms.length === 0 &&
      !(isWhole && first.applications > 0);
    if (isQuiet) return { rows: [], isQuiet, limits: NO_LIMITS };
    const only = isWhole ? undefined : suspects;
    const inputsId = newId();
    await kept.keepCells(window, { inputsId, paths, only, limit: MAX_CELLS });
    const rows = await kept.cells({ ...window, inputsId });
    // ClickHouse silently drops inserts when the disk fills up, so count the rows.
    if (isWhole && rows.length < first.all.cells) {
      throw new Error(`only ${rows.length} of ${first.all.cells} cells to be judged were kept`);
    }
    return { rows, isQuiet, only, limits: await reader.limits(window), inputsId };
  }
}
