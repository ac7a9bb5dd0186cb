// SPDX-License-Identifier: BSD-2-Clause
/*
 * Why the dead are not reaped. First what keeps a parent from doing it at all,
 * then who it is, then how their number moves. The last claims nothing.
 */
#include "diagnosis.h"

#include <string.h>

#include "exit_view.h"
#include "say.h"
#include "zombie_words.h"

/* what is full, or about to be: the reason why it matters now */
static void say_pressure(struct text *text, const struct zombie *z)
{
	if (zombie_fills_cgroup(z))
		text_format(text, ". The cgroup has %llu of %llu tasks: when it is full, no process in it can start another",
			    (unsigned long long)z->pids_current, (unsigned long long)z->pids_max);
	else if (zombie_fills_host(z))
		text_format(text, ". %llu of the host's %llu pids are used: when they are, nothing can be started",
			    (unsigned long long)z->host_tasks, (unsigned long long)z->host_pid_max);
}

static void say_restart(struct text *text, const struct observation *observation)
{
	const struct process *p = &observation->process;
	const char *service = exit_service(observation);

	text_add(text, "to be rid of them now, as a last resort: ");
	if (service) {
		text_add(text, "systemctl restart ");
		text_shell(text, service, strlen(service));
	} else if (p->known.pid) {
		text_format(text, "end the parent (kill %llu)", (unsigned long long)p->pid);
	} else {
		text_add(text, "end the parent");
	}
	text_add(text, "; init then inherits its zombies and reaps them. They cannot be killed, they are dead");
}

/* nobody can kill a zombie; who inherits it reaps it */
static void advise_last_resort(const struct observation *observation, struct verdict *ret)
{
	const struct process *p = &observation->process;
	const struct container *c = &observation->container;
	const struct zombie *z = &observation->zombie;
	bool init = z->known.namespace_init && z->namespace_init;
	struct text text;

	if (init && p->known.pid && p->pid == 1)
		return;
	text = say_advice(ret);
	if (init && c->known.id && *c->id)
		text_format(&text, "to be rid of them now: restart the container (%.12s); the zombies themselves cannot be "
			    "killed, they are dead", c->id);
	else if (init)
		text_add(&text, "to be rid of them now: restart the container; the zombies themselves cannot be killed, "
				"they are dead");
	else
		say_restart(&text, observation);
}

/* ---- held by a tracer ----------------------------------------------- */

static bool traced_matches(const struct observation *observation)
{
	return observation->zombie.known.traced && observation->zombie.traced;
}

static void traced_explain(const struct observation *observation, struct verdict *ret)
{
	const struct process *p = &observation->process;
	const struct zombie *z = &observation->zombie;
	bool one = z->known.count && z->count == 1;
	struct text text = say_cause(ret);

	zombie_say_holder(&text, observation);
	text_format(&text, " traces %s (ptrace) and is not the parent: the kernel reports a death to the tracer first, and "
		    "until that waits or lets go the parent cannot reap. It is not the parent's fault", one ? "it" : "them");
	if (zombie_parent_is(z, 'T'))
		text_add(&text, ". The tracer itself is stopped");
	say_pressure(&text, &observation->zombie);
	text = say_advice(ret);
	text_add(&text, "let the tracer go on or end it");
	if (p->known.pid)
		text_format(&text, zombie_parent_is(z, 'T') ? " (kill -CONT %llu)" : " (kill %llu)",
			    (unsigned long long)p->pid);
	text_add(&text, "; what it traces and still lives goes on without it, unless the tracer asked for the opposite "
			"(PTRACE_O_EXITKILL)");
	text = say_advice(ret);
	text_add(&text, "if it is a debugger or strace that somebody left: quit it; if it is an agent: it misses waitpid() "
			"for what it traces (__WALL), report it to whoever makes it");
	zombie_conclude(observation, BASIS_MEASURED, one ? "it traces it, and the parent has to wait for that" :
									     "it traces them, and the parents have to wait for that", ret);
}

/* ---- a parent that cannot ------------------------------------------- */

/* of several threads one may sleep while another reaps; a stop stops all */
static bool sleeps_uninterruptible(const struct zombie *z)
{
	return zombie_parent_is(z, 'D') && z->known.threads && z->threads == 1;
}

