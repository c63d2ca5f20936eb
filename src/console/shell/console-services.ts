import type { NetworkFlowMonitorClient } from '../../client/network-flow-monitor-client.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Timers } from '../lib/timers.ts';

/**
 * The dependencies of every page. Each session gets its own, so a page never shows answers that
 * another session received.
 */
export interface ConsoleServices {
  readonly client: NetworkFlowMonitorClient;
  readonly clock: Clock;
  readonly timers: Timers;
  /** Whether the error means that the server no longer knows the session. */
  readonly isSessionEnd: (error: unknown) => boolean;
  /** Returns to the sign-in form. */
  readonly onSessionEnd: () => void;
}
