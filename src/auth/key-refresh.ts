import type { Log } from '../lib/log.ts';
import { pause } from '../lib/pause.ts';
import type { Service } from '../lib/service.ts';
import { type AccessKeys, REFRESH_MILLIS } from './access-keys.ts';

export interface KeyRefreshDeps {
  readonly keys: AccessKeys;
  readonly log: Log;
}

/** Rereads the cached access keys every `REFRESH_MILLIS`, so that no request waits for it. */
export class KeyRefresh implements Service {
  readonly name = 'access key refresh';
  readonly #deps: KeyRefreshDeps;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;

  constructor(deps: KeyRefreshDeps) {
    this.#deps = deps;
  }

  start(): Promise<void> {
    this.#running = this.#run(this.#stopping.signal);
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { keys, log } = this.#deps;
    while (!signal.aborted) {
      await keys.refresh().catch((error: unknown) => {
        log.warn('cannot refresh the access keys; cached ones stay valid', { error });
      });
      await pause(REFRESH_MILLIS, signal);
    }
  }
}
