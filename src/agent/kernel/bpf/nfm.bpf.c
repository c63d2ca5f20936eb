/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * TCP statistics of each connection, counted in the kernel and read by user space.
 *
 * `watch` (sock_ops, on a cgroup v2) keeps one record per connection (kept-sockets.h). `adopt` and
 * `refresh` (iterators.h) add older connections and give the progress of live ones.
 *
 * The program does not enable the header-option callbacks: they add nothing that the socket does
 * not hold, and cost half as much again per connection.
 */
#include <stddef.h>
#include <stdbool.h>
#include <linux/types.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_core_read.h>
#include "counters.h"
#include "iterators.h"
#include "kept-sockets.h"
#include "socket-facts.h"
#include "socket-record.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} epoch SEC(".maps");

static __always_inline __u32 phase_of(__u32 state)
{
	if (state == BPF_TCP_SYN_SENT || state == BPF_TCP_SYN_RECV ||
	    state == BPF_TCP_NEW_SYN_RECV)
		return PHASE_SYN;
	return state == BPF_TCP_ESTABLISHED ? PHASE_ESTABLISHED : PHASE_CLOSE;
}

/*
 * Copies the socket's counters. The growth of total_retrans since the last callback belongs to
 * `state`, because each retransmission has its own callback, after the kernel has counted it.
 * SYN-ACKs have none: the socket of an accepted connection begins with their count.
 */
static __always_inline void take_counters(struct bpf_sock_ops *ctx, struct socket_record *record,
					  __u32 state)
{
	__u32 total_retrans = ctx->total_retrans;
	__u32 grown = total_retrans - record->total_retrans;
	__u32 phase = phase_of(state);

	record->total_retrans = total_retrans;
	if (phase == PHASE_SYN)
		record->retrans[PHASE_SYN] += grown;
	else if (phase == PHASE_ESTABLISHED)
		record->retrans[PHASE_ESTABLISHED] += grown;
	else
		record->retrans[PHASE_CLOSE] += grown;
	record->bytes_received = ctx->bytes_received;
	record->bytes_acked = ctx->bytes_acked;
	record->segments_in = ctx->data_segs_in;
	record->segments_out = ctx->data_segs_out;
	record->changes++;
}

static __always_inline struct tcp_sock *tcp_of(struct bpf_sock_ops *ctx)
{
	struct bpf_sock *socket = ctx->sk;

	return socket ? bpf_skc_to_tcp_sock(socket) : NULL;
}

static __always_inline void take_addresses(struct bpf_sock_ops *ctx, struct socket_record *record)
{
	__u32 *local = (__u32 *)record->local_address;
	__u32 *remote = (__u32 *)record->remote_address;

	if (ctx->family == AF_INET) {
		map_v4(record->local_address, ctx->local_ip4);
		map_v4(record->remote_address, ctx->remote_ip4);
	} else {
		local[0] = ctx->local_ip6[0];
		local[1] = ctx->local_ip6[1];
		local[2] = ctx->local_ip6[2];
		local[3] = ctx->local_ip6[3];
		remote[0] = ctx->remote_ip6[0];
		remote[1] = ctx->remote_ip6[1];
		remote[2] = ctx->remote_ip6[2];
		remote[3] = ctx->remote_ip6[3];
	}
	record->local_port = ctx->local_port;
	/* The remote port is in network order, the local one is not. */
	record->remote_port = bpf_ntohl(ctx->remote_port);
}

static __always_inline void take_command(struct socket_record *record)
{
	/* Linux 5.11. On older kernels libbpf removes this branch before the verifier sees it. */
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf)) {
		struct task_struct *task = (void *)bpf_get_current_task_btf();
		const __u64 *from = (const __u64 *)task->comm;
		__u64 *to = (__u64 *)record->command;

		to[0] = from[0];
		to[1] = from[1];
	} else {
		bpf_get_current_comm(record->command, sizeof(record->command));
	}
}

