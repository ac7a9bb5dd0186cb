// SPDX-License-Identifier: BSD-2-Clause
/*
 * Why TCP sends segments again. First what was seen on this host, which is no
 * loss in the network at all; then what the peer shows; then, for loss on the
 * way, whose way it is. The last claims nothing.
 */
#include "diagnosis.h"

#include "say.h"
#include "tcp_retransmit_words.h"

static const struct tcp_retransmit *retransmit(const struct observation *observation)
{
	return &observation->tcp_retransmit;
}

/* ---- the peer holds back ----------------------------------------------------- */

static bool zero_window_matches(const struct observation *observation)
{
	const struct tcp_retransmit *x = retransmit(observation);

	/* before a connection stands there is no window */
	return tcp_is_data(x) && x->known.peer_window_bytes && !x->peer_window_bytes;
}

static void zero_window_explain(const struct observation *observation, struct verdict *ret)
{
	const struct tcp_retransmit *x = retransmit(observation);
	char room[96];
	struct text text = say_cause(ret), why = TEXT_ON(room);

	if (x->known.zero_window_ns && x->zero_window_ns >= SECOND_NS)
		ret->severity = SEVERITY_WARNING;
	text_add(&why, "the peer's window is zero");
	if (x->known.zero_window_ns && x->zero_window_ns) {
		text_add(&why, " for ");
		text_duration(&why, x->zero_window_ns);
	}
	text_add(&text, "not loss: ");
	text_add(&text, room);
	text_add(&text, ". Its application does not read, its receive buffer is full, and TCP may only ask from time to time whether there is "
			"room again");
	if (x->known.bytes_in_queue && x->bytes_in_queue) {
		text_add(&text, ". ");
		text_bytes(&text, x->bytes_in_queue);
		text_add(&text, " wait here");
	}
	text = say_advice(ret);
	text_add(&text, "look at the peer's application at ");
	tcp_say_peer(&text, x);
	text_add(&text, ": it hangs, is stopped or too slow (ss -tnp there: a large Recv-Q)");
	tcp_advise(ret, "in the program here: a timeout for writes, and a bound on what it queues for a peer that is slow");
	tcp_conclude(observation, BASIS_MEASURED, room, ret);
}

/* ---- nothing was lost ----------------------------------------------------------- */

static bool spurious_matches(const struct observation *observation)
{
	const struct tcp_retransmit *x = retransmit(observation);

	return x->known.spurious && x->known.count && x->count && x->spurious >= x->count;
}

static void spurious_explain(const struct observation *observation, struct verdict *ret)
{
	const struct tcp_retransmit *x = retransmit(observation);
	bool timer = tcp_is_class(x, RETRANSMIT_RTO) || tcp_is_class(x, RETRANSMIT_TLP);
	struct text text = say_cause(ret);

	text_add(&text, "not loss: the peer reports all of them as received twice (DSACK). ");
	if (timer)
		text_add(&text, "The first copies arrived, or their acknowledgements, later than TCP expected: a sudden delay (a full buffer on the "
				"way, a machine that was paused, a radio link)");
	else
		text_add(&text, "The first copies arrived in another order or late: several ways at a time (bonding, ECMP, a load balancer by "
				"packet)");
	if (tcp_goes_on(x)) {
		text_add(&text, ". It costs throughput: each one makes TCP slow down");
		tcp_advise(ret, timer ? "look for what delays: queues (tc -s qdisc show; bufferbloat), a virtual machine without CPU (steal in vmstat 1)" :
					"look for what reorders: ip route get (nexthop), bonding mode (balance-rr), RPS and RSS on the way");
	}
	tcp_advise(ret, "nothing, unless it goes on: a few are normal");
	tcp_conclude(observation, BASIS_MEASURED, "not lost, the peer received them twice", ret);
}

/* ---- nothing gets through --------------------------------------------------------- */

