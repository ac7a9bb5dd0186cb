// SPDX-License-Identifier: BSD-2-Clause
/* Deaths: the hooks, and what becomes of a record. */
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exit_kind.h"
#include "exit.skel.h"

/* time in which the OOM killer's mark, or a failed exec in the other ring, comes after the death it explains */
#define WAIT_NS 30000000ULL

/* ---- hooks ---------------------------------------------------------- */

static const struct hook_choice hooks[] = {
	{ .name = "tracepoint" },
};

static int exit_probe_open(struct probe *probe, const struct kernel *kernel, const char *core_path)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .btf_custom_path = core_path);
	struct exit_bpf *skeleton = exit_bpf__open_opts(&options);
	bool by_task = kernel_tracepoint_pointer(kernel, "mark_victim", 0);
	bool preempts = kernel_tracepoints_preempt(kernel);

	if (!skeleton)
		return -errno;
	probe->wrapper = skeleton;
	probe->skeleton = skeleton->skeleton;
	skeleton->rodata->page_size = sysconf(_SC_PAGESIZE);
	skeleton->rodata->exit_has_group_dead = kernel_tracepoint_args(kernel, "sched_process_exit") >= 2;
	skeleton->rodata->filter = probe->options->filter;
	skeleton->rodata->has_copies = preempts;
	bpf_program__set_autoload(skeleton->progs.exit_exit_again, preempts);
	bpf_program__set_autoload(skeleton->progs.exit_exec_again, preempts);
	bpf_program__set_autoload(skeleton->progs.exit_fork_again, preempts);
	bpf_program__set_autoload(by_task ? skeleton->progs.exit_mark_victim_pid :
					    skeleton->progs.exit_mark_victim, false);
	return 0;
}

const struct probe_type exit_probe = {
	.name = "exit",
	.kind = KIND_exit,
	.hooks = hooks,
	.hook_count = sizeof(hooks) / sizeof(hooks[0]),
	.event_programs = { "exit_exit" },
	.ring_all_kib = 16 * 1024,
	.open = exit_probe_open,
};

/* ---- events --------------------------------------------------------- */

static void tell(struct session *s, struct exit_state *state, struct observation *o, uint64_t parent_start_ns)
{
	exit_join_oom(state, o);
	if (o->exit.known.code && (o->exit.code == 126 || o->exit.code == 127))
		o->exit.known.failed_exec = exec_last_failure(s, &o->process, &o->exit.failed_exec, o->boot_ns);
	exit_join_copied(state, o);
	exit_track_loop(state, o);
	exit_fit(o);
	session_deliver(s, KIND_exit, o);
	if (o->exit.known.signal || (o->exit.known.code && o->exit.code))
		exit_remember(state, o, parent_start_ns);
}

/* what else is on its way may be the cause */
static bool must_wait(const struct exit_state *state, const struct observation *o)
{
	const struct exit *x = &o->exit;

	if (x->killer.known.source && x->killer.source == KILLER_SOURCE_KERNEL && x->signal == 9)
		return true;
	if (x->known.code && (x->code == 126 || x->code == 127))
		return true;
	/* a parent is told after its child, which it may copy */
	for (unsigned int i = 0; i < EXIT_HELD; i++)
		if (state->waiting[i].until_ns && state->waiting[i].observation.process.ppid == o->process.pid)
			return true;
	return false;
}

static struct exit_waiting *free_place(struct exit_state *state)
{
	for (unsigned int i = 0; i < EXIT_HELD; i++)
		if (!state->waiting[i].until_ns)
			return &state->waiting[i];
	return NULL;
}

