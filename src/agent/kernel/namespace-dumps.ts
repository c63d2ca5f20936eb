import { connectionDump, type DiagSocket, listenerDump, readDiag } from './diag-message.ts';
import type { Libc } from './libc.ts';
import { giveNamespaceIds } from './namespace-ids.ts';
import { findNetNamespaces, inNetNamespace } from './net-namespaces.ts';
import { NETLINK_SOCK_DIAG, NetlinkSocket } from './netlink-socket.ts';

const FAMILIES = [4, 6] as const;

/** A host with more namespaces than this has those beyond them unread. */
const MAX_NAMESPACES = 1_024;

/** The connections and listeners of every network namespace, by a netlink socket in each. */
export class NamespaceDumps {
  readonly #libc: Libc;
  /** By the namespace's inode. */
  readonly #sockets = new Map<number, NetlinkSocket>();
  #listening: ReadonlySet<number> = new Set();

  constructor(libc: Libc) {
    this.#libc = libc;
  }

  /** Throws an AgentError when this process may not. */
  start(): void {
    this.#follow();
  }

  stop(): void {
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
  }

  /** Whether anything listened on a port, in any namespace, when they were last read. */
  isListening(port: number): boolean {
    return this.#listening.has(port);
  }

  /** Visits the connections of all namespaces there are now; first the listeners are read. */
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

  /** Opens a socket in each namespace that is new, and closes those of the ones that are gone. */
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

/** The kernel has the next part of its answer ready when one was read. */
function ask(socket: NetlinkSocket, request: Buffer, visit: (socket: DiagSocket) => void): void {
  socket.send(request);
  socket.drain((bytes) => readDiag(bytes, visit));
}
