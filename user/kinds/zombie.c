// SPDX-License-Identifier: BSD-2-Clause
/* Zombies: the iterator, the passes, and when a parent is told of. */
#include "zombie_kind.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "iterator.h"
#include "zombie.skel.h"

#define INTERVAL_NS 5000000000ULL
#define INTERVAL_MAX_NS 30000000000ULL
#define SHARE 1000		/* a pass may cost this part of the time until the next */
/* in passes */
#define THRESHOLD 2
#define AGAIN 12		/* a little more is told again after this time, and who has none is forgotten */

/* ---- the probe ------------------------------------------------------ */

static int iterator_available(const struct kernel *kernel)
{
	return kernel_has_function(kernel, "bpf_iter_task") ? 0 : -ENOENT;
}

static const struct hook_choice hooks[] = {
	{
		.name = "iterator",
		.programs = { "find_zombies" },
		.available = iterator_available,
		.remedy = "needs a kernel with BPF iterators (5.8)",
	},
};

static int zombie_probe_open(struct probe *probe, const struct kernel *kernel, const char *core_path)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .btf_custom_path = core_path);
	struct zombie_bpf *skeleton = zombie_bpf__open_opts(&options);

	(void)kernel;
	if (!skeleton)
		return -errno;
	probe->wrapper = skeleton;
	probe->skeleton = skeleton->skeleton;
	skeleton->rodata->filter = probe->options->filter;
	return 0;
}

const struct probe_type zombie_probe = {
	.name = "zombie",
	.kind = KIND_zombie,
	.hooks = hooks,
	.hook_count = sizeof(hooks) / sizeof(hooks[0]),
	.open = zombie_probe_open,
};

/* ---- a pass --------------------------------------------------------- */

/* Time alone does not do: after a suspend, what was dead for a moment looks old. */
bool zombie_is_stuck(const struct zombie_state *state, const struct zombie_body *b)
{
	return b->passes > THRESHOLD && state->now_ns - b->first_ns >= state->threshold_ns;
}

static void take_owner(struct zombie_state *state, const struct zombie_owner *o)
{
	uint64_t key = o->process.pid << 1 | o->zombie.traced;
	struct zombie_holder *h = table_add(&state->holders, key);

	state->holder = h;
	state->unseen += !h;
	if (!h)
		return;
	/* a new one, or another process that has the pid of one that is gone */
	if (!h->first_ns || h->facts.process.start_ns != o->process.start_ns)
		*h = (struct zombie_holder){ .key = key, .first_ns = state->now_ns };
	h->facts = *o;
	h->last_ns = state->now_ns;
}

static void take_dead(struct zombie_state *state, uint64_t pid, const struct zombie_dead *d)
{
	struct zombie_holder *h = state->holder;
	struct zombie_body *b = h ? table_add(&state->bodies, pid) : NULL;

	if (h && !b)
		h->incomplete = true;
	if (!b)
		return;
	h->placed = true;
	if (!b->first_ns || b->start_ns != d->start_ns) {
		*b = (struct zombie_body){ .pid = pid, .start_ns = d->start_ns, .first_ns = state->now_ns };
		b->status = d->status;
		memcpy(b->comm, d->comm, sizeof(b->comm));
	}
	b->holder = h->key;
	b->passes += b->pass != state->pass;
	b->pass = state->pass;
	h->settled += b->passes > 1;
	h->stuck += zombie_is_stuck(state, b);
}

void zombie_take(void *state, const void *record)
{
	const struct zombie_entry *e = record;

	if (e->pid)
		take_dead(state, e->pid, &e->dead);
	else
		take_owner(state, &e->owner);
}

static bool body_seen(const void *entry, uint64_t pass)
{
	return ((const struct zombie_body *)entry)->pass == pass;
}

static bool holder_seen(const void *entry, uint64_t since)
{
	return ((const struct zombie_holder *)entry)->last_ns >= since;
}

/* those that are gone: reaped by whoever held them, if that is still there to have done it */
static void count_reaped(struct zombie_state *state)
{
	for (uint32_t i = 0; i < state->bodies.count; i++) {
		const struct zombie_body *b = table_entry(&state->bodies, i);
		struct zombie_holder *h = b->pass == state->pass ? NULL : table_find(&state->holders, b->holder);

		if (h)
			h->reaped++;
	}
	table_sweep(&state->bodies, body_seen, state->pass);
}

