// SPDX-License-Identifier: BSD-2-Clause
#include "fd_refused.h"

#include <string.h>

#include "say.h"

bool fd_is_own(const struct observation *observation)
{
	return fd_is_refused_by(observation, FD_LIMIT_RLIMIT_SOFT);
}

bool fd_is_call(const struct fd_exhausted *x, const char *one, const char *other)
{
	return x->known.syscall && (!strcmp(x->syscall, one) || !strcmp(x->syscall, other));
}

bool fd_is_lowered(const struct fd_exhausted *x)
{
	uint64_t above = x->known.open && x->known.soft && x->open > x->soft ? x->open - x->soft : 0;

	return x->soft && above >= 8 && above >= x->soft / 8;
}

/* "the limit of 1024 descriptors", as a subject */
void fd_say_limit(struct text *text, const struct fd_exhausted *x)
{
	uint64_t limit = x->known.limit ? x->limit : x->soft;

	if (x->known.limit || x->known.soft)
		text_format(text, "the limit of %llu descriptors", (unsigned long long)limit);
	else
		text_add(text, "its limit of descriptors");
}

/* nobody knows what it would use: it was refused */
uint64_t fd_wanted(const struct observation *observation)
{
	struct fd_view v = fd_view_of(observation);
	uint64_t used = v.open > v.soft ? v.open : v.soft;

	return used < 1ULL << 40 ? used * 4 : used;
}

void fd_verify_limit(const struct observation *observation, struct verdict *ret)
{
	const struct process *p = &observation->process;
	struct text text;

	if (fd_was_there(observation)) {
		text = say_verify(ret);
		text_format(&text, "ls /proc/%llu/fd | wc -l; grep 'open files' /proc/%llu/limits   (must stay below the first "
			    "number)", (unsigned long long)p->pid, (unsigned long long)p->pid);
	}
	fd_verify_watch(observation, "must tell of no refused call", ret);
}

void fd_advise_look(const struct observation *observation, struct verdict *ret)
{
	struct text text = say_advice(ret);

	text_add(&text, "find where they are opened (growth by call stack): fdleak ");
	fd_say_target(&text, observation);
	text_add(&text, " -d 60");
}

/* ---- servers --------------------------------------------------------- */

bool fd_accept_spin_matches(const struct observation *observation)
{
	const struct fd_exhausted *x = &observation->fd_exhausted;

	return fd_is_own(observation) && fd_is_call(x, "accept", "accept4") &&
	       ((x->known.rate_per_s && x->rate_per_s >= 100) || (x->known.spin_percent && x->spin_percent >= 30));
}

void fd_accept_spin_explain(const struct observation *observation, struct verdict *ret)
{
	const struct fd_exhausted *x = &observation->fd_exhausted;
	struct fd_view v = fd_view_of(observation);
	const struct fd_group *most = fd_largest(&v);
	char room[128];
	struct text text = say_cause(ret), why = TEXT_ON(room);

	fd_say_holder(&text, observation);
	text_add(&text, " has reached ");
	fd_say_limit(&text, x);
	text_add(&text, " and calls accept in a loop");
	if (x->known.rate_per_s && x->rate_per_s)
		text_format(&text, ", %llu times a second", (unsigned long long)x->rate_per_s);
	text_add(&text, ". Whoever connects waits for an answer and gets none; a listening socket with somebody in its queue stays "
			"readable, so the loop never sleeps");
	fd_say_spin(&text, x);
	if (most && fd_is_share(most->count, v.listed, 1, 2)) {
		text_format(&text, ". %llu of what it has are ", (unsigned long long)most->count);
		fd_say_group(&text, most);
	}
	fd_advise_raise(observation, fd_wanted(observation), NULL, ret);
	fd_advise(ret, "in the program: on EMFILE stop watching the listening socket for a while, or keep a spare descriptor to close, "
		       "accept and hang up with; close idle connections");
	fd_advise_look(observation, ret);
	fd_verify_limit(observation, ret);
	text_add(&why, "its limit is reached, who connects is not served");
	if (x->known.spin_percent && x->spin_percent >= 30)
		text_format(&why, ", and the loop takes %llu %% of a CPU", (unsigned long long)x->spin_percent);
	fd_conclude_refused(observation, BASIS_MEASURED, room, ret);
}

/* connections that it accepted and that are in use: "tcp from 10.0.3.7 on port 8080" */
static bool is_client(const struct fd_group *g)
{
	return g->known.what && strncmp(g->what, "tcp from ", 9) == 0 && g->known.tcp_state &&
	       strcmp(g->tcp_state, "ESTABLISHED") == 0 && g->known.count;
}

/* the largest group of clients, and how many are in such groups */
static const struct fd_group *clients(const struct fd_view *v, uint64_t *ret_count)
{
	const struct fd_group *most = NULL;

	*ret_count = 0;
	for (uint64_t i = 0; i < v->group_count; i++) {
		if (!is_client(&v->groups[i]))
			continue;
		*ret_count += v->groups[i].count;
		if (!most || v->groups[i].count > most->count)
			most = &v->groups[i];
	}
	return most;
}

/* most of what it has are connections, and some of them are known to be clients' */
bool fd_clients_matches(const struct observation *observation)
{
	struct fd_view v = fd_view_of(observation);
	const struct fd_type *type = fd_largest_type(&v);
	uint64_t count;

	return fd_is_own(observation) && fd_is_call(&observation->fd_exhausted, "accept", "accept4") &&
	       clients(&v, &count) && type && type->known.type && strcmp(type->type, "tcp") == 0 && type->count >= 8 &&
	       fd_is_share(type->count, v.listed, 1, 2);
}

void fd_clients_explain(const struct observation *observation, struct verdict *ret)
{
	const struct fd_exhausted *x = &observation->fd_exhausted;
	struct fd_view v = fd_view_of(observation);
	const struct fd_type *type = fd_largest_type(&v);
	uint64_t count;
	const struct fd_group *most = clients(&v, &count);
	char room[160];
	struct text text = say_cause(ret), why = TEXT_ON(room);

	fd_say_holder(&text, observation);
	text_format(&text, " holds %llu TCP sockets, ", (unsigned long long)type->count);
	if (fd_is_share(count, type->count, 1, 2))
		text_format(&text, "at least %llu of them connections of clients, and ", (unsigned long long)count);
	else
		text_add(&text, "clients' connections among them, and ");
	fd_say_limit(&text, x);
	text_format(&text, " leaves no room for the next client: %s is refused. The kernel has connected that client already; it "
		    "waits until one of the others goes", fd_syscall(x));
	if (v.has_soft && v.has_hard && v.hard >= 4 * v.soft)
		text_format(&text, ". It may have more as soon as somebody asks for it: its hard limit is %llu",
			    (unsigned long long)v.hard);
	if (most->known.quiet_ns && most->quiet_ns >= 60000000000ULL) {
		text_add(&text, ". Nothing came from one of them for ");
		text_duration(&text, most->quiet_ns);
	}
	fd_say_spin(&text, x);
	fd_advise_raise(observation, fd_wanted(observation), NULL, ret);
	fd_advise(ret, "or let it take fewer: its own maximum of connections has to stay below the limit, files and connections to other "
		       "servers counted in; and have idle ones closed sooner (keep-alive, idle timeout)");
	fd_advise(ret, "if the number of clients is no larger than usual, it forgets to close them");
	fd_advise_look(observation, ret);
	fd_verify_limit(observation, ret);
	text_format(&why, "%llu TCP sockets, clients' among them, take what it may have", (unsigned long long)type->count);
	fd_conclude_refused(observation, BASIS_INFERRED, room, ret);
}
