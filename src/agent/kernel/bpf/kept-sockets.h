/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Where the records of connections are kept: in one of the `places`, which takes neither lock nor
 * search, or where that is taken in `sockets`, by socket cookie. A closed connection of a place is
 * told by a bit, one of the table leaves through the ring `closed`; when that is full its record
 * stays in the table, marked UNTOLD, until user space takes it: late rather than lost.
 */
#ifndef NFM_KEPT_SOCKETS_H
#define NFM_KEPT_SOCKETS_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "counters.h"
#include "socket-record.h"

/* What is asked for of each connection that is kept. */
#define CALLBACKS (BPF_SOCK_OPS_RTO_CB_FLAG | BPF_SOCK_OPS_RETRANS_CB_FLAG | \
		   BPF_SOCK_OPS_STATE_CB_FLAG | BPF_SOCK_OPS_RTT_CB_FLAG)

#define MAX_SOCKETS 65536
/* A power of 2. */
#define PLACES 8192
#define CLOSED_RING_BYTES (1024 * 1024)

struct closed_places {
	__u32 words[PLACES / 32];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_SOCKETS);
	__type(key, __u64);
	__type(value, struct socket_record);
} sockets SEC(".maps");

/*
 * A connection's place is that of the low bits of its cookie, when it is free as the connection
 * begins. Cookies count up, so that those of one time are spread over all places: short
 * connections, of which there are few at a time, hardly ever go to `sockets`, where they would
 * take two locks to enter and two to leave (docs/decisions/2026-11-28-slot-array.md).
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, PLACES);
	__type(key, __u32);
	__type(value, struct socket_record);
} places SEC(".maps");

/*
 * A bit a place whose connection has closed; user space takes it, reads the record, and gives the
 * place up.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct closed_places);
} closed_places SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, CLOSED_RING_BYTES);
} closed SEC(".maps");

static __always_inline struct socket_record *place_of(__u64 cookie)
{
	__u32 index = cookie & (PLACES - 1);

	return bpf_map_lookup_elem(&places, &index);
}

/*
 * Takes a free place. Of several that try at once one or none gets it: who reads 1 after adding
 * its own is alone until it gives the place up. (An addition that answers what was there before
 * needs Linux 5.12.)
 */
static __always_inline bool claim(struct socket_record *place)
{
	if (place->claims != 0)
		return false;
	__sync_fetch_and_add(&place->claims, 1);
	if (*(volatile __u32 *)&place->claims == 1)
		return true;
	__sync_fetch_and_add(&place->claims, -1);
	return false;
}

/* The record of a connection that has a place and is not closed. */
static __always_inline struct socket_record *find_place(__u64 cookie)
{
	struct socket_record *place = place_of(cookie);

	return place && place->cookie == cookie && place->state != BPF_TCP_CLOSE ? place : NULL;
}

static __always_inline struct socket_record *find(__u64 cookie)
{
	struct socket_record *place = find_place(cookie);

	return place ? place : bpf_map_lookup_elem(&sockets, &cookie);
}

static __always_inline void leave_place(__u64 cookie)
{
	struct closed_places *bits;
	__u32 zero = 0;

	bits = bpf_map_lookup_elem(&closed_places, &zero);
	/* The bit was 0, so that to add it is to set it. */
	if (bits)
		__sync_fetch_and_add(&bits->words[(cookie / 32) & (PLACES / 32 - 1)],
				     1U << (cookie & 31));
}

static __always_inline void leave_table(struct socket_record *record, __u64 cookie)
{
	if (bpf_ringbuf_output(&closed, record, sizeof(*record), BPF_RB_NO_WAKEUP)) {
		record->ending |= UNTOLD;
		count(CLOSED_RING_FULL);
		return;
	}
	bpf_map_delete_elem(&sockets, &cookie);
}

#endif