/* Not inline: less code stays in the instruction cache longer. */
static __noinline int write_first(struct bpf_sock_ops *ctx, struct socket_record *record,
				  __u64 cookie, __u8 side)
{
	struct tcp_sock *tcp = tcp_of(ctx);

	/* Clears all but the claims and the parts that `marks` announces. */
	__builtin_memset(&record->changes, 0, offsetof(struct socket_record, round_trips) -
					      offsetof(struct socket_record, changes));
	record->bytes_received = record->bytes_acked = 0;
	/* Accepted: the segment that established it came just now. The clock would take 0.1 µs. */
	record->started_nanos = side == SIDE_SERVER && tcp ? tcp->tcp_mstamp * 1000 :
							     bpf_ktime_get_ns();
	record->side = side;
	/* An accepted connection is established a moment later. */
	record->state = side == SIDE_CLIENT ? BPF_TCP_SYN_SENT : BPF_TCP_ESTABLISHED;
	if (tcp)
		record->cgroup = cgroup_of(tcp);
	/* An accept runs in any context: only on the client side the current process is the owner. */
	if (side == SIDE_CLIENT)
		take_command(record);
	else
		__builtin_memset(record->command, 0, sizeof(record->command));
	record->refreshed_segments = 0;
	take_addresses(ctx, record);
	/* The count before the first callback: retransmitted SYN-ACKs of an accepted connection. */
	record->total_retrans = record->retrans[PHASE_SYN] = ctx->total_retrans;
	record->changes = 1;
	/* Last: readers ignore a record without a cookie. */
	record->cookie = cookie;
	return 0;
}

/* False when the hash map has no room. */
static __always_inline bool keep(struct bpf_sock_ops *ctx, __u64 cookie, __u8 side)
{
	struct socket_record *slot = slot_of(cookie);

	if (slot && claim(slot)) {
		write_first(ctx, slot, cookie, side);
		return true;
	} else {
		struct socket_record record = {};

		write_first(ctx, &record, cookie, side);
		/* BPF_ANY: a socket that connects again overwrites its last connection's record. */
		return bpf_map_update_elem(&sockets, &cookie, &record, BPF_ANY) == 0;
	}
}

static __always_inline void begin(struct bpf_sock_ops *ctx, __u64 cookie, __u8 side)
{
	if (!keep(ctx, cookie, side)) {
		count(MAP_INSERTION_ERRORS);
		return;
	}
	count(SOCKET_EVENTS);
	if (bpf_sock_ops_cb_flags_set(ctx, ctx->bpf_sock_ops_cb_flags | CALLBACKS))
		count(SET_FLAGS_ERRORS);
}

static __always_inline void fold(struct socket_record *record, __u32 now, __u32 rtt, __u32 smoothed)
{
	struct round_trips *trips = &record->round_trips[now & 1];
	__u8 mark = TRIPS << (now & 1);

	if (!(record->marks & mark) || trips->epoch != now) {
		record->marks |= mark;
		trips->epoch = now;
		trips->count = 1;
		trips->rtt_min = trips->rtt_max = rtt;
		trips->rtt_sum = rtt;
		trips->smoothed_min = trips->smoothed_max = smoothed;
		trips->smoothed_sum = smoothed;
		return;
	}
	trips->count++;
	trips->rtt_sum += rtt;
	trips->smoothed_sum += smoothed;
	if (rtt < trips->rtt_min)
		trips->rtt_min = rtt;
	if (rtt > trips->rtt_max)
		trips->rtt_max = rtt;
	if (smoothed < trips->smoothed_min)
		trips->smoothed_min = smoothed;
	if (smoothed > trips->smoothed_max)
		trips->smoothed_max = smoothed;
}

static __always_inline void take_round_trip(struct bpf_sock_ops *ctx, struct socket_record *record)
{
	__u32 zero = 0;
	__u32 *now = bpf_map_lookup_elem(&epoch, &zero);
	/* Kernels before 6.11 pass no times: srtt_us (8 times the smoothed time) replaces both. */
	__u32 smoothed = (ctx->args[1] ? ctx->args[1] : ctx->srtt_us) >> 3;
	__u32 rtt = ctx->args[0] ? ctx->args[0] : smoothed;

	if (!now)
		return;
	if (rtt == 0 || (__s32)rtt < 0) {
		count(RTTS_INVALID);
		return;
	}
	fold(record, *now, rtt, smoothed);
}

static __always_inline void count_rto(struct socket_record *record, __u32 state)
{
	__u32 phase = phase_of(state);

	if (phase == PHASE_SYN)
		record->rtos[PHASE_SYN]++;
	else if (phase == PHASE_ESTABLISHED)
		record->rtos[PHASE_ESTABLISHED]++;
	else
		record->rtos[PHASE_CLOSE]++;
}

/* From accepted to established, or from one closing state to the next: nothing to record. */
static __always_inline bool is_step(struct bpf_sock_ops *ctx)
{
	__u32 from = ctx->args[0];
	__u32 to = ctx->args[1];

	if (to == BPF_TCP_CLOSE)
		return false;
	return from == BPF_TCP_SYN_RECV || phase_of(from) == PHASE_CLOSE;
}

