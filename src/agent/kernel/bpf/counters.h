/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* The programs' own event counters, one row for each processor. */
#ifndef NFM_COUNTERS_H
#define NFM_COUNTERS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* In the order of EVENT_COUNTERS in ../event-counters.ts. */
enum counter {
	ACTIVE_CONNECT_EVENTS,
	ACTIVE_ESTABLISHED_EVENTS,
	PASSIVE_ESTABLISHED_EVENTS,
	STATE_CHANGE_EVENTS,
	RTT_EVENTS,
	RETRANS_EVENTS,
	RTO_EVENTS,
	OTHER_EVENTS,
	SOCKET_EVENTS,
	SOCKETS_INVALID,
	MAP_INSERTION_ERRORS,
	RTTS_INVALID,
	SET_FLAGS_ERRORS,
	OTHER_ERRORS,
	CLOSED_RING_FULL,
	SOCKETS_ADOPTED,
	SIDES_GUESSED,
	COUNTERS,
};

/* One struct, so that the counters of a callback are on one or two cache lines. */
struct counters {
	__u64 values[COUNTERS];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct counters);
} counters SEC(".maps");

static __always_inline void count(__u32 counter)
{
	__u32 zero = 0;
	struct counters *counted = bpf_map_lookup_elem(&counters, &zero);

	/* Atomic: a softirq callback may interrupt one in process context. */
	if (counted && counter < COUNTERS)
		__sync_fetch_and_add(&counted->values[counter], 1);
}

#endif
