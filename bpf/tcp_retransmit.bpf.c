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
#include "flow.bpf.h"
#include "freed.bpf.h"

#define TCPCB_EVER_RETRANS 0x80
#define EAGAIN 11
#define EBUSY 16
#define SILENT_NS 1000000ULL	/* from the counter to the tracepoint it takes microseconds */

/* set by user space: arguments of kfree_skb, and the reasons (by number) for which segments are freed normally */
const volatile __u32 kfree_arguments = 2;
const volatile __u8 no_drops[256] = {};
const volatile __u32 no_reason = 0;	/* the number that says nothing */

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

/* ---- segments that are sent again ----------------------------------- */

/*
 * Whether the kernel counted a segment it could not send, when nothing is known
 * of the flow: it marks those it tried, and counts these.
 */
static __always_inline bool was_tried(const struct tcp_skb_cb *cb)
{
	return BPF_CORE_READ(cb, sacked) & TCPCB_EVER_RETRANS;
}

/* these segments were counted a moment ago, when they were dropped, and did not fail */
static __always_inline void take_back(struct flow *flow)
{
	if (flow->failed >= flow->doubtful)
		flow->failed -= flow->doubtful;
}

static __always_inline void count_sent(struct flow *flow, const struct flow_key *key, const struct sock *sk, int err,
				       __u32 segments, __u32 length)
{
	const struct inet_connection_sock *icsk = (const void *)sk;
	__u32 ca_state = BPF_CORE_READ_BITFIELD_PROBED(icsk, icsk_ca_state), n, untold;

	note_first(flow, sk);
	n = grown(flow, sk);
	untold = n > segments ? n - segments : 0;
	if (err) {
		flow->err = err;
		flow->failed += n - untold;
		flow->not_tried += !n;
	} else if (retransmit_arguments == 2) {
		flow->failed += untold;
		if (!n)
			take_back(flow);
		flow->doubtful = 0;
	}
	if (length > flow->longest)
		flow->longest = length;
	/* the timer is not running while what it ran out for is sent */
	if (ca_state == CA_LOSS && !BPF_CORE_READ(icsk, icsk_pending))
		flow->timeouts++;
	if (!n && !err)
		return;
	__sync_fetch_and_add(&account[RETRANSMIT_EVENT].generated, n ? n : 1);
	add_to_class(flow, class_untold(sk, ca_state), untold);
	add_segments(flow, key, sk, class_of(sk, ca_state), n - untold);
}

static __always_inline int sent_again(const struct sock *sk, const struct sk_buff *skb, int err)
{
	const struct tcp_skb_cb *cb = (const void *)&skb->cb;
	__u32 segments = BPF_CORE_READ(cb, tcp_gso_segs);
	const __u32 which = SCRATCH_SENT;
	struct work *w = bpf_map_lookup_elem(&scratch, &which);
	struct event_account *a = &account[RETRANSMIT_EVENT];
	struct flow *flow;

	if (!w)
		return 0;
	key_of_socket(&w->key, &sk->__sk_common);
	/* the copy before is in a queue of this host still, or the window closed: it comes again, and is no trouble yet */
	if ((err == -EBUSY || err == -EAGAIN) && !bpf_map_lookup_elem(&flows, &w->key))
		return 0;
	flow = flow_for(w, (__u64)sk, counted_before(sk, !err || was_tried(cb) ? segments : 0));
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
	add_segments(flow, &w->key, sk, RETRANSMIT_SYNACK, 1);
	return 0;
}

/* ---- what became of segments on this host --------------------------- */

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

/* The kernel may skip a program: of a socket that is known from its beginning, what it did not see is found at the end. */
static __always_inline bool was_missed(const struct sock *sk, const struct tcp_owner *owner)
{
	return owner && !owner->closed && BPF_CORE_READ((const struct tcp_sock *)sk, total_retrans) != owner->counted;
}

/* A socket's counter and its last state are read before it goes; it has given its port back already. False: no room. */
static __always_inline bool tell_closed(const struct sock *sk, const struct tcp_owner *owner)
{
	const __u32 which = SCRATCH_CLOSED;
	struct work *w = bpf_map_lookup_elem(&scratch, &which);
	bool missed = was_missed(sk, owner);
	struct flow *flow;

	if (!w || (have_flows != HAVE_FLOWS && !missed))
		return true;
	key_of_socket(&w->key, &sk->__sk_common);
	w->key.local_port = bpf_ntohs(BPF_CORE_READ((const struct inet_sock *)sk, inet_sport));
	flow = bpf_map_lookup_elem(&flows, &w->key);
	if (!flow && missed) {
		flow = flow_for(w, (__u64)sk, counted_before(sk, 0));
		if (flow)
			note_first(flow, sk);
	}
	if (!flow || flow->sk != (__u64)sk || flow->listening)
		return true;
	count_growth(flow, &w->key, sk);
	return wake_user(flow, &w->key, sk);
}

/* Its memory becomes another's. Who made it stays until user space knows. */
static __always_inline void closed(const struct sock *sk)
{
	__u64 own = (__u64)sk;
	struct tcp_owner *owner = bpf_map_lookup_elem(&owners, &own);
	bool told = tell_closed(sk, owner);

	if (!owner)
		return;
	if (told) {
		bpf_map_delete_elem(&owners, &own);
		return;
	}
	owner->closed = 1;
	owner->counted = 0;
}

/* connect() and listen() were called by who runs now */
static __always_inline void made(const struct sock *sk, int state)
{
	struct tcp_owner *owner = current_owner(bpf_ktime_get_boot_ns());
	struct tcp_port_key port = {};
	__u64 own = (__u64)sk;

	if (!owner || BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP)
		return;
	bpf_map_update_elem(&owners, &own, owner, BPF_ANY);
	if (state == TCP_SYN_SENT)
		return;
	port.net = (__u64)BPF_CORE_READ(sk, __sk_common.skc_net.net);
	port.port = BPF_CORE_READ(sk, __sk_common.skc_num);
	bpf_map_update_elem(&listening, &port, &own, BPF_ANY);
}

/* inet_sock_set_state(sk, old, new) */
SEC("raw_tp/inet_sock_set_state")
int retransmit_set_state(__u64 *ctx)
{
	const struct sock *sk = (const struct sock *)ctx[0];
	int new = ctx[2];

	if (new == TCP_CLOSE)
		closed(sk);
	else if (new == TCP_SYN_SENT || new == TCP_LISTEN)
		made(sk, new);
	return 0;
}

/* ---- asked by user space: never attached, run at once --------------- */

/*
 * The flow that is asked about, as it is now. Its counter grows a moment before the tracepoint, so that only what is
 * there when it is looked at again counts as what nothing told of.
 */
static __always_inline void count_silent(struct flow *flow, const struct flow_key *key, const struct sock *sk, __u64 now)
{
	__u32 total = BPF_CORE_READ((const struct tcp_sock *)sk, total_retrans);

	if (flow->silent_total != total) {
		flow->silent_total = total;
		flow->silent_ns = now;
	}
	if (total != flow->total && now - flow->silent_ns >= SILENT_NS)
		count_growth(flow, key, sk);
}

SEC("raw_tp")
int look_at_flow(void *ctx)
{
	const __u32 zero = 0, which = SCRATCH_ASKED;
	struct flow_key *key = bpf_map_lookup_elem(&asked, &zero);
	struct flow_state *state = bpf_map_lookup_elem(&answer, &zero);
	struct work *w = bpf_map_lookup_elem(&scratch, &which);
	struct flow *flow;
	struct sock *sk;
	__u32 socket_state;

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
	count_silent(flow, key, sk, state->ns);
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
