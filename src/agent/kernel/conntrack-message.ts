import { netlinkRequest, readAttributes, readMessages } from './netlink-message.ts';

/** linux/netfilter/nfnetlink.h and nfnetlink_conntrack.h */
const NEW = 0x100;
const GET = 0x101;
const NFGENMSG_BYTES = 4;
const CTA_TUPLE_ORIG = 1;
const CTA_TUPLE_REPLY = 2;
const CTA_TUPLE_IP = 1;
const CTA_TUPLE_PROTO = 2;
const CTA_IP_V4_SRC = 1;
const CTA_IP_V4_DST = 2;
const CTA_IP_V6_SRC = 3;
const CTA_IP_V6_DST = 4;
const CTA_PROTO_NUM = 1;
const CTA_PROTO_SRC_PORT = 2;
const CTA_PROTO_DST_PORT = 3;
const IPPROTO_TCP = 6;

/** Multicast group of new entries. */
export const NFNLGRP_CONNTRACK_NEW = 1;

/** One direction of a connection. Addresses have 16 bytes, v4 as v4-mapped. */
export interface Tuple {
  readonly source: Buffer;
  readonly destination: Buffer;
  sourcePort: number;
  destinationPort: number;
  protocol: number;
}

/** Both directions of a TCP connection. The object is reused: valid during the visit only. */
export interface ConntrackEntry {
  readonly original: Tuple;
  readonly reply: Tuple;
}

/** A request for every entry of the netlink socket's namespace. */
export function conntrackDump(): Buffer {
  return netlinkRequest(GET, Buffer.alloc(NFGENMSG_BYTES));
}

/** Visits the TCP entries in the received bytes and skips the others. */
export function readConntrack(
  bytes: Buffer,
  visit: (entry: ConntrackEntry) => void,
): ReturnType<typeof readMessages> {
  const entry = { original: emptyTuple(), reply: emptyTuple() };
  return readMessages(bytes, (type, start, end) => {
    if (type !== NEW || start + NFGENMSG_BYTES > end) return;
    entry.original.protocol = 0;
    entry.reply.protocol = 0;
    readAttributes(bytes, [start + NFGENMSG_BYTES, end], (attribute, from, to) => {
      if (attribute === CTA_TUPLE_ORIG) readTuple(bytes, [from, to], entry.original);
      else if (attribute === CTA_TUPLE_REPLY) readTuple(bytes, [from, to], entry.reply);
    });
    const isTcp = entry.original.protocol === IPPROTO_TCP && entry.reply.protocol === IPPROTO_TCP;
    if (isTcp) visit(entry);
  });
}

function emptyTuple(): Tuple {
  const source = Buffer.alloc(16);
  const destination = Buffer.alloc(16);
  return { source, destination, sourcePort: 0, destinationPort: 0, protocol: 0 };
}

type Span = readonly [start: number, end: number];

/** Sets the protocol to 0 when an address or a port is missing. */
function readTuple(bytes: Buffer, span: Span, into: Tuple): void {
  let addresses = 0;
  into.sourcePort = 0;
  into.destinationPort = 0;
  readAttributes(bytes, span, (group, start, end) => {
    readAttributes(bytes, [start, end], (attribute, from, to) => {
      if (group === CTA_TUPLE_IP) addresses += readAddress(bytes, [from, to], { attribute, into });
      else if (group === CTA_TUPLE_PROTO) readProtocol(bytes, [from, to], { attribute, into });
    });
  });
  const isWhole = addresses === 2 && into.sourcePort !== 0 && into.destinationPort !== 0;
  if (!isWhole) into.protocol = 0;
}

interface TupleAttribute {
  readonly attribute: number;
  readonly into: Tuple;
}

function readProtocol(
  bytes: Buffer,
  [start, end]: Span,
  { attribute, into }: TupleAttribute,
): void {
  const length = end - start;
  if (attribute === CTA_PROTO_NUM && length === 1) into.protocol = bytes.readUInt8(start);
  else if (attribute === CTA_PROTO_SRC_PORT && length === 2) {
    into.sourcePort = bytes.readUInt16BE(start);
  } else if (attribute === CTA_PROTO_DST_PORT && length === 2) {
    into.destinationPort = bytes.readUInt16BE(start);
  }
}

/** Returns 1 if the attribute is an address, else 0. */
function readAddress(bytes: Buffer, [start, end]: Span, { attribute, into }: TupleAttribute) {
  const isSource = attribute === CTA_IP_V4_SRC || attribute === CTA_IP_V6_SRC;
  const isV4 = attribute === CTA_IP_V4_SRC || attribute === CTA_IP_V4_DST;
  const isV6 = attribute === CTA_IP_V6_SRC || attribute === CTA_IP_V6_DST;
  const target = isSource ? into.source : into.destination;
  if (isV4 && end - start === 4) {
    target.fill(0, 0, 10).fill(0xff, 10, 12);
    bytes.copy(target, 12, start, end);
    return 1;
  }
  if (!isV6 || end - start !== 16) return 0;
  bytes.copy(target, 0, start, end);
  return 1;
}
