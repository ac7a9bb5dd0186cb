// SPDX-License-Identifier: BSD-2-Clause
/* Rules on the handshake: SYNs and SYN-ACKs that nobody answers. */
#include "tcp_retransmit_words.h"

#include <string.h>

#include "say.h"

static const struct tcp_retransmit *retransmit(const struct observation *observation)
{
	return &observation->tcp_retransmit;
}

/* ---- SYN --------------------------------------------------------------- */

bool tcp_syn_late_matches(const struct observation *observation)
{
	const struct tcp_retransmit *x = retransmit(observation);

	return tcp_is_class(x, RETRANSMIT_SYN) && (tcp_got_on(x) || tcp_is_connected(x));
}

void tcp_syn_late_explain(const struct observation *observation, struct verdict *ret)
{
	const struct tcp_retransmit *x = retransmit(observation);
	struct text text = say_cause(ret);

	tcp_say_peer(&text, x);
	text_add(&text, " answered only when the SYN was sent again: the connection stands, it took 1 s longer or more. ");
	if (tcp_is_own_peer(x))
		text_add(&text, "Its address is one of this host: its accept queue was full for a moment");
	else
		text_add(&text, "The first was lost, or the peer's accept queue was full for a moment");
	tcp_say_scope(&text, x);
	tcp_advise(ret, tcp_is_own_peer(x) ? "if it happens often: acceptwatch" :
			"if it happens often, look at the peer: acceptwatch there, or nstat -az TcpExtListenOverflows TcpExtListenDrops");
	tcp_conclude(observation, BASIS_INFERRED, "answered in the end", ret);
}

bool tcp_syn_unreachable_matches(const struct observation *observation)
{
	const struct tcp_retransmit *x = retransmit(observation);

	return tcp_is_class(x, RETRANSMIT_SYN) && x->known.soft_error && *x->soft_error;
}

static const char *error_means(const char *error)
{
	if (strcmp(error, "EHOSTUNREACH") == 0)
		return "the last router or this host finds no such neighbour (the peer is down or its address is wrong), or a firewall "
		       "says so";
	if (strcmp(error, "ENETUNREACH") == 0)
		return "a router on the way has no route to that network";
	if (strcmp(error, "ECONNREFUSED") == 0)
		return "the peer's host is up, and refuses that port";
	if (strcmp(error, "EACCES") == 0 || strcmp(error, "EPERM") == 0)
		return "a firewall on the way forbids it";
	return "somebody on the way said so";
}

void tcp_syn_unreachable_explain(const struct observation *observation, struct verdict *ret)
{
	const struct tcp_retransmit *x = retransmit(observation);
	char room[96];
	struct text text = say_cause(ret), why = TEXT_ON(room);

	ret->severity = SEVERITY_WARNING;
	text_format(&why, "unreachable, %s", x->soft_error);
	tcp_say_peer(&text, x);
	text_format(&text, " is not reached: %s (by ICMP, or from the route): %s", x->soft_error, error_means(x->soft_error));
	tcp_say_scope(&text, x);
	text = say_advice(ret);
	text_add(&text, "look at the route and the neighbour: ");
	tcp_say_route(&text, observation);
	text_add(&text, "; ");
	tcp_say_commands(&text, observation, "ip neigh");
	tcp_advise_path(observation, ret);
	tcp_advise(ret, "is the address right, and the peer up? A service that moved leaves old addresses in DNS and in pools");
	tcp_conclude(observation, BASIS_MEASURED, room, ret);
}

bool tcp_syn_unanswered_matches(const struct observation *observation)
{
	return tcp_is_class(retransmit(observation), RETRANSMIT_SYN);
}

