// SPDX-License-Identifier: BSD-2-Clause
/*
 * Why an accept queue was full. First what keeps the owner from accept(), as a
 * longer queue helps none of these; then whether it is slow or the queue short,
 * and what set its length. The last claims nothing.
 */
#include "diagnosis.h"

#include "accept_words.h"
#include "say.h"

static const struct accept_overflow *overflow(const struct observation *observation)
{
	return &observation->accept_overflow;
}

/* of several that share the socket the one was taken that explains most */
static enum basis basis_of(const struct accept_overflow *x)
{
	return (x->known.sharing && x->sharing > 1) || accept_pace(x) != ACCEPT_PACE_NONE ? BASIS_INFERRED : BASIS_MEASURED;
}

/* ---- who cannot ---------------------------------------------------------- */

static bool fd_exhausted_matches(const struct observation *observation)
{
	return accept_is(overflow(observation), ACCEPTOR_FD_EXHAUSTED);
}

static void fd_exhausted_explain(const struct observation *observation, struct verdict *ret)
{
	const struct accept_overflow *x = overflow(observation);
	uint64_t pid;
	bool has_pid = accept_acceptor_pid(observation, &pid);
	struct text text = say_cause(ret);

	ret->severity = SEVERITY_ERROR;
	accept_say_acceptor(&text, observation);
	text_add(&text, " has no descriptor left");
	if (x->known.fd_open && x->known.fd_soft)
		text_format(&text, " (%llu of %llu)", LLU(x->fd_open), LLU(x->fd_soft));
	text_add(&text, ": accept() fails with EMFILE, the connection stays in the queue, and the queue fills");
	if (x->known.acceptor_cpu_percent && x->acceptor_cpu_percent >= 30)
		text_format(&text, ". It tries again and again: %llu %% of a CPU", LLU(x->acceptor_cpu_percent));
	accept_say_group(&text, x);
	text = say_advice(ret);
	text_add(&text, "see what its descriptors are, a leak or too many clients: fdleak");
	if (has_pid)
		text_format(&text, " -p %llu", LLU(pid));
	if (has_pid && x->known.fd_soft && x->fd_soft < 1ULL << 30) {
		text = say_advice(ret);
		text_format(&text, "at once, until it ends: prlimit --pid %llu --nofile=%llu", LLU(pid), LLU(x->fd_soft * 4));
	}
	text = say_advice(ret);
	text_add(&text, "for good: LimitNOFILE= of its unit, docker run --ulimit nofile=, ulimit -n; then ");
	tcp_say_restart(&text, observation);
	accept_advise_no_queue(observation, ret);
	if (has_pid) {
		text = say_verify(ret);
		text_format(&text, "ls /proc/%llu/fd | wc -l; grep 'open files' /proc/%llu/limits   (must stay below the first number)",
			    LLU(pid), LLU(pid));
	}
	accept_conclude(observation, x->known.fd_open && x->known.fd_soft ? BASIS_MEASURED : BASIS_INFERRED,
			"it has no descriptor left, accept() fails with EMFILE", ret);
}

static bool gone_matches(const struct observation *observation)
{
	return accept_is(overflow(observation), ACCEPTOR_GONE);
}

static void gone_explain(const struct observation *observation, struct verdict *ret)
{
	const struct accept_overflow *x = overflow(observation);
	bool held = x->known.sharing && x->sharing;
	struct text text = say_cause(ret);

	ret->severity = SEVERITY_ERROR;
	text_add(&text, "who called accept() on ");
	accept_say_listener(&text, x);
	text_add(&text, " is gone");
	if (held) {
		text_add(&text, ", but ");
		tcp_say_count(&text, x->sharing, "process still has", "processes still have");
		text_add(&text, " the socket open, most likely inherited: so the kernel goes on to connect clients whom nobody serves");
	}
	accept_say_since(&text, x);
	accept_say_group(&text, x);
	if (held) {
		text = say_advice(ret);
		text_add(&text, "find who holds it and end it (in what it was started from: close-on-exec, SOCK_CLOEXEC): ");
		tcp_say_enter(&text, observation);
		text_format(&text, "ss -lntp 'sport = :%llu'", LLU(x->known.sport ? x->sport : 0));
		say_whole(&text, &ret->diagnosis.advice_count);
	}
	tcp_advise(ret, "start the server again; why it ended: exitwatch, or its log");
	accept_conclude(observation, held ? basis_of(x) : BASIS_INFERRED, "who accepted is gone", ret);
}

