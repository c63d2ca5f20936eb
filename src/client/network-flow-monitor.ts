import { NetworkFlowMonitorClient } from './network-flow-monitor-client.ts';
import type { ClientOptions } from './operation-caller.ts';
import { type SignedTransportOptions, signedTransport } from './signed-transport.ts';

export type NetworkFlowMonitorOptions = SignedTransportOptions & Omit<ClientOptions, 'transport'>;

/** The client for Node, which signs its requests. */
export class NetworkFlowMonitor extends NetworkFlowMonitorClient {
  constructor(options: NetworkFlowMonitorOptions) {
    super({ ...options, transport: signedTransport(options) });
  }
}
