// SPDX-License-Identifier: BSD-2-Clause
/* What every card on retransmits says, whatever the cause. */
#include "tcp_retransmit_words.h"

#include <string.h>

#include "say.h"

static void say_title_of(const struct observation *observation, struct verdict *ret)
{
	struct text text = say_title(ret);

	text_add(&text, "TCP RETRANSMIT  ");
	tcp_say_owner(&text, observation);
	text_add(&text, "  ");
	tcp_say_flow(&text, &observation->tcp_retransmit);
	tcp_say_home(&text, observation);
}

static void row_sent(const struct tcp_retransmit *x, struct verdict *ret)
{
	bool several = x->known.by_class && x->by_class_count > 1;
	struct text text;

	if (!x->known.count) {
		text = say_evidence(ret, "resent", BASIS_UNKNOWN);
		text_add(&text, "how many is not in this line");
		return;
	}
	text = say_evidence(ret, "resent", BASIS_MEASURED);
	tcp_say_count(&text, x->count, "segment", "segments");
	tcp_say_in(&text, x->known.window_ns && x->count > 1, x->window_ns);
	if (x->known.rate_per_s && x->rate_per_s)
		text_format(&text, " (%llu/s)", LLU(x->rate_per_s));
	if (!several && x->known.class)
		text_format(&text, ", %s", tcp_class_name(x->class));
	for (uint64_t i = 0; several && i < x->by_class_count; i++)
		text_format(&text, "%s%s %llu", i ? ", " : ": ", tcp_class_name(x->by_class[i].known.class ? x->by_class[i].class : 0),
			    LLU(x->by_class[i].known.count ? x->by_class[i].count : 0));
	if (x->known.timeouts && x->timeouts) {
		text_add(&text, "; ");
		tcp_say_count(&text, x->timeouts, "timeout", "timeouts");
	}
	if (x->known.failed && x->failed)
		text_format(&text, "; %llu of them not sent", LLU(x->failed));
	if (x->known.not_tried && x->not_tried)
		text_format(&text, x->not_tried == 1 ? "; %llu more was not even tried" : "; %llu more were not even tried", LLU(x->not_tried));
	tcp_say_since(&text, x->known.total, x->count, x->total, x->known.incident_ns, x->incident_ns);
}

static void row_flow(const struct tcp_retransmit *x, struct verdict *ret)
{
	struct text text = say_evidence(ret, "flow", BASIS_MEASURED);

	tcp_say_flow(&text, x);
	if (x->known.state && *x->state)
		text_format(&text, " %s", x->state);
	if (x->known.accepted)
		text_add(&text, x->accepted ? ", opened by the peer" : ", opened by this side");
	if (x->known.netns)
		text_format(&text, ", network namespace %llu", LLU(x->netns));
	if (x->known.cookie)
		text_format(&text, ", sk:%llx in ss -e", LLU(x->cookie));
}

static void say_us(struct text *text, uint64_t us)
{
	if (us < 1000 || us > UINT64_MAX / 1000)
		text_format(text, "%llu us", LLU(us));
	else if (us < 10000)
		text_format(text, "%llu.%llu ms", LLU(us / 1000), LLU(us % 1000 / 100));
	else
		text_duration(text, us * 1000);
}

static void row_timing(const struct tcp_retransmit *x, struct verdict *ret)
{
	struct text text;

	if (!x->known.srtt_us && !x->known.rto_us)
		return;
	text = say_evidence(ret, "timing", BASIS_MEASURED);
	if (x->known.srtt_us && x->srtt_us) {
		text_add(&text, "round trip ");
		say_us(&text, x->srtt_us);
	} else {
		text_add(&text, "round trip not measured yet");
	}
	if (!x->known.rto_us)
		return;
	text_add(&text, ", timeout ");
	say_us(&text, x->rto_us);
	if (x->known.backoff && x->backoff)
		text_format(&text, x->backoff == 1 ? " (doubled once)" : " (doubled %llu times)", LLU(x->backoff));
}

static void say_part(struct text *text, bool known, const char *format_before, uint64_t bytes, const char *after)
{
	if (!known)
		return;
	text_format(text, "%s%s", text->length ? ", " : "", format_before);
	text_bytes(text, bytes);
	text_add(text, after);
}

static void row_window(const struct tcp_retransmit *x, struct verdict *ret)
{
	struct text text;

	if (!x->known.cwnd && !x->known.in_flight && !x->known.lost && !x->known.bytes_in_queue && !x->known.segment_bytes)
		return;
	text = say_evidence(ret, "sending", BASIS_MEASURED);
	if (x->known.in_flight)
		text_format(&text, "%llu in flight", LLU(x->in_flight));
	if (x->known.cwnd)
		text_format(&text, "%scongestion window %llu", text.length ? ", " : "", LLU(x->cwnd));
	if (x->known.lost)
		text_format(&text, "%s%llu taken for lost", text.length ? ", " : "", LLU(x->lost));
	say_part(&text, x->known.bytes_in_queue, "", x->bytes_in_queue, " not acknowledged");
	if (!x->known.segment_bytes || !x->segment_bytes)
		return;
	text_format(&text, "%slargest resent %llu bytes", text.length ? ", " : "", LLU(x->segment_bytes));
	if (x->known.mss_bytes)
		text_format(&text, " of at most %llu", LLU(x->mss_bytes));
}

