// SPDX-License-Identifier: BSD-2-Clause
/* What every exit card says, whatever the cause: subject, fault, who, before, loop, what it used. */
#include "exit_describe.h"

#include <signal.h>
#include <string.h>

#include "exit_advice.h"
#include "exit_view.h"
#include "exit_words.h"
#include "say.h"

static void say_fault(const struct exit *e, struct verdict *ret)
{
	const struct fault *f = &e->fault;
	struct text text;

	if (!e->known.fault || !(f->known.address || f->known.ip || f->known.sp || f->known.code || f->known.code_name ||
				 f->known.thread || f->known.tid || f->known.mapping || f->known.symbol))
		return;
	text = say_evidence(ret, "fault", BASIS_MEASURED);
	if (f->known.code_name && *f->code_name)
		text_add(&text, f->code_name);
	else if (f->known.code)
		text_format(&text, "code %lld", (long long)f->code);
	else
		text_add(&text, "what kind of fault is not known");
	if (f->known.address)
		text_format(&text, ", address %s", f->address);
	if (f->known.ip)
		text_format(&text, ", instruction %s", f->ip);
	if (f->known.sp)
		text_format(&text, ", stack %s", f->sp);
	if (f->known.thread || f->known.tid) {
		text_add(&text, ", thread ");
		say_process(&text, f->known.thread ? f->thread : "", f->known.tid, f->tid);
	}
	if (!(f->known.mapping && *f->mapping) && !(f->known.symbol && *f->symbol))
		return;
	text = say_evidence(ret, "", BASIS_MEASURED);
	if (f->known.mapping) {
		say_path(&text, f->mapping);
		if (f->known.offset)
			text_format(&text, " + %s", f->offset);
	}
	if (f->known.symbol)
		text_format(&text, "%s%s", text.length ? "  " : "", f->symbol);
	if (f->known.line)
		text_format(&text, "  %s", f->line);
	if (f->known.mapping_changed && f->mapping_changed)
		text_add(&text, "  (the file was replaced since it was mapped: no symbol)");
}

static void say_core(const struct exit *e, struct verdict *ret)
{
	struct text text;

	if (!e->known.core_dumped || !e->known.signal || !exit_signal_dumps(e->signal))
		return;
	text = say_evidence(ret, "core", BASIS_MEASURED);
	text_add(&text, e->core_dumped ? "a core was written" : "no core was written");
}

static void say_chain(struct text *text, const struct ancestor *parents, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		text_add(text, i ? " < " : "");
		say_process(text, parents[i].known.comm ? parents[i].comm : "", parents[i].known.pid,
			    parents[i].pid);
	}
}

static const char *separator(const struct text *text)
{
	return text->length ? ", " : "";
}

/* ", in the same container": where the sender lives */
static void say_home(const struct observation *observation, struct text *text)
{
	const struct killer *k = &observation->exit.killer;
	const struct container *c = &observation->container;

	if (k->known.container && c->known.id && strcmp(k->container, c->id) == 0)
		text_add(text, ", in the same container");
	else if (k->known.container)
		text_format(text, strlen(k->container) == 64 ? ", in container %.12s" : ", in container %s",
			    k->container);
	else if (k->known.unit)
		text_format(text, ", in %s", k->unit);
	else if (k->known.cgroup) {
		text_add(text, ", in cgroup ");
		say_path(text, k->cgroup);
	}
}

