/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Per-connection TCP statistics, kept by the kernel and read by user space.
 *
 * `watch` (sock_ops, on a cgroup v2), here, keeps one record per connection (kept-sockets.h).
 * `adopt` and `refresh` (iterators.h) add the connections that were there before, and tell user
 * space how far the live ones have come.
 *
 * The header-option callbacks are not asked for: they tell nothing the socket does not hold and
 * cost half as much again per connection.
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
 * Takes over the socket's own counters. What total_retrans grew by since the last callback belongs
 * to `state`: each retransmission has a callback of its own, which comes after the count, except
 * for the SYN-ACKs, which are in the count the socket of an accepted connection begins with.
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
	/* Of the two, only the remote port is in network order. */
	record->remote_port = bpf_ntohl(ctx->remote_port);
}

static __always_inline void take_command(struct socket_record *record)
{
	/* From Linux 5.11; elsewhere the verifier never sees it. */
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

/* Not inline: the less code, the more of it is still in the cache the next time. */
static __noinline int write_first(struct bpf_sock_ops *ctx, struct socket_record *record,
				  __u64 cookie, __u8 side)
{
	struct tcp_sock *tcp = tcp_of(ctx);

	/* All but the claims, and what is only there when it is marked so. */
	__builtin_memset(&record->changes, 0, offsetof(struct socket_record, round_trips) -
					      offsetof(struct socket_record, changes));
	record->bytes_received = record->bytes_acked = 0;
	/* Accepted: now, as the segment that makes it so has just come; to ask the clock takes 0.1 µs. */
	record->started_nanos = side == SIDE_SERVER && tcp ? tcp->tcp_mstamp * 1000 :
							     bpf_ktime_get_ns();
	record->side = side;
	/* A connection that is accepted is established in the next moment. */
	record->state = side == SIDE_CLIENT ? BPF_TCP_SYN_SENT : BPF_TCP_ESTABLISHED;
	if (tcp)
		record->cgroup = cgroup_of(tcp);
	/* A connection is accepted in the midst of anything: of that only this side is its owner's. */
	if (side == SIDE_CLIENT)
		take_command(record);
	else
		__builtin_memset(record->command, 0, sizeof(record->command));
	record->refreshed_segments = 0;
	take_addresses(ctx, record);
	/* Those of its SYN-ACK: what an accepted socket has counted before this. */
	record->total_retrans = record->retrans[PHASE_SYN] = ctx->total_retrans;
	record->changes = 1;
	/* Last: with it the record is there for those who read. */
	record->cookie = cookie;
	return 0;
}

/* False when there is no room. */
static __always_inline bool keep(struct bpf_sock_ops *ctx, __u64 cookie, __u8 side)
{
	struct socket_record *place = place_of(cookie);

	if (place && claim(place)) {
		write_first(ctx, place, cookie, side);
		return true;
	} else {
		struct socket_record record = {};

		write_first(ctx, &record, cookie, side);
		/* BPF_ANY: a socket that connects again overwrites what its last connection left. */
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
	struct round_trips *slot = &record->round_trips[now & 1];
	__u8 mark = TRIPS << (now & 1);

	if (!(record->marks & mark) || slot->epoch != now) {
		record->marks |= mark;
		slot->epoch = now;
		slot->count = 1;
		slot->rtt_min = slot->rtt_max = rtt;
		slot->rtt_sum = rtt;
		slot->smoothed_min = slot->smoothed_max = smoothed;
		slot->smoothed_sum = smoothed;
		return;
	}
	slot->count++;
	slot->rtt_sum += rtt;
	slot->smoothed_sum += smoothed;
	if (rtt < slot->rtt_min)
		slot->rtt_min = rtt;
	if (rtt > slot->rtt_max)
		slot->rtt_max = rtt;
	if (smoothed < slot->smoothed_min)
		slot->smoothed_min = smoothed;
	if (smoothed > slot->smoothed_max)
		slot->smoothed_max = smoothed;
}

static __always_inline void take_round_trip(struct bpf_sock_ops *ctx, struct socket_record *record)
{
	__u32 zero = 0;
	__u32 *now = bpf_map_lookup_elem(&epoch, &zero);
	/* Kernels before 6.11 pass nothing: then the smoothed time, kept times 8, stands for both. */
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

/* From accepted to established, and from one way of closing to the next: nothing to note. */
static __always_inline bool is_step(struct bpf_sock_ops *ctx)
{
	__u32 from = ctx->args[0];
	__u32 to = ctx->args[1];

	if (to == BPF_TCP_CLOSE)
		return false;
	return from == BPF_TCP_SYN_RECV || phase_of(from) == PHASE_CLOSE;
}

/* A change of state that is no end. Nothing moved that has no callback of its own. */
static __always_inline void step(struct bpf_sock_ops *ctx, struct socket_record *record, __u32 from,
				 __u32 to)
{
	struct tcp_sock *tcp;

	record->state = to;
	record->changes++;
	/* When an adopted connection sent its SYN is not known. */
	if (from != BPF_TCP_SYN_SENT || to != BPF_TCP_ESTABLISHED || record->marks & ADOPTED)
		return;
	tcp = tcp_of(ctx);
	if (tcp) {
		__s64 micros = tcp->tcp_mstamp - record->started_nanos / 1000;

		record->connect_micros = micros > 0 ? micros : 1;
	}
}

static __always_inline void end(struct bpf_sock_ops *ctx, struct socket_record *record, __u64 cookie,
				bool has_place, __u32 from)
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
	if (has_place)
		leave_place(cookie);
	else
		leave_table(record, cookie);
}

/* A callback other than the two that begin a connection. */
static __always_inline void go_on(struct bpf_sock_ops *ctx, __u64 cookie)
{
	struct socket_record *place = find_place(cookie);
	struct socket_record *record = place ? place : bpf_map_lookup_elem(&sockets, &cookie);
	bool is_change = ctx->op == BPF_SOCK_OPS_STATE_CB;
	/* A change of state is told before it is made. */
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
		end(ctx, record, cookie, place != NULL, from);
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

/* Refuses nothing and changes nothing: 1 is what a program that is not there answers. */
SEC("sockops")
int watch(struct bpf_sock_ops *ctx)
{
	__u32 counter;
	__u64 cookie;

	/* What the kernel asks every program, three times for each end of a connection: first out. */
	if (ctx->op == BPF_SOCK_OPS_TIMEOUT_INIT || ctx->op == BPF_SOCK_OPS_RWND_INIT ||
	    ctx->op == BPF_SOCK_OPS_NEEDS_ECN || ctx->op == BPF_SOCK_OPS_BASE_RTT)
		return 1;
	counter = counter_of(ctx->op);
	count(counter);
	/* The STATE callback tells the same as ACTIVE_ESTABLISHED. */
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
