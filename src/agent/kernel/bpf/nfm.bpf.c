/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Per-connection TCP statistics, kept by the kernel and read by user space.
 *
 * `watch` (sock_ops, on a cgroup v2) keeps one record per connection in `sockets`, by socket
 * cookie. A closed connection leaves through the ring `closed`; when the ring is full its record
 * stays in `sockets` in state CLOSE until user space takes it, so it is late rather than lost.
 * `refresh` (iter/task_file) tells user space how far the live connections have come: a socket
 * that only receives gets no callback between its opening and its end.
 *
 * The header-option callbacks are not asked for: they tell nothing the socket does not hold and
 * cost half as much again per connection.
 *
 * The records' layout is repeated in ../socket-record.ts.
 */
#include <linux/types.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_core_read.h>
#include "kernel-types.h"

#define AF_INET 2
#define AF_INET6 10

#define MAX_SOCKETS 65536
#define CLOSED_RING_BYTES (8 * 1024 * 1024)

#define CALLBACKS (BPF_SOCK_OPS_RTO_CB_FLAG | BPF_SOCK_OPS_RETRANS_CB_FLAG | \
		   BPF_SOCK_OPS_STATE_CB_FLAG | BPF_SOCK_OPS_RTT_CB_FLAG)

enum phase { PHASE_SYN, PHASE_ESTABLISHED, PHASE_CLOSE, PHASES };
enum side { SIDE_CLIENT, SIDE_SERVER };
enum ending { SEVERED_CONNECT = 1, SEVERED_ESTABLISHED = 2 };

/* Round trips seen during one epoch: user space starts a new epoch at each reading. */
struct round_trips {
	__u32 epoch;
	__u32 count;
	__u32 rtt_min;
	__u32 rtt_max;
	__u64 rtt_sum;
	__u32 smoothed_min;
	__u32 smoothed_max;
	__u64 smoothed_sum;
};

struct socket_record {
	__u64 cookie;
	/* With the cookie this names a connection: one socket may connect several times. */
	__u64 started_nanos;
	__u64 bytes_received;
	__u64 bytes_acked;
	__u8 local_address[16];
	__u8 remote_address[16];
	__u32 changes;
	__u32 segments_in;
	__u32 segments_out;
	__u32 total_retrans;
	__u32 retrans[PHASES];
	__u32 rtos[PHASES];
	/* Microseconds from SYN to established; 0 until then and on the server side. */
	__u32 connect_micros;
	__u16 local_port;
	__u16 remote_port;
	__u8 side;
	__u8 state;
	__u8 ending;
	__u8 padding[5];
	/* Epoch n in round_trips[n & 1]: the last one stays readable while the next one fills. */
	struct round_trips round_trips[2];
};

struct progress {
	__u64 cookie;
	__u64 started_nanos;
	__u64 bytes_received;
	__u64 bytes_acked;
	__u32 segments_in;
	__u32 segments_out;
};

_Static_assert(sizeof(struct round_trips) == 40, "ROUND_TRIPS_BYTES in socket-record.ts");
_Static_assert(sizeof(struct socket_record) == 200, "RECORD_BYTES in socket-record.ts");
_Static_assert(__builtin_offsetof(struct socket_record, retrans) == 80, "RETRANS_OFFSET");
_Static_assert(__builtin_offsetof(struct socket_record, round_trips) == 120, "ROUND_TRIPS_OFFSET");
_Static_assert(sizeof(struct progress) == 40, "PROGRESS_BYTES in socket-record.ts");

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
	COUNTERS,
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_SOCKETS);
	__type(key, __u64);
	__type(value, struct socket_record);
} sockets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, CLOSED_RING_BYTES);
} closed SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, COUNTERS);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} epoch SEC(".maps");

