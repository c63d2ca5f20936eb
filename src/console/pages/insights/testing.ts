import type { InsightsAnswer } from './insights-answer.ts';
import type { InsightsQuery } from './insights-api.ts';

/** Answers every query with one contributor and one bin of `value`, and records the queries. */
export class InsightsApiFake {
  /** No rows if undefined. */
  value: bigint | undefined;
  /** Value of the only host's loopback flows, which a query must ask for. */
  loopback: bigint | undefined;
  failure: Error | undefined;
  readonly asked: InsightsQuery[] = [];
  #hold: Promise<void> | undefined;

  constructor(value?: bigint) {
    this.value = value;
  }

  /** Delays every answer until the returned function is called. */
  hold(): () => void {
    let release = () => {};
    this.#hold = new Promise((resolve) => {
      release = resolve;
    });
    return release;
  }

  async insights(query: InsightsQuery, signal: AbortSignal): Promise<InsightsAnswer> {
    this.asked.push(query);
    await this.#hold;
    signal.throwIfAborted();
    if (this.failure !== undefined) throw this.failure;
    const value = this.value ?? (query.loopback ? this.loopback : undefined);
    if (value === undefined) return { rows: [], series: [] };
    return {
      rows: [{ localSubnetId: 'subnet-1', value, destinationCategory: 'INTERNET' }],
      series: [{ label: 'az1', timestamps: [new Date(0)], values: [Number(value)] }],
    };
  }
}
