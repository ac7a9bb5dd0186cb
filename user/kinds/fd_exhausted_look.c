// SPDX-License-Identifier: BSD-2-Clause
/* Who got no descriptor, and what it has instead: asked at once, as it may be gone in a moment. */
#include "fd_exhausted_kind.h"

#include <string.h>

#include "fd_leak_kind.h"
#include "fd_stack.h"
#include "subject.h"

/* a process with a million of them is looked at for this long */
#define LIST_NS 500000000ULL

static void take(void *context, const struct fd_entry *e)
{
	if (e->fd != FD_OWNER)
		fd_summary_add(context, e->fd, &e->file);
}

/* what is open just after; the process may have closed some, or be gone */
static void add_descriptors(struct fd_exhausted_state *state, struct observation *o)
{
	struct session *s = state->session;
	struct fd_summary *summary = &state->summary;
	struct fd_exhausted *x = &o->fd_exhausted;
	uint64_t now = session_now();
	int err;

	fd_summary_clear(summary);
	err = fd_list_run(&s->fd_list, o->process.pid, false, now + LIST_NS, take, summary);
	if (!summary->count)
		return;
	if (err)
		observation_truncated(o, "fd_exhausted.by_type");
	summary->jiffies_per_s = fd_list_jiffies_per_s(&s->fd_list);
	KNOW(x, listed, summary->count);
	x->by_type_count = fd_summary_types(summary, x->by_type, sizeof(x->by_type) / sizeof(x->by_type[0]));
	x->top_count = fd_summary_groups(summary, &s->procfs, o->process.pid, now, x->top,
					 sizeof(x->top) / sizeof(x->top[0]));
	x->known.by_type = x->known.top = 1;
}

static void add_stack(struct session *s, struct observation *o, const struct fd_failure_event *e)
{
	struct fd_exhausted *x = &o->fd_exhausted;
	struct call_stack stack;

	fd_stack_unwind(s, o->process.pid, o->process.start_ns, &e->stack, &stack);
	x->stack_count = fd_stack_words(s, o->process.pid, o->process.start_ns, &stack, x->stack[0], sizeof(x->stack[0]),
					sizeof(x->stack) / sizeof(x->stack[0]));
	x->known.stack = x->stack_count != 0;
	if (*stack.note)
		KNOW_TEXT(x, stack_note, stack.note);
	else if (stack.truncated)
		KNOW_TEXT(x, stack_note, "the outer frames could not be followed");
}

void fd_exhausted_look(struct fd_exhausted_state *state, struct fd_incident *incident, const struct fd_failure_event *e)
{
	struct session *s = state->session;
	struct observation *o = &incident->observation;
	struct fd_exhausted *x = &o->fd_exhausted;

	observation_clear(o, KIND_fd_exhausted);
	memcpy(&o->process, &e->process, sizeof(e->process));
	memcpy(x, &e->failure, sizeof(e->failure));
	/* every number below the limit is taken */
	if (!x->known.open && e->full)
		KNOW(x, open, x->soft);
	if (incident->limit_kind)
		KNOW(x, limit_kind, incident->limit_kind);
	if (procfs_same_process(&s->procfs, o->process.pid, o->process.start_ns)) {
		add_stack(s, o, e);
		add_descriptors(state, o);
		subject_identity(s, &o->process);
		x->known.script = fd_script(&o->process, x->script, sizeof(x->script));
	} else {
		KNOW_TEXT(x, stack_note, "the process ended before it could be looked at");
	}
	cgroup_paths_fill(&s->cgroup_paths, o, e->cgroup_id, e->cgroup_version);
	fd_exhausted_limits(state, e->user_ns, x);
	x->known.growth_per_min = fd_leak_growth(s, o->process.pid, o->process.start_ns, &x->growth_per_min);
}
