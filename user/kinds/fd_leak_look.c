// SPDX-License-Identifier: BSD-2-Clause
/* What is open, look by look: counts per process and per place, and how they move. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "fd_file.h"
#include "fd_leak.skel.h"
#include "fd_leak_kind.h"
#include "fd_stack.h"

/* a look at all takes so long at most, and at one process so long */
#define ALL_NS 1000000000ULL
#define ONE_NS 2000000000ULL
/* time between two looks, or this, halved: those that are closer count as one in the history */
#define EVEN_NS 1000000000ULL

/* ---- places --------------------------------------------------------- */

static uint64_t stack_key(uint64_t pid, const struct call_stack *stack)
{
	uint64_t key = table_mix(1, pid);

	for (uint32_t i = 0; i < stack->count; i++)
		key = table_mix(key, stack->pcs[i]);
	return key | 1;
}

struct fd_place *fd_leak_place(const struct fd_leak_state *state, uint64_t site)
{
	const struct fd_site_place *s = table_find(&state->sites, site);

	return s ? table_find(&state->places, s->place) : NULL;
}

static bool has_some(const void *entry, uint64_t argument)
{
	(void)argument;
	return ((const struct fd_place *)entry)->outstanding != 0;
}

/* the table is made room in when it is full: a place with nothing open is found again by its next stack */
static struct fd_place *add_place(struct fd_leak_state *state, uint64_t key, uint64_t pid)
{
	struct fd_place *p = table_add(&state->places, key);

	if (!p) {
		table_sweep(&state->places, has_some, 0);
		p = table_add(&state->places, key);
	}
	if (p)
		p->pid = pid;
	return p;
}

/* a number whose stack was not taken (yet) is a place of its own */
static struct fd_place *place_of_site(struct fd_leak_state *state, uint64_t site, uint64_t pid)
{
	struct fd_site_place *s = table_add(&state->sites, site);

	if (!s)
		return NULL;
	if (!s->place)
		s->place = table_mix(site, pid) & ~1ULL;
	return add_place(state, s->place, pid);
}

/* the place of a stack; its key, also where there is no room for it */
static uint64_t add_stack(struct fd_leak_state *state, uint64_t pid, const struct call_stack *stack)
{
	uint64_t key = stack_key(pid, stack);
	struct fd_place *p = add_place(state, key, pid);

	if (p && !p->has_stack) {
		p->has_stack = true;
		p->stack = *stack;
	}
	return key;
}

static uint64_t sample_key(uint64_t pid, uint32_t fd)
{
	return pid << 32 | fd;
}

/* when the table is full it begins anew: what is opened from then on matters */
static void add_sample(struct fd_leak_state *state, const struct fd_stack_event *e, uint64_t place)
{
	uint64_t key = sample_key(e->tgid, e->fd);
	struct fd_sample *sample = table_add(&state->samples, key);

	if (!sample) {
		table_clear(&state->samples);
		sample = table_add(&state->samples, key);
	}
	if (!sample)
		return;
	sample->opened_ns = e->header.boot_ns;
	sample->place = place;
}

static bool same_frames(const struct call_stack *a, const struct call_stack *b)
{
	return a->count == b->count && memcmp(a->pcs, b->pcs, a->count * sizeof(a->pcs[0])) == 0;
}

/*
 * The same number for two stacks, as it rests on what lies on top of them: a
 * buffer between the call and its callers is larger than that. What both have in
 * common is the place; nothing but the C library's own call is none.
 */
static bool keep_common(const struct call_stack *known, struct call_stack *stack)
{
	static const char note[] = "several callers: only the frames that they have in common are known";
	uint32_t common = 0;

	while (common < known->count && common < stack->count && known->pcs[common] == stack->pcs[common])
		common++;
	if (common < 2)
		return false;
	stack->count = common;
	stack->truncated = true;
	text_copy(stack->note, sizeof(stack->note), note, strlen(note));
	return true;
}

