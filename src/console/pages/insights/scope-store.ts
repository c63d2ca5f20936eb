import type { Owner } from '../../../model/owner.ts';
import { errorMessage } from '../../lib/error-message.ts';
import { Store } from '../../lib/store.ts';
import type { Timers } from '../../lib/timers.ts';
import type { InsightsApi, ScopeSummary } from './insights-api.ts';

export interface ScopeState {
  /** Undefined while not known; `none` when there is no scope. */
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

/** A scope on its way is looked at again this often. */
const LOOK_AGAIN_MILLIS = 2_000;

/** The scope of the account and Region; looked at again by itself while there is none or it is on its way. */
export class ScopeStore {
  readonly state = new Store<ScopeState>({ busy: false });
  readonly #deps: ScopeStoreDeps;
  #looking: AbortController | undefined;
  #cancelTimer: (() => void) | undefined;

  constructor(deps: ScopeStoreDeps) {
    this.#deps = deps;
  }

  /** Never rejects: what fails is in the state. */
  async look(): Promise<void> {
    this.stop();
    const looking = new AbortController();
    this.#looking = looking;
    const before = this.state.get();
    if (before.scope === undefined) this.state.set({ ...before, busy: true });
    try {
      const scope = (await this.#deps.api.findScope(looking.signal)) ?? 'none';
      if (this.#looking !== looking) return;
      this.state.set({ scope, busy: false });
      if (isOnItsWay(scope)) this.#lookLater();
    } catch (error) {
      if (this.#looking === looking) this.#failed(error);
    }
  }

  /** Creates one, then looks. */
  async create(owner: Owner): Promise<void> {
    this.state.set({ ...this.state.get(), busy: true, error: undefined });
    try {
      await this.#deps.api.createScope(owner);
    } catch (error) {
      return this.#failed(error);
    }
    await this.look();
  }

  stop(): void {
    this.#looking?.abort();
    this.#looking = undefined;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  #lookLater(): void {
    this.#cancelTimer = this.#deps.timers.after(LOOK_AGAIN_MILLIS, () => void this.look());
  }

  #failed(error: unknown): void {
    const { isSessionEnd, onSessionEnd } = this.#deps;
    if (isSessionEnd(error)) onSessionEnd();
    else this.state.set({ ...this.state.get(), busy: false, error: errorMessage(error) });
  }
}

/** None counts too: it may be created elsewhere while one looks at the page. */
function isOnItsWay(scope: ScopeSummary | 'none'): boolean {
  if (scope === 'none') return true;
  const { status } = scope;
  return status === 'IN_PROGRESS' || status === 'DEACTIVATING';
}
