import { setTimeout as delay } from 'node:timers/promises';

/** Waits; resolves early, without an error, when the signal is aborted. */
export async function pause(millis: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(millis, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
