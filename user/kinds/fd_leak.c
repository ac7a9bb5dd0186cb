// SPDX-License-Identifier: BSD-2-Clause
/* Descriptors over time: the hooks, when a process is looked at, and when it is told of. */
#include "fd_leak_kind.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fd_calls.h"
#include "fd_leak.skel.h"

#define ONE_INTERVAL_NS 1000000000ULL
#define ALL_INTERVAL_NS 5000000000ULL
#define SHORTEST_NS 50000000ULL
#define LOOKS 20		/* in the time a run is given */
#define FIRST_LINE_NS 5000000000ULL	/* of a run without end; the next after twice as long, and so on */
#define LONGEST_NS 300000000000ULL
/* a look may take this part of the time until the next: of one process, which somebody asked for, and of all */
#define SHARE_ONE 5
#define SHARE_ALL 50
#define NEAREST 10		/* processes that are listed */
/* looks at which a process that only grows is suspected, and told of */
#define SUSPECT_LOOKS 3
#define GROWING_LOOKS 6
#define NOTES_ALL (128 * 1024)
#define NOTES_ONE_MIN (16 * 1024)
#define NOTES_ONE_MAX (1024 * 1024)

/* ---- hooks ---------------------------------------------------------- */

static int fentry_available(const struct kernel *kernel)
{
	int err = kernel_fentry(kernel, "fd_install");

	return err ? err : kernel_fentry(kernel, "do_dup2");
}

static int kprobe_available(const struct kernel *kernel)
{
	int err = kernel_kprobe("fd_install");

	(void)kernel;
	return err ? err : kernel_kprobe("do_dup2");
}

static const struct hook_choice hooks[] = {
	{
		.name = "fentry",
		.programs = { "install_fentry", "dup_fexit" },
		.available = fentry_available,
		.remedy = REMEDY_FENTRY,
	}, {
		.name = "kprobe",
		.programs = { "install_kprobe", "dup_kprobe" },
		.available = kprobe_available,
		.remedy = REMEDY_KPROBE,
	}, {
		.name = "tracepoint",
		.programs = { "leak_sys_exit", "leak_sys_exit_untyped" },
		.fields_lost = { "sites (not io_uring, ioctl, recvmmsg)" },
		.remedy = "a kernel where fentry or kprobes can be used sees these, too",
		.cost = "a look at the return of every system call on the host while it runs",
	},
};

/* notes for twice as many as are open now: what has none counts as unseen */
static uint32_t notes_for(uint64_t pid)
{
	struct procfs procfs;
	uint64_t count = 0;
	uint32_t notes = NOTES_ONE_MIN;

	if (procfs_open(&procfs, NULL))
		return notes;
	procfs_fd_count(&procfs, pid, NOTES_ONE_MAX, &count);
	procfs_close(&procfs);
	while (notes < 2 * count && notes < NOTES_ONE_MAX)
		notes *= 2;
	return notes;
}

static int fd_leak_probe_open(struct probe *probe, const struct kernel *kernel, const char *core_path)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .btf_custom_path = core_path);
	struct fd_leak_bpf *skeleton = fd_leak_bpf__open_opts(&options);
	const struct process_filter *filter = &probe->options->filter;

	(void)kernel;
	if (!skeleton)
		return -errno;
	probe->wrapper = skeleton;
	probe->skeleton = skeleton->skeleton;
	bpf_program__set_autoload(kernel_knows_types() ? skeleton->progs.leak_sys_exit_untyped :
							 skeleton->progs.leak_sys_exit, false);
	skeleton->rodata->page_size = sysconf(_SC_PAGESIZE);
	skeleton->rodata->filter = *filter;
	fd_calls_fill((uint8_t (*)[FD_CALLS])skeleton->rodata->calls);
	if (!filter->tgid)
		bpf_map__set_type(skeleton->maps.descriptors, BPF_MAP_TYPE_LRU_HASH);
	bpf_map__set_max_entries(skeleton->maps.descriptors, filter->tgid ? notes_for(filter->tgid) : NOTES_ALL);
	return bpf_map__set_max_entries(skeleton->maps.events, 4 * 1024 * 1024);
}

const struct probe_type fd_leak_probe = {
	.name = "fd_leak",
	.kind = KIND_fd_leak,
	.hooks = hooks,
	.hook_count = sizeof(hooks) / sizeof(hooks[0]),
	.open = fd_leak_probe_open,
};

int fd_leak_map(const struct probe *probe)
{
	const struct fd_leak_bpf *skeleton = probe->wrapper;

	return bpf_map__fd(skeleton->maps.descriptors);
}

static int fd_leak_event(struct session *s, void *state, const void *data, size_t size)
{
	const struct fd_stack_event *e = data;

	(void)s;
	if (size < offsetof(struct fd_stack_event, stack.data) || e->stack.bytes > USER_STACK_BYTES ||
	    size < offsetof(struct fd_stack_event, stack.data) + e->stack.bytes)
		return -EBADMSG;
	fd_leak_take_stack(state, e);
	return 0;
}

