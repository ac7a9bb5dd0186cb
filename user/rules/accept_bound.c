// SPDX-License-Identifier: BSD-2-Clause
/* Rules for those who do call accept(): the queue is short, or they are slow. */
#include "accept_words.h"

#include "say.h"

static const struct accept_overflow *overflow(const struct observation *observation)
{
	return &observation->accept_overflow;
}

/* "accept() goes on (420/s)", or that this is not known */
static void say_pace(struct text *text, const struct accept_overflow *x)
{
	uint64_t rate, arrivals;

	if (accept_pace(x) != ACCEPT_PACE_GOES_ON) {
		text_add(text, x->known.acceptor_state && x->acceptor_state == ACCEPTOR_WAITING ?
				       "its acceptor waits for connections again" :
				       "whether accept() goes on is not known");
		return;
	}
	text_add(text, "accept() goes on");
	if (accept_rate(x, &rate) && accept_arrivals(x, &arrivals) && arrivals)
		text_format(text, " (%llu/s, %llu/s came)", LLU(rate), LLU(arrivals));
}

/* how sure it is that the queue was short: only of an acceptor that goes on it was seen */
static enum basis basis_of(const struct accept_overflow *x)
{
	bool inferred = x->known.bound_inferred && x->bound_inferred;

	return accept_pace(x) == ACCEPT_PACE_GOES_ON && !inferred ? BASIS_MEASURED : BASIS_INFERRED;
}

/* clients wait in a queue for a quarter of a second only where nobody takes them, or slowly */
static bool may_be_burst(const struct accept_overflow *x)
{
	enum accept_pace pace = accept_pace(x);
	bool waited = x->known.oldest_wait_ns && x->oldest_wait_ns >= SECOND_NS / 4;

	return pace == ACCEPT_PACE_GOES_ON || (pace == ACCEPT_PACE_UNKNOWN && !waited);
}

/* ---- a queue of a few ---------------------------------------------------- */

#define TINY 16

/* ". Either the program asked for 20, or net.core.somaxconn was 20 when it called listen(): ..." */
static void say_either(struct text *text, const struct accept_overflow *x)
{
	text_format(text, ". Either the program asked for %llu, or net.core.somaxconn was %llu when it called listen(): which is not known, "
		    "as that call was not seen", LLU(x->limit), LLU(x->limit));
	if (x->known.somaxconn_now)
		text_format(text, "; it is %llu now", LLU(x->somaxconn_now));
}

bool accept_tiny_matches(const struct observation *observation)
{
	const struct accept_overflow *x = overflow(observation);
	enum overflow_bound bound;

	return x->known.limit && x->limit <= TINY && may_be_burst(x) &&
	       !(accept_bound(x, &bound) && bound != OVERFLOW_BOUND_LISTEN);
}

void accept_tiny_explain(const struct observation *observation, struct verdict *ret)
{
	const struct accept_overflow *x = overflow(observation);
	enum overflow_bound bound;
	bool has_bound = accept_bound(x, &bound);
	char room[128];
	struct text text = say_cause(ret), why = TEXT_ON(room);

	tcp_say_process(&text, observation);
	text_add(&text, " listens with a queue for ");
	tcp_say_count(&text, x->limit + 1, "connection", "connections");
	if (x->known.listen_backlog)
		text_format(&text, " (listen(%lld))", (long long)x->listen_backlog);
	text_add(&text, ": a few clients within the same moment fill it, however fast the program is; ");
	say_pace(&text, x);
	if (!has_bound)
		say_either(&text, x);
	else if (x->known.somaxconn_now)
		text_format(&text, ". net.core.somaxconn (%llu) has nothing to do with it", LLU(x->somaxconn_now));
	accept_say_group(&text, x);
	accept_advise_backlog(observation, ret);
	if (x->known.somaxconn_now && x->somaxconn_now < accept_wanted(x))
		accept_advise_somaxconn(observation, ret);
	text_format(&why, "its queue is for %llu", LLU(x->limit + 1));
	if (has_bound)
		text_add(&why, ", as it asked for in listen()");
	accept_conclude(observation, has_bound ? basis_of(x) : BASIS_INFERRED, room, ret);
}

/* ---- a queue that stays full ---------------------------------------------- */

