/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a TCP socket and a segment tell of themselves, and whose a socket is. */
#ifndef KWHY_TCP_SOCKET_BPF_H
#define KWHY_TCP_SOCKET_BPF_H

#include "tcp.h"
#include "task.bpf.h"
#include "fd_table.bpf.h"

#define AF_INET 2
#define AF_INET6 10
#define IPPROTO_TCP 6
#define IPPROTO_MPTCP 262
#define S_IFMT 0170000
#define S_IFSOCK 0140000
#define TCP_ESTABLISHED 1
#define TCP_SYN_SENT 2
#define TCP_SYN_RECV 3
#define TCP_TIME_WAIT 6
#define TCP_CLOSE 7
#define TCP_LISTEN 10
#define TCP_NEW_SYN_RECV 12
#define SKB_DST_NOREF 1UL
#define NO_HEADER 0xffff	/* transport_header that was not set */

/* times there was no place in the ring, and one more: user space then looks for what was counted without a word */
__u64 unheard = 1;

/* ---- addresses ------------------------------------------------------ */

static __always_inline void map_ipv4(__u8 to[16], __be32 address)
{
	__builtin_memset(to, 0, 10);
	to[10] = to[11] = 0xff;
	__builtin_memcpy(to + 12, &address, 4);
}

static __always_inline void local_address(__u8 to[16], const struct sock_common *sk)
{
	if (BPF_CORE_READ(sk, skc_family) == AF_INET6)
		bpf_core_read(to, 16, &sk->skc_v6_rcv_saddr);
	else
		map_ipv4(to, BPF_CORE_READ(sk, skc_rcv_saddr));
}

static __always_inline void peer_address(__u8 to[16], const struct sock_common *sk)
{
	if (BPF_CORE_READ(sk, skc_family) == AF_INET6)
		bpf_core_read(to, 16, &sk->skc_v6_daddr);
	else
		map_ipv4(to, BPF_CORE_READ(sk, skc_daddr));
}

static __always_inline bool same_address(const __u8 a[16], const __u8 b[16])
{
	__u64 left[2], right[2];

	__builtin_memcpy(left, a, 16);
	__builtin_memcpy(right, b, 16);
	return !((left[0] ^ right[0]) | (left[1] ^ right[1]));
}

/* all of one family, or of both */
static __always_inline bool is_any_address(const __u8 a[16])
{
	__u64 half[2];

	__builtin_memcpy(half, a, 16);
	return !half[0] && (!half[1] || half[1] == 0xffff0000ULL);
}

/* ---- network namespaces --------------------------------------------- */

/* 0: it has none yet. From the start and a number since 5.12 "net: initialize net->net_cookie at netns setup". */
static __always_inline __u64 netns_cookie(struct net *net)
{
	return bpf_core_field_exists(net->net_cookie) ? BPF_CORE_READ(net, net_cookie) : 0;
}

/* ---- segments ------------------------------------------------------- */

struct segment {
	__u64 net;
	__u8 from[16], to[16];
	__u16 from_port, to_port;
	__u32 seq;
	__u8 syn, ack, rst, pad;
};

struct ip_header {
	__u8 version;	/* and length */
	__u8 bytes[39];
};

struct tcp_header {
	__be16 source, dest;
	__be32 seq, ack_seq;
	__u8 offset, flags;
};

/*
 * The namespace a segment is in: a device may be taken away before the segment
 * is, and the route stays; on the way out it is the other way round.
 */
static __always_inline struct net *segment_net(struct sk_buff *skb)
{
	struct dst_entry *dst = (struct dst_entry *)(BPF_CORE_READ(skb, _skb_refdst) & ~SKB_DST_NOREF);
	struct net_device *dev = dst ? BPF_CORE_READ(dst, dev) : BPF_CORE_READ(skb, dev);

	return dev ? BPF_CORE_READ(dev, nd_net.net) : NULL;
}

