/** The eBPF programs' event counters, in the order of `enum counter` in bpf/counters.h. */
export const EVENT_COUNTERS = [
  'active_connect_events',
  'active_established_events',
  'passive_established_events',
  'state_change_events',
  'rtt_events',
  'retrans_events',
  'rto_events',
  'other_events',
  'socket_events',
  'sockets_invalid',
  'map_insertion_errors',
  'rtts_invalid',
  'set_flags_errors',
  'other_errors',
  /** Closed connections that stayed in the table because the ring was full: late, not lost. */
  'closed_ring_full',
  /** Connections older than the program. */
  'sockets_adopted',
  /** Adopted connections whose side is a guess by port numbers. */
  'sides_guessed',
] as const;
export type EventCounter = (typeof EVENT_COUNTERS)[number];

/** Adds up the counters of all CPUs: one 64-bit number for each CPU and counter, in host order. */
export function sumCounters(values: DataView, cpus: number): Record<EventCounter, number> {
  const sums = EVENT_COUNTERS.map((name, counter) => {
    let sum = 0n;
    for (let cpu = 0; cpu < cpus; cpu += 1) {
      sum += values.getBigUint64((cpu * EVENT_COUNTERS.length + counter) * 8, true);
    }
    return [name, Number(sum)] as const;
  });
  return Object.fromEntries(sums) as Record<EventCounter, number>;
}
