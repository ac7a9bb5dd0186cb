// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Segments that TCP sends again. How many is what the socket's own counter says,
 * which the kernel increments together with RetransSegs, also for those that
 * then cannot be sent and that no tracepoint of older kernels tells of; SYN-ACKs
 * have none and are counted one by one. What the segment met on this host comes
 * from kfree_skb. Every flow is counted under its addresses; the first segment,
 * and one a second while they go on, wakes user space.
 *
 * Nothing of this runs for a segment that is delivered the first time.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_endian.h>
#include "tcp.h"
#include "emit.bpf.h"
#include "tcp_socket.bpf.h"

#define TELL_NS 1000000000ULL
#define CA_RECOVERY 3
#define CA_LOSS 4
#define TIMER_LOSS_PROBE 5	/* ICSK_TIME_LOSS_PROBE */
#define CHRONO_RWND_LIMITED 2
#define TCPCB_EVER_RETRANS 0x80
#define EAGAIN 11
#define EBUSY 16

/* set by user space: arguments of the tracepoints, and the reasons (by number) for which segments are freed normally */
const volatile __u32 kfree_arguments = 2;
const volatile __u32 retransmit_arguments = 2;
const volatile __u8 no_drops[256] = {};
const volatile __u32 no_reason = 0;	/* the number that says nothing */

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
struct early_drop {
	__u64 count;
	__u32 reason;
	__u32 net;	/* inode number */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);	/* the socket */
	__type(value, struct early_drop);
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

struct work {
	struct segment segment;
	struct flow_key key, other;
};

/* too large for the stack */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4);	/* by program: one may interrupt the other */
	__type(key, __u32);
	__type(value, struct work);
} scratch SEC(".maps");

enum { SCRATCH_SENT, SCRATCH_SYNACK, SCRATCH_FREED, SCRATCH_ASKED };

/* what user space asks about, and the answer */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flow_key);
} asked SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flow_state);
} answer SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct flow_group_key);
	__type(value, __u64);
} groups SEC(".maps");

/* sockets that were counted in this pass: one may be open in several processes */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, __u64);
} counted SEC(".maps");

/* incremented by user space before each pass; begins as what is not nothing */
__u64 pass = 1;

/* ---- flows ---------------------------------------------------------- */

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

	if (flow && flow->sk == sk)
		return flow;
	if (flow) {
		/* the addresses belong to another socket now, whose counter begins anew; what was counted stays */
		flow->sk = sk;
		flow->total = total;
		return flow;
	}
	fresh.sk = sk;
	fresh.total = total;
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
	if (!owner)
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

/* counts n segments; wakes user space at the first and then once a second */
static __always_inline void add_segments(struct flow *flow, const struct flow_key *key, const struct sock *sk,
					 enum retransmit_class class, __u64 n)
{
	__u64 now = bpf_ktime_get_boot_ns();
	struct retransmit_event *e;

	flow->count += n;
	flow->by_class[class & (RETRANSMIT_CLASSES - 1)] += n;
	flow->last_ns = now;
	if (now - flow->told_ns < TELL_NS)
		return;
	flow->told_ns = now;
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	/* without a place in the ring it is told of later: the counts stay */
	if (!e)
		return;
	__builtin_memset(e, 0, sizeof(*e));
	e->header.type = RETRANSMIT_EVENT;
	e->header.size = sizeof(*e);
	e->header.boot_ns = now;
	e->key = *key;
	read_flow(&e->state, sk);
	fill_makers(e, flow);
	bpf_ringbuf_submit(e, 0);
}

static __always_inline void note_first(struct flow *flow, const struct sock *sk)
{
	const struct tcp_sock *tcp = (const void *)sk;
	__u64 own = (__u64)sk;
	struct early_drop *early;

	if (flow->count)
		return;
	early = bpf_map_lookup_elem(&early_drops, &own);
	if (early) {
		flow->drops_out += early->count;
		flow->drop_reason = early->reason;
		flow->drop_net = early->net;
		bpf_map_delete_elem(&early_drops, &own);
	}
	flow->first_acked = BPF_CORE_READ(tcp, bytes_acked);
	flow->first_dsack = BPF_CORE_READ(tcp, dsack_dups);
}

