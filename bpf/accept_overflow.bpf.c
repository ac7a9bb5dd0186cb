// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Full accept queues. The kernel counts each connection it turns away in
 * ListenOverflows and then frees the segment: a SYN by consume_skb, the last ACK
 * of a handshake by kfree_skb. Both happen on the CPU that counted, so that the
 * counter's own copy of that CPU, compared with what it was at the segment
 * before, says whether this segment is one of them: exact on every kernel, with
 * nothing but tracepoints. A queue that is full when it is looked at does not
 * say it: accept() may have made room since, or filled it.
 *
 * Nothing of this runs for a segment that is delivered.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_endian.h>
#include "tcp.h"
#include "emit.bpf.h"
#include "tcp_socket.bpf.h"
#include "listener.bpf.h"
#include "overflow_counter.bpf.h"

#define TELL_NS 1000000000ULL
#define FULL 2
#define EXACT_ADDRESS 4

/* set by user space: arguments of kfree_skb */
const volatile __u32 kfree_arguments = 2;

/* set by user space while connections of overflowing ports are to be counted; begins as what is not nothing */
__u32 counting = 2;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct overflow_key);
	__type(value, struct overflow_counts);
} overflows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct overflow_client_key);
	__type(value, __u32);
} clients SEC(".maps");

/*
 * The segment a program is at, and the listening socket found for it. In a map, as the verifier forgets what it knows of
 * that, and need not follow a state of its own for every number of sockets.
 */
struct freed_segment {
	struct segment segment;
	__u64 sk;
	__u32 best;	/* its rank */
	__u32 equals;	/* sockets with that address */
	__u32 full;	/* of these */
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct freed_segment);
} scratch SEC(".maps");

/* what user space asked about */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct listener_state);
} looked SEC(".maps");

/* ---- the listening socket ------------------------------------------- */

/* how well a socket fits the segment; 0: not at all */
static __always_inline __u32 rank_listener(struct sock *sk, const struct segment *segment)
{
	__u8 address[16] = {};
	__u32 rank = 1;
	bool any;

	if (!is_listening(sk, segment->net, segment->to_port))
		return 0;
	local_address(address, &sk->__sk_common);
	any = is_any_address(address);
	if (!any && !same_address(address, segment->to))
		return 0;
	if (!any)
		rank += EXACT_ADDRESS;
	if (BPF_CORE_READ(sk, sk_ack_backlog) > BPF_CORE_READ(sk, sk_max_ack_backlog))
		rank += FULL;
	return rank;
}

/*
 * The kernel takes those of the exact address first; among the rest, the one whose queue is full.
 * Called in a loop, and numbers are all that 5.10 lets such a function take.
 */
__attribute__((noinline)) int consider(__u64 sk)
{
	const __u32 zero = 0;
	struct freed_segment *f = bpf_map_lookup_elem(&scratch, &zero);
	__u32 rank = f && sk ? rank_listener((struct sock *)sk, &f->segment) : 0;

	if (!rank || (rank & EXACT_ADDRESS) < (f->best & EXACT_ADDRESS))
		return 0;
	if ((rank & EXACT_ADDRESS) > (f->best & EXACT_ADDRESS))
		f->equals = f->full = f->best = 0;
	f->equals++;
	f->full += (rank & FULL) != 0;
	if (rank > f->best) {
		f->best = rank;
		f->sk = sk;
	}
	return 0;
}

/* Of several full ones the one that dropped something since it was looked at last: every overflow counts there, too. */
__attribute__((noinline)) int consider_drops(__u64 sk)
{
	const __u32 zero = 0;
	struct freed_segment *f = bpf_map_lookup_elem(&scratch, &zero);
	struct listener *l = bpf_map_lookup_elem(&listeners, &sk);

	if (f && l && l->drops != (__u32)BPF_CORE_READ((struct sock *)sk, sk_drops.counter) &&
	    rank_listener((struct sock *)sk, &f->segment) == f->best)
		f->sk = sk;
	return 0;
}

