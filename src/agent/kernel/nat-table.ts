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

/** Room for as many connections as the table of sockets holds, each entered for both its ends. */
const MAX_ENTRIES = 2 * 65_536;

/** Room for 6,000 new connections between two readings. */
const BUFFER_BYTES = 4 * 1024 * 1024;

/** A connection's addresses and ports in its socket. Addresses have 16 bytes, v4 as v4-mapped. */
export interface SocketTuple {
  readonly localAddress: Uint8Array;
  readonly remoteAddress: Uint8Array;
  readonly localPort: number;
  readonly remotePort: number;
}

/** The connection's addresses in the network, after this host's address translation. */
export interface NatMapping {
  readonly localAddress: Uint8Array;
  readonly remoteAddress: Uint8Array;
  /** The port of the server itself, after translation. */
  readonly servicePort: number;
}

/**
 * The connections that this host translates, from conntrack: a dump at the start, then an event for
 * each new one. An entry stays after its connection's end, because the kernel reports ends late; it
 * goes when its addresses and ports are used again, or when newer entries need the room.
 */
export class NatTable {
  readonly #libc: Libc;
  readonly #entries = new Map<string, NatMapping>();
  #events: NetlinkSocket | undefined;
  #failures = 0;

  constructor(libc: Libc) {
    this.#libc = libc;
  }

  /** @throws AgentError when this process cannot receive conntrack's events */
  start(): void {
    // Subscribe before the dumps, so that an entry made during them is in one of the two.
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

  /** Undefined when no entry translates the connection. */
  find(tuple: SocketTuple): NatMapping | undefined {
    const key = keyOf(tuple);
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    // The event of a new entry may still wait in the socket: it is sent when the first packet passes.
    this.drain();
    return this.#entries.get(key);
  }

  /** Reads the waiting events. Must be called often: the socket has room for 6,000. */
  drain(): void {
    if (this.#events !== undefined) this.#take(this.#events);
  }

  /** How often events were lost since the last call, by overflow or as malformed. */
  takeFailures(): number {
    const failures = this.#failures;
    this.#failures = 0;
    return failures;
  }

  #dump(): void {
    const socket = new NetlinkSocket(this.#libc, NETLINK_NETFILTER);
    try {
      socket.send(conntrackDump());
      // After each read the kernel has the next part of the dump ready.
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
    // Delete first, so that the entry becomes the newest of the map.
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

/** The addresses and ports in the socket that sends in this direction. */
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