/* "it", or its name where it is another process than the owner whom the message names */
static void say_it(struct text *text, const struct observation *observation)
{
	const struct tcp_holder *holder = accept_acceptor(&observation->accept_overflow);

	if (holder && !(holder->known.pid && observation->process.known.pid && holder->pid == observation->process.pid))
		accept_say_acceptor(text, observation);
	else
		text_add(text, "it");
}

static bool stopped_matches(const struct observation *observation)
{
	return accept_is(overflow(observation), ACCEPTOR_STOPPED);
}

static void stopped_explain(const struct observation *observation, struct verdict *ret)
{
	const struct accept_overflow *x = overflow(observation);
	uint64_t pid;
	char room[64];
	struct text text = say_cause(ret), why = TEXT_ON(room);

	ret->severity = SEVERITY_ERROR;
	say_it(&why, observation);
	text_add(&why, " is stopped");
	accept_say_acceptor(&text, observation);
	text_add(&text, " is stopped (SIGSTOP, a debugger, a frozen cgroup): it cannot call accept(), while the kernel goes on to fill "
			"its queue");
	accept_say_since(&text, x);
	accept_say_group(&text, x);
	text = say_advice(ret);
	text_add(&text, "let it go on");
	if (accept_acceptor_pid(observation, &pid))
		text_format(&text, ": kill -CONT %llu; where that does not help a debugger has it: grep -E 'State|TracerPid' /proc/%llu/status",
			    LLU(pid), LLU(pid));
	tcp_advise(ret, "or thaw it: docker unpause, systemctl thaw UNIT, 0 into cgroup.freeze");
	accept_advise_no_queue(observation, ret);
	accept_conclude(observation, (x->known.sharing && x->sharing > 1) ? BASIS_INFERRED : BASIS_MEASURED, room, ret);
}

static bool blocked_matches(const struct observation *observation)
{
	const struct accept_overflow *x = overflow(observation);

	/* for a moment any server is; one of several may be for long while the others accept */
	return accept_is(x, ACCEPTOR_BLOCKED) &&
	       (accept_pace(x) == ACCEPT_PACE_NONE || (accept_pace(x) == ACCEPT_PACE_UNKNOWN && x->known.acceptor_ns &&
						      !(x->known.sharing && x->sharing > 1) &&
						      x->acceptor_ns >= SECOND_NS / 4));
}

static void blocked_explain(const struct observation *observation, struct verdict *ret)
{
	const struct accept_overflow *x = overflow(observation);
	char room[128];
	struct text text = say_cause(ret), why = TEXT_ON(room);
	size_t name;

	ret->severity = SEVERITY_ERROR;
	say_it(&why, observation);
	name = why.length;
	text_add(&why, " is blocked");
	if (x->known.acceptor_syscall && *x->acceptor_syscall)
		text_format(&why, " in %s", x->acceptor_syscall);
	if (x->known.acceptor_ns && x->acceptor_ns >= SECOND_NS / 10) {
		text_add(&why, " for ");
		text_duration(&why, x->acceptor_ns);
	}
	accept_say_acceptor(&text, observation);
	text_format(&text, " does not come to accept(): it%s", room + name);
	if (x->known.acceptor_tid)
		text_format(&text, " (thread %llu)", LLU(x->acceptor_tid));
	accept_say_since(&text, x);
	accept_say_group(&text, x);
	if (x->known.acceptor_syscall && accept_is_no_server_call(x->acceptor_syscall) && x->known.since_accept_ns &&
	    x->since_accept_ns >= 10 * SECOND_NS)
		tcp_advise(ret, "that is not where a server waits: most likely it inherited the socket from the one that was to accept "
				"(close-on-exec is missing) or it never accepts; see who else has it open, and end or restart it");
	accept_advise_stack(observation, ret);
	tcp_advise(ret, "if it waits for a backend, a database or a disk: give these calls a timeout, and do not make them in the thread "
			"that accepts");
	accept_advise_no_queue(observation, ret);
	accept_conclude(observation, basis_of(x), room, ret);
}

static bool running_matches(const struct observation *observation)
{
	const struct accept_overflow *x = overflow(observation);

	/* who runs and takes next to nothing has just woken up */
	return accept_is(x, ACCEPTOR_RUNNING) && accept_pace(x) == ACCEPT_PACE_NONE &&
	       !(x->known.acceptor_cpu_percent && x->acceptor_cpu_percent < 5);
}