static __always_inline void note_drops(__u64 sk)
{
	struct listener *l = bpf_map_lookup_elem(&listeners, &sk);

	if (l)
		l->drops = BPF_CORE_READ((struct sock *)sk, sk_drops.counter);
}

static __always_inline void choose_listener(struct freed_segment *f, bool by_drops)
{
	struct tcp_port_key key = { .net = f->segment.net, .port = f->segment.to_port };
	struct tcp_port *port = bpf_map_lookup_elem(&ports, &key);

	if (!port)
		return;
#pragma clang loop unroll(disable)
	for (int i = 0; i < LISTENERS_PER_PORT; i++) {
		__u64 sk = port->sk[i];

		if (!sk)
			continue;
		if (by_drops)
			consider_drops(sk);
		else
			consider(sk);
	}
}

/* ---- an overflow ---------------------------------------------------- */

static __always_inline void count_client(struct overflow_counts *counts, const struct overflow_key *key,
					 const struct segment *segment)
{
	struct overflow_client_key client = { .sk = key->sk };
	__u32 one = 1;
	__u64 index = counts->clients;

	__builtin_memcpy(client.client.address, segment->from, 16);
	client.client.port = segment->from_port;
	if (bpf_map_update_elem(&clients, &client, &one, BPF_NOEXIST))
		return;
	__sync_fetch_and_add(&counts->clients, 1);
	index %= OVERFLOW_EXAMPLES;
	counts->examples[index & (OVERFLOW_EXAMPLES - 1)] = client.client;
}

/* without a place in the ring it is tried again, and user space looks for what it was not told of: the counts stay */
static __always_inline bool tell(const struct overflow_key *key)
{
	struct overflow_event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	__u64 sk = key->sk;
	struct listener *l;

	if (!e) {
		__sync_fetch_and_add(&unheard, 1);
		return false;
	}
	__builtin_memset(e, 0, sizeof(*e));
	e->header.type = OVERFLOW_EVENT;
	e->header.size = sizeof(*e);
	e->header.boot_ns = bpf_ktime_get_boot_ns();
	e->key = *key;
	if (sk)
		read_listener(&e->state, (struct sock *)sk);
	l = bpf_map_lookup_elem(&listeners, &sk);
	if (l) {
		e->has_listener = 1;
		e->listener = *l;
	}
	bpf_ringbuf_submit(e, 0);
	return true;
}

/* the counts of a listening socket, made at the first */
static __always_inline struct overflow_counts *count(const struct overflow_key *key, const struct segment *segment,
						     __u32 basis, __u64 n)
{
	struct overflow_counts *counts = bpf_map_lookup_elem(&overflows, key), fresh = {};
	struct net *net = (struct net *)key->net;
	__u64 now = bpf_ktime_get_boot_ns();

	if (!counts) {
		fresh.first_ns = now;
		fresh.basis = basis;
		fresh.netns = BPF_CORE_READ(net, ns.inum);
		fresh.netns_cookie = netns_cookie(net);
		__builtin_memcpy(fresh.address, segment->to, 16);
		bpf_map_update_elem(&overflows, key, &fresh, BPF_NOEXIST);
		counts = bpf_map_lookup_elem(&overflows, key);
	}
	if (!counts)
		return NULL;
	__sync_fetch_and_add(segment->syn ? &counts->syn_drops : &counts->ack_drops, n);
	counts->last_ns = now;
	/* the kernel's word is better than what follows from the queues */
	if (basis < counts->basis)
		counts->basis = basis;
	return counts;
}

static __always_inline int overflowed(const struct freed_segment *f, __u32 basis, __u64 n)
{
	struct overflow_key key = { .sk = f->sk, .net = f->segment.net, .port = f->segment.to_port };
	struct event_account *a = &account[OVERFLOW_EVENT];
	struct overflow_counts *counts;

	__sync_fetch_and_add(&a->generated, n);
	counts = count(&key, &f->segment, basis, n);
	if (!counts) {
		account_losses(a, &a->map_full, n);
		return 0;
	}
	count_client(counts, &key, &f->segment);
	if (key.sk)
		note_drops(key.sk);
	if (counts->last_ns - counts->told_ns >= TELL_NS && tell(&key))
		counts->told_ns = counts->last_ns;
	return 0;
}