/* half full or more: only then it accepts as fast as it can, else as fast as clients come */
static bool stays_full(const struct accept_overflow *x)
{
	return x->known.limit && x->known.queue_after && x->queue_after > x->limit / 2;
}

static bool persists(const struct accept_overflow *x)
{
	return x->known.incident_ns && x->incident_ns >= 10 * SECOND_NS && accept_goes_on(x);
}

/*
 * Over a second twice as many came as were taken, and it is full at the end, too.
 * A queue of a few is full for a moment at any rate: there the first in it has
 * to have waited about as long as it takes from one accept() to the next, as
 * else nobody waited while nobody was taken.
 */
static bool overloaded(const struct accept_overflow *x)
{
	if (!x->known.accepted || !x->accepted || !x->known.arrived || !x->known.observed_ns || x->observed_ns < SECOND_NS ||
	    !x->known.queue_after || x->queue_after <= x->limit || x->arrived / 2 < x->accepted)
		return false;
	return x->limit > TINY || (x->known.oldest_wait_ns && x->oldest_wait_ns >= x->observed_ns / x->accepted / 2);
}

bool accept_slow_matches(const struct observation *observation)
{
	const struct accept_overflow *x = overflow(observation);
	uint64_t drain;

	return accept_pace(x) == ACCEPT_PACE_GOES_ON && stays_full(x) &&
	       (persists(x) || overloaded(x) || (accept_drain(x, &drain) && drain >= SECOND_NS));
}

/* "node[771] accepts", or who shares the socket, where it is not known which of them do */
static void say_who_accepts(struct text *text, const struct observation *observation)
{
	const struct accept_overflow *x = overflow(observation);

	if (!accept_anonymous(x)) {
		tcp_say_process(text, observation);
		text_add(text, " accepts, but");
		return;
	}
	text_format(text, "of the %llu processes that share the socket of ", LLU(x->sharing));
	tcp_say_process(text, observation);
	text_add(text, " one accepts or several do, which is not known, but");
}

/* busy: the processor is what they lack */
static void say_cpu(struct text *text, const struct accept_overflow *x, bool *ret_busy)
{
	bool shared = accept_anonymous(x);
	uint64_t percent = x->known.acceptor_cpu_percent ? x->acceptor_cpu_percent : 0;
	bool known = shared ? accept_busiest(x, &percent) : x->known.acceptor_cpu_percent;

	*ret_busy = known && percent >= 80;
	if (!known)
		return;
	text_add(text, shared ? ". The busiest of them uses " : ". It uses ");
	if (*ret_busy)
		text_format(text, "%llu %% of a CPU", LLU(percent));
	else
		text_format(text, "only %llu %% of a CPU, so %s for something else (a backend, a lock, a disk)", LLU(percent),
			    shared ? "they wait" : "it waits");
}

void accept_slow_explain(const struct observation *observation, struct verdict *ret)
{
	const struct accept_overflow *x = overflow(observation);
	uint64_t rate, arrivals, drain;
	bool busy;
	struct text text = say_cause(ret);

	say_who_accepts(&text, observation);
	if (accept_rate(x, &rate) && accept_arrivals(x, &arrivals) && arrivals > rate) {
		text_format(&text, " more slowly than clients come: %llu/s against %llu/s", LLU(rate), LLU(arrivals));
	} else {
		text_format(&text, " so slowly that its queue stays full: %llu", LLU(x->accepted));
		tcp_say_in(&text, x->known.observed_ns, x->observed_ns);
	}
	if (accept_drain(x, &drain) && drain >= SECOND_NS / 10) {
		text_add(&text, ". Who gets into the queue waits ");
		text_duration(&text, drain);
		text_add(&text, " there");
	}
	say_cpu(&text, x, &busy);
	accept_say_holders(&text, x);
	accept_say_group(&text, x);
	tcp_advise(ret, busy ? "more workers or processes (SO_REUSEPORT, prefork), more machines, or less work per connection" :
			       "more workers or threads, so that one that waits does not keep the others from accepting; accept in a thread of its own");
	tcp_advise(ret, "fewer connections: keep-alive and pools at the clients; at the load balancer a limit per server");
	tcp_advise(ret, "a longer queue only makes clients wait longer, as long as they come faster than they are taken");
	accept_advise_stack(observation, ret);
	accept_conclude(observation, BASIS_MEASURED,
			accept_anonymous(x) ? "who shares it accepts, but too slowly" : "it accepts, but too slowly", ret);
}