/* false: it is no TCP segment, or what precedes its header is not understood (fragments, extension headers) */
static __always_inline bool read_segment(struct segment *s, struct sk_buff *skb)
{
	unsigned char *head = BPF_CORE_READ(skb, head);
	__u16 network = BPF_CORE_READ(skb, network_header);
	struct ip_header ip = {};
	struct tcp_header tcp = {};
	__u32 length;

	if (bpf_probe_read_kernel(&ip, sizeof(ip), head + network))
		return false;
	if (ip.version >> 4 == 4) {
		length = (ip.version & 15) * 4;
		if (ip.bytes[8] != IPPROTO_TCP || (ip.bytes[5] & 0x1f) || ip.bytes[6])
			return false;
		map_ipv4(s->from, 0);
		map_ipv4(s->to, 0);
		__builtin_memcpy(s->from + 12, ip.bytes + 11, 4);
		__builtin_memcpy(s->to + 12, ip.bytes + 15, 4);
	} else if (ip.version >> 4 == 6 && ip.bytes[5] == IPPROTO_TCP) {
		length = 40;
		__builtin_memcpy(s->from, ip.bytes + 7, 16);
		__builtin_memcpy(s->to, ip.bytes + 23, 16);
	} else {
		return false;
	}
	if (bpf_probe_read_kernel(&tcp, sizeof(tcp), head + network + length))
		return false;
	s->from_port = bpf_ntohs(tcp.source);
	s->to_port = bpf_ntohs(tcp.dest);
	s->seq = bpf_ntohl(tcp.seq);
	s->syn = tcp.flags >> 1 & 1;
	s->rst = tcp.flags >> 2 & 1;
	s->ack = tcp.flags >> 4 & 1;
	s->net = (__u64)segment_net(skb);
	return true;
}

/* ---- whose it is ---------------------------------------------------- */

static __always_inline void fill_owner(struct tcp_owner *o, struct task_struct *task)
{
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	struct task_struct *parent = BPF_CORE_READ(leader, real_parent);
	struct kernfs_node *cgroup = task_cgroup(task, &o->cgroup_version);

	o->start_ns = BPF_CORE_READ(leader, start_boottime);
	o->cgroup_id = BPF_CORE_READ(cgroup, id);
	o->tgid = BPF_CORE_READ(task, tgid);
	o->ppid = BPF_CORE_READ(parent, tgid);
	o->uid = BPF_CORE_READ(leader, real_cred, uid.val);
	o->ns_pid = pid_in_namespace(leader);
	bpf_core_read(o->comm, sizeof(o->comm), &leader->comm);
	bpf_core_read(o->parent_comm, sizeof(o->parent_comm), &parent->comm);
}

/* sockets whose holders are asked for, by address */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, __u32);
} wanted_sockets SEC(".maps");

/*
 * The TCP socket an open file is; NULL: it is none. Of Multipath TCP the first connection, or the one that listens: it
 * has no file of its own. Kernels may have no such struct.
 */
static __always_inline struct sock *tcp_socket_of(struct file *file)
{
	struct socket *socket = file->private_data;
	struct mptcp_sock *multipath;
	__u16 family, protocol;
	struct sock *sk;

	if ((BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	sk = BPF_CORE_READ(socket, sk);
	family = BPF_CORE_READ(sk, __sk_common.skc_family);
	protocol = BPF_CORE_READ(sk, sk_protocol);
	if (family != AF_INET && family != AF_INET6)
		return NULL;
	multipath = (struct mptcp_sock *)sk;
	if (protocol == IPPROTO_MPTCP && bpf_core_field_exists(multipath->first))
		return BPF_CORE_READ(multipath, first);
	return protocol == IPPROTO_TCP ? sk : NULL;
}

/* one record where the socket is one of those asked for */
static __always_inline void tell_holder(struct bpf_iter__task_file *ctx, struct task_struct *task, struct sock *sk)
{
	struct tcp_holder_entry entry = {};
	__u64 key = (__u64)sk;

	if (!bpf_map_lookup_elem(&wanted_sockets, &key))
		return;
	entry.sk = key;
	entry.state = BPF_CORE_READ(sk, __sk_common.skc_state);
	entry.port = BPF_CORE_READ(sk, __sk_common.skc_num);
	entry.soft = soft_limit(task);
	fill_owner(&entry.owner, task);
	bpf_seq_write(ctx->meta->seq, &entry, sizeof(entry));
}

#endif
