import { BlockList, isIP } from 'node:net';
import { parseNetworks } from '../../lib/networks.ts';
import { listOf } from '../../lib/setting.ts';
import type { RequestHead } from '../../model/http.ts';
import { isLoopbackHost } from '../config.ts';

export interface Client {
  /** The peer's address, or the one that a trusted proxy names. */
  readonly address: string;
  /** True for a program on this host that connects without a proxy. */
  readonly isLocal: boolean;
}

/** Headers that only proxies add. */
const PROXY_HEADERS = [
  'forwarded',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'x-forwarded-server',
  'x-real-ip',
  'x-client-ip',
  'true-client-ip',
  'cf-connecting-ip',
];

/** Returns true if a proxy has left a header in the request. */
export function hasProxyHeader({ headers }: Pick<RequestHead, 'headers'>): boolean {
  return PROXY_HEADERS.some((name) => headers.has(name));
}

/** Finds a request's client: the peer, unless the peer is one of `--trusted-proxies`. */
export class ClientAddresses {
  readonly #trusted: BlockList;

  constructor(trustedProxies: string) {
    this.#trusted = parseNetworks(trustedProxies) ?? new BlockList();
  }

  find(peer: string, head: Pick<RequestHead, 'headers'>): Client {
    const address = plainAddress(peer) ?? peer;
    if (!this.#isTrusted(address)) {
      return { address, isLocal: isLocal(address, head) && !hasProxyHeader(head) };
    }
    const hops = hopsOf(head);
    if (hops.length === 0) return { address, isLocal: isLocal(address, head) };
    return { address: this.#firstUntrusted(address, hops), isLocal: false };
  }

  /** Each proxy appends the address of its peer, so the entries are read from the last one. */
  #firstUntrusted(peer: string, hops: readonly string[]): string {
    let client = peer;
    for (const hop of hops.toReversed()) {
      const address = plainAddress(hop);
      if (address === undefined) return client;
      client = address;
      if (!this.#isTrusted(address)) return client;
    }
    return client;
  }

  #isTrusted(address: string): boolean {
    const family = isIP(address);
    return family !== 0 && this.#trusted.check(address, family === 4 ? 'ipv4' : 'ipv6');
  }
}

/** The Host is checked too, because some proxies on this host add no header of their own. */
function isLocal(address: string, head: Pick<RequestHead, 'headers'>): boolean {
  const host = head.headers.get('host')?.join(',');
  return isLoopbackHost(address) && (host === undefined || isLocalName(hostName(host)));
}

/** A server that listens on every address prints the unspecified one as its own. */
function isLocalName(name: string): boolean {
  return isLoopbackHost(name) || name === '0.0.0.0' || name === '::';
}

/** The name in a Host header, without port and brackets, in lower case. */
export function hostName(host: string): string {
  return host
    .replace(/:\d*$/, '')
    .replace(/^\[|\]$/g, '')
    .toLowerCase();
}

/** The addresses that the proxies name, the client's first. X-Forwarded-For precedes Forwarded. */
function hopsOf({ headers }: Pick<RequestHead, 'headers'>): readonly string[] {
  const forwardedFor = headers.get('x-forwarded-for');
  if (forwardedFor !== undefined) return listOf(forwardedFor.join(','));
  const forwarded = headers.get('forwarded');
  if (forwarded === undefined) return [];
  return listOf(forwarded.join(',')).map((element) => {
    const [, node = ''] = /(?:^|;)\s*for\s*=\s*("[^"]*"|[^;\s]*)/i.exec(element) ?? [];
    return node.replaceAll('"', '');
  });
}

/** An address without brackets, port, zone id and IPv4-mapped prefix; undefined if it is none. */
function plainAddress(text: string): string | undefined {
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1];
  const withoutPort = bracketed ?? text.replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1');
  const address = withoutPort.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/i, '');
  return isIP(address) === 0 ? undefined : address.toLowerCase();
}
