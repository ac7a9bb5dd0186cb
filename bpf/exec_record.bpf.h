/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the records of started and of failed programs have in common. */
#ifndef KWHY_EXEC_RECORD_BPF_H
#define KWHY_EXEC_RECORD_BPF_H

#include "exec.h"
#include "cgroup.bpf.h"

/* threads whose last exec failed: a search along PATH goes on until one does not */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);	/* tid */
	__type(value, __u64);	/* when */
} failed SEC(".maps");

static __always_inline void fill_caller(struct exec_event *e, struct task_struct *task)
{
	e->header.type = EXEC_EVENT_EXEC;
	e->header.boot_ns = bpf_ktime_get_boot_ns();
	__builtin_memset(&e->process.known, 0, sizeof(e->process.known));
	__builtin_memset(&e->exec, 0, sizeof(e->exec));
	fill_process(&e->process, BPF_CORE_READ(task, group_leader));
	e->flags = e->used = 0;
	e->storm_execs = 0;
	e->tid = BPF_CORE_READ(task, pid);
	e->euid = BPF_CORE_READ(task, real_cred, euid.val);
	e->egid = BPF_CORE_READ(task, real_cred, egid.val);
	e->filename_bytes = e->interpreter_bytes = e->args_bytes = e->cwd_bytes = e->exe_bytes = 0;
	e->ancestor_count = fill_ancestors(e->ancestors, 6, task);
	e->cgroup_id = tell_cgroup(EXEC_EVENT_CGROUP, task, &e->cgroup_version);
}

/* how much of data is used, at most max, as a number the verifier believes */
static __always_inline __u64 used_of(const struct exec_event *e, __u64 max)
{
	__u64 used = e->used;

	barrier_var(used);
	return used <= max ? used : max;
}

static __always_inline void add_path(struct exec_event *e, const struct path *path, const struct path *root,
				     __u32 *bytes, __u32 cut_flag)
{
	__u32 before = e->used;

	if (path_names(e->data, &e->used, sizeof(e->data) - PATH_NAME_BYTES, path, root))
		e->flags |= cut_flag;
	*bytes = e->used - before;
}

static __always_inline void submit(struct exec_event *e)
{
	struct event_account *a = &account[EXEC_EVENT_EXEC];
	__u64 size = __builtin_offsetof(struct exec_event, data) + used_of(e, sizeof(e->data));

	e->header.size = size;
	__sync_fetch_and_add(&a->generated, 1);
	if (bpf_ringbuf_output(&events, e, size, 0))
		account_loss(a, &a->ring_full);
}

#endif
