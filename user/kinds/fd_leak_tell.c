// SPDX-License-Identifier: BSD-2-Clause
/* A process and its descriptors as an observation. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdlib.h>
#include <string.h>

#include "fd_file.h"
#include "fd_leak.skel.h"
#include "fd_leak_kind.h"
#include "fd_stack.h"
#include "subject.h"

/* ---- counts of the kernel side -------------------------------------- */

static void add_opened(struct fd_leak_state *state, const uint64_t *sites, const struct fd_site_count *counts,
		       uint32_t count, uint64_t pid)
{
	for (uint32_t i = 0; i < count; i++) {
		struct fd_place *p = counts[i].tgid == pid ? fd_leak_place(state, sites[i]) : NULL;

		if (counts[i].tgid != pid)
			continue;
		state->opened += counts[i].opened;
		if (p)
			p->opened += counts[i].opened;
	}
}

void fd_leak_count_opened(struct fd_leak_state *state, uint64_t pid)
{
	static uint64_t sites[1024];
	static struct fd_site_count counts[1024];
	const struct fd_leak_bpf *skeleton = session_kind(state->session, KIND_fd_leak)->probe.wrapper;
	int map = bpf_map__fd(skeleton->maps.sites), err = 0;
	uint32_t batch, count;
	bool first = true;

	state->opened_before = state->opened;
	state->opened = 0;
	for (uint32_t i = 0; i < state->places.count; i++) {
		struct fd_place *p = table_entry(&state->places, i);

		p->opened_before = p->opened;
		p->opened = 0;
	}
	while (!err) {
		count = 1024;
		err = bpf_map_lookup_batch(map, first ? NULL : &batch, &batch, sites, counts, &count, NULL);
		first = false;
		add_opened(state, sites, counts, count, pid);
	}
}

/* ---- parts ---------------------------------------------------------- */

static void add_process(struct process *p, const struct fd_owner *o)
{
	KNOW(p, pid, o->pid);
	KNOW(p, start_ns, o->start_ns);
	KNOW(p, ppid, o->ppid);
	KNOW(p, uid, o->uid);
	if (o->ns_pid)
		KNOW(p, ns_pid, o->ns_pid);
	text_copy(p->comm, sizeof(p->comm), o->comm, strnlen(o->comm, sizeof(o->comm)));
	text_copy(p->parent_comm, sizeof(p->parent_comm), o->parent_comm, strnlen(o->parent_comm, sizeof(o->parent_comm)));
	p->known.comm = p->known.parent_comm = 1;
}

/*
 * What was there at the first look has a mark, and what a process had when it
 * was born it inherited. The rest came by a road that the hook does not show.
 * Where all processes are watched marks may have had to go: as many without
 * one as there were at first count as old.
 */
static void add_parts(struct fd_leak_state *state, struct fd_leak *x, const struct fd_process *p)
{
	uint64_t old = p->newborn ? p->unmatched : 0;

	if (!p->newborn && !state->session->options.pid && p->first_open > p->marked)
		old = p->first_open - p->marked < p->unmatched ? p->first_open - p->marked : p->unmatched;
	KNOW(x, outstanding, p->outstanding);
	KNOW(x, before, p->marked + old);
	KNOW(x, unseen, p->unmatched - old);
}

static void add_growth(struct fd_leak *x, const struct fd_process *p, bool ended)
{
	_Static_assert(sizeof(x->history) == FD_HISTORY * sizeof(uint64_t), "a history is told whole");
	uint64_t step_ns;

	KNOW(x, open_at_start, p->first_open);
	KNOW(x, peak, p->peak);
	KNOW(x, watched_ns, p->last_ns - p->first_ns);
	KNOW(x, looks, p->looks);
	if (p->looks < 2)
		return;
	x->known.growth_per_min = fd_leak_rate(p, &x->growth_per_min);
	if (!ended && x->known.growth_per_min && x->growth_per_min > 0 && x->known.soft && x->soft > x->open) {
		KNOW(x, exhausted_in_s, (x->soft - x->open) * 60 / x->growth_per_min);
		/* 0 would say that none is left */
		x->exhausted_in_s += !x->exhausted_in_s;
	}
	x->history_count = fd_leak_history(p, x->history, &step_ns);
	x->known.history = 1;
	KNOW(x, history_step_ns, step_ns);
}