/* what the socket's counter grew by since it was read last */
static __always_inline __u32 grown(struct flow *flow, const struct sock *sk)
{
	__u32 total = BPF_CORE_READ((const struct tcp_sock *)sk, total_retrans), n = total - flow->total;

	flow->total = total;
	return n;
}

/*
 * Whether the kernel counted a segment it could not send, when nothing is known
 * of the flow: it marks those it tried, and counts these.
 */
static __always_inline bool was_tried(const struct tcp_skb_cb *cb)
{
	return BPF_CORE_READ(cb, sacked) & TCPCB_EVER_RETRANS;
}

static __always_inline void count_sent(struct flow *flow, const struct flow_key *key, const struct sock *sk, int err,
				       __u32 segments, __u32 length)
{
	const struct inet_connection_sock *icsk = (const void *)sk;
	__u32 ca_state = BPF_CORE_READ_BITFIELD_PROBED(icsk, icsk_ca_state), n;

	note_first(flow, sk);
	n = grown(flow, sk);
	if (err)
		flow->err = err;
	else
		flow->sent += segments;
	if (err && !n)
		flow->not_tried++;
	if (length > flow->longest)
		flow->longest = length;
	/* the timer is not running while what it ran out for is sent */
	if (ca_state == CA_LOSS && !BPF_CORE_READ(icsk, icsk_pending))
		flow->timeouts++;
	if (!n && !err)
		return;
	__sync_fetch_and_add(&account[RETRANSMIT_EVENT].generated, n ? n : 1);
	add_segments(flow, key, sk, class_of(sk, ca_state), n);
}

static __always_inline int sent_again(const struct sock *sk, const struct sk_buff *skb, int err)
{
	const struct tcp_skb_cb *cb = (const void *)&skb->cb;
	__u32 segments = BPF_CORE_READ(cb, tcp_gso_segs), total;
	const __u32 which = SCRATCH_SENT;
	struct work *w = bpf_map_lookup_elem(&scratch, &which);
	struct event_account *a = &account[RETRANSMIT_EVENT];
	bool counted = !err || was_tried(cb);
	struct flow *flow;

	if (!w)
		return 0;
	key_of_socket(&w->key, &sk->__sk_common);
	/* the copy before is in a queue of this host still, or the window closed: it comes again, and is no trouble yet */
	if ((err == -EBUSY || err == -EAGAIN) && !bpf_map_lookup_elem(&flows, &w->key))
		return 0;
	total = BPF_CORE_READ((const struct tcp_sock *)sk, total_retrans);
	flow = flow_for(w, (__u64)sk, counted ? total - segments : total);
	if (flow) {
		count_sent(flow, &w->key, sk, err, segments, BPF_CORE_READ(skb, len));
		return 0;
	}
	__sync_fetch_and_add(&a->generated, segments);
	account_losses(a, &a->map_full, segments);
	return 0;
}

/* tcp_retransmit_skb(sk, skb, err): the last since 6.17 "tcp: Add error to tcp_retransmit_skb tracepoint" */
SEC("raw_tp/tcp_retransmit_skb")
int retransmit_segment(__u64 *ctx)
{
	int err = 0;

	if (retransmit_arguments > 2)
		err = ctx[2];
	return sent_again((const struct sock *)ctx[0], (const struct sk_buff *)ctx[1], err);
}