void fd_leak_take_stack(struct fd_leak_state *state, const struct fd_stack_event *e)
{
	struct fd_site_place *s = table_add(&state->sites, e->site);
	struct call_stack stack;
	const struct fd_place *p;

	if (!s)
		return;
	fd_stack_unwind(state->session, e->tgid, e->start_ns, &e->stack, &stack);
	if (!stack.count)
		return;
	add_sample(state, e, add_stack(state, e->tgid, &stack));
	if (s->ambiguous)
		return;
	p = s->place & 1 ? table_find(&state->places, s->place) : NULL;
	if (p && !same_frames(&p->stack, &stack) && !keep_common(&p->stack, &stack)) {
		s->ambiguous = true;
		s->place = table_mix(e->site, e->tgid) & ~1ULL;
		return;
	}
	s->place = add_stack(state, e->tgid, &stack);
}

/* of what grows from look to look every stack is taken from here on, within the budget */
static void mark_growing(struct fd_leak_state *state)
{
	const struct fd_leak_bpf *skeleton = session_kind(state->session, KIND_fd_leak)->probe.wrapper;
	uint32_t one = 1;

	for (uint32_t i = 0; i < state->sites.count; i++) {
		struct fd_site_place *s = table_entry(&state->sites, i);
		const struct fd_place *p = s->growing ? NULL : table_find(&state->places, s->place);

		if (p && p->rises && p->outstanding > p->first)
			s->growing = bpf_map_update_elem(bpf_map__fd(skeleton->maps.growing), &s->site, &one, BPF_ANY) == 0;
	}
}

/* ---- a look --------------------------------------------------------- */

static bool seen_in(const void *entry, uint64_t pass)
{
	return ((const struct fd_process *)entry)->pass == pass;
}

static void take_owner(struct fd_leak_state *state, const struct fd_owner *o)
{
	struct fd_process *p = table_add(&state->processes, o->pid);

	/* threads with tables of their own, whose leader is gone: the first stands for all */
	state->current = p && p->pass == state->pass && p->first_ns ? NULL : p;
	state->found = true;
	if (p && !state->current)
		return;
	state->unplaced += !p;
	if (!p)
		return;
	if (!p->first_ns || p->owner.start_ns != o->start_ns) {
		*p = (struct fd_process){ .pid = o->pid, .first_ns = state->now_ns, .history_stride = 1 };
		p->newborn = state->pass > 1 && o->start_ns >= state->session->started_ns;
	}
	p->exec |= p->owner.start_ns && p->owner.execs != o->execs;
	p->owner = *o;
	p->pass = state->pass;
	p->open = p->outstanding = p->marked = p->unmatched = 0;
}

static void count_at_place(struct fd_leak_state *state, const struct fd_process *p, uint32_t fd,
			   const struct fd_file *f)
{
	const struct fd_sample *sample = table_find(&state->samples, sample_key(p->pid, fd));
	struct fd_place *place = sample && sample->opened_ns == f->opened_ns ? table_find(&state->places, sample->place) :
									    NULL;
	char room[24], other[24];

	if (!place)
		place = place_of_site(state, f->site, p->pid);
	if (!place)
		return;
	if (!place->outstanding || f->opened_ns < place->oldest_ns) {
		place->mixed = place->outstanding && (place->mixed || strcmp(fd_file_type(f, room),
								      fd_file_type(&place->oldest, other)) != 0);
		place->oldest_ns = f->opened_ns;
		place->oldest_fd = fd;
		place->oldest = *f;
	} else if (state->detailed && strcmp(fd_file_type(f, room), fd_file_type(&place->oldest, other)) != 0) {
		place->mixed = true;
	}
	place->outstanding++;
}

static struct fd_summary *other_summary(struct fd_leak_state *state)
{
	return &state->summaries[state->summary == &state->summaries[0]];
}

static void take(void *context, const struct fd_entry *e)
{
	struct fd_leak_state *state = context;
	struct fd_process *p = state->current;

	if (e->fd == FD_OWNER) {
		take_owner(state, &e->owner);
		return;
	}
	if (!p)
		return;
	p->open++;
	if (!e->file.seen)
		p->unmatched++;
	else if (!e->file.opened_ns)
		p->marked++;
	else
		p->outstanding++;
	if (e->file.opened_ns)
		count_at_place(state, p, e->fd, &e->file);
	if (state->detailed)
		fd_summary_add(other_summary(state), e->fd, &e->file);
}

