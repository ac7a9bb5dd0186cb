// SPDX-License-Identifier: BSD-2-Clause
/*
 * Rules on this host's own part: not sent, no next hop, dropped on the way out, dropped by the other end where that is on
 * this host, too, and answers dropped on their way in.
 */
#include "tcp_retransmit_words.h"

#include <string.h>

#include "say.h"

static const struct tcp_retransmit *retransmit(const struct observation *observation)
{
	return &observation->tcp_retransmit;
}

/* ---- not sent --------------------------------------------------------------- */

bool tcp_not_sent_matches(const struct observation *observation)
{
	return tcp_not_sent(retransmit(observation));
}

/* what an errno of the way out means */
static const char *error_words(int64_t err)
{
	switch (err) {
	case -1:
		return "a firewall rule or a BPF program of this host refused it";
	case -11:
		return "the peer's window has no room for it";
	case -16:
		return "the copy before has not left this host yet: it waits in a queue, at the driver, or until the next hop says where it is";
	case -12:
		return "the kernel had no memory for it";
	case -90:
		return "it is larger than the interface takes";
	case -99:
		return "the address it was sent from is no longer on this host";
	case -100:
		return "the interface is down";
	case -101:
	case -113:
		return "there is no route, or the next hop does not answer";
	case -105:
	case 1:
	case 2:
		return "the queue of the interface (qdisc) is full or drops";
	default:
		return "this host could not send it";
	}
}

/* The reason that is known is that of the last segment that was dropped, which need not be one that the error is of. */
static bool reason_fits(const struct tcp_retransmit *x)
{
	const char *reason = tcp_drop_reason(x, TCP_OUT);
	int64_t err = x->known.err ? x->err : 0;
	bool queue;

	if (!reason || tcp_drop_place(x, TCP_OUT) == TCP_PLACE_RECEIVER || tcp_drop_place(x, TCP_OUT) == TCP_PLACE_HARMLESS)
		return false;
	queue = strncmp(reason, "QDISC_", 6) == 0 || strncmp(reason, "TC_", 3) == 0;
	if (err == -1)
		return !queue && tcp_drop_place(x, TCP_OUT) != TCP_PLACE_NEIGHBOUR;
	if (err == -105 || err == 1 || err == 2)
		return queue;
	return !err;
}

static void advise_not_sent(const struct observation *observation, struct verdict *ret)
{
	const struct tcp_retransmit *x = retransmit(observation);
	int64_t err = x->known.err ? x->err : 0;
	struct text text;

	if (reason_fits(x)) {
		tcp_advise_reason(observation, TCP_OUT, ret);
		return;
	}
	text = say_advice(ret);
	text_add(&text, "look: ");
	if (err == -1) {
		tcp_say_commands(&text, observation, "nft list ruleset; iptables -vnL; bpftool cgroup tree");
	} else if (err == -11) {
		tcp_say_commands(&text, observation, "ss -tien");
		text_add(&text, "   (snd_wnd: the peer's application reads too slowly)");
	} else if (err == -101 || err == -113 || err == -99 || err == -100) {
		tcp_say_route(&text, observation);
		text_add(&text, "; ");
		tcp_say_commands(&text, observation, "ip neigh; ip -br addr; ip -br link");
	} else if (err == -16) {
		tcp_say_commands(&text, observation, "ip neigh; tc -s qdisc show; ip -s link");
		text_add(&text, "   (FAILED or INCOMPLETE is a next hop that does not answer; backlog is what waits)");
	} else {
		tcp_say_commands(&text, observation, "tc -s qdisc show; ip -s link; ethtool -S IF");
		text_add(&text, "   (dropped, overlimits)");
		tcp_advise(ret, "give the queue room or send less: a longer or fairer qdisc (fq_codel, fq), a higher rate in tc, a longer "
				"txqueuelen, or a limit in the program");
	}
}

/* those that were dropped besides, for a reason that is none of the error's */
static void say_others_dropped(struct text *text, const struct tcp_retransmit *x)
{
	if (!tcp_drops(x, TCP_OUT) || !tcp_drop_reason(x, TCP_OUT) || reason_fits(x) || tcp_drop_place(x, TCP_OUT) == TCP_PLACE_HARMLESS)
		return;
	text_add(text, ". Besides, ");
	tcp_say_count(text, tcp_drops(x, TCP_OUT), "segment of it was dropped", "segments of it were dropped");
	tcp_say_reason(text, x, TCP_OUT);
}

