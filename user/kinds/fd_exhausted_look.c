// SPDX-License-Identifier: BSD-2-Clause
/* Who got no descriptor, and what it has instead: asked at once, as it may be gone in a moment. */
#include "fd_exhausted_kind.h"

#include <string.h>

#include "fd_leak_kind.h"
#include "fd_stack.h"
#include "subject.h"

/* a process with a million of them is looked at for this long */
#define LIST_NS 500000000ULL

/* stacks that wait for their names, which may take 50 ms each while others want to be looked at */
enum { UNNAMED_MAX = 4 };

static void take(void *context, const struct fd_entry *e)
{
	if (e->fd != FD_OWNER)
		fd_summary_add(context, e->fd, &e->file);
}

static void unmark_truncated(struct observation *o, const char *what)
{
	uint64_t kept = 0;

	for (uint64_t i = 0; i < o->truncated_count; i++) {
		if (strcmp(o->truncated[i], what) == 0)
			continue;
		if (kept != i)
			memcpy(o->truncated[kept], o->truncated[i], sizeof(o->truncated[kept]));
		kept++;
	}
	o->truncated_count = kept;
}

/* what is open just after; the process may have closed some, or be gone: fewer than these change nothing */
static void add_descriptors(struct fd_exhausted_state *state, struct observation *o, uint64_t least)
{
	struct session *s = state->session;
	struct fd_summary *summary = &state->summary;
	struct fd_exhausted *x = &o->fd_exhausted;
	uint64_t now = session_now();
	int err;

	fd_summary_clear(summary);
	err = fd_list_run(&s->fd_list, o->process.pid, false, now + LIST_NS, take, summary);
	if (!summary->count || summary->count < least)
		return;
	unmark_truncated(o, "fd_exhausted.by_type");
	if (err)
		observation_truncated(o, "fd_exhausted.by_type");
	summary->jiffies_per_s = fd_list_jiffies_per_s(&s->fd_list);
	KNOW(x, listed, summary->count);
	x->by_type_count = fd_summary_types(summary, x->by_type, sizeof(x->by_type) / sizeof(x->by_type[0]));
	x->top_count = fd_summary_groups(summary, &s->procfs, o->process.pid, now, x->top,
					 sizeof(x->top) / sizeof(x->top[0]));
	x->known.by_type = x->known.top = 1;
}

/* addresses, as long as there is a process to ask: files are opened for it, and names need only those */
static void add_stack(struct session *s, struct fd_incident *incident, const struct fd_failure_event *e)
{
	const struct process *p = &incident->observation.process;
	struct fd_exhausted *x = &incident->observation.fd_exhausted;
	struct call_stack *stack = &incident->stack;

	fd_stack_unwind(s, p->pid, p->start_ns, &e->stack, stack);
	if (*stack->note)
		KNOW_TEXT(x, stack_note, stack->note);
	else if (stack->truncated)
		KNOW_TEXT(x, stack_note, "the outer frames could not be followed");
}

void fd_exhausted_name(struct session *s, struct fd_incident *incident)
{
	const struct process *p = &incident->observation.process;
	struct fd_exhausted *x = &incident->observation.fd_exhausted;

	if (!incident->stack.count)
		return;
	x->stack_count = fd_stack_words(s, p->pid, p->start_ns, &incident->stack, x->stack[0], sizeof(x->stack[0]),
					sizeof(x->stack) / sizeof(x->stack[0]));
	x->known.stack = x->stack_count != 0;
	if (!x->known.stack)
		KNOW_TEXT(x, stack_note, "the process ended before its stack could be named");
	else if (x->stack_count < incident->stack.count)
		observation_truncated(&incident->observation, "fd_exhausted.stack");
	incident->stack.count = 0;
}

/* the unwinder keeps the files of a few processes */
static void name_older(struct fd_exhausted_state *state)
{
	unsigned int unnamed = 0;

	for (int i = 0; i < FD_INCIDENTS; i++)
		unnamed += state->incidents[i].stack.count != 0;
	for (int i = 0; i < FD_INCIDENTS && unnamed >= UNNAMED_MAX; i++)
		fd_exhausted_name(state->session, &state->incidents[i]);
}

void fd_exhausted_update(struct fd_incident *incident, const struct fd_failure_event *e)
{
	struct fd_exhausted *x = &incident->observation.fd_exhausted;

	KNOW(x, soft, e->failure.soft);
	KNOW(x, hard, e->failure.hard);
	x->known.open = e->failure.known.open;
	x->open = e->failure.open;
	/* every number below the limit is taken */
	if (!x->known.open && e->key.full)
		KNOW(x, open, x->soft);
	if (x->known.limit_kind && x->limit_kind == FD_LIMIT_RLIMIT_SOFT)
		KNOW(x, limit, x->soft);
}

void fd_exhausted_look(struct fd_exhausted_state *state, struct fd_incident *incident, const struct fd_failure_event *e)
{
	struct session *s = state->session;
	struct observation *o = &incident->observation;
	struct fd_exhausted *x = &o->fd_exhausted;

	name_older(state);
	observation_clear(o, KIND_fd_exhausted);
	incident->stack.count = 0;
	memcpy(&o->process, &e->process, sizeof(e->process));
	memcpy(x, &e->failure, sizeof(e->failure));
	if (incident->limit_kind)
		KNOW(x, limit_kind, incident->limit_kind);
	fd_exhausted_update(incident, e);
	if (procfs_same_process(&s->procfs, o->process.pid, o->process.start_ns)) {
		subject_identity(s, &o->process);
		add_stack(s, incident, e);
		add_descriptors(state, o, 0);
		x->known.script = fd_script(&o->process, x->script, sizeof(x->script));
	} else {
		KNOW_TEXT(x, stack_note, "the process ended before it could be looked at");
	}
	cgroup_paths_fill(&s->cgroup_paths, o, e->cgroup_id, e->cgroup_version);
	fd_exhausted_limits(state, e->user_ns, x);
	x->known.growth_per_min = fd_leak_growth(s, o->process.pid, o->process.start_ns, &x->growth_per_min);
}

void fd_exhausted_look_again(struct fd_exhausted_state *state, struct fd_incident *incident)
{
	struct session *s = state->session;
	struct observation *o = &incident->observation;
	struct fd_exhausted *x = &o->fd_exhausted;

	if (!procfs_same_process(&s->procfs, o->process.pid, o->process.start_ns))
		return;
	incident->listed_ns = session_now();
	/* one that has freed most of them meanwhile is no longer what was refused */
	add_descriptors(state, o, x->known.listed ? x->listed / 2 : 0);
	x->known.growth_per_min = fd_leak_growth(s, o->process.pid, o->process.start_ns, &x->growth_per_min);
}
