/** A metric family of the exposition format: one metric with its samples. */
export interface MetricFamily {
  /**
   * The name without `_total` or `_info`, which the samples of counters and infos have at their
   * end.
   */
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'info';
  /** The unit of the metric. The name must end in it. */
  readonly unit?: string;
  readonly help: string;
  readonly samples: readonly MetricSample[];
}

export interface MetricSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export const OPEN_METRICS_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

const SUFFIX = { counter: '_total', gauge: '', info: '_info' } as const;

/** Formats OpenMetrics 1.0 text. Leaves out families without samples: unknown is not 0. */
export function openMetricsText(families: readonly MetricFamily[]): string {
  const lines = families.filter(({ samples }) => samples.length > 0).flatMap(familyLines);
  return `${lines.join('\n')}\n# EOF\n`;
}

function familyLines({ name, type, unit, help, samples }: MetricFamily): readonly string[] {
  return [
    `# TYPE ${name} ${type}`,
    ...(unit === undefined ? [] : [`# UNIT ${name} ${unit}`]),
    `# HELP ${name} ${escaped(help)}`,
    ...samples.map(({ labels, value }) => `${name}${SUFFIX[type]}${labelText(labels)} ${value}`),
  ];
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}
