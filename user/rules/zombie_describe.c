// SPDX-License-Identifier: BSD-2-Clause
/* What every zombie card says, whatever the cause: how many, which, what the parent does, the limits. */
#include "zombie_words.h"

#include <string.h>

#include "say.h"

static void say_subject(const struct observation *observation, struct verdict *ret)
{
	const struct container *c = &observation->container;
	struct text text = say_title(ret);

	text_add(&text, "ZOMBIES  ");
	zombie_say_holder(&text, observation);
	text_add(&text, observation->zombie.known.traced && observation->zombie.traced ? "  holds " : "  does not reap ");
	zombie_say_count(&text, &observation->zombie);
	if (c->known.id)
		text_format(&text, strlen(c->id) == 64 ? "  in container %.12s" : "  in container %s", c->id);
	else if (c->known.unit)
		text_format(&text, "  in %s", c->unit);
}

static void say_numbers(const struct zombie *z, struct verdict *ret)
{
	uint64_t more = z->grown < 0 ? -(uint64_t)z->grown : (uint64_t)z->grown;
	struct text text;

	if (!z->known.count) {
		text = say_evidence(ret, "zombies", BASIS_UNKNOWN);
		text_add(&text, "how many is not in this line");
		return;
	}
	text = say_evidence(ret, "zombies", BASIS_MEASURED);
	text_number(&text, z->count);
	if (z->known.oldest_ns) {
		text_add(&text, z->count == 1 ? ", dead for at least " : ", the oldest dead for at least ");
		text_duration(&text, z->oldest_ns);
	}
	if (!z->known.grown || !z->known.growth_window_ns || !z->growth_window_ns)
		return;
	if (more)
		text_format(&text, "; %llu %s in the last ", (unsigned long long)more, z->grown < 0 ? "fewer" : "more");
	else
		text_add(&text, "; no more in the last ");
	text_duration(&text, z->growth_window_ns);
	if (z->known.growth_per_min && z->growth_per_min > 0 && z->growth_per_min != z->grown)
		text_format(&text, " (%lld per minute)", (long long)z->growth_per_min);
}

static void say_reaped(const struct zombie *z, struct verdict *ret)
{
	struct text text;

	if (!z->known.reaped)
		return;
	text = say_evidence(ret, "reaped", BASIS_MEASURED);
	if (z->reaped)
		text_format(&text, z->reaped == 1 ? "%llu other" : "%llu others", (unsigned long long)z->reaped);
	else
		text_add(&text, "none of those seen dead");
	if (z->known.watched_ns && z->watched_ns) {
		text_add(&text, " in ");
		text_duration(&text, z->watched_ns);
	}
}

static void say_signal(struct text *text, uint64_t signal)
{
	static const char *const names[] = {
		[1] = "SIGHUP", [2] = "SIGINT", [3] = "SIGQUIT", [4] = "SIGILL", [5] = "SIGTRAP", [6] = "SIGABRT",
		[7] = "SIGBUS", [8] = "SIGFPE", [9] = "SIGKILL", [11] = "SIGSEGV", [13] = "SIGPIPE", [14] = "SIGALRM",
		[15] = "SIGTERM",
	};

	if (signal < sizeof(names) / sizeof(names[0]) && names[signal])
		text_add(text, names[signal]);
	else
		text_format(text, "signal %llu", (unsigned long long)signal);
}

static void say_examples(const struct zombie *z, struct verdict *ret)
{
	enum { ROOM = 180 };
	struct text text;

	if (!z->known.examples || !z->examples_count)
		return;
	text = say_evidence(ret, "dead", BASIS_MEASURED);
	for (uint64_t i = 0; i < z->examples_count && text.length < ROOM; i++) {
		const struct zombie_child *c = &z->examples[i];

		text_add(&text, i ? ", " : "");
		say_process(&text, c->comm, c->known.pid, c->pid);
		if (c->known.signal) {
			text_add(&text, " by ");
			say_signal(&text, c->signal);
		} else if (c->known.code) {
			text_format(&text, " exit %lld", (long long)c->code);
		}
	}
}