static bool stopped_matches(const struct observation *observation)
{
	const struct zombie *z = &observation->zombie;

	return zombie_parent_is(z, 'T') || zombie_parent_is(z, 't') || zombie_parent_is_frozen(z) ||
	       sleeps_uninterruptible(z);
}

static const char *stopped_why(const struct zombie *z)
{
	if (zombie_parent_is_frozen(z))
		return "it is frozen with its cgroup";
	if (zombie_parent_is(z, 't'))
		return "its own tracer has stopped it";
	return zombie_parent_is(z, 'T') ? "it is stopped" : "it is stuck in uninterruptible sleep";
}

static void advise_stopped(const struct observation *observation, struct verdict *ret)
{
	const struct process *p = &observation->process;
	const struct zombie *z = &observation->zombie;
	struct text text = say_advice(ret);

	if (zombie_parent_is_frozen(z)) {
		text_add(&text, "let it go on: docker unpause, systemctl thaw UNIT, or 0 into cgroup.freeze (v1: THAWED into "
				"freezer.state); if it was paused on purpose, this goes by itself afterwards");
	} else if (zombie_parent_is(z, 't')) {
		text_add(&text, "let its debugger continue or detach");
		if (p->known.pid)
			text_format(&text, "; who that is: grep TracerPid /proc/%llu/status", (unsigned long long)p->pid);
	} else if (zombie_parent_is(z, 'T')) {
		text_add(&text, "let it go on");
		if (p->known.pid)
			text_format(&text, ": kill -CONT %llu", (unsigned long long)p->pid);
		text_add(&text, "; then find out who stopped it: SIGSTOP, Ctrl-Z in a terminal, or a background job that read "
				"from or wrote to one (SIGTTIN, SIGTTOU)");
	} else {
		text_add(&text, "see what it waits for (a disk, a network file system, a driver)");
		if (p->known.pid)
			text_format(&text, ": cat /proc/%llu/stack; dmesg | grep -A 20 'blocked for more than'",
				    (unsigned long long)p->pid);
	}
}

static void stopped_explain(const struct observation *observation, struct verdict *ret)
{
	const struct zombie *z = &observation->zombie;
	bool certain = !zombie_parent_is(z, 'D') || zombie_parent_is_frozen(z);
	struct text text = say_cause(ret);

	zombie_say_holder(&text, observation);
	text_add(&text, " cannot reap anything");
	text_format(&text, ": %s", stopped_why(z));
	if (!certain && z->known.parent_wchan)
		text_format(&text, ", in %s", z->parent_wchan);
	say_pressure(&text, z);
	advise_stopped(observation, ret);
	text = say_advice(ret);
	text_add(&text, "the zombies then go by themselves, unless it forgets them");
	zombie_conclude(observation, certain ? BASIS_MEASURED : BASIS_INFERRED, stopped_why(z), ret);
}

static bool blocked_matches(const struct observation *observation)
{
	const struct zombie *z = &observation->zombie;

	return z->known.sigchld_blocked && z->sigchld_blocked && z->known.sigchld_pending && z->sigchld_pending;
}

static void blocked_explain(const struct observation *observation, struct verdict *ret)
{
	const struct process *p = &observation->process;
	const struct zombie *z = &observation->zombie;
	bool handler = z->known.sigchld && z->sigchld == SIGNAL_ACTION_HANDLER;
	struct text text = say_cause(ret);

	zombie_say_holder(&text, observation);
	text_add(&text, " blocks SIGCHLD, and one waits that no thread has taken: ");
	text_add(&text, handler ? "its handler, in which it would reap, does not run" :
				  "a program that does so fetches it (signalfd, sigwait) in order to reap, and has not");
	say_pressure(&text, z);
	text = say_advice(ret);
	text_add(&text, handler ? "find where the program blocks it and does not unblock it (sigprocmask around fork, a library); "
				  "or where it inherited that: the mask survives exec, so look at what starts it, too" :
				  "see why it does not come to fetch it: it hangs in something else (see \"doing\"), or the mask was "
				  "inherited from what started it, as masks survive exec, and the program knows nothing of it");
	text = say_advice(ret);
	text_add(&text, "in a program: unblock SIGCHLD at its start, or call waitpid(-1, ..., WNOHANG) from the main loop instead "
			"of a handler");
	advise_last_resort(observation, ret);
	if (p->known.pid) {
		text = say_verify(ret);
		text_format(&text, "grep -E '^(SigBlk|ShdPnd)' /proc/%llu/status   (bit 0x10000 is SIGCHLD)",
			    (unsigned long long)p->pid);
	}
	zombie_conclude(observation, BASIS_INFERRED, "it blocks SIGCHLD", ret);
}