void tcp_not_sent_explain(const struct observation *observation, struct verdict *ret)
{
	const struct tcp_retransmit *x = retransmit(observation);
	uint64_t not_sent = tcp_not_sent(x), all = x->known.count ? x->count + not_sent - (x->known.failed ? x->failed : 0) : 0;
	char room[240];
	struct text text = say_cause(ret), why = TEXT_ON(room);

	ret->severity = SEVERITY_WARNING;
	if (x->known.err && x->err)
		tcp_say_error(&why, x->err);
	else
		text_add(&why, "failed");
	text_format(&why, not_sent == 1 ? " once" : " %llu times", LLU(not_sent));
	if (x->known.err && x->err)
		text_format(&why, ", %s", error_words(x->err));
	text_format(&text, "not sent: %s", room);
	if (reason_fits(x))
		tcp_say_reason(&text, x, TCP_OUT);
	text_add(&text, ". That is no loss in the network: ");
	if (all > not_sent)
		text_format(&text, "%llu of the %llu segments did not leave this host", LLU(not_sent), LLU(all));
	else
		text_add(&text, not_sent == 1 ? "it did not leave this host" : "they did not leave this host");
	say_others_dropped(&text, x);
	advise_not_sent(observation, ret);
	if (tcp_drop_place(x, TCP_OUT) == TCP_PLACE_HERE && !reason_fits(x))
		tcp_advise_reason(observation, TCP_OUT, ret);
	tcp_conclude(observation, BASIS_MEASURED, room, ret);
}

/* ---- nobody to give it to ---------------------------------------------------------- */

static bool host_unreachable(const struct tcp_retransmit *x)
{
	return x->known.soft_error && strcmp(x->soft_error, "EHOSTUNREACH") == 0;
}

static bool neighbour_fails(const struct tcp_retransmit *x)
{
	return tcp_drops(x, TCP_OUT) && tcp_drop_place(x, TCP_OUT) == TCP_PLACE_NEIGHBOUR;
}

/* segments that wait for the next hop are busy, then dropped, mostly without a reason; the error is gone when an ACK comes */
bool tcp_next_hop_matches(const struct observation *observation)
{
	const struct tcp_retransmit *x = retransmit(observation);

	if (tcp_not_sent(x) && x->known.err && x->err && x->err != -16 && x->err != -113)
		return false;
	if (neighbour_fails(x))
		return true;
	if (!host_unreachable(x) || tcp_got_on(x))
		return false;
	return (tcp_not_sent(x) && x->known.err && x->err) || (tcp_drops(x, TCP_OUT) && !tcp_drop_reason(x, TCP_OUT));
}

void tcp_next_hop_explain(const struct observation *observation, struct verdict *ret)
{
	const struct tcp_retransmit *x = retransmit(observation);
	const char *asks = x->known.daddr && strchr(x->daddr, ':') ? "NDP" : "ARP";
	char room[160];
	struct text text = say_cause(ret), why = TEXT_ON(room);

	ret->severity = SEVERITY_WARNING;
	text_format(&why, "the next hop does not answer %s", asks);
	text_add(&text, room);
	if (neighbour_fails(x))
		text_format(&text, " (%s)", tcp_drop_reason(x, TCP_OUT));
	text_add(&text, ": the peer itself, where it is on the same link, else the router to it. It is down, has no such address, or the link "
			"to it is down; what is sent waits here and is dropped");
	if (x->known.since_ack_ns && x->since_ack_ns >= SECOND_NS) {
		text_add(&text, ". Nothing from the peer for ");
		text_duration(&text, x->since_ack_ns);
	}
	tcp_say_soft_error(&text, x);
	tcp_say_scope(&text, x);
	text = say_advice(ret);
	text_add(&text, "look which hop it is, and at the link: ");
	tcp_say_route(&text, observation);
	text_add(&text, "; ");
	tcp_say_commands(&text, observation, "ip neigh; ip -br link");
	text_add(&text, "   (FAILED or INCOMPLETE; UP with LOWER_UP)");
	tcp_advise(ret, "of that hop: is it up, has it that address, is it in the same VLAN or bridge; of a virtual one, is its end of the veth "
			"or tap up?");
	tcp_conclude(observation, neighbour_fails(x) ? BASIS_MEASURED : BASIS_INFERRED, room, ret);
}

/* ---- dropped on the way out ---------------------------------------------------- */

bool tcp_dropped_out_matches(const struct observation *observation)
{
	const struct tcp_retransmit *x = retransmit(observation);
	enum tcp_place place = tcp_drop_place(x, TCP_OUT);

	return tcp_drops(x, TCP_OUT) && (place == TCP_PLACE_HERE || place == TCP_PLACE_UNKNOWN);
}