/* Both ends are here. What an accept queue has no room for is no drop that the kernel tells of. */
static void syn_to_own_host(const struct observation *observation, struct verdict *ret)
{
	const struct tcp_retransmit *x = retransmit(observation);
	struct text text = say_cause(ret);

	tcp_say_peer(&text, x);
	text_add(&text, " does not answer the SYN, neither yes nor no. That is an address of this host, where a port on which nobody listens "
			"would refuse it: most likely the accept queue of who listens there is full");
	tcp_advise(ret, "whether and why it is full, and whose it is: acceptwatch");
	text = say_advice(ret);
	text_add(&text, "look at it: ");
	tcp_say_enter(&text, observation);
	text_add(&text, "ss -lntp");
	if (x->known.dport)
		text_format(&text, " 'sport = :%llu'", LLU(x->dport));
	text_add(&text, "   (Recv-Q above Send-Q is a full queue)");
	tcp_conclude(observation, BASIS_INFERRED, "no answer on this host itself, most likely a full accept queue", ret);
}

void tcp_syn_unanswered_explain(const struct observation *observation, struct verdict *ret)
{
	const struct tcp_retransmit *x = retransmit(observation);
	bool watched = x->known.drops_in && !x->drops_in, clean = watched && x->known.drops_out && !x->drops_out;
	struct text text;

	ret->severity = SEVERITY_WARNING;
	if (tcp_is_own_peer(x)) {
		syn_to_own_host(observation, ret);
		return;
	}
	text = say_cause(ret);
	tcp_say_peer(&text, x);
	text_add(&text, " does not answer the SYN, neither yes nor no");
	/* of a peer in a namespace of this host a full accept queue would be here, too */
	if (clean)
		text_add(&text, ", and no firewall or interface of this host dropped it");
	text_add(&text, ": the peer is down, a firewall drops in silence, or its accept queue is full");
	if (tcp_scope(x) == TCP_SCOPE_FLOW)
		text_add(&text, ". Other connections with this peer are well, so it is up: a full queue or a firewall for that port");
	else
		tcp_say_scope(&text, x);
	text = say_advice(ret);
	text_add(&text, "see whether the peer lives and what the port says: ");
	tcp_say_enter(&text, observation);
	text_add(&text, "ping -c 3 ");
	tcp_say_host(&text, x);
	tcp_advise_path(observation, ret);
	tcp_advise(ret, "on the peer: ss -lnt (does anybody listen? Recv-Q above Send-Q is a full queue), its firewall, acceptwatch, which here "
			"tells of containers of this host, too");
	tcp_conclude(observation, watched ? BASIS_MEASURED : BASIS_INFERRED, "no answer", ret);
}

/* ---- SYN-ACK ------------------------------------------------------------- */

static bool is_full(const struct tcp_retransmit *x)
{
	return x->known.queue && x->known.limit && x->queue > x->limit;
}

/* there is room again meanwhile, or not */
static bool overflowed(const struct tcp_retransmit *x)
{
	return tcp_drop_is(x, TCP_IN, "TCP_LISTEN_OVERFLOW");
}

/* on this host something else drops what the client sends */
static bool dropped_before(const struct tcp_retransmit *x)
{
	return tcp_drops(x, TCP_IN) && tcp_drop_place(x, TCP_IN) == TCP_PLACE_HERE;
}

bool tcp_synack_full_matches(const struct observation *observation)
{
	const struct tcp_retransmit *x = retransmit(observation);

	return tcp_is_class(x, RETRANSMIT_SYNACK) && (overflowed(x) || (is_full(x) && !dropped_before(x)));
}

