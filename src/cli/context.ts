import type { NetworkFlowMonitorClient } from '../client/network-flow-monitor-client.ts';
import type { Clock } from '../lib/clock.ts';
import type { CliEnvironment } from './config.ts';

export interface GlobalOptions {
  readonly endpoint: string;
  readonly region: string;
  readonly profile?: string | undefined;
}

export interface Output {
  write(text: string): void;
  /** Whether a person sees it: a live table redraws there, and scrolls elsewhere. */
  readonly isTerminal: boolean;
}

/** All that a command has of the outside. */
export interface CliContext {
  readonly out: Output;
  readonly environment: CliEnvironment;
  readonly clock: Clock;
  readonly connect: (options: GlobalOptions) => NetworkFlowMonitorClient;
  /** Waits; rejects when the signal is aborted. */
  readonly sleep: (millis: number, signal?: AbortSignal) => Promise<void>;
  /** Aborted when the person presses Ctrl-C. */
  readonly signal: AbortSignal;
}
