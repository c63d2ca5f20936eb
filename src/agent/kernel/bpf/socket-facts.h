/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Reads of the kernel's socket that callbacks and iterators share. */
#ifndef NFM_SOCKET_FACTS_H
#define NFM_SOCKET_FACTS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_core_read.h>
#include "kernel-types.h"
#include "socket-record.h"

#define AF_INET 2
#define AF_INET6 10

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
	/* The kernel adds an interval when it ends, so add the running one here. */
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
	/* The formula of tcp_compute_delivery_rate. */
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

#endif
