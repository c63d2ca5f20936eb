import { addressScope, canonicalAddress } from '../model/address.ts';
import { completeValues, isOptionalPlain, WIDEST_VALUES } from '../model/flow-metrics.ts';
import { FLOW_ATTRIBUTES, type PodNames, type ReportedFlow } from '../model/report.ts';
import type { WireFlow } from '../wire/otlp/decode-report.ts';
import { POD_ATTRIBUTES, type WireFlowKey } from '../wire/otlp/flow-key.ts';
import { cutText } from './host-description.ts';

export type FlowRefusal = 'protocol' | 'address' | 'address-kind' | 'port' | 'value';

/** Checks a flow and finds its side. Returns the reason when the flow is not stored. */
export function readFlow({ key, values }: WireFlow): ReportedFlow | FlowRefusal {
  if (key.protocol !== 'TCP') return 'protocol';
  const local = readAddresses(key.local_address, key[FLOW_ATTRIBUTES.localSocketAddress]);
  const remote = readAddresses(key.remote_address, key[FLOW_ATTRIBUTES.remoteSocketAddress]);
  if (typeof local === 'string') return local;
  if (typeof remote === 'string') return remote;
  if (!isPort(key.local_port) || !isPort(key.remote_port)) return 'port';
  // Agents send the client's port as 0. When both ports are set, the local end is the client.
  const servicePort = key.remote_port === 0 ? key.local_port : key.remote_port;
  if (servicePort === 0) return 'port';
  if (!normaliseValues(values)) return 'value';
  const side = key.remote_port === 0 ? 'server' : 'client';
  return {
    side,
    localAddress: local.socket,
    remoteAddress: remote.socket,
    snatAddress: local.translated,
    dnatAddress: remote.translated,
    servicePort,
    pods: readPods(key),
    processName: cutText(key[FLOW_ATTRIBUTES.processName]),
    cgroup: cutText(key[FLOW_ATTRIBUTES.cgroup]),
    values,
  };
}

interface Addresses {
  /** The address of the socket. */
  readonly socket: string;
  /** The address in the network, when NAT makes it a different one. */
  readonly translated?: string;
}

/** @param socketText "" when NAT does not translate the address */
function readAddresses(networkText: string, socketText: string): Addresses | FlowRefusal {
  const network = canonicalAddress(networkText);
  const socket = socketText === '' ? network : canonicalAddress(socketText);
  if (network === undefined || socket === undefined) return 'address';
  if (!isUnicast(network) || !isUnicast(socket)) return 'address-kind';
  return socket === network ? { socket } : { socket, translated: network };
}

function isUnicast(address: string): boolean {
  const scope = addressScope(address);
  return scope !== 'multicast' && scope !== 'unspecified';
}

function isPort(port: number): boolean {
  return port >= 0 && port <= 65_535;
}

/**
 * Completes the values in place and rounds them down. Returns false when a value is negative or
 * wider than its column.
 */
export function normaliseValues(values: Float64Array): boolean {
  completeValues(values);
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i] ?? 0;
    if (Number.isNaN(value) && isOptionalPlain(i)) continue;
    if (!(value >= 0 && value <= (WIDEST_VALUES[i] ?? 0))) return false;
    values[i] = Math.floor(value);
  }
  return true;
}

function readPods(key: WireFlowKey): PodNames | undefined {
  // Flows outside of Kubernetes have no pod names; skipping them saves an object per flow.
  if (POD_ATTRIBUTES.every((name) => key[name] === '')) return undefined;
  return {
    localPodName: cutText(key.local_pod_name),
    localPodNamespace: cutText(key.local_pod_namespace),
    localServiceName: cutText(key.local_pod_service),
    remotePodName: cutText(key.remote_pod_name),
    remotePodNamespace: cutText(key.remote_pod_namespace),
    remoteServiceName: cutText(key.remote_pod_service),
  };
}
