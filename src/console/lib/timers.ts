/** Where waiting comes from, so that tests need not wait. */
export interface Timers {
  /** Calls once after so many milliseconds; the answer takes the call back. */
  after(millis: number, call: () => void): () => void;
}

export const browserTimers: Timers = {
  after(millis, call) {
    const timer = setTimeout(call, millis);
    return () => clearTimeout(timer);
  },
};