/* tcp_retransmit_synack(sk, req): sk is the listening socket, and the connection is none yet */
SEC("raw_tp/tcp_retransmit_synack")
int retransmit_synack(__u64 *ctx)
{
	const struct sock *sk = (const struct sock *)ctx[0];
	const struct request_sock *request = (const struct request_sock *)ctx[1];
	struct event_account *a = &account[RETRANSMIT_EVENT];
	const __u32 which = SCRATCH_SYNACK;
	struct work *w = bpf_map_lookup_elem(&scratch, &which);
	struct flow *flow;

	if (!w)
		return 0;
	key_of_socket(&w->key, &request->__req_common);
	__sync_fetch_and_add(&a->generated, 1);
	flow = flow_for(w, (__u64)sk, 0);
	if (!flow) {
		account_loss(a, &a->map_full);
		return 0;
	}
	/* of TCP Fast Open the socket is there already, and has a counter that counts this one, too */
	if (BPF_CORE_READ(sk, __sk_common.skc_state) != TCP_LISTEN)
		grown(flow, sk);
	else
		flow->listening = 1;
	flow->sent++;
	add_segments(flow, &w->key, sk, RETRANSMIT_SYNACK, 1);
	return 0;
}

/* ---- what became of segments on this host --------------------------- */

static __always_inline void note_drop(struct flow *flow, const struct segment *segment, __u32 reason, bool out)
{
	struct net *net = (struct net *)segment->net;

	if (out)
		flow->drops_out++;
	else
		flow->drops_in++;
	flow->drop_reason = reason;
	flow->drop_net = net ? BPF_CORE_READ(net, ns.inum) : 0;
}

static __always_inline struct flow *flow_of_segment(struct work *w, bool out)
{
	struct segment *s = &w->segment;
	struct flow_key *anywhere;
	struct flow *flow;

	__builtin_memset(&w->key, 0, sizeof(w->key));
	__builtin_memcpy(w->key.local, out ? s->from : s->to, 16);
	__builtin_memcpy(w->key.peer, out ? s->to : s->from, 16);
	w->key.local_port = out ? s->from_port : s->to_port;
	w->key.peer_port = out ? s->to_port : s->from_port;
	w->other = w->key;
	w->key.net = s->net;
	flow = bpf_map_lookup_elem(&flows, &w->key);
	if (flow)
		return flow;
	anywhere = bpf_map_lookup_elem(&flows_anywhere, &w->other);
	return anywhere ? bpf_map_lookup_elem(&flows, anywhere) : NULL;
}

/* the segment is on its way out, and still its socket's */
static __always_inline bool is_own_segment(const struct sock *sk, const struct segment *segment)
{
	__u32 state = BPF_CORE_READ(sk, __sk_common.skc_state);

	return state != TCP_TIME_WAIT && state != TCP_NEW_SYN_RECV && state != TCP_LISTEN &&
	       BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP &&
	       BPF_CORE_READ(sk, __sk_common.skc_num) == segment->from_port;
}

/* it had been sent before */
static __always_inline bool before_next(const struct sock *sk, const struct segment *segment)
{
	return (__s32)(segment->seq - BPF_CORE_READ((const struct tcp_sock *)sk, snd_nxt)) < 0;
}

/* the segments a large one stands for */
static __always_inline __u32 segments_in(const struct sk_buff *skb)
{
	const struct skb_shared_info *info =
		(const void *)(BPF_CORE_READ(skb, head) + BPF_CORE_READ(skb, end));
	__u32 segments = BPF_CORE_READ(info, gso_segs);

	return segments ? segments : 1;
}

/* A flow begins with a segment that was to be sent again and did not get out. Newer kernels count it right after. */
static __always_inline void began_with_drop(struct work *w, const struct sock *sk, const struct sk_buff *skb, __u32 reason)
{
	const struct inet_connection_sock *icsk = (const void *)sk;
	__u32 total = BPF_CORE_READ((const struct tcp_sock *)sk, total_retrans), segments = segments_in(skb);
	struct flow *flow;

	key_of_socket(&w->key, &sk->__sk_common);
	flow = total >= segments ? flow_for(w, (__u64)sk, total - segments) : NULL;
	if (!flow)
		return;
	note_first(flow, sk);
	note_drop(flow, &w->segment, reason, true);
	if (retransmit_arguments > 2)
		return;
	grown(flow, sk);
	__sync_fetch_and_add(&account[RETRANSMIT_EVENT].generated, segments);
	add_segments(flow, &w->key, sk, class_of(sk, BPF_CORE_READ_BITFIELD_PROBED(icsk, icsk_ca_state)), segments);
}