static void running_explain(const struct observation *observation, struct verdict *ret)
{
	const struct accept_overflow *x = overflow(observation);
	bool starved = x->known.acceptor_cpu_percent && x->acceptor_cpu_percent < 20;
	char room[128];
	struct text text = say_cause(ret), why = TEXT_ON(room);
	size_t name;

	ret->severity = SEVERITY_ERROR;
	say_it(&why, observation);
	name = why.length;
	if (starved)
		text_format(&why, " wants to run and gets only %llu %% of a CPU", LLU(x->acceptor_cpu_percent));
	else
		text_add(&why, " is busy with something else");
	if (!starved && x->known.acceptor_cpu_percent)
		text_format(&why, ", %llu %% of a CPU", LLU(x->acceptor_cpu_percent));
	accept_say_acceptor(&text, observation);
	text_format(&text, " runs but does not come to accept(): it%s", room + name);
	if (x->known.acceptor_tid)
		text_format(&text, " in thread %llu", LLU(x->acceptor_tid));
	accept_say_since(&text, x);
	accept_say_group(&text, x);
	if (starved) {
		tcp_advise(ret, "see who keeps it from running: a CPU quota (nr_throttled in cpu.stat of its cgroup; docker --cpus, resources.limits.cpu), "
				"or too much else on the host (vmstat 1: r, st)");
		accept_advise_no_queue(observation, ret);
		accept_conclude(observation, BASIS_INFERRED, room, ret);
		return;
	}
	accept_advise_stack(observation, ret);
	tcp_advise(ret, "move that work out of the thread or event loop that accepts (a worker, a thread pool), or run more processes");
	accept_advise_no_queue(observation, ret);
	accept_conclude(observation, basis_of(x), room, ret);
}

/* ---- who is able, and does not ---------------------------------------------- */

static bool group_matches(const struct observation *observation)
{
	const struct accept_overflow *x = overflow(observation);
	uint64_t now;

	/* one that has room again had a burst, whatever the others have */
	if (accept_queue_now(x, &now) && x->known.limit && now <= x->limit)
		return false;
	return accept_group_uneven(x);
}

static void group_explain(const struct observation *observation, struct verdict *ret)
{
	const struct accept_overflow *x = overflow(observation);
	const struct reuseport_member *m = accept_full_member(x);
	uint64_t now;
	char room[160];
	struct text text = say_cause(ret), why = TEXT_ON(room);

	text_format(&why, "%llu of %llu SO_REUSEPORT sockets %s full, the others have room", LLU(x->group_full), LLU(x->group_size),
		    x->group_full == 1 ? "is" : "are");
	text_add(&text, room);
	text_add(&text, ". The kernel gives each its share of the clients by a hash of their address, full or not");
	if (m && (m->known.comm || m->known.pid)) {
		text_add(&text, x->group_full == 1 ? "; the full one is that of " : "; a full one is that of ");
		say_process(&text, m->known.comm ? m->comm : "", m->known.pid, m->pid);
	}
	accept_say_since(&text, x);
	tcp_advise(ret, "look at that worker: it hangs, computes, or was given the busy clients (a few clients with many connections hash to one)");
	if (m && m->known.pid) {
		text = say_advice(ret);
		text_format(&text, "see where it is: cat /proc/%llu/stack /proc/%llu/wchan; top -H -p %llu; ending it gives its share to the others",
			    LLU(m->pid), LLU(m->pid), LLU(m->pid));
	}
	tcp_advise(ret, "one listening socket that all workers share has no such imbalance (nginx: without reuseport)");
	accept_conclude(observation, accept_queue_now(x, &now) ? BASIS_MEASURED : BASIS_INFERRED, room, ret);
}

static bool not_called_matches(const struct observation *observation)
{
	return accept_pace(overflow(observation)) == ACCEPT_PACE_NONE;
}