static void row_peer(const struct tcp_retransmit *x, struct verdict *ret)
{
	char room[320];
	struct text parts = TEXT_ON(room), text;

	if (x->known.since_ack_ns) {
		text_add(&parts, "last heard of ");
		text_duration(&parts, x->since_ack_ns);
		text_add(&parts, " ago");
	}
	if (x->known.advanced)
		text_format(&parts, "%s%s acknowledged since", parts.length ? ", " : "", x->advanced ? "has" : "nothing new");
	say_part(&parts, x->known.acked_bytes, "in all ", x->acked_bytes, "");
	say_part(&parts, x->known.peer_window_bytes, "window ", x->peer_window_bytes, "");
	if (x->known.zero_window_ns && x->zero_window_ns) {
		text_add(&parts, " for ");
		text_duration(&parts, x->zero_window_ns);
	}
	if (x->known.spurious && x->spurious)
		text_format(&parts, "%s%llu received twice (DSACK)", parts.length ? ", " : "", LLU(x->spurious));
	if (x->known.soft_error && *x->soft_error)
		text_format(&parts, "%s%s from ICMP or the route", parts.length ? ", " : "", x->soft_error);
	if (!parts.length)
		return;
	text = say_evidence(ret, "peer", BASIS_MEASURED);
	text_add(&text, room);
}

static void row_drops(const struct tcp_retransmit *x, struct verdict *ret)
{
	bool out = x->known.drops_out && x->drops_out, in = x->known.drops_in && x->drops_in;
	struct text text;

	if (!x->known.drops_out && !x->known.drops_in) {
		text = say_evidence(ret, "drops", BASIS_UNKNOWN);
		text_add(&text, "whether this host drops segments of it");
		return;
	}
	text = say_evidence(ret, "drops", BASIS_MEASURED);
	text_add(&text, "on this host ");
	if (x->known.drops_out)
		text_format(&text, "%llu on the way out", LLU(x->drops_out));
	if (x->known.drops_in)
		text_format(&text, "%s%llu that had arrived", x->known.drops_out ? ", " : "", LLU(x->drops_in));
	if ((out || in) && x->known.drop_reason && *x->drop_reason)
		text_format(&text, "; the last%s by %s", out && in ? " of the former" : "", x->drop_reason);
	if ((out || in) && x->known.drop_netns)
		text_format(&text, " in network namespace %llu", LLU(x->drop_netns));
	if (out && in && x->known.drop_in_reason && *x->drop_in_reason)
		text_format(&text, ", of the latter by %s", x->drop_in_reason);
	if (out && in && x->known.drop_in_netns)
		text_format(&text, " in network namespace %llu", LLU(x->drop_in_netns));
}

static void say_flows(struct text *text, bool known, const char *with, uint64_t bad, uint64_t all)
{
	if (!known)
		return;
	text_format(text, "%s%s %llu of %llu", text->length ? ", " : "", with, LLU(bad), LLU(all));
}

static void row_others(const struct tcp_retransmit *x, struct verdict *ret)
{
	char room[200];
	struct text parts = TEXT_ON(room), text;

	say_flows(&parts, x->known.peer_flows && x->known.peer_flows_bad, "with this peer", x->peer_flows_bad, x->peer_flows);
	say_flows(&parts, x->known.subnet_flows && x->known.subnet_flows_bad,
		  x->known.subnet && *x->subnet ? x->subnet : "its subnet", x->subnet_flows_bad, x->subnet_flows);
	say_flows(&parts, x->known.other_flows && x->known.other_flows_bad, "all others", x->other_flows_bad, x->other_flows);
	if (!parts.length)
		return;
	text = say_evidence(ret, "flows", BASIS_MEASURED);
	text_format(&text, "that retransmitted in the last minute: %s", room);
}

static void row_queue(const struct tcp_retransmit *x, struct verdict *ret)
{
	struct text text;

	if (!x->known.queue || !x->known.limit)
		return;
	text = say_evidence(ret, "queue", BASIS_MEASURED);
	text_format(&text, "%llu wait for accept(), limit %llu%s", LLU(x->queue), LLU(x->limit), x->queue > x->limit ? ": full" : "");
}

static void row_owner(const struct observation *observation, struct verdict *ret)
{
	const struct tcp_retransmit *x = &observation->tcp_retransmit;
	struct text text;

	tcp_row_process(observation, x->known.owner_by, x->owner_by, "the connection", ret);
	if (x->known.sharing && x->sharing > 1) {
		text = say_evidence(ret, "owner", BASIS_MEASURED);
		text_format(&text, "%llu processes have it open", LLU(x->sharing));
	}
	if (!tcp_has_owner(observation) && x->known.uid) {
		text = say_evidence(ret, "owner", BASIS_MEASURED);
		text_format(&text, "a process of uid %llu made the socket", LLU(x->uid));
	}
}

void tcp_retransmit_describe(const struct observation *observation, struct verdict *ret)
{
	const struct tcp_retransmit *x = &observation->tcp_retransmit;

	ret->severity = SEVERITY_NOTICE;
	KNOW(&ret->diagnosis, resource, RESOURCE_NETWORK);
	say_title_of(observation, ret);
	row_sent(x, ret);
	row_flow(x, ret);
	row_timing(x, ret);
	row_window(x, ret);
	row_peer(x, ret);
	row_drops(x, ret);
	row_others(x, ret);
	row_queue(x, ret);
	row_owner(observation, ret);
}
