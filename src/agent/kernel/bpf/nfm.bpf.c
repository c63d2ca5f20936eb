/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Per-connection TCP statistics, kept by the kernel and read by user space.
 *
 * `watch` (sock_ops, on a cgroup v2) keeps one record per connection: in one of the `places`, which
 * takes neither lock nor search, or where that is taken in `sockets`, by socket cookie. A closed
 * connection leaves through the ring `closed`; when the ring is full its record stays where it is
 * in state CLOSE until user space takes it, so it is late rather than lost.
 * `adopt` (iter/tcp, once for each network namespace) does the same for the connections that were
 * there before. `refresh` (iter/task_file) tells user space how far the live connections have come
 * and whose they are: a socket that only receives gets no callback between its opening and its
 * end, and one that was accepted is opened by whatever the processor was doing.
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
#include "kernel-types.h"
#include "socket-record.h"

#define AF_INET 2
#define AF_INET6 10

#define MAX_SOCKETS 65536
/* A power of 2. */
#define PLACES 8192
#define CLOSED_RING_BYTES (1024 * 1024)

#define CALLBACKS (BPF_SOCK_OPS_RTO_CB_FLAG | BPF_SOCK_OPS_RETRANS_CB_FLAG | \
		   BPF_SOCK_OPS_STATE_CB_FLAG | BPF_SOCK_OPS_RTT_CB_FLAG)

/* linux/bpf.h of 6.12: to setsockopt, what bpf_sock_ops_cb_flags_set is to sock_ops. */
#define SOL_TCP 6
#define TCP_BPF_SOCK_OPS_CB_FLAGS 1008

/* Folders a cgroup may be below the one that is watched. */
#define MOST_LEVELS 32

/* What one adoption works with; user space clears it before each. */
struct adoption {
	/* The inode of the watched cgroup's folder. */
	__u64 cgroup;
	/* A bit a port of this namespace that something listens on. */
	__u64 listening[1024];
};

_Static_assert(sizeof(struct adoption) == 8200, "ADOPTION_BYTES in socket-watch.ts");

struct closed_places {
	__u32 words[PLACES / 32];
};

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

/* Together, so that what one callback counts is on one or two lines of the cache. */
struct counters {
	__u64 values[COUNTERS];
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
 * take two locks to enter and two to leave. Measured: 3.0 against 2.1 µs a connection, both ends.
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

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct counters);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} epoch SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct adoption);
} adoption SEC(".maps");

static __always_inline void count(__u32 counter)
{
	__u32 zero = 0;
	struct counters *counted = bpf_map_lookup_elem(&counters, &zero);

	/* Atomic: a callback in process context may be interrupted by one in softirq. */
	if (counted && counter < COUNTERS)
		__sync_fetch_and_add(&counted->values[counter], 1);
}

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

static __always_inline __u64 cgroup_of(struct tcp_sock *tcp)
{
	struct cgroup *cgroup = tcp->inet_conn.icsk_inet.sk.sk_cgrp_data.cgroup;

	return cgroup ? cgroup->kn->id : 0;
}

static __always_inline void take_details(struct tcp_sock *tcp, struct details *details)
{
	__u32 running = BPF_CORE_READ_BITFIELD(tcp, chrono_type);
	__u32 since = (__u32)bpf_jiffies64() - tcp->chrono_start;
	__u32 min_rtt = tcp->rtt_min.s[0].v;

	details->chrono_jiffies[0] = tcp->chrono_stat[0];
	details->chrono_jiffies[1] = tcp->chrono_stat[1];
	details->chrono_jiffies[2] = tcp->chrono_stat[2];
	/* The kernel adds an interval at its end; the one that is running belongs in as well. */
	if (running == CHRONO_BUSY)
		details->chrono_jiffies[0] += since;
	else if (running == CHRONO_RWND_LIMITED)
		details->chrono_jiffies[1] += since;
	else if (running == CHRONO_SNDBUF_LIMITED)
		details->chrono_jiffies[2] += since;
	details->segments_out_of_order = tcp->rcv_ooopack;
	details->reorderings = tcp->reord_seen;
	details->dsacks = tcp->dsack_dups;
	details->segments_ce = tcp->delivered_ce;
	details->min_rtt = min_rtt == ~0U ? 0 : min_rtt;
	details->delivery_rate = 0;
	/* As tcp_compute_delivery_rate has it. */
	if (tcp->rate_interval_us)
		details->delivery_rate = (__u64)tcp->rate_delivered * tcp->mss_cache * 1000000 /
					 tcp->rate_interval_us;
}