static __always_inline void note_early(const struct sock *sk, const struct segment *segment, __u32 reason)
{
	struct net *net = (struct net *)segment->net;
	struct early_drop fresh = { .count = 1, .reason = reason }, *early;
	__u64 own = (__u64)sk;

	fresh.net = net ? BPF_CORE_READ(net, ns.inum) : 0;
	early = bpf_map_lookup_elem(&early_drops, &own);
	if (early)
		fresh.count += early->count;
	bpf_map_update_elem(&early_drops, &own, &fresh, BPF_ANY);
}

/* reason 0: the kernel has none */
static __always_inline int dropped(struct sk_buff *skb, __u32 reason)
{
	const struct sock *sk = BPF_CORE_READ(skb, sk);
	const __u32 which = SCRATCH_FREED;
	struct work *w = bpf_map_lookup_elem(&scratch, &which);
	struct flow *flow;

	if (!w || !read_segment(&w->segment, skb))
		return 0;
	flow = flow_of_segment(w, true);
	/* without reasons a duplicate that its receiver frees looks like a drop: only what still is its sender's counts */
	if (flow && (reason || flow->sk == (__u64)sk)) {
		note_drop(flow, &w->segment, reason, true);
		return 0;
	}
	if (!flow && sk && is_own_segment(sk, &w->segment)) {
		if (before_next(sk, &w->segment))
			began_with_drop(w, sk, skb, reason);
		else
			note_early(sk, &w->segment, reason);
		return 0;
	}
	flow = flow_of_segment(w, false);
	if (flow && (reason || flow->by_class[RETRANSMIT_SYN]))
		note_drop(flow, &w->segment, reason, false);
	return 0;
}

/* kfree_skb(skb, location, reason, rx_sk): the reason since 5.17 "net: skb: introduce kfree_skb_reason()" */
SEC("raw_tp/kfree_skb")
int retransmit_freed(__u64 *ctx)
{
	struct sk_buff *skb = (struct sk_buff *)ctx[0];
	__u32 reason = 0;

	if (kfree_arguments > 2) {
		reason = ctx[2];
		/* those below are general; above are those of subsystems, none of which is normal */
		if (reason < sizeof(no_drops) && no_drops[reason & (sizeof(no_drops) - 1)])
			return 0;
		if (reason == no_reason)
			reason = 0;
	}
	return dropped(skb, reason);
}

/* ---- whose they are ------------------------------------------------- */

/* inet_sock_set_state(sk, old, new) */
SEC("raw_tp/inet_sock_set_state")
int retransmit_set_state(__u64 *ctx)
{
	const struct sock *sk = (const struct sock *)ctx[0];
	struct tcp_port_key port = {};
	struct tcp_owner owner = {};
	__u64 own = (__u64)sk;
	int new = ctx[2];

	if (new == TCP_CLOSE) {
		bpf_map_delete_elem(&owners, &own);
		return 0;
	}
	if ((new != TCP_SYN_SENT && new != TCP_LISTEN) || BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP)
		return 0;
	fill_owner(&owner, (struct task_struct *)bpf_get_current_task());
	owner.since_ns = bpf_ktime_get_boot_ns();
	bpf_map_update_elem(&owners, &own, &owner, BPF_ANY);
	if (new == TCP_SYN_SENT)
		return 0;
	port.net = (__u64)BPF_CORE_READ(sk, __sk_common.skc_net.net);
	port.port = BPF_CORE_READ(sk, __sk_common.skc_num);
	bpf_map_update_elem(&listening, &port, &own, BPF_ANY);
	return 0;
}

/* ---- asked by user space: never attached, run at once --------------- */

