// SPDX-License-Identifier: BSD-2-Clause
/* What both cards say of a process's descriptors, whatever the cause; here that of a refusal. */
#include "fd_describe.h"

#include <string.h>

#include "fd_refused.h"
#include "say.h"

/* ---- rows of both --------------------------------------------------------- */

void fd_row_types(const struct fd_view *v, struct verdict *ret)
{
	enum { ROOM = 200 };
	struct text text;
	bool any = false;

	for (uint64_t i = 0; i < v->type_count; i++)
		any |= v->types[i].known.count && v->types[i].known.type && *v->types[i].type;
	if (!any)
		return;
	text = say_evidence(ret, "types", BASIS_MEASURED);
	for (uint64_t i = 0; i < v->type_count && text.length < ROOM; i++) {
		const struct fd_type *t = &v->types[i];

		if (!t->known.count || !t->known.type || !*t->type)
			continue;
		text_format(&text, "%s%s %llu", text.length ? ", " : "", t->type, (unsigned long long)t->count);
		if (!t->known.grown || !t->grown)
			continue;
		text_add(&text, " (");
		fd_say_signed(&text, t->grown);
		text_add(&text, ")");
	}
}

static void row_group(const struct fd_group *g, struct verdict *ret)
{
	struct text text = say_evidence(ret, "most", BASIS_MEASURED);

	text_number(&text, g->count);
	text_add(&text, "  ");
	fd_say_group(&text, g);
	/* what it is has the peer in it, mostly */
	if (g->known.peer && *g->peer && !(g->known.what && strstr(g->what, g->peer)))
		text_format(&text, ", peer %s", g->peer);
	if (g->known.oldest_ns) {
		text_add(&text, ", the oldest opened ");
		text_duration(&text, g->oldest_ns);
		text_add(&text, " ago");
	}
	if (g->known.quiet_ns && g->quiet_ns >= SECOND_NS) {
		text_add(&text, ", silent for up to ");
		text_duration(&text, g->quiet_ns);
	}
}

void fd_row_groups(const struct fd_view *v, uint64_t most, bool skip_close_wait, struct verdict *ret)
{
	for (uint64_t i = 0; i < v->group_count && most; i++) {
		if (!v->groups[i].known.count || v->groups[i].count < 2 || (skip_close_wait && fd_is_close_wait(&v->groups[i])))
			continue;
		row_group(&v->groups[i], ret);
		most--;
	}
}

/* what is known of the process is in one row, its script first: an interpreter's name says nothing */
void fd_row_process(const struct observation *observation, const char *script, struct verdict *ret)
{
	const struct process *p = &observation->process;
	struct text text;

	if (!p->known.comm && !p->known.pid && !script)
		return;
	text = say_evidence(ret, "process", BASIS_MEASURED);
	fd_say_holder(&text, observation);
	if (script) {
		text_add(&text, ", runs ");
		say_path(&text, script);
	}
	say_identity(&text, observation);
}

/* ---- a refusal ------------------------------------------------------------- */

static void say_window(struct text *text, const struct fd_exhausted *x)
{
	if (x->known.window_ns && x->window_ns) {
		text_add(text, " in ");
		text_duration(text, x->window_ns);
	}
	if (x->known.rate_per_s && x->rate_per_s)
		text_format(text, " (%llu/s)", (unsigned long long)x->rate_per_s);
	if (x->known.total && x->known.count && x->total > x->count) {
		text_format(text, "; %llu since it began", (unsigned long long)x->total);
		if (x->known.incident_ns && x->incident_ns) {
			text_add(text, " ");
			text_duration(text, x->incident_ns);
			text_add(text, " ago");
		}
	}
}