static void look_at(struct zombie_state *state, struct zombie_holder *h)
{
	/* growth is seen against the pass before the first of them was old enough, later against the last line */
	if (!h->base_ns || !h->stuck) {
		h->base = h->settled;
		h->base_ns = state->now_ns;
	}
	if (h->stuck <= h->told)
		return;
	if (h->told && h->stuck < 2 * h->told && state->now_ns - h->told_ns < AGAIN * state->interval_ns)
		return;
	state->generated++;
	zombie_tell(state, h);
	h->told = h->stuck;
	h->told_ns = h->base_ns = state->now_ns;
	h->base = h->settled;
}

void zombie_begin(struct zombie_state *state)
{
	for (uint32_t i = 0; i < state->holders.count; i++) {
		struct zombie_holder *h = table_entry(&state->holders, i);

		h->settled = h->stuck = 0;
		h->incomplete = h->placed = false;
	}
	state->holder = NULL;
	state->unseen = 0;
	state->pass++;
}

void zombie_end(struct zombie_state *state)
{
	count_reaped(state);
	for (uint32_t i = 0; i < state->holders.count; i++) {
		struct zombie_holder *h = table_entry(&state->holders, i);

		look_at(state, h);
		/* where only some have no place its line says so */
		state->unseen += h->incomplete && !h->placed;
	}
	if (state->unseen) {
		state->generated += state->unseen;
		session_lost(state->session, KIND_zombie, GAP_CAUSE_MAP_FULL, state->unseen, "parents");
	}
	if (state->now_ns > AGAIN * state->interval_ns)
		table_sweep(&state->holders, holder_seen, state->now_ns - AGAIN * state->interval_ns);
}

static int pass(struct zombie_state *state, struct zombie_bpf *skeleton)
{
	int err;

	zombie_begin(state);
	skeleton->bss->pass = state->pass;
	err = iterator_run(skeleton->links.find_zombies, sizeof(struct zombie_entry), 0, zombie_take, state);
	if (!err)
		zombie_end(state);
	return err;
}

/* ---- time ----------------------------------------------------------- */

static uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static uint64_t zombie_due(const void *state)
{
	return ((const struct zombie_state *)state)->next_ns;
}

static void zombie_expire(struct session *s, void *state_pointer, uint64_t now)
{
	struct zombie_state *state = state_pointer;
	struct probe *probe = &session_kind(s, KIND_zombie)->probe;
	uint64_t began = cpu_ns(), cost, interval = state->interval_ns;

	state->now_ns = now;
	if (pass(state, probe->wrapper)) {
		state->generated++;
		session_lost(s, KIND_zombie, GAP_CAUSE_DECODE, 1, "find_zombies");
	}
	cost = (cpu_ns() - began) * SHARE;
	if (!state->fixed_interval && cost > interval)
		interval = cost < INTERVAL_MAX_NS ? cost : INTERVAL_MAX_NS;
	state->next_ns = now + interval;
}

/* a zombie that is not old enough yet is none to tell of */
static void zombie_finish(struct session *s, void *state)
{
	(void)s;
	(void)state;
}

static void zombie_close(void *state_pointer)
{
	struct zombie_state *state = state_pointer;

	table_fini(&state->bodies);
	table_fini(&state->holders);
	free(state);
}

static int zombie_open(struct session *s, void **ret_state)
{
	struct zombie_state *state = calloc(1, sizeof(*state));
	int err;

	if (!state)
		return -ENOMEM;
	state->session = s;
	state->fixed_interval = s->options.tick_ns != 0;
	state->interval_ns = state->fixed_interval ? s->options.tick_ns : INTERVAL_NS;
	state->threshold_ns = THRESHOLD * state->interval_ns;
	state->next_ns = 1;
	err = table_init(&state->bodies, sizeof(struct zombie_body), ZOMBIE_BODIES);
	if (!err)
		err = table_init(&state->holders, sizeof(struct zombie_holder), ZOMBIE_HOLDERS);
	if (err) {
		zombie_close(state);
		return err;
	}
	*ret_state = state;
	return 0;
}

/* an observation is generated here: the kernel only shows what there is */
static uint64_t zombie_generated(const struct probe *probe, const void *state)
{
	(void)probe;
	return ((const struct zombie_state *)state)->generated;
}

const struct kind_type zombie_kind = {
	.kind = KIND_zombie,
	.probe = &zombie_probe,
	.open = zombie_open,
	.close = zombie_close,
	.due = zombie_due,
	.expire = zombie_expire,
	.finish = zombie_finish,
	.generated = zombie_generated,
};