/* it was heard of since the first of them was sent, or has not taken a single full segment yet */
static bool black_hole_matches(const struct observation *observation)
{
	const struct tcp_retransmit *x = retransmit(observation);
	bool full = x->known.segment_bytes && x->known.mss_bytes && x->mss_bytes && x->segment_bytes >= x->mss_bytes;
	bool heard = x->known.since_ack_ns && x->known.incident_ns && x->since_ack_ns < x->incident_ns;
	bool none = x->known.acked_bytes && x->known.mss_bytes && x->acked_bytes < x->mss_bytes;

	return tcp_is_class(x, RETRANSMIT_RTO) && full && tcp_stands_still(x) && tcp_backed_off(x, 2) && (heard || none);
}

static void black_hole_explain(const struct observation *observation, struct verdict *ret)
{
	const struct tcp_retransmit *x = retransmit(observation);
	struct text text = say_cause(ret);

	ret->severity = SEVERITY_WARNING;
	text_add(&text, "small segments to ");
	tcp_say_peer(&text, x);
	text_add(&text, " get through, full ones (");
	text_bytes(&text, x->segment_bytes);
	text_add(&text, ") do not: most likely a link on the way takes only smaller packets, and the ICMP message that says so is filtered "
			"(path MTU black hole)");
	tcp_say_scope(&text, x);
	text = say_advice(ret);
	text_add(&text, "find the size that passes: ");
	tcp_say_enter(&text, observation);
	text_add(&text, "tracepath -n ");
	tcp_say_host(&text, x);
	text_add(&text, "; of tunnels, VPNs and overlay networks on the way compare the MTU (ip -d link)");
	text = say_advice(ret);
	text_add(&text, "at once: ");
	tcp_say_enter(&text, observation);
	text_add(&text, "sysctl -w net.ipv4.tcp_mtu_probing=1 (TCP then finds the size by itself; IPv6 too), or a smaller MTU on the interface or "
			"route");
	tcp_advise(ret, "for good: the right MTU on the tunnel, MSS clamping on the router (TCPMSS --clamp-mss-to-pmtu), and let ICMP \"too "
			"big\" pass");
	tcp_conclude(observation, BASIS_INFERRED, "only full-size segments, most likely a path MTU black hole", ret);
}

static bool dead_peer_matches(const struct observation *observation)
{
	const struct tcp_retransmit *x = retransmit(observation);

	return tcp_is_class(x, RETRANSMIT_RTO) && tcp_backed_off(x, 2) && tcp_stands_still(x) && x->known.since_ack_ns &&
	       x->since_ack_ns >= SECOND_NS;
}

static void dead_peer_explain(const struct observation *observation, struct verdict *ret)
{
	const struct tcp_retransmit *x = retransmit(observation);
	char room[128];
	struct text text = say_cause(ret), why = TEXT_ON(room);

	ret->severity = SEVERITY_WARNING;
	text_add(&why, "nothing from the peer for ");
	text_duration(&why, x->since_ack_ns);
	text_add(&text, room);
	tcp_say_soft_error(&text, x);
	if (tcp_scope(x) == TCP_SCOPE_FLOW)
		text_add(&text, ", while other connections with it are well: it has forgotten this one, or a firewall, NAT or load balancer "
				"between has (idle for too long, failover)");
	else
		text_add(&text, ": it is down, or the way to it is");
	if (tcp_scope(x) != TCP_SCOPE_FLOW)
		tcp_say_scope(&text, x);
	text_add(&text, ". TCP goes on for about 15 minutes (tcp_retries2) before the program gets ETIMEDOUT");
	if (tcp_scope(x) == TCP_SCOPE_FLOW)
		tcp_advise(ret, "keepalive below the idle timeout of what is between (SO_KEEPALIVE, TCP_KEEPIDLE), and a smaller maximum age in pools");
	tcp_advise_path(observation, ret);
	tcp_advise(ret, "in the program: TCP_USER_TIMEOUT or a timeout for requests, so that it notices in seconds; a restart opens new "
			"connections");
	/* it is silent, which was seen; why was not */
	tcp_conclude(observation, BASIS_INFERRED, room, ret);
}

