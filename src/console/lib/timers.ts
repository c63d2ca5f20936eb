/** `setTimeout`, injected so that tests do not wait. */
export interface Timers {
  /** Calls once after so many milliseconds. The returned function cancels the call. */
  after(millis: number, call: () => void): () => void;
}

export const browserTimers: Timers = {
  after(millis, call) {
    const timer = setTimeout(call, millis);
    return () => clearTimeout(timer);
  },
};
