/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sockets, segments and network namespaces: a part of vmlinux.h, which includes it. */
#ifndef KWHY_VMLINUX_NET_H
#define KWHY_VMLINUX_NET_H

struct net;
struct dst_entry;

typedef struct {
	struct net *net;
} possible_net_t;

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	unsigned char skc_state;
	unsigned char skc_reuseport:1;
	unsigned char skc_ipv6only:1;
	int skc_bound_dev_if;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	atomic64_t skc_cookie;
};

struct sock {
	struct sock_common __sk_common;
	__u16 sk_type;
	__u16 sk_protocol;
	atomic_t sk_drops;
	struct dst_entry *sk_dst_cache;
	struct socket *sk_socket;
	int sk_err_soft;
	kuid_t sk_uid;
	__u32 sk_ack_backlog;
	__u32 sk_max_ack_backlog;
};

struct mptcp_sock {
	struct sock *first;
};

struct socket {
	struct sock *sk;
};

struct request_sock {
	struct sock_common __req_common;
	struct request_sock *dl_next;
	struct sock *sk;
};

struct inet_sock {
	__be16 inet_sport;
};

struct request_sock_queue {
	atomic_t qlen;
	struct request_sock *rskq_accept_head;
	struct request_sock *rskq_accept_tail;
};

struct inet_connection_sock {
	struct request_sock_queue icsk_accept_queue;
	__u32 icsk_rto;
	__u8 icsk_ca_state:5;
	__u8 icsk_retransmits;
	__u8 icsk_pending;
	__u8 icsk_backoff;
};

struct tcp_sock {
	__u32 snd_wnd;
	__u32 mss_cache;
	__u32 snd_cwnd;
	__u32 lost_out;
	__u32 sacked_out;
	__u32 retrans_out;
	__u32 packets_out;
	__u8 chrono_type:2;
	__u32 chrono_start;
	__u32 lsndtime;
	__u32 write_seq;
	__u32 snd_nxt;
	__u32 snd_una;
	__u32 srtt_us;
	__u32 rcv_tstamp;
	__u64 bytes_acked;
	__u32 dsack_dups;
	__u32 total_retrans;
};

struct tcp_skb_cb {
	__u32 seq;
	__u16 tcp_gso_segs;
	__u8 sacked;
};

struct skb_shared_info {
	__u16 gso_segs;
};

struct net_device {
	char name[16];
	int ifindex;
	possible_net_t nd_net;
};

struct dst_entry {
	struct net_device *dev;
};

struct sk_buff {
	struct net_device *dev;
	struct sock *sk;
	char cb[48];
	unsigned long _skb_refdst;
	unsigned int len;
	__be16 protocol;
	__u16 transport_header;
	__u16 network_header;
	unsigned int end;
	unsigned char *head;
};

struct linux_mib {
	unsigned long mibs[1];
};

struct netns_mib {
	struct linux_mib *net_statistics;
};

struct netns_core {
	int sysctl_somaxconn;
};

struct netns_ipv4 {
	__u8 sysctl_tcp_syncookies;
	__u8 sysctl_tcp_abort_on_overflow;
};

struct net {
	struct ns_common ns;
	struct netns_core core;
	struct netns_mib mib;
	struct netns_ipv4 ipv4;
	__u64 net_cookie;
};

#endif