/* known: the listening socket where the kernel says which it is */
__attribute__((noinline)) int freed(__u64 address, bool syn, __u64 known)
{
	const __u32 zero = 0;
	struct freed_segment *f = bpf_map_lookup_elem(&scratch, &zero);
	__u32 basis = LISTENER_SOCKET;
	__s64 n;

	if (!f || !have_overflowed((__u64)segment_net((struct sk_buff *)address)))
		return 0;
	if (!read_segment(&f->segment, (struct sk_buff *)address) || !f->segment.net)
		return 0;
	if (f->segment.syn != syn || f->segment.rst || f->segment.ack == syn)
		return 0;
	n = new_overflows(f->segment.net);
	if (!n)
		return 0;
	f->sk = 0;
	f->best = f->equals = f->full = 0;
	if (known && is_listening((struct sock *)known, f->segment.net, f->segment.to_port)) {
		f->sk = known;
		f->best = FULL;
	} else {
		choose_listener(f, false);
		basis = f->equals > 1 ? LISTENER_FULL_QUEUE : f->equals ? LISTENER_ADDRESS : LISTENER_PORT;
	}
	/* a CPU that came online since: it has had one when the queue is full now */
	if (n < 0)
		n = (f->best & FULL) != 0;
	if (!n)
		return 0;
	if (f->full > 1)
		choose_listener(f, true);
	return overflowed(f, basis, n);
}

/* ---- hooks ---------------------------------------------------------- */

/* A SYN that was read and is not kept: it belongs to no socket and has a route. Most of what is freed here is neither. */
SEC("tp_btf/consume_skb")
int overflow_consume(__u64 *ctx)
{
	struct sk_buff *skb = (struct sk_buff *)ctx[0];

	if (skb->sk || !(skb->_skb_refdst & ~SKB_DST_NOREF))
		return 0;
	return freed(argument_number(&ctx[0]), true, 0);
}

/* where the kernel has no BTF of its own, so that it knows no types */
SEC("raw_tp/consume_skb")
int overflow_consume_untyped(__u64 *ctx)
{
	struct sk_buff *skb = (struct sk_buff *)ctx[0];

	if (BPF_CORE_READ(skb, sk) || !(BPF_CORE_READ(skb, _skb_refdst) & ~SKB_DST_NOREF))
		return 0;
	return freed((__u64)skb, true, 0);
}

/* kfree_skb(skb, location, reason, rx_sk): 6.11 "net: add rx_sk to trace_kfree_skb" */
SEC("raw_tp/kfree_skb")
int overflow_kfree(__u64 *ctx)
{
	struct sk_buff *skb = (struct sk_buff *)ctx[0];
	__u64 known = 0;

	if (BPF_CORE_READ(skb, sk))
		return 0;
	if (kfree_arguments > 3)
		known = ctx[3];
	return freed((__u64)skb, false, known);
}

static __always_inline void began_listening(struct sock *sk)
{
	struct tcp_port_key key = {
		.net = (__u64)BPF_CORE_READ(sk, __sk_common.skc_net.net),
		.port = BPF_CORE_READ(sk, __sk_common.skc_num),
	};
	struct net *net = (struct net *)key.net;
	struct listener l = {};
	__u64 own = (__u64)sk;

	fill_owner(&l.owner, (struct task_struct *)bpf_get_current_task());
	l.owner.since_ns = bpf_ktime_get_boot_ns();
	l.backlog_known = listen_argument(&l.backlog);
	l.limit = BPF_CORE_READ(sk, sk_max_ack_backlog);
	l.somaxconn = BPF_CORE_READ(net, core.sysctl_somaxconn);
	l.drops = BPF_CORE_READ(sk, sk_drops.counter);
	bpf_map_update_elem(&listeners, &own, &l, BPF_ANY);
	add_to_port(sk, &key);
	begin_counting(key.net);
}

