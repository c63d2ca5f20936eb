import type { NetworkFlowMonitorClient } from '../../client/network-flow-monitor-client.ts';
import type { Clock } from '../../lib/clock.ts';
import type { CliEnvironment } from '../config.ts';

export interface GlobalOptions {
  readonly endpoint: string;
  readonly region: string;
  readonly profile?: string | undefined;
}

export interface Output {
  write(text: string): void;
  /** A live table redraws itself on a terminal. In a pipe or file, tables follow each other. */
  readonly isTerminal: boolean;
}

/** The outside world as commands see it. */
export interface CliContext {
  readonly out: Output;
  readonly environment: CliEnvironment;
  readonly clock: Clock;
  readonly connect: (options: GlobalOptions) => NetworkFlowMonitorClient;
  /** Rejects when the signal is aborted. */
  readonly sleep: (millis: number, signal?: AbortSignal) => Promise<void>;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}