/* A change of state other than the end. Reads no counters: their changes cause other callbacks. */
static __always_inline void step(struct bpf_sock_ops *ctx, struct socket_record *record, __u32 from,
				 __u32 to)
{
	struct tcp_sock *tcp;

	record->state = to;
	record->changes++;
	/* The time of an adopted connection's SYN is not known. */
	if (from != BPF_TCP_SYN_SENT || to != BPF_TCP_ESTABLISHED || record->marks & ADOPTED)
		return;
	tcp = tcp_of(ctx);
	if (tcp) {
		__s64 micros = tcp->tcp_mstamp - record->started_nanos / 1000;

		record->connect_micros = micros > 0 ? micros : 1;
	}
}

static __always_inline void end(struct bpf_sock_ops *ctx, struct socket_record *record, __u64 cookie,
				bool has_slot, __u32 from)
{
	struct tcp_sock *tcp = tcp_of(ctx);

	if (tcp)
		take_details(tcp, &record->details);
	else
		__builtin_memset(&record->details, 0, sizeof(record->details));
	if (from == BPF_TCP_SYN_SENT || from == BPF_TCP_SYN_RECV)
		record->ending |= SEVERED_CONNECT;
	if (from == BPF_TCP_ESTABLISHED)
		record->ending |= SEVERED_ESTABLISHED;
	record->state = BPF_TCP_CLOSE;
	if (has_slot)
		leave_slot(cookie);
	else
		leave_table(record, cookie);
}

/* Handles the callbacks other than the two that begin a connection. */
static __always_inline void go_on(struct bpf_sock_ops *ctx, __u64 cookie)
{
	struct socket_record *slot = find_slot(cookie);
	struct socket_record *record = slot ? slot : bpf_map_lookup_elem(&sockets, &cookie);
	bool is_change = ctx->op == BPF_SOCK_OPS_STATE_CB;
	/* The callback comes before the state changes. */
	__u32 from = ctx->state;

	if (!record) {
		count(SOCKETS_INVALID);
		return;
	}
	if (is_change && ctx->args[1] != BPF_TCP_CLOSE) {
		step(ctx, record, from, ctx->args[1]);
		return;
	}
	if (ctx->op == BPF_SOCK_OPS_RTT_CB)
		take_round_trip(ctx, record);
	else if (ctx->op == BPF_SOCK_OPS_RTO_CB)
		count_rto(record, from);
	take_counters(ctx, record, from);
	if (is_change)
		end(ctx, record, cookie, slot != NULL, from);
}

static __always_inline __u32 counter_of(__u32 op)
{
	switch (op) {
	case BPF_SOCK_OPS_TCP_CONNECT_CB:
		return ACTIVE_CONNECT_EVENTS;
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		return ACTIVE_ESTABLISHED_EVENTS;
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		return PASSIVE_ESTABLISHED_EVENTS;
	case BPF_SOCK_OPS_STATE_CB:
		return STATE_CHANGE_EVENTS;
	case BPF_SOCK_OPS_RTT_CB:
		return RTT_EVENTS;
	case BPF_SOCK_OPS_RETRANS_CB:
		return RETRANS_EVENTS;
	case BPF_SOCK_OPS_RTO_CB:
		return RTO_EVENTS;
	default:
		return OTHER_EVENTS;
	}
}

/* Returns 1, as if no program were attached: it neither rejects nor changes anything. */
SEC("sockops")
int watch(struct bpf_sock_ops *ctx)
{
	__u32 counter;
	__u64 cookie;

	/* These operations come three times for each end of a connection, so they return first. */
	if (ctx->op == BPF_SOCK_OPS_TIMEOUT_INIT || ctx->op == BPF_SOCK_OPS_RWND_INIT ||
	    ctx->op == BPF_SOCK_OPS_NEEDS_ECN || ctx->op == BPF_SOCK_OPS_BASE_RTT)
		return 1;
	counter = counter_of(ctx->op);
	count(counter);
	/* ACTIVE_ESTABLISHED adds nothing to the STATE callback. */
	if (counter == OTHER_EVENTS || counter == ACTIVE_ESTABLISHED_EVENTS ||
	    (counter == STATE_CHANGE_EVENTS && is_step(ctx)))
		return 1;
	if (ctx->family != AF_INET && ctx->family != AF_INET6)
		return 1;
	cookie = bpf_get_socket_cookie(ctx);
	if (counter == ACTIVE_CONNECT_EVENTS || counter == PASSIVE_ESTABLISHED_EVENTS)
		begin(ctx, cookie, counter == ACTIVE_CONNECT_EVENTS ? SIDE_CLIENT : SIDE_SERVER);
	else
		go_on(ctx, cookie);
	return 1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
