// SPDX-License-Identifier: BSD-2-Clause
#include "exit_view.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

uint64_t exit_signal(const struct observation *observation)
{
	return observation->exit.known.signal ? observation->exit.signal : 0;
}

enum killer_source exit_source(const struct observation *observation)
{
	const struct exit *e = &observation->exit;

	return e->known.killer && e->killer.known.source ? e->killer.source : 0;
}

bool exit_is(const struct observation *observation, uint64_t signal, enum killer_source source)
{
	return exit_signal(observation) == signal && exit_source(observation) == source;
}

bool exit_code(const struct observation *observation, int64_t *ret)
{
	if (!observation->exit.known.code || observation->exit.known.signal)
		return false;
	*ret = observation->exit.code;
	return true;
}

bool exit_signal_dumps(uint64_t signal)
{
	static const unsigned char dumps[] = { SIGQUIT, SIGILL,	 SIGTRAP, SIGABRT, SIGBUS,
					       SIGFPE,	SIGSEGV, SIGXCPU, SIGXFSZ, SIGSYS };

	return signal && signal < 64 && memchr(dumps, (int)signal, sizeof(dumps));
}

/*
 * One that came long ago from somebody else has nothing to do with the
 * SIGKILL, and a SIGHUP that is handled is a reload.
 */
static bool may_have_led(const struct killer *k, const struct prior_signal *s)
{
	bool same = (k->known.pid && s->known.sender_pid && k->pid == s->sender_pid) ||
		    (k->known.comm && s->known.sender_comm && strcmp(k->comm, s->sender_comm) == 0);

	if (!s->known.signal)
		return false;
	if (s->signal != SIGTERM && s->signal != SIGINT && s->signal != SIGQUIT && s->signal != SIGHUP)
		return false;
	if (s->signal == SIGHUP && s->known.action && s->action == SIGNAL_ACTION_HANDLER)
		return false;
	return same || !s->known.age_ns || s->age_ns <= 900 * SECOND_NS;
}

const struct prior_signal *exit_request(const struct observation *observation)
{
	const struct exit *e = &observation->exit;
	enum killer_source source = exit_source(observation);
	const struct prior_signal *other = NULL;

	if (exit_signal(observation) != SIGKILL)
		return NULL;
	if (source != KILLER_SOURCE_USER && source != KILLER_SOURCE_CGROUP_KILL)
		return NULL;
	/* systemd may send SIGHUP after SIGTERM: the latter is the request */
	for (uint64_t i = 0; i < e->prior_signals_count; i++) {
		const struct prior_signal *s = &e->prior_signals[i];

		if (!may_have_led(&e->killer, s))
			continue;
		if (s->signal == SIGTERM)
			return s;
		other = other ? other : s;
	}
	return other;
}

bool exit_request_gap(const struct observation *observation, const struct prior_signal *request, uint64_t *ret)
{
	const struct exit *e = &observation->exit;
	uint64_t dying = e->killer.known.age_ns ? e->killer.age_ns : 0;

	if (!request->known.age_ns || request->age_ns < dying)
		return false;
	*ret = request->age_ns - dying;
	return true;
}

const struct prior_signal *exit_handled(const struct observation *observation, uint64_t signal)
{
	const struct exit *e = &observation->exit;

	for (uint64_t i = 0; i < e->prior_signals_count; i++) {
		const struct prior_signal *s = &e->prior_signals[i];

		if (s->known.signal && s->signal == signal && s->known.action &&
		    s->action == SIGNAL_ACTION_HANDLER && s->known.age_ns && s->age_ns <= 900 * SECOND_NS)
			return s;
	}
	return NULL;
}

bool exit_address(bool known, const char *text, uint64_t *ret)
{
	char *end;
	uint64_t value;

	if (!known || text[0] != '0' || text[1] != 'x' || !text[2] || strlen(text) > 18)
		return false;
	value = strtoull(text + 2, &end, 16);
	if (*end)
		return false;
	*ret = value;
	return true;
}

bool exit_is_shell(const char *comm)
{
	static const char *const shells[] = { "sh", "bash", "dash", "ash", "zsh", "ksh", "busybox", "fish" };

	for (size_t i = 0; i < sizeof(shells) / sizeof(*shells); i++)
		if (strcmp(comm, shells[i]) == 0)
			return true;
	return false;
}

bool exit_is_service(const char *unit)
{
	size_t length = strlen(unit);

	return length > 8 && unit[0] != '-' && strcmp(unit + length - 8, ".service") == 0;
}

const char *exit_service(const struct observation *observation)
{
	const struct container *c = &observation->container;

	if (c->known.id || !c->known.unit || !exit_is_service(c->unit))
		return NULL;
	/* those of a user's own manager need the user */
	if (observation->cgroup.known.path && strstr(observation->cgroup.path, "/user@"))
		return NULL;
	return c->unit;
}

/* A master that recycles its workers, a person at a terminal, a pipe whose reader has seen enough: no loop to stop. */
static bool is_wanted(const struct exit *e)
{
	if (!e->known.signal || !e->killer.known.source)
		return false;
	if (e->killer.source == KILLER_SOURCE_TTY || e->killer.source == KILLER_SOURCE_PIDNS_EXIT)
		return true;
	return e->signal == SIGPIPE || (e->killer.source == KILLER_SOURCE_USER && e->signal != SIGKILL);
}

bool exit_loops(const struct observation *observation)
{
	const struct exit *e = &observation->exit;

	return e->known.loop && e->loop.known.deaths && e->loop.deaths >= 3 && !is_wanted(e);
}