static void row_calls(const struct fd_exhausted *x, struct verdict *ret)
{
	struct text text;
	uint64_t said = 0;

	if (!x->known.syscall && !x->known.count && !(x->known.calls && x->calls_count)) {
		text = say_evidence(ret, "calls", BASIS_UNKNOWN);
		text_add(&text, "which call failed is not in this line");
		return;
	}
	text = say_evidence(ret, "calls", BASIS_MEASURED);
	for (uint64_t i = 0; x->known.calls && i < x->calls_count; i++) {
		if (!x->calls[i].known.syscall || !*x->calls[i].syscall)
			continue;
		text_format(&text, "%s%s", said++ ? ", " : "", x->calls[i].syscall);
		if (x->calls[i].known.count && x->calls[i].count)
			text_format(&text, x->calls[i].count == 1 ? " once" : " %llu times",
				    (unsigned long long)x->calls[i].count);
	}
	if (!said) {
		text_add(&text, fd_syscall(x));
		if (x->known.count && x->count)
			text_format(&text, x->count == 1 ? " once" : " %llu times", (unsigned long long)x->count);
	}
	say_window(&text, x);
}

static void row_thread(const struct observation *observation, struct verdict *ret)
{
	const struct fd_exhausted *x = &observation->fd_exhausted;
	const struct process *p = &observation->process;
	bool other = x->known.tid && p->known.pid && x->tid != p->pid, spins = x->known.spin_percent && x->spin_percent >= 10;
	struct text text;

	if (!other && !spins)
		return;
	text = say_evidence(ret, "thread", BASIS_MEASURED);
	if (other) {
		say_process(&text, x->known.thread_comm ? x->thread_comm : "thread", true, x->tid);
		text_add(&text, " made the call");
	}
	if (!spins)
		return;
	text_format(&text, "%s%llu %% of a CPU meanwhile", other ? "; " : "", (unsigned long long)x->spin_percent);
	if (x->known.spin_tid)
		text_format(&text, " in thread %llu", (unsigned long long)x->spin_tid);
}

/* the process's own limit and use; for another limit a sign that this one was not it */
static void row_limit(const struct fd_exhausted *x, struct verdict *ret)
{
	bool own = !x->known.limit_kind || x->limit_kind == FD_LIMIT_RLIMIT_SOFT || x->limit_kind == FD_LIMIT_NR_OPEN;
	struct text text;

	if (!x->known.open && !x->known.soft) {
		text = say_evidence(ret, "limit", BASIS_UNKNOWN);
		text_add(&text, "how many descriptors the process had, and how many it may have");
		return;
	}
	text = say_evidence(ret, own ? "limit" : "own", BASIS_MEASURED);
	if (x->known.open)
		text_format(&text, "%llu open", (unsigned long long)x->open);
	if (x->known.soft)
		text_format(&text, "%s %llu (RLIMIT_NOFILE soft)", x->known.open ? " of" : "limit", (unsigned long long)x->soft);
	if (own && fd_is_lowered(x))
		text_add(&text, ", lowered after they were opened");
	if (x->known.hard)
		text_format(&text, ", hard %llu", (unsigned long long)x->hard);
	if (x->known.nr_open)
		text_format(&text, ", fs.nr_open %llu", (unsigned long long)x->nr_open);
	if (!own)
		text_add(&text, ": not the limit that bound");
}

static void row_host(const struct fd_exhausted *x, struct verdict *ret)
{
	bool bound = x->known.limit_kind && x->limit_kind == FD_LIMIT_FILE_MAX;
	struct text text;

	if (!x->known.host_open || !(x->known.file_max || bound))
		return;
	/* a limit that nobody reaches is not worth a row */
	if (!bound && !fd_is_share(x->host_open, x->file_max, 7, 10))
		return;
	text = say_evidence(ret, "host", BASIS_MEASURED);
	text_format(&text, "%llu open files", (unsigned long long)x->host_open);
	if (x->known.file_max)
		text_format(&text, " of %llu (fs.file-max)", (unsigned long long)x->file_max);
}

static void row_stack(const struct fd_exhausted *x, struct verdict *ret)
{
	struct fd_stack stack = FD_STACK(x);
	struct text text;

	if (fd_has_frames(&stack)) {
		text = say_evidence(ret, "stack", BASIS_MEASURED);
		if (x->known.stack_syscall && *x->stack_syscall)
			text_format(&text, "of %s: ", x->stack_syscall);
		fd_say_stack(&text, &stack, 6);
		if (x->known.stack_note && *x->stack_note)
			text_format(&text, " (%s)", x->stack_note);
	} else if (x->known.stack_note && *x->stack_note) {
		text = say_evidence(ret, "stack", BASIS_UNKNOWN);
		text_add(&text, x->stack_note);
	}
}