/* ---- nothing to go by ---------------------------------------------------------------- */

static bool always(const struct observation *observation)
{
	(void)observation;
	return true;
}

static void unexplained_explain(const struct observation *observation, struct verdict *ret)
{
	const struct tcp_retransmit *x = retransmit(observation);
	struct text text = say_cause(ret);

	if (tcp_stands_still(x) && tcp_backed_off(x, 2))
		ret->severity = SEVERITY_WARNING;
	text_add(&text, "TCP sent segments to ");
	tcp_say_peer(&text, x);
	text_add(&text, " again; whether they were lost, and where, is not in this line");
	tcp_say_soft_error(&text, x);
	tcp_say_scope(&text, x);
	tcp_advise_path(observation, ret);
	tcp_conclude(observation, BASIS_UNKNOWN, NULL, ret);
}

static const struct rule rules[] = {
	{ "tcp-next-hop-silent", "the next hop answers no ARP or NDP", tcp_next_hop_matches, tcp_next_hop_explain },
	{ "tcp-not-sent", "this host could not send it: no loss in the network", tcp_not_sent_matches, tcp_not_sent_explain },
	{ "tcp-dropped-here", "this host dropped it on the way out", tcp_dropped_out_matches, tcp_dropped_out_explain },
	{ "tcp-synack-dropped-here", "the answer to a SYN arrives, and this host drops it", tcp_synack_dropped_matches,
	  tcp_synack_dropped_explain },
	{ "tcp-synack-queue-full", "a SYN-ACK, because the accept queue is full here", tcp_synack_full_matches,
	  tcp_synack_full_explain },
	{ "tcp-answers-dropped-here", "what the peer sends arrives, and this host drops it", tcp_answers_dropped_matches,
	  tcp_answers_dropped_explain },
	{ "tcp-zero-window", "the peer's application does not read: no loss", zero_window_matches, zero_window_explain },
	{ "tcp-dropped-there", "the other end, on this host, too, does not take it", tcp_dropped_there_matches,
	  tcp_dropped_there_explain },
	{ "tcp-syn-late", "a SYN that was answered when it was sent again", tcp_syn_late_matches, tcp_syn_late_explain },
	{ "tcp-syn-unreachable", "a SYN, and ICMP or the route say why it does not arrive", tcp_syn_unreachable_matches,
	  tcp_syn_unreachable_explain },
	{ "tcp-syn-unanswered", "a SYN that nobody answers", tcp_syn_unanswered_matches, tcp_syn_unanswered_explain },
	{ "tcp-synack-unanswered", "a SYN-ACK that the client does not answer", tcp_synack_unanswered_matches,
	  tcp_synack_unanswered_explain },
	{ "tcp-spurious", "the peer had received all of it: reordering or a delay, no loss", spurious_matches, spurious_explain },
	{ "tcp-black-hole", "only full-size segments do not arrive: path MTU", black_hole_matches, black_hole_explain },
	{ "tcp-peer-silent", "nothing comes from the peer any more", dead_peer_matches, dead_peer_explain },
	{ "tcp-lossy-host", "connections with everybody else retransmit, too", tcp_lossy_host_matches, tcp_lossy_host_explain },
	{ "tcp-lossy-subnet", "several peers of one subnet, others are clean", tcp_lossy_subnet_matches, tcp_lossy_subnet_explain },
	{ "tcp-lossy-peer", "several connections with one peer, others are clean", tcp_lossy_peer_matches, tcp_lossy_peer_explain },
	{ "tcp-tail-probe", "probes of the tail only", tcp_tail_probe_matches, tcp_tail_probe_explain },
	{ "tcp-path-loss", "lost on the way", tcp_path_loss_matches, tcp_path_loss_explain },
	{ "tcp-unexplained", "none of the above", always, unexplained_explain },
};

const struct rule_table tcp_retransmit_rules = { rules, sizeof(rules) / sizeof(*rules), tcp_retransmit_describe };