/* a sender that is another process; of the others the cause says all there is */
static void say_who(const struct observation *observation, struct verdict *ret)
{
	const struct exit *e = &observation->exit;
	const struct killer *k = &e->killer;
	enum killer_source source = exit_source(observation);
	struct text text;

	if (!source || (source != KILLER_SOURCE_USER && source != KILLER_SOURCE_CGROUP_KILL &&
			source != KILLER_SOURCE_PIDNS_EXIT && source != KILLER_SOURCE_PDEATHSIG))
		return;
	if (!k->known.pid && !k->known.comm)
		return;
	/* the cause has named them */
	if (source != KILLER_SOURCE_USER && source != KILLER_SOURCE_CGROUP_KILL && !k->known.exe && !k->parents_count)
		return;
	text = say_evidence(ret, "who", BASIS_MEASURED);
	say_process(&text, k->known.comm ? k->comm : "", k->known.pid, k->pid);
	if (k->known.tid)
		text_format(&text, ", thread %llu", (unsigned long long)k->tid);
	if (k->known.exe) {
		text_add(&text, ", ");
		say_path(&text, k->exe);
	}
	if (k->known.uid)
		text_format(&text, ", uid %llu", (unsigned long long)k->uid);
	say_home(observation, &text);
	if (k->known.via)
		text_format(&text, ", by %s", k->via);
	if (k->known.other_pidns && k->other_pidns)
		text_add(&text, ", from another pid namespace");
	if (k->known.forged_pid)
		text_format(&text, "; it pretended to be pid %llu", (unsigned long long)k->forged_pid);
	if (k->parents_count) {
		text = say_evidence(ret, "who", BASIS_MEASURED);
		text_add(&text, "its parents: ");
		say_chain(&text, k->parents, k->parents_count);
	}
}

static const char *const result_phrases[] = {
	[SIGNAL_RESULT_DELIVERED] = "delivered",
	[SIGNAL_RESULT_IGNORED] = "ignored",
	[SIGNAL_RESULT_BLOCKED] = "blocked, kept for later",
	[SIGNAL_RESULT_PENDING] = "dropped, one was still waiting",
};

static const char *const action_phrases[] = {
	[SIGNAL_ACTION_DEFAULT] = "no handler",
	[SIGNAL_ACTION_IGNORE] = "set to be ignored",
	[SIGNAL_ACTION_HANDLER] = "a handler",
};

static void say_prior(const struct prior_signal *s, struct verdict *ret)
{
	struct text text;

	if (!s->known.signal && !s->known.signal_name)
		return;
	text = say_evidence(ret, "before", BASIS_MEASURED);
	exit_say_signal(&text, s->known.signal_name, s->signal_name, s->signal);
	if (s->known.count && s->count > 1)
		text_format(&text, ", %llu times, the last", (unsigned long long)s->count);
	if (s->known.age_ns) {
		text_add(&text, " ");
		text_duration(&text, s->age_ns);
		text_add(&text, " before the end");
	}
	if (s->known.uptime_ns) {
		text_add(&text, " (");
		text_duration(&text, s->uptime_ns);
		text_add(&text, " after the program's start)");
	}
	text_add(&text, ", from ");
	exit_say_prior_sender(&text, s);
	if (s->known.result)
		text_format(&text, ": %s", result_phrases[s->result]);
	if (s->known.action)
		text_format(&text, "%s%s then", s->known.result ? "; " : ": ", action_phrases[s->action]);
	if (s->known.action_at_death && (!s->known.action || s->action != s->action_at_death))
		text_format(&text, "%s%s at the end", s->known.result || s->known.action ? ", " : ": ",
			    action_phrases[s->action_at_death]);
}

static void say_parents(const struct observation *observation, struct verdict *ret)
{
	const struct process *p = &observation->process;
	const struct exit *e = &observation->exit;
	bool orphan = e->known.orphan && e->orphan;
	bool listed = e->parents_count && (e->parents[0].known.pid || e->parents[0].known.comm);
	struct text text;

	if (!listed && !p->known.ppid && !orphan)
		return;
	text = say_evidence(ret, "parents", BASIS_MEASURED);
	if (listed)
		say_chain(&text, e->parents, e->parents_count);
	else if (p->known.ppid)
		say_process(&text, p->known.parent_comm ? p->parent_comm : "", true, p->ppid);
	if (orphan)
		text_format(&text, "%san orphan: the process that started it had died before and this one adopted it",
			    text.length ? "; " : "");
}

static void say_loop(const struct observation *observation, struct verdict *ret)
{
	const struct death_loop *l = &observation->exit.loop;
	struct text text;

	/* one finding that grows: the first four of a cause, then at each doubling */
	ret->repeats = observation->exit.known.loop && l->known.in_a_row && l->in_a_row > 4 &&
		       (l->in_a_row & (l->in_a_row - 1));
	if (!exit_loops(observation))
		return;
	text = say_evidence(ret, "loop", BASIS_MEASURED);
	exit_say_ordinal(&text, l->deaths);
	text_add(&text, " abnormal death of this program in this cgroup");
	if (l->known.window_ns && l->window_ns) {
		text_add(&text, " in ");
		text_duration(&text, l->window_ns);
		text_add(&text, ", one every ");
		text_duration(&text, l->window_ns / (l->deaths - 1));
	}
	if (l->known.same_cause)
		text_add(&text, l->same_cause ? ", all of the same cause" : ", not all of the same cause");
}