void tcp_synack_full_explain(const struct observation *observation, struct verdict *ret)
{
	const struct tcp_retransmit *x = retransmit(observation);
	char room[128];
	struct text text = say_cause(ret), why = TEXT_ON(room);

	ret->severity = SEVERITY_WARNING;
	if (x->known.sport)
		text_format(&why, "the accept queue of port %llu", LLU(x->sport));
	else
		text_add(&why, "its accept queue");
	text_add(&why, is_full(x) ? " is full" : " was full");
	if (x->known.queue && x->known.limit)
		text_format(&why, is_full(x) ? " (%llu, limit %llu)" : " (now %llu, limit %llu)", LLU(x->queue), LLU(x->limit));
	text_add(&text, room);
	text_add(&text, ": the client's last ACK of the handshake is dropped here, and the SYN-ACK is sent again as if it had been lost. "
			"Client and network are well");
	tcp_advise(ret, "why it is full: acceptwatch");
	text = say_advice(ret);
	text_add(&text, "look at it: ");
	tcp_say_enter(&text, observation);
	text_add(&text, "ss -lntp");
	if (x->known.sport)
		text_format(&text, " 'sport = :%llu'", LLU(x->sport));
	text_add(&text, "   (Recv-Q is the queue, Send-Q the limit)");
	/* that the queue is full was seen, not always that the ACK came */
	tcp_conclude(observation, overflowed(x) ? BASIS_MEASURED : BASIS_INFERRED, room, ret);
}

bool tcp_synack_unanswered_matches(const struct observation *observation)
{
	return tcp_is_class(retransmit(observation), RETRANSMIT_SYNACK);
}

/* the client has it: it is on this host, and took the SYN-ACK for a duplicate */
static void synack_received(const struct observation *observation, struct verdict *ret)
{
	const struct tcp_retransmit *x = retransmit(observation);
	struct text text = say_cause(ret);

	text_add(&text, "the client ");
	tcp_say_peer(&text, x);
	text_add(&text, ", on this host, had the SYN-ACK already (TCP_INVALID_SYN: a duplicate), so that was not lost: its last ACK did not "
			"complete the handshake here. The accept queue was full then, or TCP_DEFER_ACCEPT waits for the client's first data");
	if (x->known.queue && x->known.limit)
		text_format(&text, " (now %llu wait, limit %llu)", LLU(x->queue), LLU(x->limit));
	tcp_advise(ret, "whether the accept queue overflows: acceptwatch");
	tcp_advise(ret, "with TCP_DEFER_ACCEPT (nginx: deferred, Apache: AcceptFilter) this is as it is meant to be, of clients that say nothing");
	tcp_conclude(observation, BASIS_INFERRED, "the client has it, its ACK was not taken", ret);
}

void tcp_synack_unanswered_explain(const struct observation *observation, struct verdict *ret)
{
	const struct tcp_retransmit *x = retransmit(observation);
	bool room_left = x->known.queue && x->known.limit && x->queue <= x->limit;
	struct text text;

	if (tcp_drops(x, TCP_OUT) && tcp_drop_is(x, TCP_OUT, "TCP_INVALID_SYN")) {
		synack_received(observation, ret);
		return;
	}
	text = say_cause(ret);
	text_add(&text, "the client ");
	tcp_say_peer(&text, x);
	if (tcp_got_on(x)) {
		text_add(&text, " answered only when the SYN-ACK was sent again: it or the client's ACK was lost once");
	} else {
		text_add(&text, " does not answer the SYN-ACK");
		text_add(&text, ": it is gone, its answers take another way or are filtered, or it never meant to (a port scan, a SYN flood "
				"with false addresses)");
	}
	if (room_left)
		text_format(&text, ". The accept queue has room (%llu, limit %llu), it is not that", LLU(x->queue), LLU(x->limit));
	tcp_say_scope(&text, x);
	if (tcp_got_on(x))
		tcp_advise(ret, "nothing, unless it happens often: then look at the way to these clients");
	else
		tcp_advise(ret, "of a few clients: nothing to do on this host; see whether the answer leaves by the right interface (ip route get CLIENT)");
	if (!tcp_got_on(x))
		tcp_advise(ret, "of many different clients it is a SYN flood: sysctl net.ipv4.tcp_syncookies (1 is right); "
				"ss -nt state syn-recv | wc -l");
	tcp_conclude(observation, BASIS_INFERRED, tcp_got_on(x) ? "the client answered in the end" : "the client does not answer", ret);
}
