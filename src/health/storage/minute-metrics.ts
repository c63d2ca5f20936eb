/** What a monitor's flows of a minute add up to. */
export interface MinuteMetrics {
  readonly monitor: number;
  readonly minuteSeconds: number;
  readonly dataTransferred: number;
  readonly retransmissions: number;
  /** Undefined where no collector tells. */
  readonly timeouts: number | undefined;
  /** Average of all samples, microseconds; undefined without one. */
  readonly roundTripMicros: number | undefined;
}
