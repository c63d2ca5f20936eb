/** Sums over a monitor's flows of one minute. */
export interface MinuteMetrics {
  readonly monitor: number;
  readonly minuteSeconds: number;
  readonly dataTransferred: number;
  readonly retransmissions: number;
  /** Undefined if no collector counts them. */
  readonly timeouts: number | undefined;
  /** The mean of all samples in microseconds. Undefined without a sample. */
  readonly roundTripMicros: number | undefined;
}
