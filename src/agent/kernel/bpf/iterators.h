/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The programs that user space runs. `adopt` (iter/tcp, once for each network namespace) makes
 * records of connections that are older than the program. `refresh` (iter/task_file, once a report)
 * gives the progress and the process of live connections. The callbacks lack both: a socket that
 * only receives gets no callback between its beginning and its end, and an accepted connection
 * begins in whatever context the processor was in.
 */
#ifndef NFM_ITERATORS_H
#define NFM_ITERATORS_H

#include "counters.h"
#include "kept-sockets.h"
#include "socket-facts.h"

/* linux/bpf.h of 6.12: sets through setsockopt what bpf_sock_ops_cb_flags_set sets in sock_ops. */
#define SOL_TCP 6
#define TCP_BPF_SOCK_OPS_CB_FLAGS 1008

/* Largest number of folders between a cgroup and the watched one above it. */
#define MAX_LEVELS 32

/* State of one adoption. User space resets it before each. */
struct adoption {
	/* The inode of the watched cgroup's folder. */
	__u64 cgroup;
	/* One bit for each port of this namespace, set if it has a listener. */
	__u64 listening[1024];
};

_Static_assert(sizeof(struct adoption) == 8200, "ADOPTION_BYTES in socket-watch.ts");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct adoption);
} adoption SEC(".maps");

static __always_inline bool is_watched(struct tcp_sock *tcp, __u64 watched)
{
	struct cgroup *cgroup = tcp->inet_conn.icsk_inet.sk.sk_cgrp_data.cgroup;
	struct cgroup_subsys_state *parent;

	for (int level = 0; level < MAX_LEVELS && cgroup; level++) {
		if (cgroup->kn->id == watched)
			return true;
		parent = cgroup->self.parent;
		cgroup = parent ? parent->cgroup : NULL;
	}
	return false;
}

/*
 * Finds the side of a connection that is older than the program. The kernel marks a port that
 * connect() chose (fastreuse -1): this end is the client. Any other port was bound; if it has a
 * listener, this end is the server. The rest is a server that closed its listener, or a client that
 * bound its port: then the lower of the two ports counts as the service's.
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

/* Runs with the socket's lock held. The kernel visits listeners before other sockets. */
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
	/* It has a record: it began after the program was attached. */
	if (find(record.cookie))
		return 0;
	if (bpf_map_update_elem(&sockets, &record.cookie, &record, BPF_NOEXIST)) {
		count(MAP_INSERTION_ERRORS);
		return 0;
	}
	/* Keep the callbacks that another agent has enabled. */
	flags = tcp->bpf_sock_ops_cb_flags | CALLBACKS;
	if (bpf_setsockopt(tcp, SOL_TCP, TCP_BPF_SOCK_OPS_CB_FLAGS, &flags, sizeof(flags)))
		count(SET_FLAGS_ERRORS);
	count(SOCKETS_ADOPTED);
	bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
	return 0;
}

/*
 * Runs without the socket's lock, so the numbers go to user space beside the record, not into it;
 * user space keeps the larger ones. Skips a connection that sent and received nothing since the
 * last pass, unless it has data to send and cannot.
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

#endif