/* ---- of one process ------------------------------------------------- */

static bool same_process(const struct fd_leak_state *state, const struct fd_process *p)
{
	return procfs_same_process(&state->session->procfs, p->pid, p->owner.start_ns);
}

static void remember_first(struct fd_leak_state *state)
{
	memcpy(state->first_types, state->summary->types, sizeof(state->first_types));
	state->first_type_count = state->summary->type_count;
	state->first_close_wait = state->summary->close_wait;
}

/* the next line of a run that has no end */
static void schedule_line(struct fd_leak_state *state)
{
	uint64_t watched = state->now_ns - state->session->started_ns;

	if (watched < FIRST_LINE_NS)
		watched = FIRST_LINE_NS;
	state->tell_ns = state->now_ns + (watched < LONGEST_NS ? watched : LONGEST_NS);
}

static void say_none(const struct fd_leak_state *state)
{
	struct session *s = state->session;
	uint64_t count = 0;

	procfs_fd_count(&s->procfs, s->options.pid, UINT32_MAX, &count);
	tool_error(s->tool, "--pid: '%llu' %s", (unsigned long long)s->options.pid,
		   count ? "has descriptors, but this kernel's iterator does not show them" :
			   "has no descriptors: it is a kernel thread, or has ended and waits for its parent");
	s->output_failed = s->stop = true;
}

static void watch_one(struct fd_leak_state *state)
{
	struct session *s = state->session;
	struct fd_process *p;
	int err;

	/* it may be the last time: of one that ends, this is what is told */
	fd_leak_count_opened(state, s->options.pid);
	err = fd_leak_look(state, s->options.pid);
	p = table_find(&state->processes, s->options.pid);
	if (state->pass == 1 && p)
		remember_first(state);
	if (!err && !p)
		say_none(state);
	if (err || !p)
		return;
	if (p->pass != state->pass && !same_process(state, p)) {
		/* what it had last is all there will ever be */
		state->ended = true;
		s->stop = true;
		return;
	}
	if (s->options.duration_ns || state->now_ns < state->tell_ns)
		return;
	if (state->tell_ns)
		fd_leak_tell(state, p->pid, false);
	schedule_line(state);
}

/* ---- of all --------------------------------------------------------- */

static double use_of(const struct fd_process *p)
{
	return p->owner.soft ? (double)p->open / p->owner.soft : 0;
}

static int by_use(const void *a, const void *b)
{
	const struct fd_process *left = *(const struct fd_process *const *)a, *right = *(const struct fd_process *const *)b;
	double left_use = use_of(left), right_use = use_of(right);

	return left_use < right_use ? 1 : left_use > right_use ? -1 : left->pid < right->pid ? -1 : 1;
}

static void list_nearest(struct fd_leak_state *state)
{
	static struct fd_process copies[FD_PROCESSES];
	static const struct fd_process *order[FD_PROCESSES];
	uint32_t count = state->processes.count, told = 0;

	/* looking closer at one moves the others in the table */
	for (uint32_t i = 0; i < count; i++) {
		copies[i] = *(const struct fd_process *)table_entry(&state->processes, i);
		order[i] = &copies[i];
	}
	qsort(order, count, sizeof(order[0]), by_use);
	for (uint32_t i = 0; i < count && told < NEAREST; i++) {
		if (order[i]->pid != (uint64_t)getpid())
			told += fd_leak_tell(state, order[i]->pid, true);
	}
	state->listed = true;
}

/* stacks are taken of those that matter: near their limit, or only growing */
static void mark_suspects(struct fd_leak_state *state)
{
	const struct fd_leak_bpf *skeleton = session_kind(state->session, KIND_fd_leak)->probe.wrapper;
	int map = bpf_map__fd(skeleton->maps.suspects);

	for (uint32_t i = 0; i < state->processes.count; i++) {
		struct fd_process *p = table_entry(&state->processes, i);
		uint32_t pid = p->pid, one = 1;
		bool suspect = p->open * 2 >= p->owner.soft || (p->rises >= SUSPECT_LOOKS && p->falls * 4 <= p->rises);

		if (suspect == p->suspect)
			continue;
		p->suspect = suspect && bpf_map_update_elem(map, &pid, &one, BPF_ANY) == 0;
		if (!suspect)
			bpf_map_delete_elem(map, &pid);
	}
}

/* it grows and grows, by more than a few, and would be full within a day */
static bool is_growing(const struct fd_process *p)
{
	int64_t slope = fd_leak_slope(p);

	return p->rises >= GROWING_LOOKS && p->falls * 4 <= p->rises && p->open >= p->first_open + 8 && slope > 0 &&
	       p->owner.soft > p->open && (p->owner.soft - p->open) / slope < 24 * 60;
}

