// SPDX-License-Identifier: BSD-2-Clause
/* Deaths that another process wanted. */
#include "exit_rules.h"

#include <signal.h>
#include <string.h>

#include "exit_advice.h"
#include "exit_view.h"
#include "exit_words.h"
#include "say.h"

/* ---- a request to end that did not count, then SIGKILL --------------- */

static bool dropped_at_init(const struct prior_signal *s)
{
	return s && s->known.result && s->result == SIGNAL_RESULT_IGNORED && s->known.namespace_init &&
	       s->namespace_init && s->known.action && s->action == SIGNAL_ACTION_DEFAULT;
}

/* "SIGTERM, which runc[640] sent 10.0 s before SIGKILL, " */
static void say_request(struct text *text, const struct observation *observation, const struct prior_signal *s)
{
	uint64_t gap;

	exit_say_signal(text, s->known.signal_name, s->signal_name, s->signal);
	text_add(text, " from ");
	exit_say_prior_sender(text, s);
	if (exit_request_gap(observation, s, &gap)) {
		text_add(text, ", ");
		text_duration(text, gap);
		text_add(text, " before the SIGKILL,");
	}
}

/* it is not lost for ever: each of these cards ends a stop that somebody wanted */
static void conclude_request(const struct observation *observation, const char *what, struct verdict *ret)
{
	const struct prior_signal *s = exit_request(observation);
	char why[192];
	uint64_t gap;
	struct text text = TEXT_ON(why);

	if (!exit_request_gap(observation, s, &gap))
		text_add(&text, "an earlier ");
	exit_say_signal(&text, s->known.signal_name, s->signal_name, s->signal);
	if (exit_request_gap(observation, s, &gap)) {
		text_add(&text, " ");
		text_duration(&text, gap);
		text_add(&text, " earlier");
	}
	text_format(&text, " %s", what);
	exit_conclude(observation, SEVERITY_WARNING, why, ret);
}

bool exit_ignored_by_init_matches(const struct observation *observation)
{
	const struct prior_signal *s = exit_request(observation);

	return dropped_at_init(s) && (!s->known.action_at_death || s->action_at_death != SIGNAL_ACTION_HANDLER);
}

void exit_ignored_by_init_explain(const struct observation *observation, struct verdict *ret)
{
	const struct process *p = &observation->process;
	struct text text = say_cause(ret);

	say_request(&text, observation, exit_request(observation));
	text_add(&text, " was dropped by the kernel: the process is PID 1 of its pid namespace and has no handler "
			"for it; only SIGKILL could end it");
	text = say_advice(ret);
	if (p->known.comm && exit_is_shell(p->comm))
		text_add(&text, "PID 1 is a shell, which passes no signals on: start the program itself with exec (exec "
				"form of CMD or ENTRYPOINT, or exec \"$@\" at the end of the script)");
	else
		text_add(&text, "install a handler for it in the program");
	text = say_advice(ret);
	text_add(&text, "or put an init before it that passes signals on: docker run --init, tini, dumb-init; if it "
			"ends on another signal, name that one (STOPSIGNAL)");
	conclude_request(observation, "was dropped: PID 1 without a handler", ret);
	exit_verify_log(observation, ret);
}

bool exit_before_handler_matches(const struct observation *observation)
{
	const struct prior_signal *s = exit_request(observation);

	return dropped_at_init(s) && s->known.action_at_death && s->action_at_death == SIGNAL_ACTION_HANDLER;
}

void exit_before_handler_explain(const struct observation *observation, struct verdict *ret)
{
	const struct prior_signal *s = exit_request(observation);
	struct text text = say_cause(ret);

	say_request(&text, observation, s);
	text_add(&text, " came too early and was dropped: PID 1 of a pid namespace had no handler yet");
	if (s->known.uptime_ns) {
		text_add(&text, " ");
		text_duration(&text, s->uptime_ns);
		text_add(&text, " after its start");
	}
	text_add(&text, "; it has one now, but the signal was not seen to come again");
	text = say_advice(ret);
	text_add(&text, "install the handler first thing in main(), before what is slow (imports, connections)");
	text = say_advice(ret);
	text_add(&text, "or put an init before it that keeps the signal: docker run --init, tini, dumb-init");
	conclude_request(observation, "came before PID 1 had its handler", ret);
	exit_verify_log(observation, ret);
}

