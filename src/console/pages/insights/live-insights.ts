import type { Clock } from '../../../lib/clock.ts';
import type { DestinationCategory } from '../../../model/category.ts';
import type { WorkloadInsightsMetric } from '../../../model/query.ts';
import { errorMessage } from '../../lib/error-message.ts';
import { Store } from '../../lib/store.ts';
import type { Timers } from '../../lib/timers.ts';
import type { InsightsApi } from './insights-api.ts';
import { type Insights, type InsightsRequest, loadInsights } from './load-insights.ts';
import { METRICS } from './metrics.ts';
import { type TimeRange, type TimeWindow, windowOf } from './time-window.ts';

export const REFRESH_MILLIS = 30_000;

/** The selection of the page. A new question discards the answers to the previous one. */
export interface Question {
  readonly scopeId: string;
  /** Part of the question, because the answers change once the scope is ready. */
  readonly scopeReady: boolean;
  /** All categories if undefined. */
  readonly category: DestinationCategory | undefined;
  /** Whether to include flows within a host. */
  readonly loopback: boolean;
  readonly range: TimeRange;
}

export interface SectionState {
  /** The last answer, kept while the next one is loading. */
  readonly insights?: Insights | undefined;
  /** Reason why the last attempt failed; the insights are then older than the attempt. */
  readonly error?: string | undefined;
}

export interface InsightsState {
  readonly loading: boolean;
  /** End of the last round, milliseconds since 1970. */
  readonly updatedMillis?: number | undefined;
  readonly sections: Readonly<Record<WorkloadInsightsMetric, SectionState>>;
}

export interface LiveInsightsDeps {
  readonly api: Pick<InsightsApi, 'insights'>;
  readonly clock: Clock;
  readonly timers: Timers;
  /** Whether the error ends the session. `onSessionEnd` is then called and polling stops. */
  readonly isSessionEnd: (error: unknown) => boolean;
  readonly onSessionEnd: () => void;
}

const NOTHING: InsightsState = {
  loading: false,
  sections: { DATA_TRANSFERRED: {}, TIMEOUTS: {}, RETRANSMISSIONS: {} },
};

/**
 * Polls the answers to the page's question every 30 s while `live` and `visible`. A round reads all
 * metrics. Rounds never overlap: `refresh` during a round starts one more after it, and a new
 * question aborts the round in progress.
 */
export class LiveInsights {
  readonly state = new Store<InsightsState>(NOTHING);
  readonly #deps: LiveInsightsDeps;
  #question: Question | undefined;
  #round: AbortController | undefined;
  #again = false;
  #live = true;
  #visible = true;
  #cancelTimer: (() => void) | undefined;

  constructor(deps: LiveInsightsDeps) {
    this.#deps = deps;
  }

  /** Starts polling the question instead of the previous one. */
  ask(question: Question): void {
    this.stop();
    this.#question = question;
    this.state.set(NOTHING);
    this.#begin();
  }

  /** Reads the answers again now. */
  refresh(): void {
    if (this.#round === undefined) this.#begin();
    else this.#again = true;
  }

  setLive(live: boolean): void {
    this.#live = live;
    this.#schedule();
  }

  setVisible(visible: boolean): void {
    this.#visible = visible;
    this.#schedule();
  }

  stop(): void {
    this.#round?.abort();
    this.#round = undefined;
    this.#again = false;
    this.#question = undefined;
    this.#schedule();
  }

  #begin(): void {
    const question = this.#question;
    if (question === undefined) return;
    const round = new AbortController();
    this.#round = round;
    this.#schedule();
    this.state.set({ ...this.state.get(), loading: true });
    void this.#run(question, round);
  }

  /** Never rejects: a failure is put into the state. */
  async #run(question: Question, round: AbortController): Promise<void> {
    const window = windowOf(question.range, this.#deps.clock.now());
    await Promise.all(
      METRICS.map(async (metric) => {
        const section = await this.#load(requestOf({ question, metric, window }), round.signal);
        if (this.#round === round && section !== undefined) this.#show(metric, section);
      }),
    );
    if (this.#round !== round) return;
    this.#round = undefined;
    this.state.set({ ...this.state.get(), loading: false, updatedMillis: this.#deps.clock.now() });
    if (this.#again) {
      this.#again = false;
      this.#begin();
    } else {
      this.#schedule();
    }
  }

  async #load(request: InsightsRequest, signal: AbortSignal): Promise<SectionState | undefined> {
    const { api, isSessionEnd, onSessionEnd } = this.#deps;
    try {
      return { insights: await loadInsights(api, request, signal) };
    } catch (error) {
      if (signal.aborted) return undefined;
      if (isSessionEnd(error)) {
        this.stop();
        onSessionEnd();
        return undefined;
      }
      const { insights } = this.state.get().sections[request.metric];
      return { insights, error: errorMessage(error) };
    }
  }

  #show(metric: WorkloadInsightsMetric, section: SectionState): void {
    const state = this.state.get();
    this.state.set({ ...state, sections: { ...state.sections, [metric]: section } });
  }

  /** Keeps at most one timer, and none during a round, while paused or while the tab is hidden. */
  #schedule(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const { updatedMillis } = this.state.get();
    const idle = this.#question !== undefined && this.#round === undefined;
    if (!idle || !this.#live || !this.#visible || updatedMillis === undefined) return;
    const due = updatedMillis + REFRESH_MILLIS - this.#deps.clock.now();
    this.#cancelTimer = this.#deps.timers.after(Math.max(0, due), () => this.#begin());
  }
}

interface RequestParts {
  readonly question: Question;
  readonly metric: WorkloadInsightsMetric;
  readonly window: TimeWindow;
}

function requestOf({ question, metric, window }: RequestParts): InsightsRequest {
  const { scopeId, category, loopback } = question;
  return { scopeId, category, loopback, metric, window };
}
