/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Connections that retransmit: their counts, their state, who made them, and how user space is told. */
#ifndef KWHY_FLOW_BPF_H
#define KWHY_FLOW_BPF_H

#include "emit.bpf.h"
#include "tcp_socket.bpf.h"

#define TELL_NS 1000000000ULL
#define CA_RECOVERY 3
#define CA_LOSS 4
#define TIMER_LOSS_PROBE 5	/* ICSK_TIME_LOSS_PROBE */
#define CHRONO_RWND_LIMITED 2

/* set by user space: arguments of the tracepoint; newer kernels tell of what could not be sent, too */
const volatile __u32 retransmit_arguments = 2;
/* the reason for which segments to nobody are freed; 0: the kernel has none */
const volatile __u32 no_socket = 0;

/* Whether any flow is known, so that the end of a connection need not look for one; user space takes it back. */
#define HAVE_FLOWS 1
__u32 have_flows = 2;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct flow_key);
	__type(value, struct flow);
} flows SEC(".maps");

/* flows by their addresses alone: a segment may be dropped in another namespace of this host */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct flow_key);	/* net is 0 */
	__type(value, struct flow_key);
} flows_anywhere SEC(".maps");

/* what senders' segments met on their way out before they were sent again */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);	/* the socket */
	__type(value, struct flow_drops);
} early_drops SEC(".maps");

/* who called connect() or listen() */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, struct tcp_owner);
} owners SEC(".maps");

/* the socket that listens on a port, the last to begin where there are several */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct tcp_port_key);
	__type(value, __u64);
} listening SEC(".maps");

/* who connected last on this CPU: who makes many connections is looked at once a second */
struct connector {
	__u64 task, cred, seen_ns;
	struct tcp_owner owner;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct connector);
} connectors SEC(".maps");

#define CONNECTOR_NS 1000000000ULL

/* the calling process as it was a second ago at most, when it had the same credentials: each exec gives it others */
static __always_inline struct tcp_owner *current_owner(__u64 now)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	__u64 cred = (__u64)BPF_CORE_READ(task, real_cred);
	const __u32 zero = 0;
	struct connector *last = bpf_map_lookup_elem(&connectors, &zero);

	if (!last)
		return NULL;
	if (last->task != (__u64)task || last->cred != cred || last->owner.tgid != tgid ||
	    now - last->seen_ns > CONNECTOR_NS) {
		last->task = (__u64)task;
		last->cred = cred;
		last->seen_ns = now;
		fill_owner(&last->owner, task);
	}
	last->owner.since_ns = now;
	return &last->owner;
}

struct work {
	struct segment segment;
	struct flow_key key, other;
};

/* too large for the stack */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 5);	/* by program: one may interrupt the other */
	__type(key, __u32);
	__type(value, struct work);
} scratch SEC(".maps");

enum { SCRATCH_SENT, SCRATCH_SYNACK, SCRATCH_FREED, SCRATCH_ASKED, SCRATCH_CLOSED };

static __always_inline void key_of_socket(struct flow_key *key, const struct sock_common *sk)
{
	__builtin_memset(key, 0, sizeof(*key));
	key->net = (__u64)BPF_CORE_READ(sk, skc_net.net);
	local_address(key->local, sk);
	peer_address(key->peer, sk);
	key->local_port = BPF_CORE_READ(sk, skc_num);
	key->peer_port = bpf_ntohs(BPF_CORE_READ(sk, skc_dport));
}

static __always_inline bool same_flow(const struct flow_key *a, const struct flow_key *b)
{
	return a->net == b->net && a->local_port == b->local_port && a->peer_port == b->peer_port &&
	       same_address(a->local, b->local) && same_address(a->peer, b->peer);
}

/* Indexes mean nothing in another namespace, so the name is taken from the socket's route. */
static __always_inline void read_device(struct flow_state *s, const struct sock *sk)
{
	struct dst_entry *dst = BPF_CORE_READ(sk, sk_dst_cache);
	struct net_device *dev = BPF_CORE_READ(dst, dev);

	s->interface = BPF_CORE_READ(sk, __sk_common.skc_bound_dev_if);
	s->device[0] = 0;
	if (s->interface && BPF_CORE_READ(dev, ifindex) == (int)s->interface)
		bpf_probe_read_kernel_str(s->device, sizeof(s->device), dev->name);
}

