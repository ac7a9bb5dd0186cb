/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What became of segments on this host: those of connections that retransmit, and senders' own before they do. */
#ifndef KWHY_FREED_BPF_H
#define KWHY_FREED_BPF_H

#include "flow.bpf.h"

static __always_inline __u32 segment_netns(const struct segment *segment)
{
	struct net *net = (struct net *)segment->net;

	return net ? BPF_CORE_READ(net, ns.inum) : 0;
}

/* the segments a large one stands for */
static __always_inline __u32 segments_in(const struct sk_buff *skb)
{
	const struct skb_shared_info *info =
		(const void *)(BPF_CORE_READ(skb, head) + BPF_CORE_READ(skb, end));
	__u32 segments = BPF_CORE_READ(info, gso_segs);

	return segments ? segments : 1;
}

#define NO_SOCKET_NS 2000000000ULL

static __always_inline void note_drop(struct flow *flow, const struct segment *segment, __u32 segments, __u32 reason,
				      bool out)
{
	struct flow_drops *drops = out ? &flow->drops_out : &flow->drops_in;
	__u64 now = bpf_ktime_get_boot_ns();

	drops->count += segments;
	/* what is on its way when a socket is closed says nothing of what went just before */
	if (reason == no_socket && drops->reason && now - drops->reason_ns < NO_SOCKET_NS)
		return;
	drops->reason = reason;
	drops->reason_ns = now;
	drops->net = segment_netns(segment);
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

/* A flow begins with a segment that was to be sent again and did not get out. Newer kernels count it right after. */
static __always_inline void began_with_drop(struct work *w, const struct sock *sk, __u32 segments, __u32 reason)
{
	__u32 total = BPF_CORE_READ((const struct tcp_sock *)sk, total_retrans);
	struct flow *flow;

	key_of_socket(&w->key, &sk->__sk_common);
	flow = total >= segments ? flow_for(w, (__u64)sk, total - segments) : NULL;
	if (!flow)
		return;
	note_first(flow, sk);
	note_drop(flow, &w->segment, segments, reason, true);
	if (retransmit_arguments == 2)
		count_growth(flow, &w->key, sk);
}

static __always_inline void note_early(const struct sock *sk, const struct segment *segment, __u32 segments,
				       __u32 reason)
{
	struct flow_drops fresh = { .count = segments, .reason = reason, .net = segment_netns(segment) }, *early;
	__u64 own = (__u64)sk;

	early = bpf_map_lookup_elem(&early_drops, &own);
	if (early)
		fresh.count += early->count;
	bpf_map_update_elem(&early_drops, &own, &fresh, BPF_ANY);
}

/*
 * reason 0: the kernel has none. Both ends of a connection may be on this host, and
 * what one of them has on its way out is on its way in for the other. Without
 * reasons a duplicate that its receiver frees looks like a drop: then only what
 * still is its sender's counts, and answers to a SYN.
 */
static __always_inline int dropped(struct sk_buff *skb, __u32 reason)
{
	const struct sock *sk = BPF_CORE_READ(skb, sk);
	const __u32 which = SCRATCH_FREED;
	struct work *w = bpf_map_lookup_elem(&scratch, &which);
	struct flow *flow;
	__u32 segments;

	/* nobody's to begin with, or a part of nothing that is known */
	if (!w || (!sk && have_flows != HAVE_FLOWS) || !read_segment(&w->segment, skb))
		return 0;
	segments = segments_in(skb);
	flow = flow_of_segment(w, false);
	if (flow && (reason || flow->by_class[RETRANSMIT_SYN]))
		note_drop(flow, &w->segment, segments, reason, false);
	flow = flow_of_segment(w, true);
	if (flow && (reason || flow->sk == (__u64)sk)) {
		note_drop(flow, &w->segment, segments, reason, true);
		if (retransmit_arguments == 2 && flow->sk == (__u64)sk && before_next(sk, &w->segment))
			count_growth(flow, &w->key, sk);
	} else if (!flow && sk && is_own_segment(sk, &w->segment)) {
		if (before_next(sk, &w->segment))
			began_with_drop(w, sk, segments, reason);
		else
			note_early(sk, &w->segment, segments, reason);
	}
	return 0;
}

#endif