static __always_inline void map_v4(__u8 *address, __u32 v4)
{
	__u32 *words = (__u32 *)address;

	words[0] = 0;
	words[1] = 0;
	words[2] = bpf_htonl(0xffff);
	words[3] = v4;
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

static __always_inline bool is_watched(struct tcp_sock *tcp, __u64 watched)
{
	struct cgroup *cgroup = tcp->inet_conn.icsk_inet.sk.sk_cgrp_data.cgroup;
	struct cgroup_subsys_state *parent;

	for (int level = 0; level < MOST_LEVELS && cgroup; level++) {
		if (cgroup->kn->id == watched)
			return true;
		parent = cgroup->self.parent;
		cgroup = parent ? parent->cgroup : NULL;
	}
	return false;
}

/*
 * Who opened a connection that is older than we are. A port taken by connect() is marked so by
 * the kernel (fastreuse -1); any other was bound, and the bound end of a port that something
 * listens on was accepted. What is left is a server that closed its listener, or a client that
 * bound its port: of the two ports the lower is taken for the service's.
 */
static __always_inline void find_side(struct tcp_sock *tcp, struct adoption *adoption,
				      struct socket_record *record)
{
	struct inet_bind_bucket *bound = tcp->inet_conn.icsk_bind_hash;
	__u16 port = record->local_port;

	record->side = SIDE_CLIENT;
	if (bound && bound->fastreuse < 0)
		return;
	if (adoption->listening[port >> 6] >> (port & 63) & 1) {
		record->side = SIDE_SERVER;
		return;
	}
	record->marks |= SIDE_GUESSED;
	count(SIDES_GUESSED);
	if (port < record->remote_port)
		record->side = SIDE_SERVER;
}

static __always_inline void take_all(struct tcp_sock *tcp, struct socket_record *record)
{
	struct sock_common *common = &tcp->inet_conn.icsk_inet.sk.__sk_common;

	record->state = common->skc_state;
	record->local_port = common->skc_num;
	record->remote_port = bpf_ntohs(common->skc_dport);
	if (common->skc_family == AF_INET) {
		map_v4(record->local_address, common->skc_rcv_saddr);
		map_v4(record->remote_address, common->skc_daddr);
	} else {
		__u32 *local = (__u32 *)record->local_address;
		__u32 *remote = (__u32 *)record->remote_address;

		for (int i = 0; i < 4; i++) {
			local[i] = common->skc_v6_rcv_saddr.in6_u.u6_addr32[i];
			remote[i] = common->skc_v6_daddr.in6_u.u6_addr32[i];
		}
	}
	record->bytes_received = tcp->bytes_received;
	record->bytes_acked = tcp->bytes_acked;
	record->segments_in = tcp->data_segs_in;
	record->segments_out = tcp->data_segs_out;
	record->total_retrans = tcp->total_retrans;
	record->cgroup = cgroup_of(tcp);
	take_details(tcp, &record->details);
}

/* Runs with the socket's lock held. Listeners come before all others. */
SEC("iter/tcp")
int adopt(struct bpf_iter__tcp *ctx)
{
	struct sock_common *common = ctx->sk_common;
	struct socket_record record = {};
	struct adoption *work;
	struct tcp_sock *tcp;
	__u32 zero = 0;
	int flags;

	if (!common)
		return 0;
	tcp = bpf_skc_to_tcp_sock(common);
	work = bpf_map_lookup_elem(&adoption, &zero);
	if (!tcp || !work)
		return 0;
	if (common->skc_state == BPF_TCP_LISTEN) {
		__u16 port = common->skc_num;

		work->listening[port >> 6] |= 1ULL << (port & 63);
		return 0;
	}
	if (!is_watched(tcp, work->cgroup))
		return 0;
	record.cookie = bpf_get_socket_cookie(tcp);
	record.started_nanos = bpf_ktime_get_ns();
	record.marks = ADOPTED;
	take_all(tcp, &record);
	find_side(tcp, work, &record);
	/* Opened since the program was attached: known already. */
	if (find(record.cookie))
		return 0;
	if (bpf_map_update_elem(&sockets, &record.cookie, &record, BPF_NOEXIST)) {
		count(MAP_INSERTION_ERRORS);
		return 0;
	}
	/* What another agent asked for stays asked for. */
	flags = tcp->bpf_sock_ops_cb_flags | CALLBACKS;
	if (bpf_setsockopt(tcp, SOL_TCP, TCP_BPF_SOCK_OPS_CB_FLAGS, &flags, sizeof(flags)))
		count(SET_FLAGS_ERRORS);
	count(SOCKETS_ADOPTED);
	bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
	return 0;
}

/*
 * Reads outside the socket's lock, so the numbers go to user space beside the record instead of
 * into it: user space keeps whichever is further. Only what moved since the last pass is told,
 * or is held up with data to send.
 */
SEC("iter/task_file")
int refresh(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct progress progress = {};
	struct socket_record *record;
	struct tcp_sock *tcp;
	struct socket *socket;
	__u32 segments;

	if (!task || !file)
		return 0;
	socket = bpf_sock_from_file(file);
	if (!socket || !socket->sk)
		return 0;
	tcp = bpf_skc_to_tcp_sock(socket->sk);
	if (!tcp)
		return 0;
	progress.cookie = bpf_get_socket_cookie(tcp);
	record = find(progress.cookie);
	if (!record)
		return 0;
	progress.started_nanos = record->started_nanos;
	progress.bytes_received = tcp->bytes_received;
	progress.bytes_acked = tcp->bytes_acked;
	progress.segments_in = tcp->data_segs_in;
	progress.segments_out = tcp->data_segs_out;
	segments = tcp->segs_in + tcp->segs_out;
	if (segments == record->refreshed_segments && !BPF_CORE_READ_BITFIELD(tcp, chrono_type))
		return 0;
	record->refreshed_segments = segments;
	take_details(tcp, &progress.details);
	bpf_probe_read_kernel_str(progress.command, sizeof(progress.command), task->comm);
	bpf_seq_write(ctx->meta->seq, &progress, sizeof(progress));
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
