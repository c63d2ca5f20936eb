/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Requests the callbacks of our agent's program and does nothing in them, for comparison in the
 * overhead bench; never shipped. Its cost is the lower bound for a program with these callbacks.
 */
#include <linux/types.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* The same as in agent/kernel/bpf/kept-sockets.h. */
#define CALLBACKS (BPF_SOCK_OPS_RTO_CB_FLAG | BPF_SOCK_OPS_RETRANS_CB_FLAG | \
		   BPF_SOCK_OPS_STATE_CB_FLAG | BPF_SOCK_OPS_RTT_CB_FLAG)

SEC("sockops")
int watch(struct bpf_sock_ops *ctx)
{
	if (ctx->op == BPF_SOCK_OPS_TCP_CONNECT_CB ||
	    ctx->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
		bpf_sock_ops_cb_flags_set(ctx, ctx->bpf_sock_ops_cb_flags | CALLBACKS);
	return 1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
