/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the programs about TCP share with user space. Addresses are 16 bytes, IPv4 mapped (::ffff:10.0.0.1), ports in
 * host order. Kernel addresses of sockets and namespaces identify, and never leave user space's memory.
 */
#ifndef KWHY_BPF_TCP_H
#define KWHY_BPF_TCP_H

#include "process.h"

/* ---- whose a socket is ---------------------------------------------- */

/* who called connect() or listen() on a socket: seen in the context of the call */
struct tcp_owner {
	__u64 start_ns;
	__u64 since_ns;		/* of the call, CLOCK_BOOTTIME */
	__u64 cgroup_id;
	__u32 cgroup_version;
	__u32 tgid;
	__u32 ppid;
	__u32 uid;
	__u32 ns_pid;
	__u32 closed;		/* the socket is, and nobody was told: its memory may be another's by now */
	__u32 counted;		/* what its counter of retransmissions was when it was read last */
	__u32 pad;
	char comm[16];
	char parent_comm[16];
};

/* a process that has a socket open which was asked for: one record of the iterator */
struct tcp_holder_entry {
	__u64 sk;
	__u32 state, port;	/* of the socket now: the address may be another's by now */
	__u64 soft;		/* RLIMIT_NOFILE */
	struct tcp_owner owner;
};

/* ---- accept_overflow ------------------------------------------------ */

enum {
	OVERFLOW_EVENT = 1,	/* struct overflow_event */
};

enum { LISTENERS_PER_PORT = 64 };

/* the listening sockets of a port in a network namespace */
struct tcp_port_key {
	__u64 net;
	__u32 port;
	__u32 pad;
};

struct tcp_port {
	__u64 sk[LISTENERS_PER_PORT];	/* 0: free */
};

struct listener {
	struct tcp_owner owner;	/* since_ns 0: it is older than the watching */
	__u32 backlog;		/* the argument of listen() */
	__u32 limit;		/* what became of it */
	__u32 somaxconn;	/* then */
	__u32 drops;		/* sk_drops when it was looked at last */
	__u32 backlog_known;
	__u32 pad;
};

struct overflow_key {
	__u64 sk;		/* 0: none was found */
	__u64 net;
	__u32 port;
	__u32 pad;
};

struct tcp_client {
	__u8 address[16];
	__u32 port;
	__u32 pad;
};

enum { OVERFLOW_EXAMPLES = 4 };

struct overflow_counts {
	__u64 syn_drops, ack_drops;
	__u64 first_ns, last_ns, told_ns;
	__u64 clients;		/* first seen with it */
	__u64 netns_cookie;	/* 0: none */
	__u64 established;	/* handshakes completed since the first overflow, where the port has one socket */
	__u32 basis;		/* enum listener_basis */
	__u32 netns;		/* inode number */
	__u8 address[16];	/* the first segment was sent to */
	struct tcp_client examples[OVERFLOW_EXAMPLES];
};

struct overflow_client_key {
	__u64 sk;
	struct tcp_client client;
};

/* the state of a listening socket at one moment */
struct listener_state {
	__u32 valid;
	__u32 queue, limit;
	__u32 syn_queue;
	__u32 somaxconn;
	__u32 netns;
	__u32 interface;
	__u8 syncookies, abort_on_overflow, reuseport, only_v6;
	__u16 family, port;
	__u8 address[16];
	__u32 head_jiffies, tail_jiffies;	/* how long the oldest and the newest connection have waited for accept() */
	__u64 head;		/* which connection is the oldest; 0: the queue is empty */
	__u64 jiffies, monotonic_ns;	/* of one moment */
};

struct overflow_event {
	struct event_header header;
	struct overflow_key key;
	struct listener_state state;
	struct listener listener;	/* as the kernel knew it then: a moment later it may be gone */
	__u64 has_listener;
};

/* ---- tcp_retransmit ------------------------------------------------- */

enum {
	RETRANSMIT_EVENT = 1,	/* struct retransmit_event */
};

enum { RETRANSMIT_CLASSES = 8 };

struct flow_key {
	__u64 net;
	__u8 local[16], peer[16];
	__u16 local_port, peer_port;
	__u32 pad;
};

/* the state of a connection at one moment */
struct flow_state {
	__u32 valid;
	__u32 netns;
	__u32 interface;
	__u32 state;
	__u64 cookie;
	__u64 acked_bytes;
	__u64 ns;		/* CLOCK_BOOTTIME of the look */
	__u64 jiffies;		/* the same moment */
	__u64 monotonic_ns;	/* the same moment */
	__u32 uid;
	__u32 srtt_us, rto_jiffies, backoff, cwnd;
	__u32 packets_out, sacked_out, lost_out, retrans_out;
	__u32 peer_window, mss, unacked, dsack;
	__u32 ack_jiffies;	/* ago */
	__u32 limited_jiffies;	/* how long the peer's window is what limits; 0: it does not */
	__u32 soft_error;
	__u32 queue, limit;	/* of the listening socket, where it is a SYN-ACK */
	char device[16];	/* name of the interface it is bound to */
};

/* segments that this host dropped, and how it dropped the last of them */
struct flow_drops {
	__u64 count;
	__u64 reason_ns;
	__u32 reason;
	__u32 net;		/* inode number of the namespace */
};

struct flow {
	__u64 sk;		/* of a SYN-ACK: the listening socket */
	__u64 count;		/* segments by the kernel's own counter of the socket, since the first */
	__u64 failed;		/* of these those that did not leave TCP */
	__u64 by_class[RETRANSMIT_CLASSES];
	__u64 timeouts;
	__u64 not_tried;	/* sends that failed before the kernel counted them */
	__u64 first_ns, last_ns, told_ns;
	struct flow_drops drops_out, drops_in;
	__u64 first_acked;	/* bytes acknowledged, at the first */
	__u32 total;		/* the socket's counter when it was read last */
	__s32 err;
	__u32 longest;		/* payload */
	__u32 first_dsack;
	__u32 listening;	/* its segments are SYN-ACKs */
	__u32 netns;		/* inode number */
	__u32 silent_total;	/* what the counter was when it was seen to have grown without a word */
	__u32 doubtful;		/* of the failed those that came last: a word may follow */
	__u64 netns_cookie;	/* 0: none */
	__u64 silent_ns;
};

/* a socket and who made it, as it was known when the segment was sent: a moment later both may be gone */
struct tcp_maker {
	__u64 sk;	/* 0: none */
	__u64 known;	/* owner is */
	struct tcp_owner owner;
};

struct retransmit_event {
	struct event_header header;
	struct flow_key key;
	struct flow_state state;
	struct tcp_maker connected;	/* the flow's own socket, by connect() */
	struct tcp_maker listening;	/* that on which the connection came in, by listen() */
};

/* for counting connections by peer and subnet: which are wanted; the values count */
struct flow_group_key {
	__u64 net;
	__u8 prefix[16];
	__u32 bits;		/* 0: all of the namespace */
	__u32 pad;
};

#endif