static __always_inline void read_flow(struct flow_state *s, const struct sock *sk)
{
	const struct inet_connection_sock *icsk = (const void *)sk;
	const struct tcp_sock *tcp = (const void *)sk;
	struct net *net = BPF_CORE_READ(sk, __sk_common.skc_net.net);

	s->valid = 1;
	s->ns = bpf_ktime_get_boot_ns();
	s->monotonic_ns = bpf_ktime_get_ns();
	s->jiffies = bpf_jiffies64();
	s->netns = BPF_CORE_READ(net, ns.inum);
	read_device(s, sk);
	s->state = BPF_CORE_READ(sk, __sk_common.skc_state);
	s->cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	s->uid = BPF_CORE_READ(sk, sk_uid.val);
	s->soft_error = BPF_CORE_READ(sk, sk_err_soft);
	s->queue = BPF_CORE_READ(sk, sk_ack_backlog);
	s->limit = BPF_CORE_READ(sk, sk_max_ack_backlog);
	if (s->state == TCP_LISTEN)
		return;
	s->srtt_us = BPF_CORE_READ(tcp, srtt_us) >> 3;
	s->rto_jiffies = BPF_CORE_READ(icsk, icsk_rto);
	s->backoff = BPF_CORE_READ(icsk, icsk_backoff);
	s->cwnd = BPF_CORE_READ(tcp, snd_cwnd);
	s->packets_out = BPF_CORE_READ(tcp, packets_out);
	s->sacked_out = BPF_CORE_READ(tcp, sacked_out);
	s->lost_out = BPF_CORE_READ(tcp, lost_out);
	s->retrans_out = BPF_CORE_READ(tcp, retrans_out);
	s->peer_window = BPF_CORE_READ(tcp, snd_wnd);
	s->mss = BPF_CORE_READ(tcp, mss_cache);
	s->unacked = BPF_CORE_READ(tcp, write_seq) - BPF_CORE_READ(tcp, snd_una);
	s->acked_bytes = BPF_CORE_READ(tcp, bytes_acked);
	s->dsack = BPF_CORE_READ(tcp, dsack_dups);
	s->ack_jiffies = (__u32)s->jiffies - BPF_CORE_READ(tcp, rcv_tstamp);
	s->limited_jiffies = BPF_CORE_READ_BITFIELD_PROBED(tcp, chrono_type) == CHRONO_RWND_LIMITED ?
			     (__u32)s->jiffies - BPF_CORE_READ(tcp, chrono_start) : 0;
}

/* as the kernel's own state has it at the moment it sends */
static __always_inline enum retransmit_class class_of(const struct sock *sk, __u32 ca_state)
{
	const struct inet_connection_sock *icsk = (const void *)sk;
	__u32 state = BPF_CORE_READ(sk, __sk_common.skc_state);

	if (state == TCP_SYN_SENT)
		return RETRANSMIT_SYN;
	if (state == TCP_SYN_RECV)
		return RETRANSMIT_SYNACK;
	if (ca_state == CA_LOSS)
		return RETRANSMIT_RTO;
	if (ca_state == CA_RECOVERY)
		return RETRANSMIT_FAST;
	return BPF_CORE_READ(icsk, icsk_pending) == TIMER_LOSS_PROBE ? RETRANSMIT_TLP : RETRANSMIT_OTHER;
}

static __always_inline struct flow *flow_for(struct work *w, __u64 sk, __u32 total)
{
	struct flow *flow = bpf_map_lookup_elem(&flows, &w->key), fresh = {};
	struct net *net = (struct net *)w->key.net;

	if (flow && flow->sk == sk)
		return flow;
	if (flow) {
		/* the addresses belong to another socket now, whose counter begins anew; what was counted stays */
		flow->sk = sk;
		flow->total = total;
		return flow;
	}
	have_flows = HAVE_FLOWS;
	fresh.sk = sk;
	fresh.total = total;
	fresh.netns = BPF_CORE_READ(net, ns.inum);
	fresh.netns_cookie = netns_cookie(net);
	fresh.first_ns = bpf_ktime_get_boot_ns();
	bpf_map_update_elem(&flows, &w->key, &fresh, BPF_NOEXIST);
	w->other = w->key;
	w->other.net = 0;
	bpf_map_update_elem(&flows_anywhere, &w->other, &w->key, BPF_ANY);
	return bpf_map_lookup_elem(&flows, &w->key);
}

static __always_inline bool fill_maker(struct tcp_maker *maker, __u64 sk)
{
	struct tcp_owner *owner = bpf_map_lookup_elem(&owners, &sk);

	maker->sk = sk;
	if (!owner || owner->closed)
		return false;
	maker->known = 1;
	maker->owner = *owner;
	return true;
}

