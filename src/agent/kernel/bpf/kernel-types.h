/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The few kernel types the iterator looks into. Only names and types count: preserve_access_index
 * has libbpf replace every offset by that of the running kernel (CO-RE), so nothing else of the
 * structures is needed. Names that clash with <linux/bpf.h> are left to it.
 */
#ifndef NFM_KERNEL_TYPES_H
#define NFM_KERNEL_TYPES_H

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct file;
struct task_struct;

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};

struct sock_common {
	volatile unsigned char skc_state;
};

struct sock {
	struct sock_common __sk_common;
};

struct socket {
	struct sock *sk;
};

struct inet_sock {
	struct sock sk;
};

struct inet_connection_sock {
	struct inet_sock icsk_inet;
};

struct tcp_sock {
	struct inet_connection_sock inet_conn;
	__u32 data_segs_in;
	__u32 data_segs_out;
	__u64 bytes_received;
	__u64 bytes_acked;
};

#pragma clang attribute pop

#endif