/* The flow that is asked about, as it is now; counts what grew since. */
SEC("raw_tp")
int look_at_flow(void *ctx)
{
	const __u32 zero = 0, which = SCRATCH_ASKED;
	struct flow_key *key = bpf_map_lookup_elem(&asked, &zero);
	struct flow_state *state = bpf_map_lookup_elem(&answer, &zero);
	struct work *w = bpf_map_lookup_elem(&scratch, &which);
	struct flow *flow;
	struct sock *sk;
	__u32 n, socket_state;

	if (!key || !state || !w)
		return 0;
	state->valid = 0;
	flow = bpf_map_lookup_elem(&flows, key);
	if (!flow)
		return 0;
	sk = (struct sock *)flow->sk;
	socket_state = BPF_CORE_READ(sk, __sk_common.skc_state);
	if (flow->listening) {
		if (socket_state == TCP_LISTEN && BPF_CORE_READ(sk, __sk_common.skc_num) == key->local_port)
			read_flow(state, sk);
		return 0;
	}
	key_of_socket(&w->other, &sk->__sk_common);
	if (!same_flow(&w->other, key) || socket_state == TCP_CLOSE || socket_state == TCP_TIME_WAIT)
		return 0;
	read_flow(state, sk);
	n = BPF_CORE_READ((const struct tcp_sock *)sk, total_retrans) - flow->total;
	/* failed ones that nothing told of; a counter that is lower belongs to another socket */
	if (n && n < 1U << 31) {
		flow->total += n;
		flow->count += n;
		flow->by_class[RETRANSMIT_OTHER] += n;
		flow->last_ns = state->ns;
		__sync_fetch_and_add(&account[RETRANSMIT_EVENT].generated, n);
	}
	return 0;
}

static __always_inline void count_in(struct flow_group_key *key)
{
	__u64 *count = bpf_map_lookup_elem(&groups, key);

	if (count)
		__sync_fetch_and_add(count, 1);
}

/* a connection counts for its peer, its subnet and its namespace, where these are asked for */
static __always_inline void count_flow(const struct sock *sk)
{
	struct flow_group_key key = { .net = (__u64)BPF_CORE_READ(sk, __sk_common.skc_net.net) };
	__u64 own = (__u64)sk, *last;
	bool v6;

	if (!bpf_map_lookup_elem(&groups, &key))
		return;
	last = bpf_map_lookup_elem(&counted, &own);
	if (last && *last == pass)
		return;
	bpf_map_update_elem(&counted, &own, &pass, BPF_ANY);
	count_in(&key);
	peer_address(key.prefix, &sk->__sk_common);
	v6 = key.prefix[10] != 0xff || key.prefix[11] != 0xff || key.prefix[0] || key.prefix[1];
	key.bits = 128;
	count_in(&key);
	key.bits = v6 ? 64 : 120;
	if (v6)
		__builtin_memset(key.prefix + 8, 0, 8);
	else
		key.prefix[15] = 0;
	count_in(&key);
}

/* An iterator over descriptors, see user/iterator.c: who has certain sockets open, and how many connections there are. */
SEC("kwhy_iter_task_file")
int find_sockets(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct sock *sk;
	__u32 state;

	if (!task || !file || task->pid != task->tgid)
		return 0;
	sk = tcp_socket_of(file);
	if (!sk)
		return 0;
	state = BPF_CORE_READ(sk, __sk_common.skc_state);
	tell_holder(ctx, task, sk);
	if (state != TCP_LISTEN && state != TCP_CLOSE) {
		count_flow(sk);
	} else if (state == TCP_LISTEN) {
		struct tcp_port_key port = {
			.net = (__u64)BPF_CORE_READ(sk, __sk_common.skc_net.net),
			.port = BPF_CORE_READ(sk, __sk_common.skc_num),
		};
		__u64 own = (__u64)sk;

		bpf_map_update_elem(&listening, &port, &own, BPF_NOEXIST);
	}
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