static void say_used(const struct exit *e, struct verdict *ret)
{
	char line[320];
	struct text text = TEXT_ON(line), row;

	if (e->known.uptime_ns) {
		text_add(&text, "lived ");
		text_duration(&text, e->uptime_ns);
		if (e->known.program_ns && e->program_ns + SECOND_NS < e->uptime_ns) {
			text_add(&text, " (this program ");
			text_duration(&text, e->program_ns);
			text_add(&text, ")");
		}
	}
	if (e->known.cpu_user_ns && e->known.cpu_system_ns) {
		text_format(&text, "%scpu ", separator(&text));
		text_duration(&text, e->cpu_user_ns);
		text_add(&text, " user + ");
		text_duration(&text, e->cpu_system_ns);
		text_add(&text, " system");
	}
	if (e->known.max_rss_bytes) {
		text_format(&text, "%speak memory ", separator(&text));
		text_bytes(&text, e->max_rss_bytes);
	}
	if (e->known.threads)
		text_format(&text, e->threads == 1 ? "%s%llu thread" : "%s%llu threads", separator(&text),
			    (unsigned long long)e->threads);
	if (e->known.read_bytes) {
		text_format(&text, "%sread ", separator(&text));
		text_bytes(&text, e->read_bytes);
	}
	if (e->known.write_bytes) {
		text_format(&text, "%swrote ", separator(&text));
		text_bytes(&text, e->write_bytes);
	}
	if (!text.length)
		return;
	row = say_evidence(ret, "used", BASIS_MEASURED);
	text_add(&row, line);
}

static void say_subject(const struct observation *observation, struct verdict *ret)
{
	const struct container *c = &observation->container;
	const struct process *p = &observation->process;
	const struct exit *e = &observation->exit;
	enum killer_source source = exit_source(observation);
	bool crash = source == KILLER_SOURCE_FAULT || (source == KILLER_SOURCE_SELF && exit_signal_dumps(e->signal));
	struct text text = say_title(ret);

	if (exit_signal(observation))
		text_add(&text, crash ? "CRASH  " : e->signal == SIGKILL ? "KILLED  " : "ENDED  ");
	else if (e->known.code)
		text_format(&text, "EXIT %lld  ", (long long)e->code);
	else
		text_add(&text, "EXIT  ");
	say_process(&text, p->known.comm ? p->comm : "", p->known.pid, p->pid);
	if (exit_signal(observation)) {
		text_add(&text, crash ? "  " : "  by ");
		exit_say_own_signal(&text, observation);
	}
	if (c->known.id)
		text_format(&text, strlen(c->id) == 64 ? "  in container %.12s" : "  in container %s", c->id);
	else if (c->known.unit)
		text_format(&text, "  in %s", c->unit);
	else if (observation->cgroup.known.path) {
		text_add(&text, "  in cgroup ");
		say_path(&text, observation->cgroup.path);
	}
	if (c->known.pod_uid)
		text_format(&text, " (pod %s)", c->pod_uid);
}

void exit_describe(const struct observation *observation, struct verdict *ret)
{
	const struct exit *e = &observation->exit;

	KNOW(&ret->diagnosis, resource, RESOURCE_PROCESS);
	KNOW(&ret->diagnosis, confidence, BASIS_MEASURED);
	say_subject(observation, ret);
	say_fault(e, ret);
	say_core(e, ret);
	say_who(observation, ret);
	for (uint64_t i = 0; i < e->prior_signals_count; i++)
		say_prior(&e->prior_signals[i], ret);
	if (exit_request(observation))
		exit_say_grace(observation, exit_request(observation), ret);
	say_loop(observation, ret);
	say_parents(observation, ret);
	say_used(e, ret);
}
