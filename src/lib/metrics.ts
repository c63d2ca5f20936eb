import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** A metric that only grows. Each label has a small, known set of values. */
export interface CounterMetric {
  add(count: number, labels?: Readonly<Record<string, string>>): void;
}

export interface GaugeMetric {
  set(value: number, labels?: Readonly<Record<string, string>>): void;
}

export interface HistogramMetric {
  observe(value: number, labels?: Readonly<Record<string, string>>): void;
}

export interface MetricOptions {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
}

export interface LabelledValue {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface MetricDescription extends Required<MetricOptions> {
  /** `counter`, `gauge` or `histogram`. */
  readonly type: string;
}

/** The metrics of this process. Components create them, `/metrics` prints them, tests read them. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #labels = new Map<string, readonly string[]>();

  counter(options: MetricOptions): CounterMetric {
    const counter = new Counter({ ...this.#options(options) });
    if (options.labels === undefined) counter.inc(0);
    return { add: (count, labels = {}) => counter.inc(labels, count) };
  }

  gauge(options: MetricOptions): GaugeMetric {
    const gauge = new Gauge({ ...this.#options(options) });
    return { set: (value, labels = {}) => gauge.set(labels, value) };
  }

  /** A gauge that calls `observe` whenever the page is printed. */
  observedGauge(options: MetricOptions, observe: () => number): void {
    new Gauge({
      ...this.#options(options),
      collect() {
        this.set(observe());
      },
    });
  }

  /** A gauge that lists its values whenever the page is printed. */
  observedGauges(options: MetricOptions, observe: () => Iterable<LabelledValue>): void {
    new Gauge({
      ...this.#options(options),
      collect() {
        this.reset();
        for (const { labels, value } of observe()) this.set({ ...labels }, value);
      },
    });
  }

  histogram(options: MetricOptions & { readonly buckets: readonly number[] }): HistogramMetric {
    const histogram = new Histogram({ ...this.#options(options), buckets: [...options.buckets] });
    return { observe: (value, labels = {}) => histogram.observe(labels, value) };
  }

  /** The value of a counter or gauge with exactly these labels; 0 when it was never set. */
  async value(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    const metric = await this.#registry.getSingleMetric(name)?.get();
    if (metric === undefined) throw new Error(`no metric is named ${name}`);
    const wanted = JSON.stringify(Object.entries(labels).sort());
    const found = metric.values.find(
      (value) => JSON.stringify(Object.entries(value.labels).sort()) === wanted,
    );
    return found?.value ?? 0;
  }

  /** Describes every metric, sorted by name. */
  async describe(): Promise<readonly MetricDescription[]> {
    const metrics = await this.#registry.getMetricsAsJSON();
    return metrics
      .map(({ name, help, type }) => ({
        name,
        help,
        type: String(type),
        labels: this.#labels.get(name) ?? [],
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** All metrics in Prometheus's text format. */
  page(): Promise<string> {
    return this.#registry.metrics();
  }

  #options(options: MetricOptions) {
    this.#labels.set(options.name, options.labels ?? []);
    return {
      name: options.name,
      help: options.help,
      labelNames: [...(options.labels ?? [])],
      registers: [this.#registry],
    };
  }
}
