import { connectionDump, type DiagSocket, listenerDump, readDiag } from './diag-message.ts';
import type { Libc } from './libc.ts';
import { giveNamespaceIds } from './namespace-ids.ts';
import { findNetNamespaces, inNetNamespace } from './net-namespaces.ts';
import { NETLINK_SOCK_DIAG, NetlinkSocket } from './netlink-socket.ts';

const FAMILIES = [4, 6] as const;

/** On a host with more namespaces, the rest are not read. */
const MAX_NAMESPACES = 1_024;

/** Dumps the connections and listeners of every network namespace through a netlink socket in each. */
export class NamespaceDumps {
  readonly #libc: Libc;
  /** By the namespace's inode. */
  readonly #sockets = new Map<number, NetlinkSocket>();
  #listening = new ListeningAddresses();

  constructor(libc: Libc) {
    this.#libc = libc;
  }

  /** @throws AgentError when this process lacks the right */
  start(): void {
    this.#follow();
  }

  stop(): void {
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
  }

  /**
   * Whether the local address and port had a listener in any namespace, as of the last `read`. An
   * event does not hold the namespace of its socket.
   */
  isListening(socket: LocalEnd): boolean {
    return this.#listening.has(socket);
  }

  /** Reads the listeners of all current namespaces, then visits their connections. */
  read(visit: (socket: DiagSocket) => void): void {
    this.#follow();
    const listening = new ListeningAddresses();
    for (const socket of this.#sockets.values()) {
      for (const family of FAMILIES) {
        ask(socket, listenerDump(family), (listener) => listening.add(listener));
      }
    }
    this.#listening = listening;
    for (const socket of this.#sockets.values()) {
      for (const family of FAMILIES) ask(socket, connectionDump(family), visit);
    }
  }

  /** Opens a socket in each new namespace, and closes the sockets of removed ones. */
  #follow(): void {
    const namespaces = findNetNamespaces().slice(0, MAX_NAMESPACES);
    const found = new Set(namespaces.map(({ inode }) => inode));
    for (const [inode, socket] of this.#sockets) {
      if (found.has(inode)) continue;
      socket.close();
      this.#sockets.delete(inode);
    }
    const added = namespaces.filter(({ inode }) => !this.#sockets.has(inode));
    if (added.length === 0) return;
    giveNamespaceIds(this.#libc, added);
    for (const { inode, path } of added) {
      const open = () => new NetlinkSocket(this.#libc, NETLINK_SOCK_DIAG);
      const socket = inNetNamespace(this.#libc, path, open);
      if (socket !== undefined) this.#sockets.set(inode, socket);
    }
  }
}

type LocalEnd = Pick<DiagSocket, 'localAddress' | 'localPort'>;

/** The addresses and ports that have a listener. A listener on the wildcard address has them all. */
class ListeningAddresses {
  readonly #wildcardPorts = new Set<number>();
  readonly #addressesOf = new Map<number, Set<string>>();

  add({ localAddress, localPort }: LocalEnd): void {
    if (isWildcard(localAddress)) this.#wildcardPorts.add(localPort);
    else {
      const addresses = this.#addressesOf.get(localPort) ?? new Set();
      this.#addressesOf.set(localPort, addresses.add(String(localAddress)));
    }
  }

  has({ localAddress, localPort }: LocalEnd): boolean {
    if (this.#wildcardPorts.has(localPort)) return true;
    // Most ports have no listener, so the text of the address is made for few.
    return this.#addressesOf.get(localPort)?.has(String(localAddress)) ?? false;
  }
}

/** :: or ::ffff:0.0.0.0 */
function isWildcard(address: Uint8Array): boolean {
  return address.every((byte, i) => byte === 0 || (byte === 0xff && (i === 10 || i === 11)));
}

/** Reads the whole answer: after each read the kernel has the next part ready. */
function ask(socket: NetlinkSocket, request: Buffer, visit: (socket: DiagSocket) => void): void {
  socket.send(request);
  socket.drain((bytes) => readDiag(bytes, visit));
}
