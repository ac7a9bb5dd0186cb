// SPDX-License-Identifier: BSD-2-Clause
/* Rules on loss on the way: whose way it is, by who else has trouble. */
#include "tcp_retransmit_words.h"

#include "say.h"

static const struct tcp_retransmit *retransmit(const struct observation *observation)
{
	return &observation->tcp_retransmit;
}

/* trouble, or something that was over before anybody could notice */
static void judge(const struct tcp_retransmit *x, struct verdict *ret)
{
	bool long_ = x->known.incident_ns && x->incident_ns >= 10 * SECOND_NS && tcp_goes_on(x);

	if (long_ || (tcp_stands_still(x) && x->known.window_ns && x->window_ns >= SECOND_NS) || tcp_backed_off(x, 2))
		ret->severity = SEVERITY_WARNING;
}

static void say_flow_loss(struct text *text, const struct tcp_retransmit *x)
{
	bool own = tcp_is_own_peer(x);

	text_add(text, tcp_got_on(x) ? "segments to " : "what was sent to ");
	tcp_say_peer(text, x);
	if (!tcp_got_on(x))
		text_add(text, " is not acknowledged");
	else if (own)
		text_add(text, " were not taken at first, and were when they were sent again");
	else
		text_add(text, " were lost on the way and arrived when they were sent again");
	if (own)
		text_add(text, ". Both ends are on this host: no network is between them, most likely the accept queue or the receive buffer "
			       "of the other was full");
}

static bool scope_is(const struct observation *observation, enum tcp_scope scope)
{
	return tcp_is_data(retransmit(observation)) && tcp_scope(retransmit(observation)) == scope;
}

/* ---- many are affected ---------------------------------------------------- */

bool tcp_lossy_host_matches(const struct observation *observation)
{
	return scope_is(observation, TCP_SCOPE_HOST);
}

void tcp_lossy_host_explain(const struct observation *observation, struct verdict *ret)
{
	const struct tcp_retransmit *x = retransmit(observation);
	char room[128];
	struct text text = say_cause(ret), why = TEXT_ON(room);

	ret->severity = SEVERITY_WARNING;
	say_flow_loss(&text, x);
	tcp_say_scope(&text, x);
	text_add(&text, ": its interface, cable, virtual switch or first router, not this peer");
	text = say_advice(ret);
	text_add(&text, "look at this host's own way out: ");
	tcp_say_commands(&text, observation, "ip -s link; tc -s qdisc show; ethtool -S IF | grep -E \"err|drop|crc\"");
	tcp_advise(ret, "in a virtual machine or container: limits of bandwidth and packets that the provider or the host sets");
	tcp_advise_path(observation, ret);
	text_format(&why, "%llu of %llu connections with others, too: near this host", LLU(x->other_flows_bad), LLU(x->other_flows));
	tcp_conclude(observation, BASIS_INFERRED, room, ret);
}

bool tcp_lossy_subnet_matches(const struct observation *observation)
{
	return scope_is(observation, TCP_SCOPE_SUBNET);
}

void tcp_lossy_subnet_explain(const struct observation *observation, struct verdict *ret)
{
	const struct tcp_retransmit *x = retransmit(observation);
	const char *subnet = x->known.subnet && *x->subnet ? x->subnet : "its subnet";
	char room[160];
	struct text text = say_cause(ret), why = TEXT_ON(room);

	ret->severity = SEVERITY_WARNING;
	say_flow_loss(&text, x);
	tcp_say_scope(&text, x);
	text_add(&text, ": the way to that subnet, neither this host nor this peer alone");
	tcp_advise_path(observation, ret);
	text = say_advice(ret);
	text_format(&text, "give it to whoever runs the network: %s, since when, and that others are clean", subnet);
	text_format(&why, "%llu of %llu connections with %s, others are clean", LLU(x->subnet_flows_bad), LLU(x->subnet_flows), subnet);
	tcp_conclude(observation, BASIS_INFERRED, room, ret);
}

bool tcp_lossy_peer_matches(const struct observation *observation)
{
	return scope_is(observation, TCP_SCOPE_PEER);
}

void tcp_lossy_peer_explain(const struct observation *observation, struct verdict *ret)
{
	const struct tcp_retransmit *x = retransmit(observation);
	char room[128];
	struct text text = say_cause(ret), why = TEXT_ON(room);

	ret->severity = SEVERITY_WARNING;
	say_flow_loss(&text, x);
	tcp_say_scope(&text, x);
	text_add(&text, ": that peer (its interface, its load) or the last part of the way to it");
	tcp_advise_path(observation, ret);
	tcp_advise(ret, "on the peer: ip -s link; nstat -az TcpExtTCPBacklogDrop TcpExtTCPRcvQDrop; is its CPU free for interrupts (mpstat -P ALL)?");
	text_format(&why, "%llu of %llu connections with this peer, others are clean", LLU(x->peer_flows_bad), LLU(x->peer_flows));
	tcp_conclude(observation, BASIS_INFERRED, room, ret);
}

/* ---- this one ---------------------------------------------------------------- */

bool tcp_tail_probe_matches(const struct observation *observation)
{
	const struct tcp_retransmit *x = retransmit(observation);

	return tcp_is_probe_only(x) && !tcp_stands_still(x);
}

void tcp_tail_probe_explain(const struct observation *observation, struct verdict *ret)
{
	const struct tcp_retransmit *x = retransmit(observation);
	struct text text = say_cause(ret);

	text_add(&text, "the last segment before a pause was not acknowledged at once, and TCP sent it again as a probe");
	if (tcp_got_on(x))
		text_add(&text, "; the peer answered. It was lost, or the acknowledgement came late: either way it cost no more than a few "
				"round trips");
	tcp_say_scope(&text, x);
	tcp_advise(ret, "nothing, unless it happens all the time: then look at the way to the peer");
	/* what was over at once needs no card */
	ret->brief = x->known.count && x->count == 1 && tcp_got_on(x);
	tcp_conclude(observation, tcp_got_on(x) ? BASIS_MEASURED : BASIS_INFERRED, "a probe of the tail", ret);
}

bool tcp_path_loss_matches(const struct observation *observation)
{
	const struct tcp_retransmit *x = retransmit(observation);

	/* duplicate ACKs come of what arrived behind a gap */
	return (tcp_is_data(x) && tcp_got_on(x)) || tcp_is_class(x, RETRANSMIT_FAST);
}

void tcp_path_loss_explain(const struct observation *observation, struct verdict *ret)
{
	const struct tcp_retransmit *x = retransmit(observation);
	bool sound = x->known.drops_out && !x->drops_out && x->known.drops_in && !x->drops_in;
	struct text text = say_cause(ret);

	judge(x, ret);
	say_flow_loss(&text, x);
	if (sound && !tcp_is_own_peer(x))
		text_add(&text, "; this host dropped none of them");
	if (tcp_is_class(x, RETRANSMIT_FAST) && !tcp_got_on(x))
		text_add(&text, ", while what was sent after it arrives (duplicate ACKs)");
	tcp_say_scope(&text, x);
	if (ret->severity == SEVERITY_NOTICE && tcp_got_on(x)) {
		tcp_advise(ret, "nothing for a few of them: TCP made up for it. If it goes on, look at the way to the peer");
		/* what was over at once needs no card */
		ret->brief = x->known.count && x->count == 1;
	}
	tcp_advise_path(observation, ret);
	tcp_conclude(observation, BASIS_INFERRED, tcp_is_own_peer(x) ? "not taken at first" : tcp_got_on(x) ?
			 "lost on the way, arrived when sent again" : "lost on the way", ret);
}