/* ---- who it is ------------------------------------------------------ */

static bool init_matches(const struct observation *observation)
{
	return observation->zombie.known.namespace_init && observation->zombie.namespace_init;
}

static void advise_host_init(const struct process *p, struct verdict *ret)
{
	struct text text = say_advice(ret);

	if (p->known.comm && strcmp(p->comm, "systemd") != 0 && strcmp(p->comm, "init") != 0) {
		text_format(&text, "%s runs as PID 1 of the machine: let it reap (waitpid(-1, ..., WNOHANG) in a loop at each "
			    "SIGCHLD), or an init be PID 1 that starts it", p->comm);
		return;
	}
	text_add(&text, "an init that works reaps within milliseconds: see whether it hangs or has crashed (systemd then stays, "
			"but does nothing): systemctl is-system-running; dmesg | grep -i 'freezing execution'");
	text = say_advice(ret);
	text_add(&text, "systemctl daemon-reexec starts it anew where it still answers; else only a reboot helps");
}

static void advise_container_init(const struct observation *observation, struct verdict *ret)
{
	struct text text = say_advice(ret);

	text_add(&text, "let an init that reaps be PID 1: docker run --init (Compose: init: true), or tini or dumb-init as "
			"ENTRYPOINT; in Kubernetes in the image, or shareProcessNamespace: true");
	text = say_advice(ret);
	text_add(&text, "or let the program reap: as PID 1 it has to call waitpid(-1, ..., WNOHANG) in a loop at each SIGCHLD, "
			"for children it never started, too");
	advise_last_resort(observation, ret);
}

static void init_explain(const struct observation *observation, struct verdict *ret)
{
	const struct process *p = &observation->process;
	const struct zombie *z = &observation->zombie;
	bool host = p->known.pid && p->pid == 1;
	struct text text = say_cause(ret);

	zombie_say_holder(&text, observation);
	text_add(&text, host ? " is PID 1 of the host" : " is PID 1 of its pid namespace, as a container's first process is");
	text_add(&text, ": it inherits every process there whose parent ends, and has to reap them. ");
	if (z->known.reaped)
		text_add(&text, z->reaped ? "It reaps some, but not these" : "It has reaped none of those seen");
	else
		text_add(&text, "It does not");
	say_pressure(&text, z);
	if (host)
		advise_host_init(p, ret);
	else
		advise_container_init(observation, ret);
	zombie_conclude(observation, BASIS_MEASURED,
			host ? "it is PID 1 of the host" : "it is PID 1 of a container and no init", ret);
}

/* ---- how their number moves ----------------------------------------- */

static void advise_program(const struct observation *observation, struct verdict *ret)
{
	const struct zombie *z = &observation->zombie;
	struct text text = say_advice(ret);

	/* with threads it is how the main one waits for others */
	if (z->known.parent_wchan && strstr(z->parent_wchan, "futex") && z->known.threads && z->threads == 1) {
		text_add(&text, "its only thread waits for a lock (futex): if it does so for long, a deadlock is what keeps it from "
				"reaping; take a backtrace");
		if (observation->process.known.pid)
			text_format(&text, ": gdb -p %llu -batch -ex 'thread apply all bt'",
				    (unsigned long long)observation->process.pid);
		text = say_advice(ret);
	}
	if (z->known.subreaper && z->subreaper)
		text_add(&text, "as a subreaper it inherits processes it never started: it has to call waitpid(-1, ..., WNOHANG) in a "
				"loop at each SIGCHLD, or give up being one (PR_SET_CHILD_SUBREAPER 0)");
	else
		text_add(&text, "fix it in the program: wait for every child it starts (waitpid; Popen.wait() or a with block in "
				"Python, cmd.Wait() in Go), also on the paths where something failed; who does not care for statuses "
				"sets SIGCHLD to SIG_IGN");
}

