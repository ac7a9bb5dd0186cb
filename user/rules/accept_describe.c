// SPDX-License-Identifier: BSD-2-Clause
/* What every card on a full accept queue says, whatever the cause. */
#include "accept_words.h"

#include <string.h>

#include "say.h"

static void say_title_of(const struct observation *observation, struct verdict *ret)
{
	struct text text = say_title(ret);

	text_add(&text, "ACCEPT QUEUE FULL  ");
	tcp_say_owner(&text, observation);
	text_add(&text, "  ");
	accept_say_listener(&text, &observation->accept_overflow);
	tcp_say_home(&text, observation);
}

static void row_dropped(const struct accept_overflow *x, struct verdict *ret)
{
	struct text text;

	if (!x->known.count) {
		text = say_evidence(ret, "dropped", BASIS_UNKNOWN);
		text_add(&text, "how many is not in this line");
		return;
	}
	text = say_evidence(ret, "dropped", BASIS_MEASURED);
	text_number(&text, x->count);
	tcp_say_in(&text, x->known.window_ns, x->window_ns);
	if (x->known.rate_per_s && x->rate_per_s)
		text_format(&text, " (%llu/s)", LLU(x->rate_per_s));
	if (x->known.syn_drops && x->syn_drops) {
		text_add(&text, ": ");
		tcp_say_count(&text, x->syn_drops, "SYN", "SYNs");
	}
	if (x->known.ack_drops && x->ack_drops) {
		text_add(&text, x->known.syn_drops && x->syn_drops ? ", " : ": ");
		tcp_say_count(&text, x->ack_drops, "handshake at its last ACK", "handshakes at their last ACK");
	}
	tcp_say_since(&text, x->known.total, x->count, x->total, x->known.incident_ns, x->incident_ns);
}

static void row_clients(const struct accept_overflow *x, struct verdict *ret)
{
	enum { ROOM = 240 };
	const struct overflow_clients *c = &x->clients;
	struct text text;

	if (!x->known.clients || !c->known.distinct || !c->distinct)
		return;
	text = say_evidence(ret, "clients", BASIS_MEASURED);
	text_number(&text, c->distinct);
	for (uint64_t i = 0; c->known.examples && i < c->examples_count && text.length < ROOM; i++)
		text_format(&text, "%s%s", i ? ", " : c->distinct > c->examples_count ? ", such as " : ": ", c->examples[i]);
}

/* what the two kinds of drops look like from the other end */
static void row_they_see(const struct accept_overflow *x, struct verdict *ret)
{
	bool syn = x->known.syn_drops && x->syn_drops, ack = x->known.ack_drops && x->ack_drops;
	struct text text;

	if (!syn && !ack)
		return;
	text = say_evidence(ret, "they see", BASIS_INFERRED);
	if (syn)
		text_add(&text, "a connect() that takes 1 s, 3 s, 7 s ... longer, or times out");
	if (!ack)
		return;
	text_add(&text, syn ? "; after a lost ACK " : "");
	if (!x->known.abort_on_overflow)
		text_add(&text, "a connection that nobody answers, or a reset (tcp_abort_on_overflow)");
	else
		text_add(&text, x->abort_on_overflow ? "a reset (net.ipv4.tcp_abort_on_overflow is 1)" :
						       "a connection that nobody answers");
	/* the kernel resets only what it has a request of */
	if (x->known.abort_on_overflow && x->abort_on_overflow && !(x->known.syncookies && !x->syncookies))
		text_add(&text, ", or nothing where the handshake was one of SYN cookies");
}

/* 4 ms at the first overflow or 604 ms at the end: the latter where nobody was taken meanwhile */
static void say_oldest(struct text *text, const struct accept_overflow *x)
{
	if (!x->known.oldest_wait_ns || !x->oldest_wait_ns)
		return;
	text_add(text, ", the oldest for ");
	text_duration(text, x->oldest_wait_ns);
}