static void not_called_explain(const struct observation *observation, struct verdict *ret)
{
	const struct accept_overflow *x = overflow(observation);
	bool waits = x->known.acceptor_state && x->acceptor_state == ACCEPTOR_WAITING;
	struct text text = say_cause(ret);

	ret->severity = SEVERITY_ERROR;
	tcp_say_process(&text, observation);
	text_add(&text, " does not take its connections");
	accept_say_since(&text, x);
	text_add(&text, waits ? ". It waits for events, as a server does: it has just woken up, or does not watch this socket for now "
				"(its own maximum of connections is reached, it shuts down, it waits for a child in a loop of its own)" :
				"; what it does instead is not known");
	accept_say_holders(&text, x);
	accept_say_group(&text, x);
	if (waits)
		tcp_advise(ret, "look at its own maximum of connections or workers (worker_connections, MaxRequestWorkers, max_connections) "
				"and at its log");
	accept_advise_stack(observation, ret);
	accept_advise_no_queue(observation, ret);
	accept_conclude(observation, waits ? BASIS_INFERRED : BASIS_MEASURED, "nobody calls accept()", ret);
}

/* ---- nothing to go by --------------------------------------------------------- */

static bool always(const struct observation *observation)
{
	(void)observation;
	return true;
}

/* ". The oldest client had waited for 848 ms, and it was full still 26 ms later: that is no burst" */
static void say_waited(struct text *text, const struct accept_overflow *x)
{
	bool full = x->known.limit && x->known.queue_after && x->queue_after > x->limit && x->known.observed_ns;

	if (!x->known.oldest_wait_ns || x->oldest_wait_ns < SECOND_NS / 4)
		return;
	text_add(text, ". The oldest client in it had waited for ");
	text_duration(text, x->oldest_wait_ns);
	if (!full)
		return;
	text_add(text, ", and it was full still ");
	text_duration(text, x->observed_ns);
	text_add(text, " later: that is no burst");
}

static void unexplained_explain(const struct observation *observation, struct verdict *ret)
{
	const struct accept_overflow *x = overflow(observation);
	struct text text = say_cause(ret);

	text_add(&text, "the accept queue of ");
	accept_say_listener(&text, x);
	text_add(&text, " was full; whether its owner accepts is not in this line");
	say_waited(&text, x);
	text = say_advice(ret);
	text_add(&text, "look at the queue (Recv-Q) and its limit (Send-Q): ");
	tcp_say_enter(&text, observation);
	text_add(&text, "ss -lntp");
	tcp_advise(ret, "a queue that stays full: the program hangs or is too slow; one that is full for moments: a longer one helps "
			"(the argument of listen() and net.core.somaxconn, the smaller counts)");
	accept_conclude(observation, BASIS_UNKNOWN, NULL, ret);
}

static const struct rule rules[] = {
	{ "accept-fd-exhausted", "its limit of descriptors is reached: accept() fails with EMFILE", fd_exhausted_matches,
	  fd_exhausted_explain },
	{ "accept-owner-gone", "who accepted is gone", gone_matches, gone_explain },
	{ "accept-owner-stopped", "the owner is stopped: SIGSTOP, a debugger, the freezer", stopped_matches, stopped_explain },
	{ "accept-owner-blocked", "the owner is blocked in another call", blocked_matches, blocked_explain },
	{ "accept-owner-busy", "the owner runs, and does not come to accept()", running_matches, running_explain },
	{ "accept-reuseport-member-full", "some sockets of a SO_REUSEPORT group are full, others have room", group_matches,
	  group_explain },
	{ "accept-not-called", "nobody calls accept(), why is open", not_called_matches, not_called_explain },
	{ "accept-paused", "it did not accept for a while, and goes on now", accept_paused_matches, accept_paused_explain },
	{ "accept-too-slow", "accept() goes on, but clients come faster", accept_slow_matches, accept_slow_explain },
	{ "accept-backlog-tiny", "a queue for a handful, by the argument of listen()", accept_tiny_matches, accept_tiny_explain },
	{ "accept-backlog-somaxconn-then", "a burst; somaxconn was lower when the socket called listen()", accept_then_matches,
	  accept_then_explain },
	{ "accept-backlog-somaxconn", "a burst; somaxconn cuts the queue", accept_now_matches, accept_now_explain },
	{ "accept-backlog-listen", "a burst; the argument of listen() sets the queue, raising somaxconn does not help",
	  accept_listen_matches, accept_listen_explain },
	{ "accept-backlog-unseen", "a burst; the argument of listen() or the somaxconn of then set the queue, which is not known",
	  accept_either_matches, accept_either_explain },
	{ "accept-unexplained", "none of the above", always, unexplained_explain },
};

const struct rule_table accept_overflow_rules = { rules, sizeof(rules) / sizeof(*rules), accept_describe };
