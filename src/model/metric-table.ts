/**
 * Describes every metric of a flow once. These are derived from it: the order of values in a report,
 * the columns of the flow table with their widths, the metric names on the wire, the layout of
 * `struct details`, the work of both collectors, and the table in docs/reference/agent-collection.md.
 * docs/guide/8-develop.md has the steps that add a metric.
 */

export type MetricUnit = 'connections' | 'attempts' | 'bytes' | 'segments' | 'events' | 'µs';

/** A number that the kernel keeps for each socket, in `struct tcp_sock`. */
export interface SocketField {
  /** The field of `struct details` (bpf/socket-record.h) into which the eBPF program copies it. */
  readonly field: string;
  readonly bits: 32 | 64;
  /** Its place in `struct tcp_info` (linux/tcp.h). Without one, netlink does not know it. */
  readonly tcpInfo?: { readonly offset: number; readonly bits: 32 | 64 };
}

/** A metric with one number for each flow. */
export interface PlainDescription<Name extends string = string> {
  readonly name: Name;
  /** A phrase for the reference page and the help of OpenMetrics. */
  readonly meaning: string;
  readonly unit: MetricUnit;
  /** A level is as of the window's end; a counter is its growth in the window. */
  readonly kind: 'counter' | 'level';
  /** Width of the column, which limits a value. */
  readonly bits: 32 | 64;
  /** A report may lack it: its value is then NaN, and NULL in the store. */
  readonly isOptional?: true;
  /**
   * A report that has `busy_us` leaves the metric out when it is 0. Only for metrics that every agent
   * with `busy_us` knows: if another agent lacks the metric, the server would store 0 for it.
   */
  readonly isZeroImplied?: true;
  /**
   * The size of `tcp_info` from which netlink knows the metric (Infinity: never). Absent for metrics
   * that netlink always knows, and for those with a `socket` field.
   */
  readonly netlinkBytes?: number;
  /** Present if the kernel keeps the number for each socket; both collectors count its growth. */
  readonly socket?: SocketField;
}

/** A metric with samples: their count, minimum, maximum and sum. */
export interface TimingDescription<Name extends string = string> {
  readonly name: Name;
  readonly meaning: string;
  readonly unit: 'µs' | 'bytes/s';
  /** Width of the columns of minimum and maximum; a sum has 64 bits, a count 32. */
  readonly bits: 32 | 64;
  /** A report may lack it: its count is then 0. */
  readonly isOptional?: true;
  /** Present if the kernel keeps the number for each socket; both collectors take it as a sample. */
  readonly socket?: SocketField;
}

