import type { Owner } from '../../../model/owner.ts';
import { errorMessage } from '../../lib/error-message.ts';
import { Store } from '../../lib/store.ts';
import type { Timers } from '../../lib/timers.ts';
import type { InsightsApi, ScopeSummary } from './insights-api.ts';

export interface ScopeState {
  /** Undefined until it has been read; `none` if there is no scope. */
  readonly scope?: ScopeSummary | 'none' | undefined;
  readonly busy: boolean;
  readonly error?: string | undefined;
}

export interface ScopeStoreDeps {
  readonly api: Pick<InsightsApi, 'findScope' | 'createScope'>;
  readonly timers: Timers;
  readonly isSessionEnd: (error: unknown) => boolean;
  readonly onSessionEnd: () => void;
}

/** Interval for a scope that is still changing. */
const POLL_MILLIS = 2_000;

/** The scope of the account and Region. It is polled while it is missing or changing. */
export class ScopeStore {
  readonly state = new Store<ScopeState>({ busy: false });
  readonly #deps: ScopeStoreDeps;
  #loading: AbortController | undefined;
  #cancelTimer: (() => void) | undefined;

  constructor(deps: ScopeStoreDeps) {
    this.#deps = deps;
  }

  /** Reads the scope. Never rejects: a failure is put into the state. */
  async load(): Promise<void> {
    this.stop();
    const loading = new AbortController();
    this.#loading = loading;
    const before = this.state.get();
    if (before.scope === undefined) this.state.set({ ...before, busy: true });
    try {
      const scope = (await this.#deps.api.findScope(loading.signal)) ?? 'none';
      if (this.#loading !== loading) return;
      this.state.set({ scope, busy: false });
      if (isChanging(scope)) this.#loadLater();
    } catch (error) {
      if (this.#loading === loading) this.#failed(error);
    }
  }

  /** Creates a scope and reads it. */
  async create(owner: Owner): Promise<void> {
    this.state.set({ ...this.state.get(), busy: true, error: undefined });
    try {
      await this.#deps.api.createScope(owner);
    } catch (error) {
      return this.#failed(error);
    }
    await this.load();
  }

  stop(): void {
    this.#loading?.abort();
    this.#loading = undefined;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  #loadLater(): void {
    this.#cancelTimer = this.#deps.timers.after(POLL_MILLIS, () => void this.load());
  }

  #failed(error: unknown): void {
    const { isSessionEnd, onSessionEnd } = this.#deps;
    if (isSessionEnd(error)) onSessionEnd();
    else this.state.set({ ...this.state.get(), busy: false, error: errorMessage(error) });
  }
}

/** Also polls without a scope, because somebody may create one by the API or the CLI. */
function isChanging(scope: ScopeSummary | 'none'): boolean {
  if (scope === 'none') return true;
  const { status } = scope;
  return status === 'IN_PROGRESS' || status === 'DEACTIVATING';
}