/* ---- how it moves --------------------------------------------------- */

/* when there is no more room, every other sample goes: the history covers all, and is as dense everywhere */
static void remember_open(struct fd_process *p, uint64_t now)
{
	if (p->even_looks % p->history_stride)
		return;
	if (p->history_count == FD_HISTORY) {
		for (uint32_t i = 0; i < FD_HISTORY / 2; i++) {
			p->history[i] = p->history[2 * i];
			p->history_ns[i] = p->history_ns[2 * i];
		}
		p->history_count = FD_HISTORY / 2;
		p->history_stride *= 2;
		if (p->even_looks % p->history_stride)
			return;
	}
	p->history_ns[p->history_count] = now;
	p->history[p->history_count++] = p->open;
}

/* a look that is taken to tell of it comes just after another: as a step of its own it would bend the history */
static void remember_look(const struct fd_leak_state *state, struct fd_process *p)
{
	uint64_t interval = state->interval_ns < EVEN_NS ? state->interval_ns : EVEN_NS;

	if (p->even_looks && state->now_ns - p->even_ns < interval / 2) {
		if ((p->even_looks - 1) % p->history_stride == 0 && p->history_count) {
			p->history[p->history_count - 1] = p->open;
			p->history_ns[p->history_count - 1] = state->now_ns;
		}
		return;
	}
	remember_open(p, state->now_ns);
	p->even_looks++;
	p->even_ns = state->now_ns;
}

static void follow_process(struct fd_leak_state *state, struct fd_process *p, uint64_t previous)
{
	if (p->pass != state->pass)
		return;
	if (!p->looks)
		p->first_open = p->peak = p->open;
	else if (p->open > previous)
		p->rises++;
	else if (p->open < previous)
		p->falls++;
	if (p->open > p->peak)
		p->peak = p->open;
	remember_look(state, p);
	p->looks++;
	p->last_ns = state->now_ns;
}

static void begin_places(struct fd_leak_state *state, uint64_t pid)
{
	for (uint32_t i = 0; i < state->places.count; i++) {
		struct fd_place *p = table_entry(&state->places, i);

		if (pid && p->pid != pid)
			continue;
		p->previous = p->outstanding;
		p->outstanding = 0;
		p->mixed = false;
	}
}

/* of a process that was not come to, or is gone, what it had last is all that is known */
static void restore_places(struct fd_leak_state *state, uint64_t pid)
{
	for (uint32_t i = 0; i < state->places.count; i++) {
		struct fd_place *p = table_entry(&state->places, i);
		const struct fd_process *process = table_find(&state->processes, p->pid);

		if ((pid && p->pid != pid) || (process && process->pass == state->pass))
			continue;
		p->outstanding = p->previous;
		p->opened = p->opened_before;
	}
	if (pid)
		state->opened = state->opened_before;
}

static void follow_places(struct fd_leak_state *state, uint64_t pid)
{
	for (uint32_t i = 0; i < state->places.count; i++) {
		struct fd_place *p = table_entry(&state->places, i);

		if (pid && p->pid != pid)
			continue;
		p->rises += p->outstanding > p->previous;
		p->falls += p->outstanding < p->previous;
		if (p->outstanding > p->peak) {
			p->peak = p->outstanding;
			p->peak_ns = state->now_ns;
		}
	}
}

/* counts of the look before, by the processes' places in the table: it is swept only after */
static void follow(struct fd_leak_state *state, uint64_t pid, const uint64_t *previous, uint32_t count)
{
	for (uint32_t i = 0; i < state->processes.count; i++)
		follow_process(state, table_entry(&state->processes, i), i < count ? previous[i] : 0);
	follow_places(state, pid);
	if (!pid && !state->partial)
		table_sweep(&state->processes, seen_in, state->pass);
}

/* how many there are is asked another way; what they are stays unknown */
static void count_rest(const struct fd_leak_state *state, struct fd_process *p)
{
	uint64_t count;

	if (procfs_fd_count(&state->session->procfs, p->pid, UINT32_MAX, &count) == 0 && count > p->open)
		p->open = count;
}