static void add_types(const struct fd_leak_state *state, struct fd_leak *x)
{
	x->by_type_count = fd_summary_types(state->summary, x->by_type, sizeof(x->by_type) / sizeof(x->by_type[0]));
	x->known.by_type = 1;
	if (!state->session->options.pid)
		return;
	for (uint64_t i = 0; i < x->by_type_count; i++) {
		struct fd_type *t = &x->by_type[i];
		uint64_t first = 0;

		for (unsigned int n = 0; n < state->first_type_count; n++)
			if (strcmp(state->first_types[n].type, t->type) == 0)
				first = state->first_types[n].count;
		KNOW(t, grown, (int64_t)(t->count - first));
	}
}

static void add_close_wait(struct fd_leak_state *state, struct fd_leak *x, const struct fd_process *p)
{
	const uint64_t max = sizeof(x->close_wait) / sizeof(x->close_wait[0]);
	uint64_t sites[sizeof(x->close_wait) / sizeof(x->close_wait[0])];

	KNOW(x, close_wait_total, state->summary->close_wait);
	if (state->session->options.pid && p->looks > 1)
		KNOW(x, close_wait_grown, (int64_t)(state->summary->close_wait - state->first_close_wait));
	x->close_wait_count = fd_summary_close_wait(state->summary, x->close_wait, sites, max);
	x->known.close_wait = 1;
	for (uint64_t i = 0; i < x->close_wait_count; i++) {
		struct fd_close_wait *c = &x->close_wait[i];
		const struct fd_place *place = sites[i] ? fd_leak_place(state, sites[i]) : NULL;

		if (!place || !place->has_stack)
			continue;
		c->stack_count = fd_stack_words(state->session, p->pid, p->owner.start_ns, &place->stack, c->stack[0],
						sizeof(c->stack[0]), sizeof(c->stack) / sizeof(c->stack[0]));
		c->known.stack = c->stack_count != 0;
	}
}

/* ---- sites ---------------------------------------------------------- */

/* the fastest growing first, then the most outstanding */
static int by_growth(const void *a, const void *b)
{
	const struct fd_place *left = *(const struct fd_place *const *)a, *right = *(const struct fd_place *const *)b;
	int64_t left_grown = left->outstanding - left->first, right_grown = right->outstanding - right->first;

	if (left_grown != right_grown)
		return left_grown < right_grown ? 1 : -1;
	if (left->outstanding != right->outstanding)
		return left->outstanding < right->outstanding ? 1 : -1;
	return left->key < right->key ? -1 : left->key > right->key;
}

/* false where the stack has outer frames that the record has no room for */
static bool fill_site(struct fd_leak_state *state, struct fd_site *to, const struct fd_place *place,
		      const struct fd_process *p)
{
	struct text example;
	char room[24];

	*to = (struct fd_site){};
	example = (struct text)TEXT_ON(to->example);
	to->stack_count = fd_stack_words(state->session, p->pid, p->owner.start_ns, &place->stack, to->stack[0],
					 sizeof(to->stack[0]), sizeof(to->stack) / sizeof(to->stack[0]));
	to->known.stack = to->stack_count != 0;
	KNOW(to, outstanding, place->outstanding);
	/* openings are counted by number: of a stack that shares its number with another they are not known */
	if (place->opened) {
		KNOW(to, opened, place->opened > place->outstanding ? place->opened : place->outstanding);
		KNOW(to, closed, to->opened - to->outstanding);
	}
	KNOW(to, grown, (int64_t)(place->outstanding - place->first));
	KNOW(to, rises, place->rises);
	KNOW(to, falls, place->falls);
	if (place->oldest_ns && state->now_ns > place->oldest_ns)
		KNOW(to, oldest_ns, state->now_ns - place->oldest_ns);
	if (place->peak_ns)
		KNOW(to, grew_ns, state->now_ns - place->peak_ns);
	KNOW_TEXT(to, type, place->mixed ? "mixed" : fd_file_type(&place->oldest, room));
	to->known.example = fd_describe(&example, &state->session->procfs, p->pid, place->oldest_fd, &place->oldest);
	return to->stack_count == place->stack.count;
}

