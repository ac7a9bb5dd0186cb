/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The listening sockets of each port, as they come and go, and the state of one. */
#ifndef KWHY_LISTENER_BPF_H
#define KWHY_LISTENER_BPF_H

#include "tcp_socket.bpf.h"
#include "user_stack.bpf.h"

#define SOCKETCALL_LISTEN 4	/* of socketcall(), which 32-bit programs may use for all */

#if defined(__TARGET_ARCH_x86)
#define CALL_LISTEN(compat) ((compat) ? 363 : 50)
#define CALL_SOCKETCALL 102
#elif defined(__TARGET_ARCH_arm64)
#define CALL_LISTEN(compat) ((compat) ? 284 : 201)
#define CALL_SOCKETCALL (-1)
#endif

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, struct tcp_port_key);
	__type(value, struct tcp_port);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);	/* the socket */
	__type(value, struct listener);
} listeners SEC(".maps");

static __always_inline bool is_listening(const struct sock *sk, __u64 net, __u32 port)
{
	return BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_LISTEN &&
	       BPF_CORE_READ(sk, __sk_common.skc_num) == port &&
	       (__u64)BPF_CORE_READ(sk, __sk_common.skc_net.net) == net;
}

/* the argument of the listen() the current task is in; false: it is in another call */
static __always_inline bool listen_argument(__u32 *ret)
{
	bool compat = current_is_compat();
	struct pt_regs *regs = current_regs();
	long call = REGS_SYSCALL(regs);

	if (!has_user_side((struct task_struct *)bpf_get_current_task()))
		return false;
	if (call == CALL_LISTEN(compat)) {
		*ret = REGS_ARG2(regs, compat);
		return true;
	}
	if (!compat || call != CALL_SOCKETCALL || REGS_ARG1(regs, true) != SOCKETCALL_LISTEN)
		return false;
	return bpf_probe_read_user(ret, sizeof(*ret), (void *)(REGS_ARG2(regs, true) + 4)) == 0;
}

/* Takes a place among the sockets of a port; 0: it is another's. Called in a loop: one look of the verifier for all. */
__attribute__((noinline)) int take_place(__u64 sk, __u64 net, __u32 number, __u32 place)
{
	struct tcp_port_key key = { .net = net, .port = number };
	struct tcp_port *port = bpf_map_lookup_elem(&ports, &key);
	__u64 there;

	if (!port)
		return 1;
	place &= LISTENERS_PER_PORT - 1;
	there = port->sk[place];
	if (there && there != sk && is_listening((struct sock *)there, net, number))
		return 0;
	port->sk[place] = sk;
	return port->sk[place] == sk;
}

/*
 * Puts a socket among those of its port. There is no lock for it: of two that
 * take one place at the same moment the first looks again and takes another.
 */
static __always_inline void add_to_port(struct sock *sk, const struct tcp_port_key *key)
{
	static const struct tcp_port none;

	if (!bpf_map_lookup_elem(&ports, key))
		bpf_map_update_elem(&ports, key, &none, BPF_NOEXIST);
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < LISTENERS_PER_PORT; i++)
		if (take_place((__u64)sk, key->net, key->port, i))
			break;
}

static __always_inline void remove_from_port(struct sock *sk, const struct tcp_port_key *key)
{
	struct tcp_port *port = bpf_map_lookup_elem(&ports, key);
	__u64 own = (__u64)sk, left = 0;

	if (!port)
		return;
#pragma clang loop unroll(disable)
	for (int i = 0; i < LISTENERS_PER_PORT; i++) {
		__u64 there = port->sk[i];

		if (there == own)
			port->sk[i] = 0;
		else
			left |= there;
	}
	if (!left)
		bpf_map_delete_elem(&ports, key);
}

/*
 * How long a connection has been in the queue. Its socket was made when it was
 * put there, and has sent nothing of its own since.
 */
static __always_inline __u32 waited(const struct request_sock *request, __u64 jiffies)
{
	const struct tcp_sock *child = request ? (const void *)BPF_CORE_READ(request, sk) : NULL;

	return child ? (__u32)jiffies - BPF_CORE_READ(child, lsndtime) : 0;
}

static __always_inline void read_listener(struct listener_state *s, struct sock *sk)
{
	struct inet_connection_sock *icsk = (struct inet_connection_sock *)sk;
	struct net *net = BPF_CORE_READ(sk, __sk_common.skc_net.net);
	struct request_sock *head, *tail;

	s->valid = 1;
	s->queue = BPF_CORE_READ(sk, sk_ack_backlog);
	s->limit = BPF_CORE_READ(sk, sk_max_ack_backlog);
	s->syn_queue = BPF_CORE_READ(icsk, icsk_accept_queue.qlen.counter);
	s->somaxconn = BPF_CORE_READ(net, core.sysctl_somaxconn);
	s->netns = BPF_CORE_READ(net, ns.inum);
	s->syncookies = BPF_CORE_READ(net, ipv4.sysctl_tcp_syncookies);
	s->abort_on_overflow = BPF_CORE_READ(net, ipv4.sysctl_tcp_abort_on_overflow);
	s->interface = BPF_CORE_READ(sk, __sk_common.skc_bound_dev_if);
	s->reuseport = BPF_CORE_READ_BITFIELD_PROBED(&sk->__sk_common, skc_reuseport);
	s->only_v6 = BPF_CORE_READ_BITFIELD_PROBED(&sk->__sk_common, skc_ipv6only);
	s->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	s->port = BPF_CORE_READ(sk, __sk_common.skc_num);
	local_address(s->address, &sk->__sk_common);
	head = BPF_CORE_READ(icsk, icsk_accept_queue.rskq_accept_head);
	/* the tail is left where it was when the last is taken */
	tail = head ? BPF_CORE_READ(icsk, icsk_accept_queue.rskq_accept_tail) : NULL;
	s->head = (__u64)head;
	s->jiffies = bpf_jiffies64();
	s->monotonic_ns = bpf_ktime_get_ns();
	s->head_jiffies = waited(head, s->jiffies);
	s->tail_jiffies = waited(tail, s->jiffies);
}

#endif