static void row_queue(const struct accept_overflow *x, struct verdict *ret)
{
	bool at_end = x->known.queue_after && x->known.observed_ns && x->known.since_accept_ns &&
		      x->since_accept_ns >= x->observed_ns;
	struct text text;

	if (!x->known.queue && !x->known.limit) {
		text = say_evidence(ret, "queue", BASIS_UNKNOWN);
		text_add(&text, "how many waited, and how many may");
		return;
	}
	text = say_evidence(ret, "queue", BASIS_MEASURED);
	if (x->known.queue)
		text_format(&text, "%llu waited", LLU(x->queue));
	if (x->known.queue && !at_end)
		say_oldest(&text, x);
	if (x->known.limit)
		text_format(&text, "%slimit %llu, so that %llu fit", x->known.queue ? "; " : "", LLU(x->limit), LLU(x->limit + 1));
	if (!x->known.queue_after)
		return;
	text_format(&text, "; %llu at the end", LLU(x->queue_after));
	if (x->known.observed_ns && x->observed_ns >= 1000) {
		text_add(&text, " of ");
		text_duration(&text, x->observed_ns);
	}
	if (at_end)
		say_oldest(&text, x);
}

static void row_bound(const struct accept_overflow *x, struct verdict *ret)
{
	enum overflow_bound bound;
	bool has_bound = accept_bound(x, &bound);
	struct text text;

	if (!has_bound && !x->known.listen_backlog && !x->known.somaxconn_now && !x->known.somaxconn_then) {
		text = say_evidence(ret, "bound", BASIS_UNKNOWN);
		text_add(&text, "what set the limit: the argument of listen() or net.core.somaxconn");
		return;
	}
	text = say_evidence(ret, "bound", !has_bound && x->known.limit			? BASIS_UNKNOWN :
					  x->known.bound_inferred && x->bound_inferred ? BASIS_INFERRED :
											 BASIS_MEASURED);
	if (has_bound)
		text_format(&text, "by %s: ", bound == OVERFLOW_BOUND_LISTEN	    ? "the argument of listen()" :
					      bound == OVERFLOW_BOUND_SOMAXCONN_NOW ? "somaxconn" :
										      "the somaxconn of then");
	else if (x->known.limit)
		text_add(&text, "by the argument of listen() or the somaxconn of then: ");
	if (x->known.listen_backlog)
		text_format(&text, "listen(%lld)", (long long)x->listen_backlog);
	else
		text_add(&text, "the call of listen() was not seen");
	if (x->known.somaxconn_then)
		text_format(&text, ", net.core.somaxconn %llu then", LLU(x->somaxconn_then));
	if (x->known.somaxconn_now)
		text_format(&text, ", %s%llu now", x->known.somaxconn_then ? "" : "net.core.somaxconn ", LLU(x->somaxconn_now));
}

static void row_accept(const struct accept_overflow *x, struct verdict *ret)
{
	bool none = x->known.since_accept_ns && x->since_accept_ns >= SECOND_NS / 10;
	uint64_t rate, arrivals;
	struct text text;

	if (!none && !x->known.accepted && !x->known.arrived && accept_pace(x) == ACCEPT_PACE_GOES_ON) {
		text = say_evidence(ret, "accept()", BASIS_MEASURED);
		text_add(&text, "it goes on: there is room in the queue again");
		return;
	}
	if (!none && !x->known.accepted && !x->known.arrived) {
		text = say_evidence(ret, "accept()", BASIS_UNKNOWN);
		text_add(&text, "whether anybody calls it");
		return;
	}
	text = say_evidence(ret, "accept()", BASIS_MEASURED);
	if (none) {
		text_add(&text, "none for at least ");
		text_duration(&text, x->since_accept_ns);
		text_add(&text, x->known.observed_ns ? " at the end" : "");
	}
	if (x->known.accepted)
		text_format(&text, "%s%llu taken", text.length ? "; " : "", LLU(x->accepted));
	if (x->known.arrived)
		text_format(&text, "%s%llu came", text.length ? ", " : "", LLU(x->arrived));
	if (x->known.accepted || x->known.arrived)
		tcp_say_in(&text, x->known.observed_ns, x->observed_ns);
	if (accept_rate(x, &rate) && accept_arrivals(x, &arrivals) && (rate || arrivals))
		text_format(&text, " (%llu/s against %llu/s)", LLU(rate), LLU(arrivals));
}

