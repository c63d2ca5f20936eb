/** linux/netlink.h: struct nlmsghdr and its flags. Numbers are in host order. */
export const HEADER_BYTES = 16;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLM_F_REQUEST = 0x1;
const NLM_F_DUMP = 0x300;

const ATTRIBUTE_BYTES = 4;
/** Removes NLA_F_NESTED and NLA_F_NET_BYTEORDER from an attribute's type. */
const TYPE_MASK = 0x3fff;

/** The message's payload is at `start` to `end` in the bytes. */
export type MessageVisit = (type: number, start: number, end: number) => void;

/**
 * Visits the messages in the received bytes. They come from the kernel, but are checked anyway: a
 * length that exceeds its frame ends the reading.
 *
 * @returns `done` after the end of a dump or an error, `malformed` after a wrong length, else `more`
 */
export function readMessages(bytes: Buffer, visit: MessageVisit): 'more' | 'done' | 'malformed' {
  let at = 0;
  while (at < bytes.length) {
    if (at + HEADER_BYTES > bytes.length) return 'malformed';
    const length = bytes.readUInt32LE(at);
    const type = bytes.readUInt16LE(at + 4);
    if (length < HEADER_BYTES || at + length > bytes.length) return 'malformed';
    if (type === NLMSG_DONE || type === NLMSG_ERROR) return 'done';
    visit(type, at + HEADER_BYTES, at + length);
    at += aligned(length);
  }
  return 'more';
}

/** Visits the attributes from `start` to `end`; false when a length exceeds that range. */
export function readAttributes(
  bytes: Buffer,
  [start, end]: readonly [start: number, end: number],
  visit: MessageVisit,
): boolean {
  let at = start;
  while (at < end) {
    if (at + ATTRIBUTE_BYTES > end) return false;
    const length = bytes.readUInt16LE(at);
    if (length < ATTRIBUTE_BYTES || at + length > end) return false;
    visit(bytes.readUInt16LE(at + 2) & TYPE_MASK, at + ATTRIBUTE_BYTES, at + length);
    at += aligned(length);
  }
  return true;
}

/** A request; with `dump` for all objects. */
export function netlinkRequest(type: number, payload: Buffer, { dump = true } = {}): Buffer {
  const message = Buffer.alloc(HEADER_BYTES + aligned(payload.length));
  message.writeUInt32LE(HEADER_BYTES + payload.length, 0);
  message.writeUInt16LE(type, 4);
  message.writeUInt16LE(NLM_F_REQUEST | (dump ? NLM_F_DUMP : 0), 6);
  payload.copy(message, HEADER_BYTES);
  return message;
}

function aligned(length: number): number {
  return (length + 3) & ~3;
}
