import { netlinkRequest, readAttributes, readMessages } from './netlink-message.ts';
import { readTcpInfo, type TcpInfo } from './tcp-info.ts';

/** linux/sock_diag.h, inet_diag.h, tcp_states.h */
const SOCK_DIAG_BY_FAMILY = 20;
const AF_INET = 2;
const AF_INET6 = 10;
const IPPROTO_TCP = 6;
const INET_DIAG_INFO = 2;
const INET_DIAG_CGROUP_ID = 21;
const REQUEST_BYTES = 56;
const MESSAGE_BYTES = 72;
const LISTEN = 10;

/** All states but CLOSE, LISTEN, and SYN_RECV and TIME_WAIT, which have no full socket. */
const CONNECTION_STATES = [1, 2, 4, 5, 8, 9, 11].reduce((mask, state) => mask | (1 << state), 0);

/** Multicast groups with an event for each TCP socket that ends, IPv4 and IPv6. */
export const SKNLGRP_TCP_DESTROY = [1, 3] as const;

/** One socket of a dump or an event. Addresses have 16 bytes, v4 as v4-mapped. */
export interface DiagSocket {
  readonly cookie: number;
  readonly state: number;
  readonly localAddress: Uint8Array;
  readonly remoteAddress: Uint8Array;
  readonly localPort: number;
  readonly remotePort: number;
  /** Undefined if it was not requested, or if the kernel gives none. */
  readonly info: TcpInfo | undefined;
  readonly infoBytes: number;
  /** 0 when the kernel does not give it. */
  readonly cgroupId: number;
}

/** A request for the IPv4 or IPv6 connections of the netlink socket's namespace, with tcp_info. */
export function connectionDump(family: 4 | 6): Buffer {
  return dump(family, CONNECTION_STATES, 1 << (INET_DIAG_INFO - 1));
}

/** A request for the listeners of the netlink socket's namespace. */
export function listenerDump(family: 4 | 6): Buffer {
  return dump(family, 1 << LISTEN, 0);
}

/** Visits the sockets in the received bytes. */
export function readDiag(
  bytes: Buffer,
  visit: (socket: DiagSocket) => void,
): ReturnType<typeof readMessages> {
  return readMessages(bytes, (type, start, end) => {
    if (type !== SOCK_DIAG_BY_FAMILY || start + MESSAGE_BYTES > end) return;
    const family = bytes.readUInt8(start);
    if (family !== AF_INET && family !== AF_INET6) return;
    visit(readSocket(bytes, start, end));
  });
}

function dump(family: 4 | 6, states: number, extensions: number): Buffer {
  const request = Buffer.alloc(REQUEST_BYTES);
  request.writeUInt8(family === 4 ? AF_INET : AF_INET6, 0);
  request.writeUInt8(IPPROTO_TCP, 1);
  request.writeUInt8(extensions, 2);
  request.writeUInt32LE(states, 4);
  return netlinkRequest(SOCK_DIAG_BY_FAMILY, request);
}

function readSocket(bytes: Buffer, start: number, end: number): DiagSocket {
  const isV4 = bytes.readUInt8(start) === AF_INET;
  let info: TcpInfo | undefined;
  let infoBytes = 0;
  let cgroupId = 0;
  readAttributes(bytes, [start + MESSAGE_BYTES, end], (attribute, from, to) => {
    if (attribute === INET_DIAG_INFO) {
      info = readTcpInfo(bytes, from, to);
      infoBytes = to - from;
    } else if (attribute === INET_DIAG_CGROUP_ID && to - from === 8) {
      cgroupId = Number(bytes.readBigUInt64LE(from));
    }
  });
  return {
    cookie: bytes.readUInt32LE(start + 44) + bytes.readUInt32LE(start + 48) * 0x1_0000_0000,
    state: bytes.readUInt8(start + 1),
    localPort: bytes.readUInt16BE(start + 4),
    remotePort: bytes.readUInt16BE(start + 6),
    localAddress: addressAt(bytes, start + 8, isV4),
    remoteAddress: addressAt(bytes, start + 24, isV4),
    info,
    infoBytes,
    cgroupId,
  };
}

function addressAt(bytes: Buffer, at: number, isV4: boolean): Uint8Array {
  if (!isV4) return Uint8Array.from(bytes.subarray(at, at + 16));
  const address = new Uint8Array(16);
  address.fill(0xff, 10, 12);
  address.set(bytes.subarray(at, at + 4), 12);
  return address;
}