void tcp_dropped_out_explain(const struct observation *observation, struct verdict *ret)
{
	const struct tcp_retransmit *x = retransmit(observation);
	bool error = x->known.soft_error && *x->soft_error;
	char room[160];
	struct text text = say_cause(ret), why = TEXT_ON(room);

	ret->severity = SEVERITY_WARNING;
	text_add(&why, "this host dropped ");
	tcp_say_count(&why, x->drops_out, "segment", "segments");
	text_add(&why, " on the way out");
	tcp_say_reason(&why, x, TCP_OUT);
	text_add(&text, room);
	text_add(&text, ": TCP took them for sent and sends them again");
	if (tcp_drop_place(x, TCP_OUT) == TCP_PLACE_HERE || (!tcp_drop_reason(x, TCP_OUT) && !error))
		text_add(&text, ". The network had no part in it");
	else
		tcp_say_soft_error(&text, x);
	tcp_advise_reason(observation, TCP_OUT, ret);
	tcp_conclude(observation, BASIS_MEASURED, room, ret);
}

/* ---- dropped by who was to have it ----------------------------------------------- */

bool tcp_dropped_there_matches(const struct observation *observation)
{
	const struct tcp_retransmit *x = retransmit(observation);

	return tcp_drops(x, TCP_OUT) && tcp_drop_place(x, TCP_OUT) == TCP_PLACE_RECEIVER;
}

/* The peer has taken nothing but the SYN, which counts for one. */
static bool nothing_taken(const struct tcp_retransmit *x)
{
	return x->known.accepted && !x->accepted && x->known.acked_bytes && x->acked_bytes <= 1;
}

/* True where the sentence is a conclusion. */
static bool say_why_there(struct text *text, const struct tcp_retransmit *x)
{
	if (tcp_drop_is(x, TCP_OUT, "TCP_LISTEN_OVERFLOW")) {
		text_add(text, tcp_got_on(x) ? ". The accept queue of the listening socket there was full for a while: it dropped the last ACK of the "
					       "handshake and what came after, while for this side the connection stood. Later it was taken" :
					       ". The accept queue of the listening socket there is full: it drops the last ACK of the handshake and what "
					       "comes after, while for this side the connection stands. Its program does not accept");
		return false;
	}
	if (!tcp_drop_is(x, TCP_OUT, "NO_SOCKET")) {
		text_add(text, ". It is no loss in the network");
		return false;
	}
	if (tcp_is_class(x, RETRANSMIT_SYN) && !tcp_is_connected(x))
		text_add(text, x->known.count && x->drops_out <= x->count && !tcp_goes_on(x) ?
			       ". Nobody listens there any more; a SYN before that got no answer, as from a full accept queue" :
			       ". Nobody listens there, and the refusal (RST) does not come back");
	else if (tcp_is_class(x, RETRANSMIT_SYNACK))
		text_add(text, ". The client is gone, and its RST does not come back");
	else if (tcp_got_on(x))
		text_add(text, ". Later the same was taken: most likely the accept queue of the listening socket was full until then (with "
			       "syncookies it keeps nothing of a handshake for which it has no room)");
	else if (nothing_taken(x))
		text_add(text, ". Nothing of this connection was ever taken: the accept queue of the listening socket was full when the handshake "
			       "ended (with syncookies it then keeps nothing of it), or that socket is closed since");
	else
		text_add(text, ". The other end has closed the connection or is gone, and its RST does not come back");
	return true;
}

/* what to look at there, in its network namespace */
static void advise_there(const struct observation *observation, struct verdict *ret)
{
	const struct tcp_retransmit *x = retransmit(observation);
	bool overflow = tcp_drop_is(x, TCP_OUT, "TCP_LISTEN_OVERFLOW"), gone = tcp_drop_is(x, TCP_OUT, "NO_SOCKET");
	struct text text;

	if (!overflow && !gone) {
		tcp_advise_reason(observation, TCP_OUT, ret);
		return;
	}
	if (overflow || nothing_taken(x) || tcp_got_on(x))
		tcp_advise(ret, "whether and why the queue is full: acceptwatch");
	text = say_advice(ret);
	text_add(&text, "see who listens at the other end: ");
	if (tcp_drop_netns(x, TCP_OUT))
		tcp_say_enter_netns(&text, tcp_drop_netns(x, TCP_OUT));
	else
		tcp_say_enter(&text, observation);
	text_add(&text, "ss -lntp");
	if (x->known.dport && !(x->known.accepted && x->accepted))
		text_format(&text, " 'sport = :%llu'", LLU(x->dport));
	text_add(&text, "   (Recv-Q above Send-Q is a full queue)");
}