static void say_state(struct text *text, enum acceptor_state state, bool has_call, const char *call)
{
	static const char *const words[] = {
		[ACCEPTOR_RUNNING] = "runs", [ACCEPTOR_BLOCKED] = "is blocked", [ACCEPTOR_STOPPED] = "is stopped",
		[ACCEPTOR_FD_EXHAUSTED] = "has no descriptor left", [ACCEPTOR_WAITING] = "waits for events",
		[ACCEPTOR_GONE] = "is gone",
	};

	text_add(text, state < sizeof(words) / sizeof(words[0]) && words[state] ? words[state] : "is in an unknown state");
	if (has_call && *call)
		text_format(text, state == ACCEPTOR_FD_EXHAUSTED ? " and is in %s" : " in %s", call);
}

static void row_acceptor(const struct observation *observation, struct verdict *ret)
{
	const struct accept_overflow *x = &observation->accept_overflow;
	struct text text;

	if (!x->known.acceptor_state && !x->known.acceptor_cpu_percent)
		return;
	/* what all of them do is in another row; this one need not be who accepts */
	if (accept_anonymous(x) && !(x->known.acceptor_state && (x->acceptor_state == ACCEPTOR_STOPPED ||
								 x->acceptor_state == ACCEPTOR_FD_EXHAUSTED)))
		return;
	text = say_evidence(ret, "acceptor", BASIS_MEASURED);
	if (x->known.acceptor_tid)
		text_format(&text, "thread %llu of ", LLU(x->acceptor_tid));
	accept_say_acceptor(&text, observation);
	text_add(&text, " ");
	say_state(&text, x->known.acceptor_state ? x->acceptor_state : 0, x->known.acceptor_syscall, x->acceptor_syscall);
	/* who tries again and again has had none for longer */
	if (x->known.acceptor_ns && x->acceptor_ns && !(x->known.acceptor_state && x->acceptor_state == ACCEPTOR_FD_EXHAUSTED)) {
		text_add(&text, " for ");
		text_duration(&text, x->acceptor_ns);
	}
	if (x->known.acceptor_cpu_percent)
		text_format(&text, ", %llu %% of a CPU", LLU(x->acceptor_cpu_percent));
	if (x->known.fd_open && x->known.fd_soft)
		text_format(&text, "; %llu of %llu descriptors open", LLU(x->fd_open), LLU(x->fd_soft));
}

static void row_holders(const struct accept_overflow *x, struct verdict *ret)
{
	enum { ROOM = 230 };
	uint64_t said = 0, count = x->known.holders ? x->holders_count : 0, sharing = x->known.sharing ? x->sharing : count;
	struct text text;

	if (sharing < 2)
		return;
	text = say_evidence(ret, "shared", BASIS_MEASURED);
	text_format(&text, "by %llu processes", LLU(sharing));
	for (; said < count && text.length < ROOM; said++) {
		const struct tcp_holder *h = &x->holders[said];

		text_add(&text, said ? ", " : ": ");
		say_process(&text, h->known.comm ? h->comm : "", h->known.pid, h->pid);
		if (!h->known.state)
			continue;
		text_add(&text, " ");
		say_state(&text, h->state, h->known.syscall, h->syscall);
	}
	if (said && said < sharing)
		text_add(&text, ", …");
}

