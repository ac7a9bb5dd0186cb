// SPDX-License-Identifier: BSD-2-Clause
/* Programs started and not started: the hooks, and what becomes of a record. */
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exec_kind.h"
#include "exec.skel.h"

/* a search along PATH goes on within this time, and a program that finds another way does so too */
#define HOLD_NS 100000000ULL

/* ---- hooks ---------------------------------------------------------- */

#if defined(__x86_64__)
#define EXECVE "__x64_sys_execve"
#define EXECVEAT "__x64_sys_execveat"
#define EXECVE_COMPAT "__ia32_compat_sys_execve"
#else
#define EXECVE "__arm64_sys_execve"
#define EXECVEAT "__arm64_sys_execveat"
#define EXECVE_COMPAT "__arm64_compat_sys_execve"
#endif

static int fexit_available(const struct kernel *kernel)
{
	return kernel_fentry(kernel, EXECVE);
}

static int kretprobe_available(const struct kernel *kernel)
{
	(void)kernel;
	return kernel_kprobe(EXECVE);
}

static const struct hook_choice hooks[] = {
	{
		.name = "fexit",
		.programs = { "execve_fexit", "execve_fexit_again", "execveat_fexit", "execveat_fexit_again",
			      "execve_compat_fexit", "execveat_compat_fexit" },
		.available = fexit_available,
		.remedy = REMEDY_FENTRY,
	}, {
		.name = "kretprobe",
		.programs = { "execve_kretprobe", "execveat_kretprobe" },
		.available = kretprobe_available,
		.remedy = REMEDY_KPROBE,
	}, {
		/* the same facts */
		.name = "tracepoint",
		.programs = { "exec_sys_exit" },
		.cost = "a look at the return of every system call on the host, for the few execs that fail",
	},
};

static int exec_probe_open(struct probe *probe, const struct kernel *kernel, const char *core_path)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .btf_custom_path = core_path);
	struct exec_bpf *skeleton = exec_bpf__open_opts(&options);
	bool compat = kernel_has_function(kernel, EXECVE_COMPAT);
	bool preempts = kernel_tracepoints_preempt(kernel);

	if (!skeleton)
		return -errno;
	probe->wrapper = skeleton;
	probe->skeleton = skeleton->skeleton;
	skeleton->rodata->page_size = sysconf(_SC_PAGESIZE);
	skeleton->rodata->filter = probe->options->filter;
	skeleton->rodata->has_copies = preempts;
	bpf_program__set_autoload(skeleton->progs.exec_done_again, preempts);
	bpf_program__set_autoload(skeleton->progs.execve_fexit_again, preempts);
	bpf_program__set_autoload(skeleton->progs.execveat_fexit_again, preempts);
	bpf_program__set_autoload(skeleton->progs.execve_compat_fexit, compat);
	bpf_program__set_autoload(skeleton->progs.execveat_compat_fexit, compat);
	bpf_program__set_autoload(skeleton->progs.exec_rename, probe->options->filter.all);
	return 0;
}

const struct probe_type exec_probe = {
	.name = "exec",
	.kind = KIND_exec,
	.hooks = hooks,
	.hook_count = sizeof(hooks) / sizeof(hooks[0]),
	/* a run of exec_sys_exit that was skipped was hardly ever an exec */
	.event_programs = { "exec_done", "execve_fexit", "execveat_fexit", "execve_kretprobe" },
	.ring_all_kib = 16 * 1024,
	.open = exec_probe_open,
};

/* ---- failures that may be a step of a search ------------------------ */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static struct exec_held *find_held(struct exec_state *state, uint64_t tid)
{
	for (unsigned int i = 0; i < EXEC_HELD; i++)
		if (state->held[i].until_ns && state->held[i].tid == tid)
			return &state->held[i];
	return NULL;
}

static void deliver_failure(struct session *s, struct exec_held *held)
{
	struct observation *o = &held->observation;

	held->until_ns = 0;
	exec_fit(o);
	session_deliver(s, KIND_exec, o);
	session_folded(s, KIND_exec, held->folded);
}

/* a free place; with none left the one that waits longest is told as it stands */
static struct exec_held *new_held(struct session *s, struct exec_state *state)
{
	struct exec_held *oldest = &state->held[0];

	for (unsigned int i = 0; i < EXEC_HELD; i++) {
		if (!state->held[i].until_ns)
			return &state->held[i];
		if (state->held[i].until_ns < oldest->until_ns)
			oldest = &state->held[i];
	}
	deliver_failure(s, oldest);
	return oldest;
}

/* What a search ends with: the C library too reports EACCES before ENOENT. */
static bool says_more(const struct exec *now, const struct exec *before)
{
	return now->ret != -ENOENT || before->ret == -ENOENT;
}

