/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The callbacks of the existing open agent, for comparison in the overhead bench; never shipped.
 * Modelled on its observed behaviour: one sock_ops program requests RTT, RTO, RETRANS, STATE and the
 * header options of each segment in and out, and keeps one record per connection. At the header
 * options it only finds the record and copies the socket's counters.
 */
#include <linux/types.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define MAX_SOCKETS 65536

#define CALLBACKS (BPF_SOCK_OPS_RTO_CB_FLAG | BPF_SOCK_OPS_RETRANS_CB_FLAG |                 \
		   BPF_SOCK_OPS_STATE_CB_FLAG | BPF_SOCK_OPS_RTT_CB_FLAG |                   \
		   BPF_SOCK_OPS_PARSE_ALL_HDR_OPT_CB_FLAG | BPF_SOCK_OPS_WRITE_HDR_OPT_CB_FLAG)

struct properties {
	__u32 local_address[4];
	__u32 remote_address[4];
	__u32 local_port;
	__u32 remote_port;
	__u64 started_nanos;
};

struct numbers {
	__u64 bytes_received;
	__u64 bytes_acked;
	__u64 rtt_sum;
	__u64 smoothed_sum;
	__u32 rtt_count;
	__u32 rtt_min;
	__u32 rtt_max;
	__u32 segments_in;
	__u32 segments_out;
	__u32 retrans[3];
	__u32 rtos[3];
	__u32 state;
	__u64 changed_nanos;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_SOCKETS);
	__type(key, __u64);
	__type(value, struct properties);
} properties SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_SOCKETS);
	__type(key, __u64);
	__type(value, struct numbers);
} numbers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 32);
	__type(key, __u32);
	__type(value, __u64);
} events SEC(".maps");

static __always_inline void begin(struct bpf_sock_ops *ctx, __u64 cookie)
{
	struct properties socket = {};
	struct numbers first = {};

	socket.local_address[0] = ctx->local_ip4;
	socket.remote_address[0] = ctx->remote_ip4;
	socket.local_port = ctx->local_port;
	socket.remote_port = ctx->remote_port;
	socket.started_nanos = bpf_ktime_get_ns();
	first.state = ctx->state;
	bpf_map_update_elem(&properties, &cookie, &socket, BPF_ANY);
	bpf_map_update_elem(&numbers, &cookie, &first, BPF_ANY);
	bpf_sock_ops_cb_flags_set(ctx, ctx->bpf_sock_ops_cb_flags | CALLBACKS);
}

static __always_inline void go_on(struct bpf_sock_ops *ctx, __u64 cookie)
{
	struct numbers *known = bpf_map_lookup_elem(&numbers, &cookie);
	__u32 phase = ctx->state == BPF_TCP_SYN_SENT ? 0 : ctx->state == BPF_TCP_ESTABLISHED ? 1 : 2;

	if (!known)
		return;
	if (ctx->op == BPF_SOCK_OPS_RTT_CB) {
		__u32 rtt = ctx->args[0];

		known->rtt_count++;
		known->rtt_sum += rtt;
		known->smoothed_sum += ctx->args[1] >> 3;
		if (rtt > known->rtt_max)
			known->rtt_max = rtt;
		if (known->rtt_count == 1 || rtt < known->rtt_min)
			known->rtt_min = rtt;
	} else if (ctx->op == BPF_SOCK_OPS_RETRANS_CB) {
		known->retrans[phase] += ctx->args[1];
	} else if (ctx->op == BPF_SOCK_OPS_RTO_CB) {
		known->rtos[phase]++;
	} else if (ctx->op == BPF_SOCK_OPS_STATE_CB) {
		known->state = ctx->args[1];
	}
	known->bytes_received = ctx->bytes_received;
	known->bytes_acked = ctx->bytes_acked;
	known->segments_in = ctx->data_segs_in;
	known->segments_out = ctx->data_segs_out;
	known->changed_nanos = bpf_ktime_get_ns();
}

SEC("sockops")
int watch(struct bpf_sock_ops *ctx)
{
	__u64 cookie = bpf_get_socket_cookie(ctx);
	__u32 event = ctx->op & 31;
	__u64 *count = bpf_map_lookup_elem(&events, &event);

	if (count)
		(*count)++;
	if (ctx->op == BPF_SOCK_OPS_TCP_CONNECT_CB ||
	    ctx->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
		begin(ctx, cookie);
	else
		go_on(ctx, cookie);
	return 1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