static __always_inline void stopped_listening(struct sock *sk)
{
	struct tcp_port_key key = {
		.net = (__u64)BPF_CORE_READ(sk, __sk_common.skc_net.net),
		.port = BPF_CORE_READ(sk, __sk_common.skc_num),
	};
	__u64 own = (__u64)sk;

	remove_from_port(sk, &key);
	bpf_map_delete_elem(&listeners, &own);
}

/* a handshake was completed on a port that overflows: it waits for accept() now */
static __always_inline void established(struct sock *sk)
{
	struct tcp_port_key key = {
		.net = (__u64)BPF_CORE_READ(sk, __sk_common.skc_net.net),
		.port = BPF_CORE_READ(sk, __sk_common.skc_num),
	};
	struct tcp_port *port = bpf_map_lookup_elem(&ports, &key);
	struct overflow_key overflow = { .net = key.net, .port = key.port };
	struct overflow_counts *counts;

	/* where several listen it cannot be told whose it is: the sum is with the first */
	if (!port)
		return;
	overflow.sk = port->sk[0];
	counts = bpf_map_lookup_elem(&overflows, &overflow);
	if (counts)
		__sync_fetch_and_add(&counts->established, 1);
}

/* inet_sock_set_state(sk, old, new) */
SEC("raw_tp/inet_sock_set_state")
int overflow_set_state(__u64 *ctx)
{
	struct sock *sk = (struct sock *)ctx[0];
	int old = ctx[1], new = ctx[2];

	if (new == TCP_LISTEN && BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP)
		began_listening(sk);
	else if (old == TCP_LISTEN)
		stopped_listening(sk);
	else if (counting == 1 && old == TCP_SYN_RECV && new == TCP_ESTABLISHED)
		established(sk);
	return 0;
}

/* ---- asked by user space: never attached, run at once --------------- */

SEC("raw_tp")
int learn_cpu(void *ctx)
{
	__u32 cpu = bpf_get_smp_processor_id();
	__u64 offset = own_cpu_offset();

	bpf_map_update_elem(&cpu_offsets, &cpu, &offset, BPF_ANY);
	return 0;
}

/* (sk, net, port) */
SEC("raw_tp")
int look_at_listener(__u64 *ctx)
{
	struct sock *sk = (struct sock *)ctx[0];
	const __u32 zero = 0;
	struct listener_state *state = bpf_map_lookup_elem(&looked, &zero);

	if (!state)
		return 0;
	state->valid = 0;
	if (is_listening(sk, ctx[1], ctx[2]))
		read_listener(state, sk);
	return 0;
}

/* What was there before: an iterator over descriptors, see user/iterator.c. Later, who has certain sockets open. */
SEC("kwhy_iter_task_file")
int find_listeners(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct tcp_port_key key = {};
	struct listener l = {};
	struct sock *sk;
	__u64 own;

	if (!task || !file || task->pid != task->tgid)
		return 0;
	sk = tcp_socket_of(file);
	if (!sk || BPF_CORE_READ(sk, __sk_common.skc_state) != TCP_LISTEN)
		return 0;
	own = (__u64)sk;
	tell_holder(ctx, task, sk);
	if (bpf_map_lookup_elem(&listeners, &own))
		return 0;
	key.net = (__u64)BPF_CORE_READ(sk, __sk_common.skc_net.net);
	key.port = BPF_CORE_READ(sk, __sk_common.skc_num);
	l.drops = BPF_CORE_READ(sk, sk_drops.counter);
	l.limit = BPF_CORE_READ(sk, sk_max_ack_backlog);
	bpf_map_update_elem(&listeners, &own, &l, BPF_NOEXIST);
	add_to_port(sk, &key);
	begin_counting(key.net);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
