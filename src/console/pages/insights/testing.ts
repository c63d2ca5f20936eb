import type { InsightsAnswer } from './insights-answer.ts';
import type { InsightsQuery } from './insights-api.ts';

/** Answers every question with one contributor and one bin of `value`; counts what it was asked. */
export class InsightsApiFake {
  /** No rows when undefined. */
  value: bigint | undefined;
  /** Of the one host with itself; counted where it is asked for. */
  loopback: bigint | undefined;
  failure: Error | undefined;
  readonly asked: InsightsQuery[] = [];
  #hold: Promise<void> | undefined;

  constructor(value?: bigint) {
    this.value = value;
  }

  /** Answers nothing until what it returns is called. */
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