bool exit_ignored_matches(const struct observation *observation)
{
	const struct prior_signal *s = exit_request(observation);

	return s && ((s->known.result && s->result == SIGNAL_RESULT_IGNORED) ||
		     (s->known.action && s->action == SIGNAL_ACTION_IGNORE));
}

void exit_ignored_explain(const struct observation *observation, struct verdict *ret)
{
	const struct prior_signal *s = exit_request(observation);
	bool set = s->known.action && s->action == SIGNAL_ACTION_IGNORE;
	struct text text = say_cause(ret);

	say_request(&text, observation, s);
	text_add(&text, set ? " had no effect: the process is set to ignore it" : " was ignored");
	text_add(&text, "; only SIGKILL could end it");
	text = say_advice(ret);
	if (s->signal == SIGHUP)
		text_add(&text, "send SIGTERM: SIGHUP is ignored by what nohup started and by many daemons");
	else if (set)
		text_add(&text, "find who set it: the program itself (SIG_IGN), or what started it, as ignored signals "
				"survive exec (a shell's trap '' TERM, a background job's SIGINT)");
	else
		text_add(&text, "look whether the program ignores it, or is PID 1 of its container without a handler");
	conclude_request(observation, "was ignored", ret);
	exit_verify_log(observation, ret);
}

/*
 * A signal without a handler makes the kernel end the process with that signal
 * at once, but for one that is stopped or traced.
 */
static bool not_taken(const struct prior_signal *s)
{
	return s->result == SIGNAL_RESULT_DELIVERED && s->known.action && s->action == SIGNAL_ACTION_DEFAULT &&
	       s->known.namespace_init && !s->namespace_init;
}

bool exit_blocked_matches(const struct observation *observation)
{
	const struct prior_signal *s = exit_request(observation);

	return s && s->known.result &&
	       (s->result == SIGNAL_RESULT_BLOCKED || s->result == SIGNAL_RESULT_PENDING || not_taken(s));
}

static void say_blocked(const struct prior_signal *s, struct text *text)
{
	bool fatal = s->known.action && s->action == SIGNAL_ACTION_DEFAULT;

	if (s->result == SIGNAL_RESULT_BLOCKED)
		text_add(text, " was blocked: it waits until the program unblocks it or fetches it (signalfd, sigwait), "
			       "and the program had not ended by then");
	else if (s->result == SIGNAL_RESULT_PENDING)
		text_format(text, " found an earlier one still waiting: the process was not taking its signals (stopped by "
			    "SIGSTOP or ^Z, held by a debugger, blocking them%s)",
			    fatal ? "" : ", or stuck in the kernel");
	else
		text_add(text, " should have ended it, as it had no handler, but the process did not take it: it was "
			       "stopped (SIGSTOP, ^Z) or held by a debugger");
}

void exit_blocked_explain(const struct observation *observation, struct verdict *ret)
{
	const struct prior_signal *s = exit_request(observation);
	bool blocked = s->result == SIGNAL_RESULT_BLOCKED;
	struct text text = say_cause(ret);

	say_request(&text, observation, s);
	say_blocked(s, &text);
	if (not_taken(s))
		KNOW(&ret->diagnosis, confidence, BASIS_INFERRED);
	text = say_advice(ret);
	text_add(&text, blocked ? "if it is an init that fetches signals (tini, systemd): look at the children it was "
				  "still waiting for; else find where it blocks the signal and does not unblock it" :
				  "a stopped process has to be continued to end: kill -CONT PID after the request; next time "
				  "look before the kill: grep -E 'State|TracerPid|Sig' /proc/PID/status");
	conclude_request(observation, blocked ? "was blocked" : "was not taken", ret);
	exit_verify_log(observation, ret);
}

/* in the words of who waits */
static void say_longer(const struct observation *observation, struct text *text)
{
	const struct container *c = &observation->container;
	const struct killer *k = &observation->exit.killer;

	text_add(text, "or give it longer: ");
	if (c->known.pod_uid)
		text_add(text, "terminationGracePeriodSeconds in the pod's spec");
	else if (c->known.id)
		text_add(text, "docker stop -t, stop_grace_period in a compose file");
	else if (k->known.comm && strcmp(k->comm, "systemd") == 0)
		text_add(text, "TimeoutStopSec= of its unit");
	else
		text_add(text, "have the sender wait longer between the two");
}

