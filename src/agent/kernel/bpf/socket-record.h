/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The structs that the programs write and user space reads, in host order. Times are in
 * microseconds unless noted. ../record-layout.test.ts compares the layout with ../record-layout.ts.
 */
#ifndef NFM_SOCKET_RECORD_H
#define NFM_SOCKET_RECORD_H

#include <linux/types.h>

/* linux/sched.h: TASK_COMM_LEN. */
#define COMMAND_BYTES 16

enum phase { PHASE_SYN, PHASE_ESTABLISHED, PHASE_CLOSE, PHASES };
enum side { SIDE_CLIENT, SIDE_SERVER };
/* LEFT_IN_TABLE: the connection has closed, but the ring had no room for its record. */
enum ending { SEVERED_CONNECT = 1, SEVERED_ESTABLISHED = 2, LEFT_IN_TABLE = 4 };
/*
 * ADOPTED: older than the program. SIDE_GUESSED: the side is a guess by port numbers. TRIPS << n:
 * round_trips[n] holds samples.
 */
enum mark { ADOPTED = 1, SIDE_GUESSED = 2, TRIPS = 4 };
/* linux/tcp.h: enum tcp_chrono, the three states in which the kernel counts a sender's time. */
enum chrono { CHRONO_BUSY = 1, CHRONO_RWND_LIMITED, CHRONO_SNDBUF_LIMITED, CHRONOS };

/* Round trips of one epoch. User space starts an epoch at each reading. */
struct round_trips {
	__u32 epoch;
	__u32 count;
	__u32 rtt_min;
	__u32 rtt_max;
	__u64 rtt_sum;
	__u32 smoothed_min;
	__u32 smoothed_max;
	__u64 smoothed_sum;
	__u8 padding[24];
};

/*
 * Numbers that the kernel keeps for each socket, in the order of ../socket-details.ts: one for each
 * metric of src/model/metric-table.ts that has a `socket` field, those of 64 bits first.
 */
struct details {
	/* Bytes a second, from the kernel's last sample; 0: no sample yet. */
	__u64 delivery_rate;
	/* Time with data to send: unlimited, limited by the receiver's window, by the send buffer. */
	__u32 chrono_jiffies[CHRONOS - 1];
	__u32 segments_out_of_order;
	__u32 reorderings;
	__u32 dsacks;
	__u32 segments_ce;
	/* Microseconds; 0: not measured yet. */
	__u32 min_rtt;
};

/*
 * Five cache lines, of which a short connection touches four. The program writes the first two
 * whole when a connection begins. In the others only the parts that `marks` and `state` announce
 * are valid.
 */
struct socket_record {
	__u64 cookie;
	/* With the cookie this names a connection: one socket may connect several times. */
	__u64 started_nanos;
	__u64 bytes_received;
	__u64 bytes_acked;
	__u8 local_address[16];
	__u8 remote_address[16];

	/* The number of claims on the record's slot (kept-sockets.h); unused in `sockets`. */
	__u32 claims;
	__u32 changes;
	__u32 segments_in;
	__u32 segments_out;
	__u32 total_retrans;
	__u32 retrans[PHASES];
	__u32 rtos[PHASES];
	/* From SYN to established; 0 until then, and on the server side. */
	__u32 connect_micros;
	__u16 local_port;
	__u16 remote_port;
	__u8 side;
	__u8 state;
	__u8 ending;
	__u8 marks;
	/* The inode of the cgroup's folder; 0 when the kernel does not give it. */
	__u64 cgroup;

	/* Epoch n is in round_trips[n & 1]: the last one stays readable while the next one fills. */
	struct round_trips round_trips[2];

	/* Read when the connection is adopted or ends; only then it is valid. */
	struct details details;
	/* The process that opened the connection; empty if it was accepted. */
	char command[COMMAND_BYTES];
	/* All segments as of the last refresh; unchanged means that nothing happened. */
	__u32 refreshed_segments;
	__u8 padding[4];
};

struct progress {
	__u64 cookie;
	__u64 started_nanos;
	__u64 bytes_received;
	__u64 bytes_acked;
	__u32 segments_in;
	__u32 segments_out;
	struct details details;
	char command[COMMAND_BYTES];
};

_Static_assert(sizeof(struct round_trips) == 64, "ROUND_TRIPS_BYTES in record-layout.ts");
_Static_assert(sizeof(struct details) == 40, "DETAILS_LAYOUT in socket-details.ts");
_Static_assert(sizeof(struct socket_record) == 320, "RECORD_BYTES in record-layout.ts");
_Static_assert(__builtin_offsetof(struct socket_record, claims) == 64, "CLAIMS_OFFSET");
_Static_assert(__builtin_offsetof(struct socket_record, retrans) == 84, "RETRANS_OFFSET");
_Static_assert(__builtin_offsetof(struct socket_record, round_trips) == 128, "ROUND_TRIPS_OFFSET");
_Static_assert(__builtin_offsetof(struct socket_record, details) == 256, "DETAILS_OFFSET");
_Static_assert(__builtin_offsetof(struct socket_record, command) == 296, "COMMAND_OFFSET");
_Static_assert(sizeof(struct progress) == 96, "PROGRESS_BYTES in record-layout.ts");

#endif