static void tell_growing(struct fd_leak_state *state, bool last)
{
	uint64_t pids[64];
	uint32_t count = 0;

	for (uint32_t i = 0; i < state->processes.count && count < 64; i++) {
		struct fd_process *p = table_entry(&state->processes, i);

		/* again when it was watched for twice as long */
		if (is_growing(p) && (last ? p->looks > p->told_looks : p->looks >= 2 * p->told_looks))
			pids[count++] = p->pid;
	}
	for (uint32_t i = 0; i < count; i++)
		fd_leak_tell(state, pids[i], false);
}

static void watch_all(struct fd_leak_state *state)
{
	if (fd_leak_look(state, 0))
		return;
	mark_suspects(state);
	if (!state->listed && state->pass >= 2)
		list_nearest(state);
	tell_growing(state, false);
}

/* ---- time ----------------------------------------------------------- */

static uint64_t fd_leak_due(const void *state)
{
	return ((const struct fd_leak_state *)state)->next_ns;
}

static void fd_leak_expire(struct session *s, void *state_pointer, uint64_t now)
{
	struct fd_leak_state *state = state_pointer;
	uint64_t interval = state->interval_ns, cost;

	if (s->options.pid)
		watch_one(state);
	else
		watch_all(state);
	cost = (session_now() - now) * (s->options.pid ? SHARE_ONE : SHARE_ALL);
	/* the list is wanted at once, and needs two looks */
	if (!s->options.pid && !state->listed && interval > ONE_INTERVAL_NS)
		interval = ONE_INTERVAL_NS;
	if (!s->options.tick_ns && cost > interval && state->pass > 2)
		interval = cost;
	state->next_ns = now + interval;
}

static void fd_leak_finish(struct session *s, void *state_pointer)
{
	struct fd_leak_state *state = state_pointer;

	if (!s->options.pid) {
		if (fd_leak_look(state, 0) == 0 && !state->listed)
			list_nearest(state);
		tell_growing(state, true);
	} else if (!fd_leak_tell(state, s->options.pid, false)) {
		/* it ended after the last look */
		state->ended = true;
		fd_leak_tell(state, s->options.pid, false);
	}
	fd_leak_write(state);
}

bool fd_leak_growth(struct session *s, uint64_t pid, uint64_t start_ns, int64_t *ret)
{
	const struct kind_run *run = session_kind(s, KIND_fd_leak);
	const struct fd_leak_state *state = run ? run->state : NULL;
	const struct fd_process *p = state ? table_find(&state->processes, pid) : NULL;

	if (!p || p->owner.start_ns != start_ns || p->looks < SUSPECT_LOOKS)
		return false;
	return fd_leak_rate(p, ret);
}

static void fd_leak_close(void *state_pointer)
{
	struct fd_leak_state *state = state_pointer;

	fd_summary_close(&state->summaries[0]);
	fd_summary_close(&state->summaries[1]);
	table_fini(&state->processes);
	table_fini(&state->places);
	table_fini(&state->sites);
	table_fini(&state->samples);
	free(state);
}

static uint64_t interval_for(const struct options *o)
{
	uint64_t interval = o->pid ? ONE_INTERVAL_NS : ALL_INTERVAL_NS;

	if (o->tick_ns)
		return o->tick_ns;
	if (o->duration_ns && o->duration_ns / LOOKS < interval)
		interval = o->duration_ns / LOOKS;
	return interval < SHORTEST_NS ? SHORTEST_NS : interval;
}

static int fd_leak_open(struct session *s, void **ret_state)
{
	struct fd_leak_state *state = calloc(1, sizeof(*state));
	int err = state ? fd_summary_open(&state->summaries[0]) : -ENOMEM;

	if (!err)
		err = fd_summary_open(&state->summaries[1]);
	if (!err)
		err = table_init(&state->processes, sizeof(struct fd_process), FD_PROCESSES);
	if (!err)
		err = table_init(&state->places, sizeof(struct fd_place), FD_PLACES);
	if (!err)
		err = table_init(&state->sites, sizeof(struct fd_site_place), FD_SITES);
	if (!err)
		err = table_init(&state->samples, sizeof(struct fd_sample), FD_SAMPLES);
	if (err) {
		if (state)
			fd_leak_close(state);
		return err;
	}
	state->session = s;
	state->summary = &state->summaries[0];
	state->interval_ns = interval_for(&s->options);
	state->next_ns = 1;
	*ret_state = state;
	return 0;
}

/* an observation is made here: the kernel only shows what there is */
static uint64_t fd_leak_generated(const struct probe *probe, const void *state)
{
	(void)probe;
	return ((const struct fd_leak_state *)state)->generated;
}

const struct kind_type fd_leak_kind = {
	.kind = KIND_fd_leak,
	.probe = &fd_leak_probe,
	.needs_fd_list = true,
	.open = fd_leak_open,
	.close = fd_leak_close,
	.event = fd_leak_event,
	.due = fd_leak_due,
	.expire = fd_leak_expire,
	.finish = fd_leak_finish,
	.generated = fd_leak_generated,
};