static __always_inline void fill_makers(struct retransmit_event *e, const struct flow *flow)
{
	struct tcp_port_key port = { .net = e->key.net, .port = e->key.local_port };
	__u64 *listener;

	if (flow->listening) {
		fill_maker(&e->listening, flow->sk);
		return;
	}
	if (fill_maker(&e->connected, flow->sk))
		return;
	listener = bpf_map_lookup_elem(&listening, &port);
	if (listener)
		fill_maker(&e->listening, *listener);
}

/* without a place in the ring it is tried again, and user space looks for what it was not told of: the counts stay */
static __always_inline bool wake_user(struct flow *flow, const struct flow_key *key, const struct sock *sk)
{
	struct retransmit_event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

	if (!e) {
		__sync_fetch_and_add(&unheard, 1);
		return false;
	}
	__builtin_memset(e, 0, sizeof(*e));
	e->header.type = RETRANSMIT_EVENT;
	e->header.size = sizeof(*e);
	e->header.boot_ns = bpf_ktime_get_boot_ns();
	e->key = *key;
	read_flow(&e->state, sk);
	fill_makers(e, flow);
	bpf_ringbuf_submit(e, 0);
	return true;
}

static __always_inline void add_to_class(struct flow *flow, enum retransmit_class class, __u64 n)
{
	flow->count += n;
	flow->by_class[class & (RETRANSMIT_CLASSES - 1)] += n;
}

/* counts n segments; wakes user space at the first and then once a second, where there is room to */
static __always_inline void add_segments(struct flow *flow, const struct flow_key *key, const struct sock *sk,
					 enum retransmit_class class, __u64 n)
{
	__u64 now = bpf_ktime_get_boot_ns();

	add_to_class(flow, class, n);
	flow->last_ns = now;
	if (now - flow->told_ns < TELL_NS)
		return;
	if (wake_user(flow, key, sk))
		flow->told_ns = now;
}

static __always_inline void note_first(struct flow *flow, const struct sock *sk)
{
	const struct tcp_sock *tcp = (const void *)sk;
	__u64 own = (__u64)sk;
	struct flow_drops *early;

	if (flow->count)
		return;
	early = bpf_map_lookup_elem(&early_drops, &own);
	if (early) {
		flow->drops_out.reason = early->reason;
		flow->drops_out.net = early->net;
		flow->drops_out.count += early->count;
		bpf_map_delete_elem(&early_drops, &own);
	}
	flow->first_acked = BPF_CORE_READ(tcp, bytes_acked);
	flow->first_dsack = BPF_CORE_READ(tcp, dsack_dups);
}

/* what the socket's counter was before these segments: at the last look, also where its flow is forgotten, or at the first */
static __always_inline __u32 counted_before(const struct sock *sk, __u32 segments)
{
	__u32 before = BPF_CORE_READ((const struct tcp_sock *)sk, total_retrans) - segments;
	__u64 own = (__u64)sk;
	struct tcp_owner *owner = bpf_map_lookup_elem(&owners, &own);

	return owner && owner->counted <= before ? owner->counted : before;
}

/* what the socket's counter grew by since it was read last */
static __always_inline __u32 grown(struct flow *flow, const struct sock *sk)
{
	__u32 total = BPF_CORE_READ((const struct tcp_sock *)sk, total_retrans), n = total - flow->total;
	__u64 own = (__u64)sk;
	struct tcp_owner *owner = bpf_map_lookup_elem(&owners, &own);

	flow->total = total;
	if (owner)
		owner->counted = total;
	return n;
}

/*
 * The class of what no tracepoint told of. Older kernels do not tell of what could not be sent; newer ones do, and there
 * the kernel skipped the program: the state that was is gone.
 */
static __always_inline enum retransmit_class class_untold(const struct sock *sk, __u32 ca_state)
{
	return retransmit_arguments == 2 ? class_of(sk, ca_state) : RETRANSMIT_OTHER;
}

/*
 * Counts what the counter has grown by; one that is lower belongs to another socket. What a queue dropped while it was
 * sent may have failed, or not, as with netem: then the tracepoint follows, see take_back().
 */
static __always_inline void count_growth(struct flow *flow, const struct flow_key *key, const struct sock *sk)
{
	const struct inet_connection_sock *icsk = (const void *)sk;
	__u32 n = grown(flow, sk);

	if (!n || n >= 1U << 31)
		return;
	__sync_fetch_and_add(&account[RETRANSMIT_EVENT].generated, n);
	if (retransmit_arguments == 2) {
		flow->failed += n;
		flow->doubtful = n;
	}
	add_segments(flow, key, sk, class_untold(sk, BPF_CORE_READ_BITFIELD_PROBED(icsk, icsk_ca_state)), n);
}

#endif