static void say_doing(const struct observation *observation, struct verdict *ret)
{
	static const struct {
		char letter;
		const char *words;
	} states[] = {
		{ 'R', "runs" }, { 'S', "sleeps" }, { 'D', "sleeps, uninterruptible" }, { 'T', "stopped" },
		{ 't', "stopped by its tracer" }, { 'Z', "its main thread has ended" },
	};
	const struct zombie *z = &observation->zombie;
	const char *words = z->known.parent_wchan ? zombie_wchan_words(z->parent_wchan) : NULL;
	struct text text;

	if (!z->known.parent_state && !z->known.parent_wchan)
		return;
	text = say_evidence(ret, "doing", BASIS_MEASURED);
	for (unsigned int i = 0; z->known.parent_state && i < sizeof(states) / sizeof(states[0]); i++)
		if (zombie_parent_is(z, states[i].letter))
			text_add(&text, states[i].words);
	if (z->known.parent_state)
		text_format(&text, "%s(%s)", text.length ? " " : "state ", z->parent_state);
	if (z->known.parent_wchan)
		text_format(&text, "%sin %s%s%s", text.length ? " " : "", z->parent_wchan, words ? ": " : "",
			    words ? words : "");
	if (z->known.threads && z->threads > 1)
		text_format(&text, "; the main one of %llu threads", (unsigned long long)z->threads);
}

static void say_sigchld(const struct zombie *z, struct verdict *ret)
{
	static const char *const actions[] = {
		[SIGNAL_ACTION_DEFAULT] = "no handler", [SIGNAL_ACTION_HANDLER] = "a handler",
		[SIGNAL_ACTION_IGNORE] = "ignored: children that die from now on need no reaping",
	};
	struct text text;

	if (!z->known.sigchld || (z->known.traced && z->traced))
		return;
	text = say_evidence(ret, "SIGCHLD", BASIS_MEASURED);
	text_add(&text, actions[z->sigchld]);
	if (z->known.sigchld_blocked && z->sigchld_blocked)
		text_add(&text, "; blocked");
	if (z->known.sigchld_pending && z->sigchld_pending)
		text_add(&text, "; one waits that no thread has taken");
}

static void say_parent(const struct observation *observation, struct verdict *ret)
{
	const struct process *p = &observation->process;
	const struct zombie *z = &observation->zombie;
	struct text text;

	if (!p->known.comm && !p->known.pid)
		return;
	text = say_evidence(ret, z->known.traced && z->traced ? "tracer" : "parent", BASIS_MEASURED);
	zombie_say_holder(&text, observation);
	say_identity(&text, observation);
	if (z->known.subreaper && z->subreaper)
		text_add(&text, "; a subreaper: it asked to inherit the orphans below it");
}

static void say_command(const struct process *p, struct verdict *ret)
{
	enum { ROOM = 160 };
	struct text text;

	if (!p->known.args || !p->args_count || (p->args_count == 1 && !*p->args[0]))
		return;
	text = say_evidence(ret, "command", BASIS_MEASURED);
	for (uint64_t i = 0; i < p->args_count; i++) {
		if (text.length + strlen(p->args[i]) > ROOM && i) {
			text_add(&text, " …");
			break;
		}
		text_add(&text, i ? " " : "");
		text_append(&text, p->args[i], strnlen(p->args[i], ROOM));
	}
	if (p->known.args_redacted && p->args_redacted)
		text_format(&text, "  (%llu redacted)", (unsigned long long)p->args_redacted);
}

static void say_limits(const struct zombie *z, struct verdict *ret)
{
	bool cgroup = z->known.pids_current && z->known.pids_max, host = z->known.host_tasks && z->known.host_pid_max;
	struct text text;

	if (!cgroup && !host)
		return;
	text = say_evidence(ret, "limit", BASIS_MEASURED);
	text_add(&text, "each holds one pid and a few KiB of the kernel's memory; ");
	if (cgroup)
		text_format(&text, "%llu of %llu tasks in its cgroup%s", (unsigned long long)z->pids_current,
			    (unsigned long long)z->pids_max, host ? ", " : "");
	if (host)
		text_format(&text, "%llu of %llu pids on the host", (unsigned long long)z->host_tasks,
			    (unsigned long long)z->host_pid_max);
}

void zombie_describe(const struct observation *observation, struct verdict *ret)
{
	const struct zombie *z = &observation->zombie;
	struct diagnosis *d = &ret->diagnosis;

	ret->severity = zombie_fills_cgroup(z) || zombie_fills_host(z) ? SEVERITY_ERROR : SEVERITY_WARNING;
	KNOW(d, resource, RESOURCE_PROCESS);
	if (z->known.pids_max && z->known.pids_current && !zombie_fills_host(z)) {
		KNOW(d, usage, z->pids_current);
		KNOW(d, limit, z->pids_max);
	} else if (z->known.host_tasks && z->known.host_pid_max) {
		KNOW(d, usage, z->host_tasks);
		KNOW(d, limit, z->host_pid_max);
	}
	say_subject(observation, ret);
	say_numbers(z, ret);
	say_reaped(z, ret);
	say_examples(z, ret);
	say_parent(observation, ret);
	say_command(&observation->process, ret);
	say_doing(observation, ret);
	say_sigchld(z, ret);
	say_limits(z, ret);
}