/** The rows up to `rtos_close` are the existing agent's, in its order; the others are ours. */
export const PLAIN_TABLE = [
  {
    name: 'sockets_connecting',
    unit: 'connections',
    kind: 'level',
    bits: 32,
    meaning: 'connections in the handshake',
  },
  {
    name: 'sockets_established',
    unit: 'connections',
    kind: 'level',
    bits: 32,
    meaning: 'established connections',
  },
  {
    name: 'sockets_closing',
    unit: 'connections',
    kind: 'level',
    bits: 32,
    meaning: 'connections that are closing',
  },
  {
    name: 'sockets_closed',
    unit: 'connections',
    kind: 'level',
    bits: 32,
    meaning: 'connections that closed in the window',
  },
  {
    name: 'sockets_completed',
    unit: 'connections',
    kind: 'counter',
    bits: 32,
    meaning: 'connections that closed',
  },
  {
    name: 'severed_connect',
    unit: 'connections',
    kind: 'counter',
    bits: 32,
    isOptional: true,
    netlinkBytes: Number.POSITIVE_INFINITY,
    meaning: 'connections that closed in the handshake',
  },
  {
    name: 'severed_establish',
    unit: 'connections',
    kind: 'counter',
    bits: 32,
    isOptional: true,
    netlinkBytes: Number.POSITIVE_INFINITY,
    meaning: 'connections that went from established to closed at once',
  },
  {
    name: 'connect_attempts',
    unit: 'attempts',
    kind: 'counter',
    bits: 32,
    meaning: 'connections this host tried to open',
  },
  {
    name: 'bytes_received',
    unit: 'bytes',
    kind: 'counter',
    bits: 64,
    meaning: 'bytes received',
  },
  {
    name: 'bytes_delivered',
    unit: 'bytes',
    kind: 'counter',
    bits: 64,
    meaning: 'bytes sent and acknowledged',
  },
  {
    name: 'segments_received',
    unit: 'segments',
    kind: 'counter',
    bits: 64,
    meaning: 'data segments received',
  },
  {
    name: 'segments_delivered',
    unit: 'segments',
    kind: 'counter',
    bits: 64,
    meaning: 'data segments sent, retransmissions included',
  },
  {
    name: 'retrans_syn',
    unit: 'segments',
    kind: 'counter',
    bits: 32,
    meaning: 'segments retransmitted in the handshake',
  },
  {
    name: 'retrans_est',
    unit: 'segments',
    kind: 'counter',
    bits: 32,
    meaning: 'segments retransmitted while established',
  },
  {
    name: 'retrans_close',
    unit: 'segments',
    kind: 'counter',
    bits: 32,
    meaning: 'segments retransmitted while closing',
  },
  {
    name: 'rtos_syn',
    unit: 'events',
    kind: 'counter',
    bits: 32,
    isOptional: true,
    netlinkBytes: 242,
    meaning: 'retransmission timeouts in the handshake',
  },
  {
    name: 'rtos_est',
    unit: 'events',
    kind: 'counter',
    bits: 32,
    isOptional: true,
    netlinkBytes: 242,
    meaning: 'retransmission timeouts while established',
  },
  {
    name: 'rtos_close',
    unit: 'events',
    kind: 'counter',
    bits: 32,
    isOptional: true,
    netlinkBytes: 242,
    meaning: 'retransmission timeouts while closing',
  },
  {
    name: 'busy_us',
    unit: 'µs',
    kind: 'counter',
    bits: 64,
    isOptional: true,
    meaning: 'time senders had data to send',
    socket: {
      field: 'chrono_jiffies[0]',
      bits: 32,
      tcpInfo: { offset: 168, bits: 64 },
    },
  },
  {
    name: 'rwnd_limited_us',
    unit: 'µs',
    kind: 'counter',
    bits: 64,
    isOptional: true,
    isZeroImplied: true,
    meaning: "part of `busy_us` in which the receiver's window held the sender up",
    socket: {
      field: 'chrono_jiffies[1]',
      bits: 32,
      tcpInfo: { offset: 176, bits: 64 },
    },
  },
  {
    name: 'sndbuf_limited_us',
    unit: 'µs',
    kind: 'counter',
    bits: 64,
    isOptional: true,
    isZeroImplied: true,
    meaning: "part of `busy_us` in which the sender's own buffer held it up",
    socket: {
      field: 'chrono_jiffies[2]',
      bits: 32,
      tcpInfo: { offset: 184, bits: 64 },
    },
  },
  {
    name: 'segments_out_of_order',
    unit: 'segments',
    kind: 'counter',
    bits: 32,
    isOptional: true,
    isZeroImplied: true,
    meaning: 'segments received out of order',
    socket: { field: 'segments_out_of_order', bits: 32, tcpInfo: { offset: 224, bits: 32 } },
  },
  {
    name: 'reorderings',
    unit: 'events',
    kind: 'counter',
    bits: 32,
    isOptional: true,
    isZeroImplied: true,
    meaning: 'times the sender saw its segments reordered',
    socket: { field: 'reorderings', bits: 32, tcpInfo: { offset: 220, bits: 32 } },
  },
  {
    name: 'dsacks',
    unit: 'segments',
    kind: 'counter',
    bits: 32,
    isOptional: true,
    isZeroImplied: true,
    meaning: 'segments the receiver reported as received twice: needless retransmissions',
    socket: { field: 'dsacks', bits: 32, tcpInfo: { offset: 216, bits: 32 } },
  },
  {
    name: 'segments_ce',
    unit: 'segments',
    kind: 'counter',
    bits: 32,
    isOptional: true,
    isZeroImplied: true,
    meaning: 'delivered segments the network marked as congested (ECN)',
    socket: { field: 'segments_ce', bits: 32, tcpInfo: { offset: 196, bits: 32 } },
  },
] as const satisfies readonly PlainDescription[];

/** The first three are the existing agent's; the others are ours. */
export const TIMING_TABLE = [
  { name: 'connect_us', unit: 'µs', bits: 32, meaning: 'time from SYN to established' },
  { name: 'rtt_us', unit: 'µs', bits: 32, meaning: 'round-trip times' },
  {
    name: 'rtt_smoothed_us',
    unit: 'µs',
    bits: 32,
    meaning: 'smoothed round-trip times, as of each sample',
  },
  {
    name: 'min_rtt_us',
    unit: 'µs',
    bits: 32,
    isOptional: true,
    meaning: "least round-trip time of a connection in the kernel's window (5 minutes)",
    socket: { field: 'min_rtt', bits: 32, tcpInfo: { offset: 148, bits: 32 } },
  },
  {
    name: 'delivery_rate',
    unit: 'bytes/s',
    bits: 64,
    isOptional: true,
    meaning: "the kernel's last sample of a connection's rate",
    socket: { field: 'delivery_rate', bits: 64, tcpInfo: { offset: 160, bits: 64 } },
  },
] as const satisfies readonly TimingDescription[];
