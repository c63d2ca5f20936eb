import type { Log } from '../lib/log.ts';
import { Loop } from '../lib/loop.ts';
import type { Service } from '../lib/service.ts';
import { type AccessKeys, REFRESH_MILLIS } from './access-keys.ts';

export interface KeyRefreshDeps {
  readonly keys: AccessKeys;
  readonly log: Log;
}

/** Rereads the cached access keys every `REFRESH_MILLIS`, so that no request waits for it. */
export class KeyRefresh implements Service {
  readonly name = 'access key refresh';
  readonly #loop: Loop;

  constructor({ keys, log }: KeyRefreshDeps) {
    this.#loop = new Loop({
      round: () => keys.refresh(),
      everyMillis: REFRESH_MILLIS,
      onError: (error) =>
        log.warn('cannot refresh the access keys; cached ones stay valid', { error }),
    });
  }

  async start(): Promise<void> {
    this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }
}
