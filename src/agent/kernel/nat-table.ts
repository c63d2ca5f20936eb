import {
  type ConntrackEntry,
  conntrackDump,
  NFNLGRP_CONNTRACK_NEW,
  readConntrack,
  type Tuple,
} from './conntrack-message.ts';
import type { Libc } from './libc.ts';
import { giveNamespaceIds } from './namespace-ids.ts';
import { findNetNamespaces, inNetNamespace } from './net-namespaces.ts';
import { NETLINK_NETFILTER, NetlinkSocket } from './netlink-socket.ts';

/** As many connections as the sockets' table holds, each under what either end sees. */
const MAX_ENTRIES = 2 * 65_536;

/** 6,000 new connections between two readings. */
const BUFFER_BYTES = 4 * 1024 * 1024;

/** A connection as its socket has it. Addresses are of 16 bytes, v4 as v4-mapped. */
export interface SocketTuple {
  readonly localAddress: Uint8Array;
  readonly remoteAddress: Uint8Array;
  readonly localPort: number;
  readonly remotePort: number;
}

/** The same connection as the network sees it, beyond this host's address translation. */
export interface NatMapping {
  readonly localAddress: Uint8Array;
  readonly remoteAddress: Uint8Array;
  /** The real server's. */
  readonly servicePort: number;
}

/**
 * Which connections this host translates, from conntrack: those there are at the start, then each
 * new one as it is made. Entries are not taken away with their connections (the kernel says so
 * late), but by the same addresses and ports used anew, or by newer ones when there are too many.
 */
export class NatTable {
  readonly #libc: Libc;
  readonly #entries = new Map<string, NatMapping>();
  #events: NetlinkSocket | undefined;
  #failures = 0;

  constructor(libc: Libc) {
    this.#libc = libc;
  }

  /** Throws an AgentError when conntrack is not to be heard. */
  start(): void {
    // First the events: what is made during the dumps is then in either.
    this.#events = new NetlinkSocket(this.#libc, NETLINK_NETFILTER);
    this.#events.join(NFNLGRP_CONNTRACK_NEW, BUFFER_BYTES);
    const namespaces = findNetNamespaces();
    giveNamespaceIds(this.#libc, namespaces);
    for (const { path } of namespaces) {
      inNetNamespace(this.#libc, path, () => this.#dump());
    }
  }

  stop(): void {
    this.#events?.close();
    this.#events = undefined;
  }

  /** Undefined when it is not translated, as far as is known. */
  find(tuple: SocketTuple): NatMapping | undefined {
    const key = keyOf(tuple);
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    // The kernel tells of an entry when the first packet passes: it may be among what waits.
    this.drain();
    return this.#entries.get(key);
  }

  /** Learns what is new. Often, or there is more than may wait. */
  drain(): void {
    if (this.#events !== undefined) this.#take(this.#events);
  }

  /** How often entries were lost since the last call: too many came at once, or made no sense. */
  takeFailures(): number {
    const failures = this.#failures;
    this.#failures = 0;
    return failures;
  }

  #dump(): void {
    const socket = new NetlinkSocket(this.#libc, NETLINK_NETFILTER);
    try {
      socket.send(conntrackDump());
      // The kernel has the next part ready when one was read.
      this.#take(socket);
    } finally {
      socket.close();
    }
  }

  #take(socket: NetlinkSocket): void {
    const drained = socket.drain((bytes) => {
      if (readConntrack(bytes, (entry) => this.#learn(entry)) === 'malformed') this.#failures += 1;
    });
    if (drained === 'overflow') this.#failures += 1;
  }

  #learn({ original, reply }: ConntrackEntry): void {
    const client = keyOf(asSocket(original));
    const server = keyOf(asSocket(reply));
    // Anew, so that it is the newest.
    this.#entries.delete(client);
    this.#entries.delete(server);
    if (!isTranslated(original, reply)) return;
    const servicePort = reply.sourcePort;
    this.#entries.set(client, {
      localAddress: Uint8Array.from(reply.destination),
      remoteAddress: Uint8Array.from(reply.source),
      servicePort,
    });
    this.#entries.set(server, {
      localAddress: Uint8Array.from(original.destination),
      remoteAddress: Uint8Array.from(original.source),
      servicePort,
    });
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= MAX_ENTRIES) return;
      this.#entries.delete(oldest);
    }
  }
}

/** What the socket has that sends in this direction. */
function asSocket(tuple: Tuple): SocketTuple {
  return {
    localAddress: tuple.source,
    remoteAddress: tuple.destination,
    localPort: tuple.sourcePort,
    remotePort: tuple.destinationPort,
  };
}

function isTranslated(original: Tuple, reply: Tuple): boolean {
  return (
    !original.source.equals(reply.destination) ||
    !original.destination.equals(reply.source) ||
    original.sourcePort !== reply.destinationPort ||
    original.destinationPort !== reply.sourcePort
  );
}

function keyOf({ localAddress, remoteAddress, localPort, remotePort }: SocketTuple): string {
  const key = Buffer.alloc(36);
  key.set(localAddress, 0);
  key.set(remoteAddress, 16);
  key.writeUInt16LE(localPort, 32);
  key.writeUInt16LE(remotePort, 34);
  return key.toString('latin1');
}