static void take_failure(struct session *s, struct exec_state *state, const struct exec_event *event,
			 const struct exec_parts *parts)
{
	static struct observation now;
	struct exec_held *held = find_held(state, event->tid);
	uint64_t attempts;

	exec_decode(s, &now, event, parts);
	if (held && strcmp(base_name(held->observation.exec.filename), base_name(now.exec.filename)) != 0) {
		deliver_failure(s, held);
		held = NULL;
	}
	if (held) {
		attempts = held->observation.exec.attempts + 1;
		held->folded++;
		held->until_ns = now.boot_ns + HOLD_NS;
		if (says_more(&now.exec, &held->observation.exec)) {
			exec_explain(&now, event);
			exec_remember(state, &now);
			held->observation = now;
		}
		KNOW(&held->observation.exec, attempts, attempts);
		return;
	}
	held = new_held(s, state);
	exec_explain(&now, event);
	exec_remember(state, &now);
	held->observation = now;
	KNOW(&held->observation.exec, attempts, 1);
	held->tid = event->tid;
	held->folded = 0;
	held->until_ns = now.boot_ns + HOLD_NS;
}

/* It found what it searched for: then nothing failed. */
static void take_success(struct session *s, struct exec_state *state, const struct exec_event *event,
			 const struct exec_parts *parts)
{
	static struct observation o;
	struct exec_held *held = event->flags & EXEC_EVENT_AFTER_FAILURE ? find_held(state, event->tid) : NULL;

	exec_decode(s, &o, event, parts);
	exec_forget(state, &o);
	if (held && strcmp(base_name(held->observation.exec.filename), base_name(o.exec.filename)) == 0) {
		held->until_ns = 0;
		session_folded(s, KIND_exec, held->folded + 1);
	} else if (held) {
		deliver_failure(s, held);
	}
	if (event->flags & EXEC_EVENT_UNASKED && !event->storm_execs) {
		session_folded(s, KIND_exec, 1);
		return;
	}
	exec_fit(&o);
	session_deliver(s, KIND_exec, &o);
}

static int take_exec(struct session *s, struct exec_state *state, const struct exec_event *event, size_t size)
{
	static struct observation o;
	struct exec_parts parts;

	if (exec_parts(&parts, event, size))
		return -EBADMSG;
	if (!event->exec.ret) {
		take_success(s, state, event, &parts);
	} else if (s->options.all) {
		exec_decode(s, &o, event, &parts);
		exec_explain(&o, event);
		exec_remember(state, &o);
		exec_fit(&o);
		session_deliver(s, KIND_exec, &o);
	} else {
		take_failure(s, state, event, &parts);
	}
	return 0;
}

static int exec_event(struct session *s, void *state_pointer, const void *data, size_t size)
{
	const struct event_header *header = data;
	struct exec_state *state = state_pointer;

	if (header->type == EXEC_EVENT_EXEC)
		return take_exec(s, state, data, size);
	if (header->type == EXEC_EVENT_CGROUP && size >= sizeof(struct cgroup_event)) {
		session_cgroup(s, data);
		return 0;
	}
	state->bad_records++;
	return -EBADMSG;
}

/* ---- time ----------------------------------------------------------- */

static struct exec_held *longest_held(struct exec_state *state)
{
	struct exec_held *found = NULL;

	for (unsigned int i = 0; i < EXEC_HELD; i++) {
		struct exec_held *held = &state->held[i];

		if (held->until_ns && (!found || held->until_ns < found->until_ns))
			found = held;
	}
	return found;
}

static uint64_t exec_due(const void *state_pointer)
{
	const struct exec_held *held = longest_held((struct exec_state *)state_pointer);

	return held ? held->until_ns : 0;
}

static void exec_expire(struct session *s, void *state_pointer, uint64_t now)
{
	struct exec_held *held;

	while ((held = longest_held(state_pointer)) && held->until_ns <= now)
		deliver_failure(s, held);
}

static void exec_finish(struct session *s, void *state_pointer)
{
	exec_expire(s, state_pointer, UINT64_MAX);
}

static int exec_open(struct session *s, void **ret_state)
{
	*ret_state = calloc(1, sizeof(struct exec_state));
	return *ret_state ? cgroup_paths_open(&s->cgroup_paths) : -ENOMEM;
}

static uint64_t exec_generated(const struct probe *probe, const void *state_pointer)
{
	const struct exec_state *state = state_pointer;
	const struct event_account *a = probe->account;

	return a[EXEC_EVENT_EXEC].generated + a[EXEC_EVENT_CGROUP].ring_full + state->bad_records;
}

const struct kind_type exec_kind = {
	.kind = KIND_exec,
	.probe = &exec_probe,
	.open = exec_open,
	.close = free,
	.event = exec_event,
	.due = exec_due,
	.expire = exec_expire,
	.finish = exec_finish,
	.generated = exec_generated,
};
