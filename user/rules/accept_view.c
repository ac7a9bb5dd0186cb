// SPDX-License-Identifier: BSD-2-Clause
#include "accept_view.h"

#include <string.h>

#define MOST 1e18	/* more is no number of a recording that is sound, and may not fit */

/* from one accept() to the next, where it is known; else 0 */
static uint64_t interval(const struct accept_overflow *x)
{
	if (!x->known.accepted || !x->accepted || !x->known.observed_ns)
		return 0;
	return x->observed_ns / x->accepted;
}

enum accept_pace accept_pace(const struct accept_overflow *x)
{
	uint64_t now;

	/* who takes two a second has not stopped half a second after the last */
	if (x->known.since_accept_ns && x->since_accept_ns >= SECOND_NS / 4 && x->since_accept_ns / 3 >= interval(x))
		return ACCEPT_PACE_NONE;
	if ((x->known.accepted && x->accepted) ||
	    (x->known.queue && accept_queue_now(x, &now) && now < x->queue))
		return ACCEPT_PACE_GOES_ON;
	/* none in a moment says nothing, nor where nobody came */
	return x->known.accepted && x->known.arrived && x->arrived && x->known.observed_ns &&
	       x->observed_ns >= SECOND_NS / 4 ? ACCEPT_PACE_NONE : ACCEPT_PACE_UNKNOWN;
}

/* another process that shares the socket and can take from it */
static bool other_is_able(const struct accept_overflow *x, enum acceptor_state state)
{
	for (uint64_t i = 0; x->known.holders && i < x->holders_count; i++) {
		const struct tcp_holder *h = &x->holders[i];

		if (h->known.state && h->state != state && (h->state == ACCEPTOR_WAITING || h->state == ACCEPTOR_RUNNING))
			return true;
	}
	return false;
}

bool accept_is(const struct accept_overflow *x, enum acceptor_state state)
{
	if (!x->known.acceptor_state || x->acceptor_state != state)
		return false;
	return accept_pace(x) == ACCEPT_PACE_NONE || !other_is_able(x, state);
}

static bool per_second(bool known, uint64_t count, const struct accept_overflow *x, uint64_t *ret)
{
	double rate;

	if (!known || !x->known.observed_ns || x->observed_ns < SECOND_NS / 1000)
		return false;
	rate = (double)count * SECOND_NS / x->observed_ns + 0.5;
	if (rate >= MOST)
		return false;
	*ret = rate;
	return true;
}

bool accept_rate(const struct accept_overflow *x, uint64_t *ret)
{
	return per_second(x->known.accepted, x->accepted, x, ret);
}

bool accept_arrivals(const struct accept_overflow *x, uint64_t *ret)
{
	return per_second(x->known.arrived, x->arrived, x, ret);
}

bool accept_drain(const struct accept_overflow *x, uint64_t *ret_ns)
{
	double ns;

	if (!x->known.limit || !x->known.accepted || !x->accepted || !x->known.observed_ns || !x->observed_ns)
		return false;
	ns = ((double)x->limit + 1) * x->observed_ns / x->accepted;
	if (ns >= MOST)
		return false;
	*ret_ns = ns;
	return true;
}

bool accept_group_uneven(const struct accept_overflow *x)
{
	return x->known.group_size && x->known.group_full && x->group_full && x->group_full < x->group_size;
}

/* overflows are told of the line's own socket only */
static const struct reuseport_member *own_member(const struct accept_overflow *x)
{
	for (uint64_t i = 0; x->known.group && i < x->group_count; i++)
		if (x->group[i].known.overflows)
			return &x->group[i];
	return NULL;
}

static bool is_full(const struct reuseport_member *m)
{
	return m->known.queue && m->known.limit && m->queue > m->limit;
}

const struct reuseport_member *accept_full_member(const struct accept_overflow *x)
{
	const struct reuseport_member *own = own_member(x);

	if (own && is_full(own))
		return own;
	for (uint64_t i = 0; x->known.group && i < x->group_count; i++)
		if (is_full(&x->group[i]))
			return &x->group[i];
	return NULL;
}

bool accept_queue_now(const struct accept_overflow *x, uint64_t *ret)
{
	const struct reuseport_member *own = own_member(x);

	if (!x->known.queue_after && !(own && own->known.queue))
		return false;
	*ret = x->known.queue_after ? x->queue_after : own->queue;
	return true;
}

bool accept_bound(const struct accept_overflow *x, enum overflow_bound *ret)
{
	bool inferred = x->known.bound_inferred && x->bound_inferred;

	/* another somaxconn today says nothing of the one of then */
	if (!x->known.bound_by ||
	    (inferred && x->bound_by == OVERFLOW_BOUND_LISTEN && !x->known.listen_backlog && !x->known.somaxconn_then))
		return false;
	*ret = x->bound_by;
	return true;
}

uint64_t accept_wanted(const struct accept_overflow *x)
{
	enum { SMALLEST = 512, LARGEST = 65535 };
	uint64_t more = x->known.clients && x->clients.known.distinct ? x->clients.distinct : 0;
	uint64_t want = x->known.limit ? x->limit : 0, ret = SMALLEST;

	want = want < LARGEST && more < LARGEST ? 2 * (want + 1 + more) : LARGEST;
	while (ret < want && ret < LARGEST)
		ret *= 2;
	return ret < LARGEST ? ret : LARGEST;
}

bool accept_asked_less(const struct accept_overflow *x)
{
	return x->known.listen_backlog && x->listen_backlog >= 0 && (uint64_t)x->listen_backlog + 1 < accept_wanted(x);
}

const struct tcp_holder *accept_acceptor(const struct accept_overflow *x)
{
	if (!x->known.holders || x->holders_count < 2 || !x->known.acceptor_state)
		return NULL;
	for (uint64_t i = 0; i < x->holders_count; i++) {
		const struct tcp_holder *h = &x->holders[i];

		if (h->known.state && h->state == x->acceptor_state && h->known.tid == x->known.acceptor_tid &&
		    (!h->known.tid || h->tid == x->acceptor_tid) && h->known.syscall == x->known.acceptor_syscall &&
		    (!h->known.syscall || strcmp(h->syscall, x->acceptor_syscall) == 0))
			return h;
	}
	return NULL;
}

bool accept_anonymous(const struct accept_overflow *x)
{
	return x->known.sharing && x->sharing > 1 && accept_pace(x) == ACCEPT_PACE_GOES_ON;
}

bool accept_busiest(const struct accept_overflow *x, uint64_t *ret_percent)
{
	uint64_t most = 0;

	if (!x->known.holders || !x->known.sharing || x->holders_count != x->sharing)
		return false;
	for (uint64_t i = 0; i < x->holders_count; i++) {
		if (!x->holders[i].known.cpu_percent)
			return false;
		if (x->holders[i].cpu_percent > most)
			most = x->holders[i].cpu_percent;
	}
	*ret_percent = most;
	return true;
}

bool accept_acceptor_pid(const struct observation *observation, uint64_t *ret)
{
	const struct accept_overflow *x = &observation->accept_overflow;
	const struct tcp_holder *holder = accept_acceptor(x);

	if (holder ? holder->known.pid : observation->process.known.pid) {
		*ret = holder ? holder->pid : observation->process.pid;
		return true;
	}
	return false;
}

bool accept_goes_on(const struct accept_overflow *x)
{
	return x->known.total && x->known.count && x->total > x->count;
}