static __always_inline void count(__u32 counter)
{
	__u64 *value = bpf_map_lookup_elem(&counters, &counter);

	/* Atomic: a callback in process context may be interrupted by one in softirq. */
	if (value)
		__sync_fetch_and_add(value, 1);
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

static __always_inline void begin(struct bpf_sock_ops *ctx, __u64 cookie, __u8 side)
{
	struct socket_record record = {};

	record.cookie = cookie;
	record.started_nanos = bpf_ktime_get_ns();
	record.side = side;
	record.state = side == SIDE_CLIENT ? BPF_TCP_SYN_SENT : BPF_TCP_SYN_RECV;
	take_addresses(ctx, &record);
	take_counters(ctx, &record, record.state);
	/* BPF_ANY: a socket that connects again overwrites what its last connection left. */
	if (bpf_map_update_elem(&sockets, &cookie, &record, BPF_ANY)) {
		count(MAP_INSERTION_ERRORS);
		return;
	}
	count(SOCKET_EVENTS);
	if (bpf_sock_ops_cb_flags_set(ctx, ctx->bpf_sock_ops_cb_flags | CALLBACKS))
		count(SET_FLAGS_ERRORS);
}

static __always_inline void fold(struct round_trips *slot, __u32 now, __u32 rtt, __u32 smoothed)
{
	if (slot->epoch != now || slot->count == 0) {
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
	if (*now & 1)
		fold(&record->round_trips[1], *now, rtt, smoothed);
	else
		fold(&record->round_trips[0], *now, rtt, smoothed);
}

static __always_inline void end(struct socket_record *record, __u64 cookie)
{
	if (bpf_ringbuf_output(&closed, record, sizeof(*record), BPF_RB_NO_WAKEUP)) {
		count(CLOSED_RING_FULL);
		return;
	}
	bpf_map_delete_elem(&sockets, &cookie);
}

static __always_inline void change_state(struct bpf_sock_ops *ctx, struct socket_record *record,
					 __u64 cookie)
{
	__u32 from = ctx->args[0];
	__u32 to = ctx->args[1];

	take_counters(ctx, record, from);
	record->state = to;
	if (from == BPF_TCP_SYN_SENT && to == BPF_TCP_ESTABLISHED) {
		__u64 micros = (bpf_ktime_get_ns() - record->started_nanos) / 1000;

		record->connect_micros = micros > 0 ? micros : 1;
	}
	if (to != BPF_TCP_CLOSE)
		return;
	if (from == BPF_TCP_SYN_SENT || from == BPF_TCP_SYN_RECV)
		record->ending |= SEVERED_CONNECT;
	if (from == BPF_TCP_ESTABLISHED)
		record->ending |= SEVERED_ESTABLISHED;
	end(record, cookie);
}

static __always_inline void count_rto(struct bpf_sock_ops *ctx, struct socket_record *record)
{
	__u32 phase = phase_of(ctx->state);

	if (phase == PHASE_SYN)
		record->rtos[PHASE_SYN]++;
	else if (phase == PHASE_ESTABLISHED)
		record->rtos[PHASE_ESTABLISHED]++;
	else
		record->rtos[PHASE_CLOSE]++;
}

/* A callback other than the two that begin a connection: `counter` says which. */
static __always_inline void go_on(struct bpf_sock_ops *ctx, __u64 cookie, __u32 counter)
{
	struct socket_record *record = bpf_map_lookup_elem(&sockets, &cookie);

	count(counter);
	if (!record) {
		count(SOCKETS_INVALID);
		return;
	}
	if (counter == STATE_CHANGE_EVENTS) {
		change_state(ctx, record, cookie);
		return;
	}
	if (counter == RTT_EVENTS)
		take_round_trip(ctx, record);
	else if (counter == RTO_EVENTS)
		count_rto(ctx, record);
	take_counters(ctx, record, ctx->state);
}

SEC("sockops")
int watch(struct bpf_sock_ops *ctx)
{
	__u64 cookie;

	/* Refuses nothing and changes nothing: 1 is what a program that is not there answers. */
	if (ctx->family != AF_INET && ctx->family != AF_INET6)
		return 1;
	cookie = bpf_get_socket_cookie(ctx);
	switch (ctx->op) {
	case BPF_SOCK_OPS_TCP_CONNECT_CB:
		count(ACTIVE_CONNECT_EVENTS);
		begin(ctx, cookie, SIDE_CLIENT);
		break;
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		count(PASSIVE_ESTABLISHED_EVENTS);
		begin(ctx, cookie, SIDE_SERVER);
		break;
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		go_on(ctx, cookie, ACTIVE_ESTABLISHED_EVENTS);
		break;
	case BPF_SOCK_OPS_RTT_CB:
		go_on(ctx, cookie, RTT_EVENTS);
		break;
	case BPF_SOCK_OPS_RTO_CB:
		go_on(ctx, cookie, RTO_EVENTS);
		break;
	case BPF_SOCK_OPS_RETRANS_CB:
		go_on(ctx, cookie, RETRANS_EVENTS);
		break;
	case BPF_SOCK_OPS_STATE_CB:
		go_on(ctx, cookie, STATE_CHANGE_EVENTS);
		break;
	default:
		count(OTHER_EVENTS);
	}
	return 1;
}

/*
 * Reads outside the socket's lock, so the numbers go to user space beside the record instead of
 * into it: user space keeps whichever is further.
 */
SEC("iter/task_file")
int refresh(struct bpf_iter__task_file *ctx)
{
	struct file *file = ctx->file;
	struct progress progress = {};
	struct socket_record *record;
	struct tcp_sock *tcp;
	struct socket *socket;

	if (!file)
		return 0;
	socket = bpf_sock_from_file(file);
	if (!socket || !socket->sk)
		return 0;
	tcp = (struct tcp_sock *)bpf_skc_to_tcp_sock(socket->sk);
	if (!tcp)
		return 0;
	progress.cookie = bpf_get_socket_cookie(tcp);
	record = bpf_map_lookup_elem(&sockets, &progress.cookie);
	if (!record)
		return 0;
	progress.started_nanos = record->started_nanos;
	progress.bytes_received = tcp->bytes_received;
	progress.bytes_acked = tcp->bytes_acked;
	progress.segments_in = tcp->data_segs_in;
	progress.segments_out = tcp->data_segs_out;
	if (progress.bytes_received == record->bytes_received &&
	    progress.bytes_acked == record->bytes_acked &&
	    progress.segments_out == record->segments_out)
		return 0;
	bpf_seq_write(ctx->meta->seq, &progress, sizeof(progress));
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
