/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * What the kernel's program writes and user space reads: ../socket-record.ts has the same layout.
 * Host order; times are microseconds where nothing else is said.
 */
#ifndef NFM_SOCKET_RECORD_H
#define NFM_SOCKET_RECORD_H

#include <linux/types.h>

/* linux/sched.h: TASK_COMM_LEN. */
#define COMMAND_BYTES 16

enum phase { PHASE_SYN, PHASE_ESTABLISHED, PHASE_CLOSE, PHASES };
enum side { SIDE_CLIENT, SIDE_SERVER };
/* UNTOLD: it has closed, and there was no room in the ring to say so. */
enum ending { SEVERED_CONNECT = 1, SEVERED_ESTABLISHED = 2, UNTOLD = 4 };
/*
 * ADOPTED: older than the program. SIDE_GUESSED: nothing says who opened it. TRIPS << n: there is
 * something in round_trips[n].
 */
enum mark { ADOPTED = 1, SIDE_GUESSED = 2, TRIPS = 4 };
/* linux/tcp.h: enum tcp_chrono, the three things a sender's time is counted under. */
enum chrono { CHRONO_BUSY = 1, CHRONO_RWND_LIMITED, CHRONO_SNDBUF_LIMITED, CHRONOS };

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
	__u8 padding[24];
};

/* What a socket knows of its path and of what held it up, beyond the counters. */
struct details {
	/* Bytes a second, by the kernel's last sample; 0: none. */
	__u64 delivery_rate;
	/* With data to send: neither limit, the receiver's window, the own send buffer. */
	__u32 chrono_jiffies[CHRONOS - 1];
	__u32 segments_out_of_order;
	__u32 reorderings;
	__u32 dsacks;
	__u32 segments_ce;
	/* Microseconds; 0: none measured. */
	__u32 min_rtt;
};

/*
 * Five lines of the cache, of which a short connection touches four. The first two are written whole
 * as it begins; of the others only what `marks` and `state` say is there.
 */
struct socket_record {
	__u64 cookie;
	/* With the cookie this names a connection: one socket may connect several times. */
	__u64 started_nanos;
	__u64 bytes_received;
	__u64 bytes_acked;
	__u8 local_address[16];
	__u8 remote_address[16];

	/* Of a record in `places`: how many hold it, see there. */
	__u32 claims;
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
	__u8 marks;
	/* The inode of its folder; 0 where the kernel does not say. */
	__u64 cgroup;

	/* Epoch n in round_trips[n & 1]: the last one stays readable while the next one fills. */
	struct round_trips round_trips[2];

	/* Of an adopted connection when it was adopted, of any other at its end. */
	struct details details;
	/* The process that opened the connection; empty where it was accepted. */
	char command[COMMAND_BYTES];
	/* All segments at the last refresh: when they have not grown, nothing happened. */
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

_Static_assert(sizeof(struct round_trips) == 64, "ROUND_TRIPS_BYTES in socket-record.ts");
_Static_assert(sizeof(struct socket_record) == 320, "RECORD_BYTES in socket-record.ts");
_Static_assert(__builtin_offsetof(struct socket_record, claims) == 64, "CLAIMS_OFFSET");
_Static_assert(__builtin_offsetof(struct socket_record, retrans) == 84, "RETRANS_OFFSET");
_Static_assert(__builtin_offsetof(struct socket_record, round_trips) == 128, "ROUND_TRIPS_OFFSET");
_Static_assert(__builtin_offsetof(struct socket_record, details) == 256, "DETAILS_OFFSET");
_Static_assert(__builtin_offsetof(struct socket_record, command) == 296, "COMMAND_OFFSET");
_Static_assert(sizeof(struct progress) == 96, "PROGRESS_BYTES in socket-record.ts");

#endif