static int take_exit(struct session *s, struct exit_state *state, const struct exit_event *event, size_t size)
{
	static struct observation now;
	struct exit_waiting *waiting = free_place(state);
	struct observation *o = waiting ? &waiting->observation : &now;
	struct exit_parts parts;

	if (exit_parts(&parts, event, size))
		return -EBADMSG;
	observation_clear(o, KIND_exit);
	exit_decode(s, o, event, &parts);
	exit_killer(s, o, event, &parts);
	if (waiting && !exit_join_oom(state, o) && must_wait(state, o)) {
		waiting->until_ns = o->boot_ns + WAIT_NS;
		waiting->parent_start_ns = event->parent_start_ns;
		return 0;
	}
	tell(s, state, o, event->parent_start_ns);
	return 0;
}

static int exit_event(struct session *s, void *state_pointer, const void *data, size_t size)
{
	const struct event_header *header = data;
	struct exit_state *state = state_pointer;

	switch (header->type) {
	case EXIT_EVENT_EXIT:
		return take_exit(s, state, data, size);
	case EXIT_EVENT_CGROUP:
		if (size < sizeof(struct cgroup_event))
			break;
		session_cgroup(s, data);
		return 0;
	case EXIT_EVENT_OOM:
		if (size < sizeof(struct exit_oom_event))
			break;
		exit_track_oom(state, data);
		return 0;
	}
	state->bad_records++;
	return -EBADMSG;
}

/* ---- time ----------------------------------------------------------- */

/* NULL: none waits */
static struct exit_waiting *longest_waiting(const struct exit_state *state)
{
	const struct exit_waiting *found = NULL;

	for (unsigned int i = 0; i < EXIT_HELD; i++) {
		const struct exit_waiting *w = &state->waiting[i];

		if (w->until_ns && (!found || w->until_ns < found->until_ns))
			found = w;
	}
	return (struct exit_waiting *)found;
}

static uint64_t exit_due(const void *state_pointer)
{
	const struct exit_state *state = state_pointer;
	const struct exit_waiting *w = longest_waiting(state);

	return state->seed ? 1 : w ? w->until_ns : 0;
}

static void exit_expire(struct session *s, void *state_pointer, uint64_t now)
{
	struct exit_state *state = state_pointer;
	struct exit_waiting *w;

	if (state->seed)
		exit_seed(s, state);
	while ((w = longest_waiting(state)) && w->until_ns <= now) {
		tell(s, state, &w->observation, w->parent_start_ns);
		w->until_ns = 0;
	}
}

static void exit_finish(struct session *s, void *state_pointer)
{
	struct exit_state *state = state_pointer;

	if (state->seed)
		closedir(state->seed);
	state->seed = NULL;
	exit_expire(s, state, UINT64_MAX);
}

static void exit_close(void *state_pointer)
{
	struct exit_state *state = state_pointer;

	if (state->seed)
		closedir(state->seed);
	table_fini(&state->loops);
	free(state);
}

static int exit_open(struct session *s, void **ret_state)
{
	struct exit_state *state = calloc(1, sizeof(*state));
	int err = state ? table_init(&state->loops, sizeof(struct exit_loop), EXIT_LOOPS) : -ENOMEM;

	if (!err)
		err = cgroup_paths_open(&s->cgroup_paths);
	if (err) {
		if (state)
			exit_close(state);
		return err;
	}
	/* without it older processes have no executable in their line; no reason not to watch */
	exit_seed_begin(s, state);
	*ret_state = state;
	return 0;
}

static uint64_t exit_generated(const struct probe *probe, const void *state_pointer)
{
	const struct exit_state *state = state_pointer;
	const struct event_account *a = probe->account;

	/* parts of events count when they were lost */
	return a[EXIT_EVENT_EXIT].generated + a[EXIT_EVENT_CGROUP].ring_full + a[EXIT_EVENT_OOM].ring_full +
	       state->bad_records;
}

const struct kind_type exit_kind = {
	.kind = KIND_exit,
	.probe = &exit_probe,
	.open = exit_open,
	.close = exit_close,
	.event = exit_event,
	.due = exit_due,
	.expire = exit_expire,
	.finish = exit_finish,
	.generated = exit_generated,
};
