import { AgentError } from '../agent-error.ts';
import { errnoName } from './bpf-object.ts';
import { ERRNO } from './libbpf.ts';
import type { Libc } from './libc.ts';

/** linux/netlink.h */
export const NETLINK_ROUTE = 0;
export const NETLINK_SOCK_DIAG = 4;
export const NETLINK_NETFILTER = 12;

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2_000_000;
const SOL_SOCKET = 1;
const SO_RCVBUFFORCE = 33;
const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;
const NETLINK_LISTEN_ALL_NSID = 8;
const MSG_DONTWAIT = 0x40;

/** The kernel gives at most 32 KB of a dump a read. */
const RECEIVE_BYTES = 64 * 1024;

/** `overflow`: messages were lost because the buffer was full. */
export type Drained = 'empty' | 'overflow';

/**
 * A netlink socket of the network namespace in which the thread was when it opened the socket.
 * Reading never blocks and is synchronous: 3.5 to 8 µs a message, a third of the cost through libuv.
 */
export class NetlinkSocket {
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #received = Buffer.alloc(RECEIVE_BYTES);

  /** @throws AgentError when this process may not open one */
  constructor(libc: Libc, protocol: number) {
    this.#libc = libc;
    this.#fd = libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
    const address = Buffer.alloc(12);
    address.writeUInt16LE(AF_NETLINK);
    if (this.#fd < 0 || libc.bind(this.#fd, address, address.length) < 0) {
      throw new AgentError(`cannot open a netlink socket: ${errnoName(libc.errno())}`);
    }
  }

  /**
   * Joins a multicast group, for all namespaces that have an id here.
   *
   * @param bufferBytes room for messages between two readings; the kernel charges 1.3 KB a message
   */
  join(group: number, bufferBytes: number): void {
    this.#set(SOL_SOCKET, SO_RCVBUFFORCE, bufferBytes);
    this.#set(SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, 1);
    this.#set(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group);
  }

  send(message: Buffer): void {
    if (this.#libc.send(this.#fd, message, message.length, 0) < 0) {
      throw new Error(`cannot send a netlink request: errno ${this.#libc.errno()}`);
    }
  }

  /** Visits the waiting messages. The bytes are reused: valid during the visit only. */
  drain(visit: (bytes: Buffer) => void): Drained {
    let drained: Drained = 'empty';
    for (;;) {
      const length = this.#libc.receive(
        this.#fd,
        this.#received,
        this.#received.length,
        MSG_DONTWAIT,
      );
      if (length >= 0) {
        visit(this.#received.subarray(0, length));
        continue;
      }
      const errno = this.#libc.errno();
      if (errno === ERRNO.EAGAIN) return drained;
      // The kernel reports an overflow once, before the messages that still fitted.
      if (errno === ERRNO.ENOBUFS) drained = 'overflow';
      else if (errno !== ERRNO.EINTR) throw new Error(`cannot read from netlink: errno ${errno}`);
    }
  }

  close(): void {
    this.#libc.close(this.#fd);
  }

  #set(level: number, option: number, value: number): void {
    if (this.#libc.setOption(this.#fd, level, option, Int32Array.of(value), 4) < 0) {
      const reason = errnoName(this.#libc.errno());
      this.close();
      throw new AgentError(
        `cannot receive netlink events (${reason}): run the agent as root or with CAP_NET_ADMIN and CAP_SYS_ADMIN`,
      );
    }
  }
}