/* ---- a pause ----------------------------------------------------------------- */

/* the oldest had waited long, and a moment later there is room again */
bool accept_paused_matches(const struct observation *observation)
{
	const struct accept_overflow *x = overflow(observation);
	return accept_pace(x) == ACCEPT_PACE_GOES_ON && x->known.oldest_wait_ns && x->oldest_wait_ns >= SECOND_NS && x->known.limit &&
	       x->known.queue_after && x->queue_after <= x->limit / 2;
}

void accept_paused_explain(const struct observation *observation, struct verdict *ret)
{
	const struct accept_overflow *x = overflow(observation);
	char room[96];
	struct text text = say_cause(ret), why = TEXT_ON(room);

	text_add(&why, "it did not accept for about ");
	text_duration(&why, x->oldest_wait_ns);
	if (accept_anonymous(x))
		text_format(&text, "none of the %llu processes that share the socket of ", LLU(x->sharing));
	tcp_say_process(&text, observation);
	text_add(&text, accept_anonymous(x) ? " came" : " did not come");
	text_add(&text, " to accept() for a while: the oldest client in the queue had waited for ");
	text_duration(&text, x->oldest_wait_ns);
	text_add(&text, ". Now the queue has room again; ");
	say_pace(&text, x);
	accept_say_holders(&text, x);
	accept_say_group(&text, x);
	tcp_advise(ret, "find what made it pause: a garbage collection, a long request in the thread that accepts, a stop (SIGSTOP, a "
			"snapshot), a CPU quota (nr_throttled in cpu.stat of its cgroup), swapping");
	tcp_advise(ret, "a longer queue helps as far as clients may wait that long");
	accept_advise_backlog(observation, ret);
	text_add(&why, ", and goes on now");
	accept_conclude(observation, BASIS_INFERRED, room, ret);
}

/* ---- what bound ------------------------------------------------------------ */

static bool bound_is(const struct observation *observation, enum overflow_bound bound)
{
	const struct accept_overflow *x = overflow(observation);

	enum overflow_bound own;

	return accept_bound(x, &own) && own == bound && may_be_burst(x);
}

/* "More clients came at a time than the queue of nginx[912] takes (129); accept() goes on (420/s)" */
static void say_burst(struct text *text, const struct observation *observation)
{
	const struct accept_overflow *x = overflow(observation);

	text_add(text, "more clients came at a time than the queue of ");
	tcp_say_process(text, observation);
	text_add(text, " takes");
	if (x->known.limit)
		text_format(text, " (%llu)", LLU(x->limit + 1));
	text_add(text, "; ");
	say_pace(text, x);
	accept_say_holders(text, x);
}

bool accept_then_matches(const struct observation *observation)
{
	return bound_is(observation, OVERFLOW_BOUND_SOMAXCONN_THEN);
}

void accept_then_explain(const struct observation *observation, struct verdict *ret)
{
	const struct accept_overflow *x = overflow(observation);
	char room[160];
	struct text text = say_cause(ret), why = TEXT_ON(room);

	say_burst(&text, observation);
	text_add(&text, ". net.core.somaxconn was ");
	if (x->known.somaxconn_then)
		text_number(&text, x->somaxconn_then);
	else
		text_add(&text, "lower");
	text_add(&text, " when the socket called listen()");
	if (x->known.somaxconn_now)
		text_format(&text, ", it is %llu now", LLU(x->somaxconn_now));
	text_add(&text, ": raising it changes nothing for a socket that listens already");
	accept_say_group(&text, x);
	accept_advise_listen_again(observation, ret);
	if (observation->container.known.id || (x->known.somaxconn_now && x->somaxconn_now < accept_wanted(x)))
		accept_advise_somaxconn(observation, ret);
	else
		tcp_advise(ret, "have the sysctl set before the program starts (/etc/sysctl.d/, not rc.local or a script that runs later)");
	if (accept_asked_less(x))
		accept_advise_backlog(observation, ret);
	text_add(&why, "a burst; somaxconn was ");
	if (x->known.somaxconn_then)
		text_number(&why, x->somaxconn_then);
	else
		text_add(&why, "lower");
	text_add(&why, " when it called listen(): restart it");
	accept_conclude(observation, basis_of(x), room, ret);
}

