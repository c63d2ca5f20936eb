/**
 * Field numbers of the OTLP metrics messages (opentelemetry/proto/{collector/metrics,metrics,
 * resource,common}/v1). Lists only the fields that a report uses; the decoder skips all others.
 */
export const EXPORT_REQUEST = { resourceMetrics: 1 } as const;
export const RESOURCE_METRICS = { resource: 1, scopeMetrics: 2 } as const;
export const RESOURCE = { attributes: 1 } as const;
export const SCOPE_METRICS = { scope: 1, metrics: 2 } as const;
export const SCOPE = { name: 1, version: 2, attributes: 3 } as const;
export const METRIC = {
  name: 1,
  description: 2,
  unit: 3,
  gauge: 5,
  sum: 7,
  histogram: 9,
} as const;
export const GAUGE = { dataPoints: 1 } as const;
export const SUM = { dataPoints: 1, aggregationTemporality: 2, isMonotonic: 3 } as const;
export const HISTOGRAM = { dataPoints: 1, aggregationTemporality: 2 } as const;

/** Times are fixed64, `asDouble` a double, `asInt` an sfixed64. */
export const NUMBER_DATA_POINT = {
  startTimeUnixNano: 2,
  timeUnixNano: 3,
  asDouble: 4,
  asInt: 6,
  attributes: 7,
} as const;

/** Times and `count` are fixed64; `sum`, `min` and `max` doubles. */
export const HISTOGRAM_DATA_POINT = {
  startTimeUnixNano: 2,
  timeUnixNano: 3,
  count: 4,
  sum: 5,
  attributes: 9,
  min: 11,
  max: 12,
} as const;
export const KEY_VALUE = { key: 1, value: 2 } as const;
export const ANY_VALUE = {
  stringValue: 1,
  boolValue: 2,
  intValue: 3,
  doubleValue: 4,
  arrayValue: 5,
} as const;
export const ARRAY_VALUE = { values: 1 } as const;

/** `AGGREGATION_TEMPORALITY_DELTA` */
export const DELTA = 1;

/** The scope name of remainders. Flows have `network_stats`. */
export const REMAINDER_SCOPE = 'network_stats_remainder';
/** The scope name of a network card's counters. */
export const HOST_STATS_SCOPE = 'host_stats';