static bool leak_matches(const struct observation *observation)
{
	return observation->zombie.known.grown && observation->zombie.grown > 0;
}

static void leak_explain(const struct observation *observation, struct verdict *ret)
{
	const struct zombie *z = &observation->zombie;
	struct text text = say_cause(ret);

	zombie_say_holder(&text, observation);
	text_format(&text, " does not wait for its children when they end, and their number grows: %llu more",
		    (unsigned long long)z->grown);
	if (z->known.growth_window_ns && z->growth_window_ns) {
		text_add(&text, " in ");
		text_duration(&text, z->growth_window_ns);
	}
	if (z->known.reaped && z->reaped)
		text_format(&text, "; it reaped %llu of those seen, so it forgets only some", (unsigned long long)z->reaped);
	say_pressure(&text, z);
	advise_program(observation, ret);
	advise_last_resort(observation, ret);
	zombie_conclude(observation, BASIS_MEASURED, "their number grows", ret);
}

static bool stable_matches(const struct observation *observation)
{
	const struct zombie *z = &observation->zombie;

	return z->known.grown && z->known.count && z->known.growth_window_ns && z->growth_window_ns;
}

static void stable_explain(const struct observation *observation, struct verdict *ret)
{
	const struct zombie *z = &observation->zombie;
	bool urgent = zombie_fills_cgroup(z) || zombie_fills_host(z), one = z->count == 1;
	char room[96];
	struct text text = say_cause(ret), why = TEXT_ON(room);

	text_add(&why, z->grown < 0 ? "they become fewer, in the last " : "no more came in the last ");
	text_duration(&why, z->growth_window_ns);
	zombie_say_holder(&text, observation);
	text_format(&text, " has not waited for %s, and %s: it forgot %s or comes to %s late",
		    one ? "a child that ended" : "children that ended", room, one ? "it" : "them", one ? "it" : "them");
	say_pressure(&text, z);
	if (!urgent) {
		text = say_advice(ret);
		text_add(&text, "no hurry: a zombie holds one pid and none of its program's memory; another line comes when they "
				"become more");
	}
	advise_program(observation, ret);
	advise_last_resort(observation, ret);
	/* what comes once in a minute did not show yet */
	zombie_conclude(observation, z->growth_window_ns >= 60 * SECOND_NS ? BASIS_MEASURED : BASIS_INFERRED, room, ret);
}

static bool always(const struct observation *observation)
{
	(void)observation;
	return true;
}

static void unrecognised_explain(const struct observation *observation, struct verdict *ret)
{
	struct text text = say_cause(ret);

	zombie_say_holder(&text, observation);
	text_format(&text, " does not reap; %swhether they become more is not in this line",
		    observation->zombie.known.count ? "" : "how many they are and ");
	say_pressure(&text, &observation->zombie);
	advise_program(observation, ret);
	zombie_conclude(observation, BASIS_UNKNOWN, NULL, ret);
}

static const struct rule rules[] = {
	{ "zombie-traced", "a tracer that is not their parent holds them", traced_matches, traced_explain },
	{ "zombie-parent-stopped", "the parent is stopped, frozen or stuck in uninterruptible sleep",
	  stopped_matches, stopped_explain },
	{ "zombie-sigchld-blocked", "the parent blocks SIGCHLD, and one waits", blocked_matches, blocked_explain },
	{ "zombie-namespace-init", "the parent is PID 1 of its pid namespace", init_matches, init_explain },
	{ "zombie-leak", "they become more", leak_matches, leak_explain },
	{ "zombie-stable", "they do not become more", stable_matches, stable_explain },
	{ "zombie-unrecognised", "none of the above", always, unrecognised_explain },
};

const struct rule_table zombie_rules = {
	.rules = rules,
	.count = sizeof(rules) / sizeof(rules[0]),
	.describe = zombie_describe,
};