bool accept_now_matches(const struct observation *observation)
{
	return bound_is(observation, OVERFLOW_BOUND_SOMAXCONN_NOW);
}

void accept_now_explain(const struct observation *observation, struct verdict *ret)
{
	const struct accept_overflow *x = overflow(observation);
	char room[160];
	struct text text = say_cause(ret), why = TEXT_ON(room);

	say_burst(&text, observation);
	text_add(&text, ". The program ");
	if (x->known.listen_backlog && x->listen_backlog >= 0)
		text_format(&text, "asked for %lld", (long long)x->listen_backlog);
	else
		text_add(&text, "asked for as much or more");
	text_add(&text, ", and net.core.somaxconn");
	if (x->known.somaxconn_now)
		text_format(&text, " (%llu)", LLU(x->somaxconn_now));
	text_add(&text, " cut it in silence. It has to be raised, and the socket to listen again");
	accept_say_group(&text, x);
	accept_advise_somaxconn(observation, ret);
	accept_advise_listen_again(observation, ret);
	if (accept_asked_less(x))
		accept_advise_backlog(observation, ret);
	text_add(&why, "a burst; net.core.somaxconn");
	if (x->known.somaxconn_now)
		text_format(&why, " (%llu)", LLU(x->somaxconn_now));
	text_add(&why, " cuts its queue");
	accept_conclude(observation, basis_of(x), room, ret);
}

bool accept_listen_matches(const struct observation *observation)
{
	return bound_is(observation, OVERFLOW_BOUND_LISTEN);
}

void accept_listen_explain(const struct observation *observation, struct verdict *ret)
{
	const struct accept_overflow *x = overflow(observation);
	bool raise = x->known.somaxconn_now && x->somaxconn_now < accept_wanted(x);
	char room[160];
	struct text text = say_cause(ret), why = TEXT_ON(room);

	say_burst(&text, observation);
	text_add(&text, ". The program asked for no more: ");
	accept_say_bound(&text, x);
	if (x->known.somaxconn_now)
		text_format(&text, "; net.core.somaxconn is %llu, raising it %sdoes not help", LLU(x->somaxconn_now),
			    raise ? "alone " : "");
	accept_say_group(&text, x);
	accept_advise_backlog(observation, ret);
	if (raise)
		accept_advise_somaxconn(observation, ret);
	tcp_advise(ret, "if it happens again with the longer queue, it is not bursts: more workers");
	text_add(&why, "a burst; ");
	accept_say_bound(&why, x);
	text_add(&why, raise ? " is its own limit, somaxconn alone does not help" : " is its own limit, somaxconn does not matter");
	accept_conclude(observation, basis_of(x), room, ret);
}

/* nothing was seen of the call of listen(), and somaxconn is another now */
bool accept_either_matches(const struct observation *observation)
{
	const struct accept_overflow *x = overflow(observation);
	enum overflow_bound bound;

	return x->known.bound_inferred && x->bound_inferred && x->known.limit && !accept_bound(x, &bound) && may_be_burst(x);
}

void accept_either_explain(const struct observation *observation, struct verdict *ret)
{
	const struct accept_overflow *x = overflow(observation);
	bool now = x->known.somaxconn_now;
	struct text text = say_cause(ret);

	say_burst(&text, observation);
	say_either(&text, x);
	accept_say_group(&text, x);
	if (now && x->somaxconn_now < accept_wanted(x))
		accept_advise_somaxconn(observation, ret);
	text = say_advice(ret);
	if (now && x->somaxconn_now > x->limit)
		text_add(&text, "have it listen again, which helps at once where somaxconn was the bound, and tells which it was while this "
				"runs: ");
	else
		text_add(&text, "then have it listen again, not before, or it gets a shorter queue: ");
	tcp_say_restart(&text, observation);
	accept_advise_backlog(observation, ret);
	accept_conclude(observation, BASIS_INFERRED, "a burst; listen() or the somaxconn of then set its queue, which is not known", ret);
}
