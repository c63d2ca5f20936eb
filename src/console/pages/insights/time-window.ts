/** The selectable ranges, by their name in the page's address. */
export const TIME_RANGES = ['15m', '1h', '3h'] as const;
export type TimeRange = (typeof TIME_RANGES)[number];

export const TIME_RANGE_TEXT: Readonly<
  Record<TimeRange, { readonly label: string; readonly span: string; readonly minutes: number }>
> = {
  '15m': { label: 'Last 15 minutes', span: '15 minutes', minutes: 15 },
  '1h': { label: 'Last 1 hour', span: 'hour', minutes: 60 },
  '3h': { label: 'Last 3 hours', span: '3 hours', minutes: 180 },
};

/** Half-open, milliseconds since 1970. */
export interface TimeWindow {
  readonly startMillis: number;
  readonly endMillis: number;
}

export const BIN_MILLIS = 5 * 60_000;
const MINUTE_MILLIS = 60_000;

/**
 * The window that ends with the current minute. Both ends are whole minutes. The 5-minute bins of
 * the series are counted from the start, so all of them lie inside the window; the last one lacks
 * at most the current minute.
 */
export function windowOf(range: TimeRange, nowMillis: number): TimeWindow {
  const endMillis = Math.ceil(nowMillis / MINUTE_MILLIS) * MINUTE_MILLIS;
  return { startMillis: endMillis - TIME_RANGE_TEXT[range].minutes * MINUTE_MILLIS, endMillis };
}