int fd_leak_look(struct fd_leak_state *state, uint64_t pid)
{
	static uint64_t previous[FD_PROCESSES];
	struct session *s = state->session;
	uint32_t count = state->processes.count;
	int err;

	state->now_ns = session_now();
	state->pass++;
	state->current = NULL;
	state->found = false;
	state->detailed = pid != 0;
	for (uint32_t i = 0; i < count; i++)
		previous[i] = ((const struct fd_process *)table_entry(&state->processes, i))->open;
	if (pid)
		fd_summary_clear(other_summary(state));
	begin_places(state, pid);
	err = fd_list_run(&s->fd_list, pid, state->pass == 1, state->now_ns + (pid ? ONE_NS : ALL_NS), take, state);
	state->partial = err == -ETIME;
	if (state->partial && state->current)
		count_rest(state, state->current);
	if (err || (pid && !state->found))
		restore_places(state, pid);
	if (state->found && (!err || state->partial)) {
		state->summary = pid ? other_summary(state) : state->summary;
		state->summary->jiffies_per_s = fd_list_jiffies_per_s(&s->fd_list);
		follow(state, pid, previous, count);
		mark_growing(state);
	}
	if (state->unplaced) {
		state->generated += state->unplaced;
		session_lost(s, KIND_fd_leak, GAP_CAUSE_MAP_FULL, state->unplaced, "processes");
		state->unplaced = 0;
	}
	return state->partial ? 0 : err;
}

static uint64_t history_span(const struct fd_process *p)
{
	return p->history_count > 1 ? p->history_ns[p->history_count - 1] - p->history_ns[0] : 0;
}

uint64_t fd_leak_history(const struct fd_process *p, uint64_t ret[FD_HISTORY], uint64_t *ret_step_ns)
{
	uint64_t whole = history_span(p), last = p->history_count ? p->history_count - 1 : 0, at = 0;

	for (uint64_t i = 0; i < p->history_count; i++) {
		uint64_t ns = p->history_ns[0] + (last ? whole / last * i + whole % last * i / last : 0);
		double part;

		if (!whole || i == last) {
			ret[i] = p->history[i];
			continue;
		}
		while (at + 2 < p->history_count && p->history_ns[at + 1] <= ns)
			at++;
		part = (double)(ns - p->history_ns[at]) / (p->history_ns[at + 1] - p->history_ns[at]);
		ret[i] = p->history[at] + part * ((double)p->history[at + 1] - p->history[at]) + 0.5;
	}
	*ret_step_ns = last ? whole / last : 0;
	return p->history_count;
}

/*
 * Least squares: one look that catches a burst does not make a leak. Over the
 * time of each look: where one came late, more was opened until then.
 */
int64_t fd_leak_slope(const struct fd_process *p)
{
	double n = p->history_count, x_mean = 0, y_mean = 0, above = 0, below = 0;

	if (!history_span(p))
		return 0;
	for (uint32_t i = 0; i < p->history_count; i++) {
		x_mean += (p->history_ns[i] - p->history_ns[0]) / n;
		y_mean += p->history[i] / n;
	}
	for (uint32_t i = 0; i < p->history_count; i++) {
		double x = (p->history_ns[i] - p->history_ns[0]) - x_mean;

		above += x * (p->history[i] - y_mean);
		below += x * x;
	}
	above = above / below * 60e9;
	return above < 0 ? above - 0.5 : above + 0.5;
}

bool fd_leak_rate(const struct fd_process *p, int64_t *ret)
{
	int64_t grown = (int64_t)p->open - (int64_t)p->first_open, slope = fd_leak_slope(p);
	double straight;

	if (p->looks < 2 || (grown > 0) != (slope > 0) || (grown < 0) != (slope < 0))
		return false;
	straight = p->last_ns > p->first_ns ? grown * 60e9 / (p->last_ns - p->first_ns) : slope;
	if (slope && slope / straight > 4)
		return false;
	*ret = slope;
	return true;
}
