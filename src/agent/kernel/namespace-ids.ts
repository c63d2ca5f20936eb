import { closeSync, openSync } from 'node:fs';
import type { Libc } from './libc.ts';
import type { NetNamespace } from './net-namespaces.ts';
import { netlinkRequest } from './netlink-message.ts';
import { NETLINK_ROUTE, NetlinkSocket } from './netlink-socket.ts';

/** linux/rtnetlink.h and net_namespace.h */
const RTM_NEWNSID = 88;
const NETNSA_NSID = 1;
const NETNSA_FD = 3;

/**
 * Gives each namespace an id in this one, as `ip netns set NAME auto` does: a socket receives
 * multicast messages only from namespaces with an id. Most have one already, because the kernel gives
 * an id to a namespace that a veth links to another.
 */
export function giveNamespaceIds(libc: Libc, namespaces: readonly NetNamespace[]): void {
  const socket = new NetlinkSocket(libc, NETLINK_ROUTE);
  try {
    for (const { path } of namespaces) giveId(socket, path);
    // The kernel answers each request with an error message: 0, or "has an id already".
    socket.drain(() => {});
  } finally {
    socket.close();
  }
}

function giveId(socket: NetlinkSocket, path: string): void {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return;
  }
  try {
    const payload = Buffer.alloc(20);
    payload.writeUInt16LE(8, 4);
    payload.writeUInt16LE(NETNSA_NSID, 6);
    payload.writeInt32LE(-1, 8);
    payload.writeUInt16LE(8, 12);
    payload.writeUInt16LE(NETNSA_FD, 14);
    payload.writeUInt32LE(fd, 16);
    socket.send(netlinkRequest(RTM_NEWNSID, payload, { dump: false }));
  } finally {
    closeSync(fd);
  }
}