bool exit_grace_matches(const struct observation *observation)
{
	const struct prior_signal *s = exit_request(observation);

	return s && s->known.action && s->action == SIGNAL_ACTION_HANDLER;
}

void exit_grace_explain(const struct observation *observation, struct verdict *ret)
{
	const struct prior_signal *s = exit_request(observation);
	struct text text = say_cause(ret);

	say_request(&text, observation, s);
	text_add(&text, " was delivered, and the program has a handler for it; it was not done with ending when the "
			"SIGKILL came");
	if (!s->known.result)
		KNOW(&ret->diagnosis, confidence, BASIS_INFERRED);
	text = say_advice(ret);
	text_add(&text, "find what the shutdown waits for (open connections, a queue, children, a lock): its log "
			"after the request");
	text = say_advice(ret);
	say_longer(observation, &text);
	conclude_request(observation, "was handled, but not done in time", ret);
	exit_verify_log(observation, ret);
}

/* ---- without a request ---------------------------------------------- */

bool exit_cgroup_kill_matches(const struct observation *observation)
{
	return exit_is(observation, SIGKILL, KILLER_SOURCE_CGROUP_KILL);
}

void exit_cgroup_kill_explain(const struct observation *observation, struct verdict *ret)
{
	struct text text = say_cause(ret);

	exit_say_sender(&text, observation);
	text_add(&text, " killed every process of the cgroup at once, by a write to cgroup.kill");
	exit_advise_sender(observation, ret);
	exit_conclude(observation, SEVERITY_ERROR, "cgroup.kill", ret);
}

bool exit_killed_matches(const struct observation *observation)
{
	return exit_is(observation, SIGKILL, KILLER_SOURCE_USER);
}

void exit_killed_explain(const struct observation *observation, struct verdict *ret)
{
	bool asked = exit_request(observation), before = observation->exit.prior_signals_count;
	struct text text = say_cause(ret);

	exit_say_sender(&text, observation);
	text_add(&text, asked ? " killed it; what became of the request before is not known" :
			before ? " killed it" :
				 " killed it; no request to end (SIGTERM) was seen before");
	exit_advise_sender(observation, ret);
	exit_conclude(observation, SEVERITY_ERROR, asked || before ? "killed" : "no request to end before", ret);
}

/* its handler did what it had to and then raised the signal anew, as it should */
static bool raised_again(const struct observation *observation)
{
	uint64_t signal = exit_signal(observation);

	return signal && exit_source(observation) == KILLER_SOURCE_SELF && !exit_signal_dumps(signal) &&
	       exit_handled(observation, signal);
}

bool exit_stopped_matches(const struct observation *observation)
{
	return (exit_signal(observation) && exit_source(observation) == KILLER_SOURCE_USER) ||
	       raised_again(observation);
}

void exit_stopped_explain(const struct observation *observation, struct verdict *ret)
{
	const struct exit *e = &observation->exit;
	bool again = raised_again(observation), dumps = exit_signal_dumps(e->signal) && e->signal != SIGQUIT;
	bool core = e->known.core_dumped && e->core_dumped;
	char why[96];
	struct text text = say_cause(ret), reason = TEXT_ON(why);

	if (again) {
		text_add(&text, "it was asked to end: ");
		exit_say_own_signal(&text, observation);
		text_add(&text, " from ");
		exit_say_prior_sender(&text, exit_handled(observation, e->signal));
		text_add(&text, "; its handler ran and then sent the same signal to itself, as is good custom");
		KNOW(&ret->diagnosis, confidence, BASIS_INFERRED);
	} else {
		exit_say_sender(&text, observation);
		text_add(&text, dumps ? " ended it by " : " asked it to end by ");
		exit_say_own_signal(&text, observation);
		text_add(&text, dumps ? ": it did not crash by itself" :
					"; it had no handler for that");
		exit_advise_sender(observation, ret);
	}
	if (again) {
		text_add(&reason, "asked to by ");
		exit_say_prior_sender(&reason, exit_handled(observation, e->signal));
	}
	exit_conclude(observation, core || dumps ? SEVERITY_ERROR : SEVERITY_NOTICE,
		      again ? why : dumps ? "sent by another process, no crash" : "asked to end", ret);
	if (again)
		exit_verify_log(observation, ret);
}
