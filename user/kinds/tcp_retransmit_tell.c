// SPDX-License-Identifier: BSD-2-Clause
/* A line about a connection that retransmits: what was sent again, in which state it is, whose it is, how its peers do. */
#include "tcp_retransmit_kind.h"

#include <errno.h>
#include <string.h>

#include "address.h"
#include "fd_file.h"
#include "fit.h"
#include "ndjson.h"

/* what the observation may take, so that the diagnosis has room */
enum { OBSERVATION_BYTES = 5200, TCP_SYN_SENT = 2, TCP_SYN_RECV = 3, TCP_LISTEN = 10 };

/* ---- the connection ------------------------------------------------- */

static void tell_flow(const struct tcp_retransmit_state *state, const struct retransmit_flow *flow,
		      struct tcp_retransmit *x)
{
	const struct flow_state *now = &flow->state;
	/* a connection of which there are only SYN-ACKs is none of the listening socket's states */
	const char *word = tcp_state_word(flow->counts.listening ? TCP_SYN_RECV : now->state);
	int other_netns = tcp_other_netns(state->session, flow->counts.netns);
	bool known;

	KNOW(x, family, address_is_v4(flow->key.peer) ? FAMILY_IPV4 : FAMILY_IPV6);
	address_text(x->saddr, flow->key.local);
	address_text(x->daddr, flow->key.peer);
	x->known.saddr = x->known.daddr = 1;
	KNOW(x, sport, flow->key.local_port);
	KNOW(x, dport, flow->key.peer_port);
	x->accepted = tcp_retransmit_accepted(flow, &known);
	x->known.accepted = known;
	if (flow->counts.netns)
		KNOW(x, netns, flow->counts.netns);
	if (other_netns >= 0)
		KNOW(x, other_netns, other_netns);
	if (flow->counts.netns_cookie)
		KNOW(x, netns_cookie, flow->counts.netns_cookie);
	if (!now->valid)
		return;
	if (now->interface) {
		tcp_interface(x->interface, state->session, now->netns, now->interface, now->device);
		x->known.interface = 1;
	}
	if (word)
		KNOW_TEXT(x, state, word);
	KNOW(x, uid, now->uid);
	if (flow->counts.listening) {
		KNOW(x, queue, now->queue);
		KNOW(x, limit, now->limit);
	} else if (now->cookie) {
		KNOW(x, cookie, now->cookie);
	}
}

/* what its sender knows of the path and the peer */
static void tell_state(const struct tcp_retransmit_state *state, const struct retransmit_flow *flow,
		       struct tcp_retransmit *x)
{
	const struct flow_state *now = &flow->state;
	uint64_t jiffy_ns = state->hz ? 1000000000ULL / state->hz : 0;
	bool handshake = now->state == TCP_SYN_SENT || now->state == TCP_SYN_RECV;

	if (!now->valid || flow->counts.listening)
		return;
	if (now->srtt_us)
		KNOW(x, srtt_us, now->srtt_us);
	if (jiffy_ns)
		KNOW(x, rto_us, now->rto_jiffies * jiffy_ns / 1000);
	KNOW(x, backoff, now->backoff);
	KNOW(x, cwnd, now->cwnd);
	KNOW(x, in_flight, now->packets_out + now->retrans_out > now->sacked_out + now->lost_out ?
			   now->packets_out + now->retrans_out - now->sacked_out - now->lost_out : 0);
	KNOW(x, lost, now->lost_out);
	KNOW(x, bytes_in_queue, now->unacked);
	if (now->soft_error && strerrorname_np(now->soft_error))
		KNOW_TEXT(x, soft_error, strerrorname_np(now->soft_error));
	if (handshake)
		return;
	KNOW(x, peer_window_bytes, now->peer_window);
	KNOW(x, mss_bytes, now->mss);
	KNOW(x, acked_bytes, now->acked_bytes);
	KNOW(x, advanced, now->acked_bytes > flow->counts.first_acked);
	if (jiffy_ns && now->ack_jiffies < 1U << 31)
		KNOW(x, since_ack_ns, now->ack_jiffies * jiffy_ns + span(now->ns, session_now()) * (now->ns != 0));
	if (jiffy_ns && !now->peer_window && now->limited_jiffies)
		KNOW(x, zero_window_ns, now->limited_jiffies * jiffy_ns);
	KNOW(x, spurious, (uint32_t)(now->dsack - (flow->lines ? flow->told_dsack : flow->counts.first_dsack)));
}

/* ---- counts --------------------------------------------------------- */

static void tell_classes(const struct retransmit_flow *flow, struct tcp_retransmit *x)
{
	uint64_t most = 0;

	for (int class = 1; class < RETRANSMIT_CLASSES; class++) {
		uint64_t n = flow->counts.by_class[class] - flow->told.by_class[class];
		struct retransmit_class_count *row = &x->by_class[x->by_class_count];

		if (!n || x->by_class_count == sizeof(x->by_class) / sizeof(x->by_class[0]))
			continue;
		KNOW(row, class, class);
		KNOW(row, count, n);
		x->by_class_count++;
		if (n <= most)
			continue;
		most = n;
		KNOW(x, class, class);
	}
	x->known.by_class = x->by_class_count > 1;
	if (x->by_class_count < 2)
		x->by_class_count = 0;
}