static void add_sites(struct fd_leak_state *state, struct observation *o, const struct fd_process *p)
{
	struct fd_leak *x = &o->fd_leak;
	static const struct fd_place *found[FD_PLACES];
	const uint64_t max = sizeof(x->sites) / sizeof(x->sites[0]);
	uint64_t attributed = 0;
	uint32_t count = 0;

	KNOW(x, opened, state->opened > p->outstanding ? state->opened : p->outstanding);
	KNOW(x, closed, x->opened - p->outstanding);
	for (uint32_t i = 0; i < state->places.count; i++) {
		const struct fd_place *place = table_entry(&state->places, i);

		if (place->pid != p->pid || !place->outstanding || !place->has_stack)
			continue;
		attributed += place->outstanding;
		found[count++] = place;
	}
	qsort(found, count, sizeof(found[0]), by_growth);
	x->sites_count = count < max ? count : max;
	for (uint64_t i = 0; i < x->sites_count; i++) {
		if (!fill_site(state, &x->sites[i], found[i], p))
			observation_truncated(o, "fd_leak.sites.stack");
	}
	x->known.sites = 1;
	KNOW(x, site_total, count);
	KNOW(x, unattributed, p->outstanding > attributed ? p->outstanding - attributed : 0);
	if (count && *found[0]->stack.note)
		KNOW_TEXT(x, stack_note, found[0]->stack.note);
}

/* ---- the line ------------------------------------------------------- */

static bool tell(struct fd_leak_state *state, const struct fd_process *p, bool overview)
{
	static struct observation o;
	struct session *s = state->session;
	struct fd_leak *x = &o.fd_leak;

	observation_clear(&o, KIND_fd_leak);
	o.boot_ns = p->last_ns;
	add_process(&o.process, &p->owner);
	subject_cgroup(s, &o, p->owner.cgroup_id, p->owner.cgroup_version);
	if (!observation_wanted(&o, &s->options))
		return false;
	if (p->owner.soft < UINT32_MAX)
		KNOW(x, soft, p->owner.soft);
	if (p->owner.hard < UINT32_MAX)
		KNOW(x, hard, p->owner.hard);
	KNOW(x, open, p->open);
	if (state->partial)
		KNOW(x, partial, 1);
	add_parts(state, x, p);
	add_growth(x, p, state->ended);
	add_types(state, x);
	add_close_wait(state, x, p);
	add_sites(state, &o, p);
	x->top_count = fd_summary_groups(state->summary, &s->procfs, p->pid, state->now_ns, x->top,
					 sizeof(x->top) / sizeof(x->top[0]));
	x->known.top = 1;
	if (state->summary->ungrouped)
		observation_truncated(&o, "fd_leak.top");
	x->known.nr_open = fd_sysctl(s, "sys/fs/nr_open", 0, &x->nr_open);
	if (p->exec)
		KNOW(x, exec, 1);
	if (overview)
		KNOW(x, overview, 1);
	if (state->ended)
		KNOW(x, ended, 1);
	if (procfs_same_process(&s->procfs, p->pid, p->owner.start_ns)) {
		subject_identity(s, &o.process);
		x->known.script = fd_script(&o.process, x->script, sizeof(x->script));
	}
	fd_leak_fit(&o);
	state->generated++;
	session_deliver(s, KIND_fd_leak, &o);
	return true;
}

bool fd_leak_tell(struct fd_leak_state *state, uint64_t pid, bool overview)
{
	struct fd_process *p;

	if (!state->ended) {
		fd_leak_count_opened(state, pid);
		if (fd_leak_look(state, pid))
			return false;
	}
	p = table_find(&state->processes, pid);
	if (!p || (p->pass != state->pass && !state->ended) || !tell(state, p, overview))
		return false;
	p->told_looks = p->looks;
	return true;
}