static void row_unlisted(const struct fd_exhausted *x, const struct fd_view *v, struct verdict *ret)
{
	struct text text;

	/* what fills another limit is not among them */
	if (x->known.limit_kind && x->limit_kind != FD_LIMIT_RLIMIT_SOFT && x->limit_kind != FD_LIMIT_NR_OPEN)
		return;
	if (!v->type_count && !v->group_count) {
		text = say_evidence(ret, "unknown", BASIS_UNKNOWN);
		text_add(&text, "what the descriptors are: they could not be looked at, or the process was gone before they were");
	} else if (x->known.listed && x->known.open && x->open > x->listed && x->open - x->listed > x->open / 10) {
		text = say_evidence(ret, "unknown", BASIS_UNKNOWN);
		text_format(&text, "what %llu more were: %llu were listed just after", (unsigned long long)(x->open - x->listed),
			    (unsigned long long)x->listed);
	}
}

static const char *symptom_of(const struct fd_exhausted *x)
{
	static const char *const symptoms[] = {
		[FD_LIMIT_RLIMIT_SOFT] = "FD LIMIT", [FD_LIMIT_NR_OPEN] = "FD LIMIT",
		[FD_LIMIT_FILE_MAX] = "HOST FILE LIMIT", [FD_LIMIT_INOTIFY_INSTANCES] = "INOTIFY LIMIT",
		[FD_LIMIT_INOTIFY_WATCHES] = "INOTIFY LIMIT", [FD_LIMIT_FANOTIFY_GROUPS] = "FANOTIFY LIMIT",
		[FD_LIMIT_MQUEUE_BYTES] = "MESSAGE QUEUE LIMIT", [FD_LIMIT_PIPE_PAGES] = "PIPE LIMIT",
	};

	return x->known.limit_kind ? symptoms[x->limit_kind] : "NO DESCRIPTOR";
}

static void say_title_refused(const struct observation *observation, struct verdict *ret)
{
	const struct fd_exhausted *x = &observation->fd_exhausted;
	bool dropped = x->known.syscall && strncmp(x->syscall, "recvm", 5) == 0;
	struct text text = say_title(ret);

	text_format(&text, "%s  ", symptom_of(x));
	fd_say_holder(&text, observation);
	text_format(&text, "  %s", fd_syscall(x));
	if (dropped)
		text_add(&text, " dropped descriptors");
	else if (x->known.error)
		text_format(&text, " failed: %s", fd_error_name(x->error));
	else
		text_add(&text, " failed");
	fd_say_home(&text, observation);
}

static void know_use(const struct fd_exhausted *x, struct diagnosis *d)
{
	bool own = x->known.limit_kind && (x->limit_kind == FD_LIMIT_RLIMIT_SOFT || x->limit_kind == FD_LIMIT_NR_OPEN);

	KNOW(d, resource, RESOURCE_FD);
	if (fd_is_file_max(x)) {
		if (x->known.host_open)
			KNOW(d, usage, x->host_open);
		if (x->known.file_max)
			KNOW(d, limit, x->file_max);
		return;
	}
	if (own && x->known.open)
		KNOW(d, usage, x->open);
	if (x->known.limit_kind && x->known.limit)
		KNOW(d, limit, x->limit);
	else if (own && x->known.soft)
		KNOW(d, limit, x->soft);
}

void fd_exhausted_describe(const struct observation *observation, struct verdict *ret)
{
	const struct fd_exhausted *x = &observation->fd_exhausted;
	struct fd_view v = fd_view_of(observation);

	ret->severity = fd_is_file_max(x) ? SEVERITY_CRITICAL : SEVERITY_ERROR;
	know_use(x, &ret->diagnosis);
	say_title_refused(observation, ret);
	row_calls(x, ret);
	row_limit(x, ret);
	row_host(x, ret);
	row_thread(observation, ret);
	fd_row_types(&v, ret);
	fd_row_groups(&v, 2, false, ret);
	row_stack(x, ret);
	row_unlisted(x, &v, ret);
	fd_row_process(observation, x->known.script && *x->script ? x->script : NULL, ret);
}