void tcp_dropped_there_explain(const struct observation *observation, struct verdict *ret)
{
	const struct tcp_retransmit *x = retransmit(observation);
	char room[200];
	struct text text = say_cause(ret), why = TEXT_ON(room);
	bool inferred;

	ret->severity = SEVERITY_WARNING;
	tcp_say_count(&why, x->drops_out, "segment", "segments");
	text_add(&why, " arrived at the other end, on this host, and ");
	text_add(&why, x->drops_out == 1 ? "was dropped there" : "were dropped there");
	tcp_say_reason(&why, x, TCP_OUT);
	text_add(&text, room);
	inferred = say_why_there(&text, x);
	advise_there(observation, ret);
	tcp_conclude(observation, inferred ? BASIS_INFERRED : BASIS_MEASURED, room, ret);
}

/* ---- answers dropped ------------------------------------------------------------- */

/* While a connection is closed the kernel frees each ACK without a reason once it has taken what it says. */
static bool is_closing(const struct tcp_retransmit *x)
{
	static const char *const states[] = { "FIN_WAIT1", "FIN_WAIT2", "CLOSING", "LAST_ACK", "TIME_WAIT" };

	for (size_t i = 0; x->known.state && i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(x->state, states[i]) == 0)
			return true;
	return false;
}

static bool drops_in(const struct tcp_retransmit *x)
{
	if (!tcp_drop_reason(x, TCP_IN) && is_closing(x))
		return false;
	return tcp_drops(x, TCP_IN) && tcp_drop_place(x, TCP_IN) != TCP_PLACE_HARMLESS;
}

bool tcp_synack_dropped_matches(const struct observation *observation)
{
	const struct tcp_retransmit *x = retransmit(observation);

	return tcp_is_class(x, RETRANSMIT_SYN) && drops_in(x);
}

void tcp_synack_dropped_explain(const struct observation *observation, struct verdict *ret)
{
	const struct tcp_retransmit *x = retransmit(observation);
	bool refused = tcp_drop_is(x, TCP_OUT, "NO_SOCKET"), elsewhere = tcp_drop_netns(x, TCP_IN);
	char room[160];
	struct text text = say_cause(ret), why = TEXT_ON(room);

	ret->severity = SEVERITY_WARNING;
	text_add(&why, elsewhere ? "the answers are dropped on this host before they arrive" :
				   "the answers arrive and are dropped on this host");
	tcp_say_reason(&why, x, TCP_IN);
	tcp_say_peer(&text, x);
	text_add(&text, refused ? " refuses the SYN (nobody listens there): " : " answers the SYN: ");
	if (elsewhere)
		tcp_say_count(&text, x->drops_in, "of its segments was", "of its segments were");
	else
		tcp_say_count(&text, x->drops_in, "of its segments arrived and was", "of its segments arrived and were");
	text_add(&text, elsewhere ? " dropped on this host, in another network namespace" : " dropped on this host");
	tcp_say_reason(&text, x, TCP_IN);
	text_add(&text, refused ? ". The network is well" : ". Peer and network are well");
	tcp_advise_reason(observation, TCP_IN, ret);
	if (!elsewhere)
		tcp_advise(ret, "a firewall has to let answers in (ct state established,related accept), on the interface they come by");
	tcp_conclude(observation, BASIS_MEASURED, room, ret);
}

bool tcp_answers_dropped_matches(const struct observation *observation)
{
	return drops_in(retransmit(observation));
}

void tcp_answers_dropped_explain(const struct observation *observation, struct verdict *ret)
{
	const struct tcp_retransmit *x = retransmit(observation);
	bool refused = tcp_drop_is(x, TCP_OUT, "NO_SOCKET");
	char room[160];
	struct text text = say_cause(ret), why = TEXT_ON(room);

	ret->severity = SEVERITY_WARNING;
	text_add(&why, "this host dropped ");
	tcp_say_count(&why, x->drops_in, "segment", "segments");
	text_add(&why, " from the peer that had arrived");
	tcp_say_reason(&why, x, TCP_IN);
	text_add(&text, room);
	if (refused)
		text_add(&text, ": the other end, on this host, too, no longer has the connection (NO_SOCKET), and the RST that says so is lost "
				"here, so that TCP goes on sending");
	else if (tcp_is_class(x, RETRANSMIT_SYNACK))
		text_add(&text, ": the client's last ACK of the handshake is most likely among them, and so TCP sends the SYN-ACK again");
	else
		text_add(&text, ": the acknowledgements in them are lost here, and so TCP sends again what the peer may well have");
	tcp_advise_reason(observation, TCP_IN, ret);
	/* it was seen that they are dropped, not what was in them */
	tcp_conclude(observation, BASIS_INFERRED, room, ret);
}
