export interface WithinOptions {
  readonly millis: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Settles as the work does. Rejects when the time is up, or with the reason of the signal when that
 * aborts first. The work itself goes on, so the caller has to end it.
 */
export async function within<Value>(
  work: Promise<Value>,
  { millis, signal }: WithinOptions,
): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  let stop = () => {};
  const end = new Promise<never>((_, reject) => {
    stop = () => reject(signal?.reason);
    timer = setTimeout(() => reject(new LateError(millis)), millis);
    if (signal?.aborted) stop();
    else signal?.addEventListener('abort', stop, { once: true });
  });
  // After the end nothing awaits the work, so a late failure must not become an unhandled
  // rejection.
  work.catch(() => {});
  try {
    return await Promise.race([work, end]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}

/** Settles as the work does, or resolves when the signal aborts. */
export async function untilAborted(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const aborted = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
  work.catch(() => {});
  await Promise.race([work, aborted]);
}

/** No answer came in time. */
export class LateError extends Error {
  override readonly name = 'LateError';

  constructor(millis: number) {
    super(`no answer within ${millis / 1000} s`);
  }
}