static void tell_counts(const struct retransmit_flow *flow, struct tcp_retransmit *x)
{
	const struct flow *now = &flow->counts, *told = &flow->told;
	uint64_t from = flow->lines ? flow->told_ns : flow->first_ns;

	KNOW(x, count, now->count - told->count);
	tell_classes(flow, x);
	KNOW(x, timeouts, now->timeouts - told->timeouts);
	/* the kernel side may take some back */
	KNOW(x, failed, now->failed > told->failed ? now->failed - told->failed : 0);
	if (now->not_tried != told->not_tried)
		KNOW(x, not_tried, now->not_tried - told->not_tried);
	if (now->err && (x->failed || x->known.not_tried))
		KNOW(x, err, now->err);
	KNOW(x, window_ns, span(from, now->last_ns));
	if (x->count > 1 && x->window_ns >= 1000000)
		KNOW(x, rate_per_s, (double)x->count * 1e9 / x->window_ns + 0.5);
	KNOW(x, total, flow->total);
	KNOW(x, incident_ns, span(flow->first_ns, now->last_ns));
	if (now->longest)
		KNOW(x, segment_bytes, now->longest);
}

/* What this host did to its segments, with the kernel's reason for the last on either way. */
static void tell_drops(const struct tcp_retransmit_state *state, const struct retransmit_flow *flow,
		       struct tcp_retransmit *x)
{
	const struct flow *now = &flow->counts, *told = &flow->told;
	const struct flow_drops *last = &now->drops_out, *in = &now->drops_in;
	const char *reason;

	KNOW(x, drops_out, now->drops_out.count - told->drops_out.count);
	KNOW(x, drops_in, now->drops_in.count - told->drops_in.count);
	if (!x->drops_out)
		last = in;
	if (!x->drops_out && !x->drops_in)
		return;
	reason = last->reason ? enum_words_find(&state->reasons, last->reason) : NULL;
	if (reason)
		KNOW_TEXT(x, drop_reason, reason);
	if (last->net && last->net != now->netns)
		KNOW(x, drop_netns, last->net);
	if (last == in || !x->drops_in)
		return;
	reason = in->reason ? enum_words_find(&state->reasons, in->reason) : NULL;
	if (reason)
		KNOW_TEXT(x, drop_in_reason, reason);
	if (in->net && in->net != now->netns)
		KNOW(x, drop_in_netns, in->net);
}

/* ---- the others ----------------------------------------------------- */

/* Connections of the wider group beside those of the narrower: at least those that are bad, of which not all were seen. */
static uint64_t beside(const struct flow_group *wider, const struct flow_group *narrower)
{
	uint64_t flows = wider->flows - narrower->flows, bad = wider->bad - narrower->bad;

	return flows > bad ? flows : bad;
}

/* subnets with bad connections, but for the flow's own */
static uint64_t other_subnets(const struct flow_group *all, const struct flow_group *own)
{
	uint64_t count = 0;

	for (unsigned int i = 0; i < all->subnet_count; i++)
		count += all->subnets[i] != own->hash;
	return count < FLOW_SUBNETS - 1 ? count : FLOW_SUBNETS - 1;
}

static void tell_groups(const struct tcp_retransmit_state *state, const struct retransmit_flow *flow,
			struct tcp_retransmit *x)
{
	const struct flow_key *key = &flow->key;
	const struct flow_group *all = tcp_retransmit_group(state, key, 0);
	const struct flow_group *peer = tcp_retransmit_group(state, key, 128);
	const struct flow_group *subnet = tcp_retransmit_group(state, key, address_is_v4(key->peer) ? 120 : 64);

	if (!state->passed || flow->counts.listening || !all || !peer || !subnet)
		return;
	KNOW(x, peer_flows, peer->flows);
	KNOW(x, peer_flows_bad, peer->bad);
	subnet_text(x->subnet, key->peer);
	x->known.subnet = 1;
	KNOW(x, subnet_flows, peer->flows + beside(subnet, peer));
	KNOW(x, subnet_flows_bad, subnet->bad);
	KNOW(x, other_flows, beside(all, subnet));
	KNOW(x, other_flows_bad, all->bad - subnet->bad);
	KNOW(x, other_subnets_bad, other_subnets(all, subnet));
}

static void tell_owner(const struct tcp_retransmit_state *state, const struct retransmit_flow *flow,
		       struct observation *o)
{
	struct tcp_retransmit *x = &o->tcp_retransmit;

	if (!flow->owner_by)
		return;
	KNOW(x, owner_by, flow->owner_by);
	if (flow->sharing > 1)
		KNOW(x, sharing, flow->sharing);
	tcp_owner_fill(state->session, o, &flow->owner);
}

static void fit(struct observation *o)
{
	while (ndjson_observation_bytes(o) > OBSERVATION_BYTES) {
		if (fit_args(&o->process, 4))
			observation_truncated(o, "process.args");
		else if (fit_places(o, 96))
			observation_truncated(o, "cgroup.path");
		else if (fit_args(&o->process, 0))
			observation_truncated(o, "process.args");
		else
			return;
	}
}

void tcp_retransmit_tell(struct tcp_retransmit_state *state, struct retransmit_flow *flow)
{
	static struct observation o;
	struct tcp_retransmit *x = &o.tcp_retransmit;

	observation_clear(&o, KIND_tcp_retransmit);
	o.boot_ns = flow->lines ? flow->counts.last_ns : flow->first_ns;
	tell_flow(state, flow, x);
	tell_counts(flow, x);
	tell_state(state, flow, x);
	tell_drops(state, flow, x);
	tell_groups(state, flow, x);
	tell_owner(state, flow, &o);
	fit(&o);
	session_deliver(state->session, KIND_tcp_retransmit, &o);
}
