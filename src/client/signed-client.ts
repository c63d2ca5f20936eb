import { NetworkFlowMonitor } from './network-flow-monitor.ts';
import type { ClientOptions } from './operation-caller.ts';
import { type SignedTransportOptions, signedTransport } from './signed-transport.ts';

export type SignedClientOptions = SignedTransportOptions & Omit<ClientOptions, 'transport'>;

/** A client for Node that signs its requests: `signedClient({ endpoint, region, credentials })`. */
export function signedClient(options: SignedClientOptions): NetworkFlowMonitor {
  return new NetworkFlowMonitor({ ...options, transport: signedTransport(options) });
}
