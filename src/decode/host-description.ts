import { canonicalAddress } from '../model/address.ts';
import {
  HOST_ATTRIBUTES,
  type HostDescription,
  type HostInterface,
  INTERFACE_KINDS,
  type NetworkCard,
} from '../model/report.ts';
import type { Attributes } from '../wire/otlp/attributes.ts';

/** Addresses kept per host; more are dropped. */
const MAX_INTERFACES = 1024;
/** More cards than any EC2 instance has. */
const MAX_CARDS = 64;
/** Longer names are cut, so that rows stay small. */
const MAX_TEXT = 256;

/** Cuts a name to the longest stored length. */
export function cutText(text: string): string {
  return text.length > MAX_TEXT ? text.slice(0, MAX_TEXT) : text;
}

function text(attributes: Attributes, ...keys: readonly string[]): string {
  for (const key of keys) {
    const value = attributes.get(key);
    if (typeof value === 'string') return cutText(value);
  }
  return '';
}

/** Reads the description of the host. Accepts both spellings of the existing agent's keys. */
export function readHost(attributes: Attributes): HostDescription {
  const optional = (key: string) => text(attributes, key) || undefined;
  return {
    instanceId: text(attributes, 'instance-id', 'instance_id'),
    instanceType: text(attributes, 'instance-type', 'instance_type'),
    machineId: text(attributes, 'machine-id', 'machine_id'),
    hostName: optional(HOST_ATTRIBUTES.hostName),
    imageId: optional(HOST_ATTRIBUTES.imageId),
    network: optional(HOST_ATTRIBUTES.network),
    zone: optional(HOST_ATTRIBUTES.zone),
    cards: readCards(attributes),
    interfaces: readInterfaces(attributes),
    defaultRoute: optional(HOST_ATTRIBUTES.defaultRoute),
    computePlatform: optional('compute_platform'),
    k8sNodeName: optional('k8s_node_name'),
    k8sClusterName: optional('k8s_eks_cluster_name'),
  };
}

function readInterfaces(attributes: Attributes): HostInterface[] {
  const items = attributes.get(HOST_ATTRIBUTES.interfaces);
  if (!Array.isArray(items)) return [];
  return items.slice(0, MAX_INTERFACES).flatMap((item) => {
    const parsed = typeof item === 'string' ? parseInterface(item) : undefined;
    return parsed === undefined ? [] : [parsed];
  });
}

/** Each item is `ID MAC SUBNET VPC`. */
function readCards(attributes: Attributes): NetworkCard[] {
  const items = attributes.get(HOST_ATTRIBUTES.cards);
  if (!Array.isArray(items)) return [];
  return items.slice(0, MAX_CARDS).flatMap((item) => {
    const parts = typeof item === 'string' ? item.split(' ').map(cutText) : [];
    const [id = '', mac = '', subnetId = '', vpcId = ''] = parts;
    return parts.length === 4 ? [{ id, mac, subnetId, vpcId }] : [];
  });
}

/** Parses `NAME KIND ADDRESS/PREFIX`, e.g. `eth0 link 10.0.1.7/24`. */
function parseInterface(line: string): HostInterface | undefined {
  const [name, kindText, cidr, rest] = line.split(' ');
  const [addressText = '', lengthText = ''] = (cidr ?? '').split('/');
  const address = canonicalAddress(addressText);
  const kind = INTERFACE_KINDS.find((known) => known === kindText);
  const prefixLength = Number(lengthText);
  if (name === undefined || kind === undefined || address === undefined) return undefined;
  const longest = address.includes(':') ? 128 : 32;
  if (!/^\d{1,3}$/.test(lengthText) || prefixLength > longest || rest !== undefined)
    return undefined;
  return { name: name.slice(0, MAX_TEXT), kind, address, prefixLength };
}
