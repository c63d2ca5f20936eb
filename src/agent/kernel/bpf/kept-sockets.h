/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Storage of the records of connections. A connection has one of the `slots`, found without lock or
 * search; if its slot is taken, it is in the hash map `sockets`, by cookie. When a connection in a
 * slot closes, the program sets the slot's bit in `closed_slots`. A closed connection of the hash
 * map leaves through the ring buffer `closed`. When the ring is full, the record stays in the hash
 * map, marked LEFT_IN_TABLE, until user space takes it: late, but not lost.
 */
#ifndef NFM_KEPT_SOCKETS_H
#define NFM_KEPT_SOCKETS_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "counters.h"
#include "socket-record.h"

/* The callbacks that the program enables for each connection. */
#define CALLBACKS (BPF_SOCK_OPS_RTO_CB_FLAG | BPF_SOCK_OPS_RETRANS_CB_FLAG | \
		   BPF_SOCK_OPS_STATE_CB_FLAG | BPF_SOCK_OPS_RTT_CB_FLAG)

#define MAX_SOCKETS 65536
/* A power of 2. */
#define SLOTS 8192
#define CLOSED_RING_BYTES (1024 * 1024)

struct closed_slots {
	__u32 words[SLOTS / 32];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_SOCKETS);
	__type(key, __u64);
	__type(value, struct socket_record);
} sockets SEC(".maps");

/*
 * The low bits of a connection's cookie choose its slot; the connection takes it if it is free when
 * the connection begins. Cookies count up, so connections of the same time spread over all slots.
 * Few short connections are open at a time, so they hardly ever need `sockets`, where an insertion
 * takes two locks and a deletion two more (docs/decisions/2026-11-28-slot-array.md).
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, struct socket_record);
} slots SEC(".maps");

/*
 * One bit for each slot, set when its connection has closed. User space clears the bit, reads the
 * record and frees the slot.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct closed_slots);
} closed_slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, CLOSED_RING_BYTES);
} closed SEC(".maps");

static __always_inline struct socket_record *slot_of(__u64 cookie)
{
	__u32 index = cookie & (SLOTS - 1);

	return bpf_map_lookup_elem(&slots, &index);
}

/*
 * Takes a free slot. Of several that try at the same time, at most one succeeds: the one that reads
 * 1 after adding its own claim has the slot until it is freed. (An addition that returns the
 * previous value needs Linux 5.12.)
 */
static __always_inline bool claim(struct socket_record *slot)
{
	if (slot->claims != 0)
		return false;
	__sync_fetch_and_add(&slot->claims, 1);
	if (*(volatile __u32 *)&slot->claims == 1)
		return true;
	__sync_fetch_and_add(&slot->claims, -1);
	return false;
}

/* The record of an open connection that has a slot. */
static __always_inline struct socket_record *find_slot(__u64 cookie)
{
	struct socket_record *slot = slot_of(cookie);

	return slot && slot->cookie == cookie && slot->state != BPF_TCP_CLOSE ? slot : NULL;
}

static __always_inline struct socket_record *find(__u64 cookie)
{
	struct socket_record *slot = find_slot(cookie);

	return slot ? slot : bpf_map_lookup_elem(&sockets, &cookie);
}

static __always_inline void leave_slot(__u64 cookie)
{
	struct closed_slots *bits;
	__u32 zero = 0;

	bits = bpf_map_lookup_elem(&closed_slots, &zero);
	/* The bit is 0, so adding it sets it. */
	if (bits)
		__sync_fetch_and_add(&bits->words[(cookie / 32) & (SLOTS / 32 - 1)],
				     1U << (cookie & 31));
}

static __always_inline void leave_table(struct socket_record *record, __u64 cookie)
{
	if (bpf_ringbuf_output(&closed, record, sizeof(*record), BPF_RB_NO_WAKEUP)) {
		record->ending |= LEFT_IN_TABLE;
		count(CLOSED_RING_FULL);
		return;
	}
	bpf_map_delete_elem(&sockets, &cookie);
}

#endif
