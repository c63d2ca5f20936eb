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
  #listening: ReadonlySet<number> = new Set();

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

  /** Whether the port had a listener in any namespace, as of the last `read`. */
  isListening(port: number): boolean {
    return this.#listening.has(port);
  }

  /** Reads the listeners of all current namespaces, then visits their connections. */
  read(visit: (socket: DiagSocket) => void): void {
    this.#follow();
    const listening = new Set<number>();
    for (const socket of this.#sockets.values()) {
      for (const family of FAMILIES) {
        ask(socket, listenerDump(family), ({ localPort }) => listening.add(localPort));
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

/** Reads the whole answer: after each read the kernel has the next part ready. */
function ask(socket: NetlinkSocket, request: Buffer, visit: (socket: DiagSocket) => void): void {
  socket.send(request);
  socket.drain((bytes) => readDiag(bytes, visit));
}