static void row_group(const struct accept_overflow *x, struct verdict *ret)
{
	enum { ROOM = 230 };
	struct text text;

	if (!x->known.group_size || x->group_size < 2)
		return;
	text = say_evidence(ret, "group", BASIS_MEASURED);
	text_format(&text, "%llu SO_REUSEPORT sockets", LLU(x->group_size));
	if (x->known.group_full)
		text_format(&text, ", %llu full", LLU(x->group_full));
	for (uint64_t i = 0; x->known.group && i < x->group_count && text.length < ROOM; i++) {
		const struct reuseport_member *m = &x->group[i];

		text_add(&text, i ? ", " : ": ");
		say_process(&text, m->known.comm ? m->comm : "", m->known.pid, m->pid);
		if (m->known.queue)
			text_format(&text, " %llu", LLU(m->queue));
		if (m->known.queue && m->known.limit)
			text_format(&text, " of %llu", LLU(m->limit));
	}
}

static void row_syn_queue(const struct accept_overflow *x, struct verdict *ret)
{
	struct text text;

	if (!x->known.syn_queue)
		return;
	text = say_evidence(ret, "SYNs", BASIS_MEASURED);
	text_format(&text, "%llu half-open: another queue; tcp_max_syn_backlog and syncookies", LLU(x->syn_queue));
	if (x->known.syncookies)
		text_format(&text, " (%llu)", LLU(x->syncookies));
	text_add(&text, " do not help here");
}

static void row_listener(const struct accept_overflow *x, struct verdict *ret)
{
	static const char *const found[] = {
		[LISTENER_SOCKET] = "the kernel named the socket", [LISTENER_ADDRESS] = "the only one on that address and port",
		[LISTENER_FULL_QUEUE] = "of several on that port the one whose queue was full",
		[LISTENER_PORT] = "nothing but the port is known, the socket is gone",
	};
	struct text text;

	if (!x->known.listener_by && !x->known.netns && !(x->known.dual_stack && x->dual_stack))
		return;
	text = say_evidence(ret, "listener", !x->known.listener_by ? BASIS_MEASURED :
			    x->listener_by == LISTENER_PORT	   ? BASIS_UNKNOWN :
			    x->listener_by == LISTENER_SOCKET	   ? BASIS_MEASURED :
								     BASIS_INFERRED);
	accept_say_listener(&text, x);
	if (x->known.dual_stack && x->dual_stack)
		text_add(&text, ", takes IPv4, too");
	if (x->known.netns)
		text_format(&text, ", network namespace %llu", LLU(x->netns));
	if (x->known.listener_by && x->listener_by < sizeof(found) / sizeof(found[0]))
		text_format(&text, "; %s", found[x->listener_by]);
}

void accept_describe(const struct observation *observation, struct verdict *ret)
{
	const struct accept_overflow *x = &observation->accept_overflow;

	ret->severity = SEVERITY_WARNING;
	KNOW(&ret->diagnosis, resource, RESOURCE_NETWORK);
	if (x->known.queue)
		KNOW(&ret->diagnosis, usage, x->queue);
	if (x->known.limit)
		KNOW(&ret->diagnosis, limit, x->limit);
	say_title_of(observation, ret);
	row_dropped(x, ret);
	row_clients(x, ret);
	row_they_see(x, ret);
	row_queue(x, ret);
	row_bound(x, ret);
	row_accept(x, ret);
	row_acceptor(observation, ret);
	if (x->known.group_size && x->group_size > 1)
		row_group(x, ret);
	else
		row_holders(x, ret);
	tcp_row_process(observation, x->known.owner_by, x->owner_by, "the socket", ret);
	/* there may be no place for both: a socket that was guessed is said first */
	if (x->known.listener_by && x->listener_by != LISTENER_SOCKET) {
		row_listener(x, ret);
		row_syn_queue(x, ret);
	} else {
		row_syn_queue(x, ret);
		row_listener(x, ret);
	}
}
