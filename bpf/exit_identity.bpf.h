/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who a process is: executable, arguments, parent, threads, kept while it
 * lives, because at its death the kernel has most of it no more (before 6.16
 * the address space is gone when the exit is told).
 */
#ifndef KWHY_EXIT_IDENTITY_BPF_H
#define KWHY_EXIT_IDENTITY_BPF_H

#include "exit.h"
#include "again.bpf.h"
#include "task.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u32);	/* tgid */
	__type(value, struct identity);
} identities SEC(".maps");

/* room behind it, so that the verifier sees no write beyond the end; never kept */
struct identity_room {
	struct identity identity;
	char room[IDENTITY_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);	/* the second for the copy */
	__type(key, __u32);
	__type(value, struct identity_room);
} identity_scratch SEC(".maps");

/* executable and arguments of current, as they are right after an exec */
static __always_inline void keep_program(struct identity *id, struct task_struct *task)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	struct file *file = BPF_CORE_READ(mm, exe_file);
	struct fs_struct *fs = BPF_CORE_READ(task, fs);
	unsigned long start = BPF_CORE_READ(mm, arg_start);
	__u64 size = BPF_CORE_READ(mm, arg_end) - start, used, room;

	id->exe_plain = id->args_bytes = id->exe_bytes = 0;
	if (path_names(id->data, &id->exe_bytes, PATH_NAME_BYTES, &file->f_path, &fs->root))
		id->exe_bytes = 0;
	used = id->exe_bytes;
	room = IDENTITY_BYTES - used;
	id->args_cut = size > room;
	if (size > room)
		size = room;
	/* the compiler knows these bounds, the verifier does not */
	barrier_var(used);
	barrier_var(size);
	if (used <= 2 * PATH_NAME_BYTES && size <= IDENTITY_BYTES &&
	    !bpf_probe_read_user(id->data + used, size, (void *)start))
		id->args_bytes = size;
}

static __always_inline int program_starts(__u64 *ctx, __u32 copy)
{
	struct task_struct *task = (struct task_struct *)ctx[0];
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct identity_room *room = bpf_map_lookup_elem(&identity_scratch, &copy);
	struct identity *before = bpf_map_lookup_elem(&identities, &tgid), *id;

	if (!room)
		return 0;
	id = &room->identity;
	id->start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	id->exec_ns = bpf_ktime_get_boot_ns();
	id->threads = 1;
	id->ppid = before ? before->ppid : 0;
	keep_program(id, task);
	bpf_map_update_elem(&identities, &tgid, id, BPF_ANY);
	return 0;
}

SEC("raw_tp/sched_process_exec")
int exit_exec(__u64 *ctx)
{
	leave_mark();
	return program_starts(ctx, 0);
}

SEC("raw_tp/sched_process_exec")
int exit_exec_again(__u64 *ctx)
{
	return is_second_chance(RESCUED_HELPER) ? program_starts(ctx, 1) : 0;
}

static __always_inline int task_forks(__u64 *ctx)
{
	struct task_struct *parent = (struct task_struct *)ctx[0], *child = (struct task_struct *)ctx[1];
	__u32 tgid = BPF_CORE_READ(child, tgid), above = BPF_CORE_READ(parent, tgid), threads;
	struct identity *id = bpf_map_lookup_elem(&identities, &above);

	if (!id)
		return 0;
	if (tgid == above) {
		threads = BPF_CORE_READ(child, signal, nr_threads);
		if (threads > id->threads)
			id->threads = threads;
		return 0;
	}
	bpf_map_update_elem(&identities, &tgid, id, BPF_ANY);
	id = bpf_map_lookup_elem(&identities, &tgid);
	if (!id)
		return 0;
	id->start_ns = BPF_CORE_READ(child, start_boottime);
	id->exec_ns = id->start_ns;
	id->threads = 1;
	/* CLONE_PARENT makes a sibling */
	id->ppid = BPF_CORE_READ(child, real_parent, tgid);
	return 0;
}

SEC("raw_tp/sched_process_fork")
int exit_fork(__u64 *ctx)
{
	leave_mark();
	return task_forks(ctx);
}

SEC("raw_tp/sched_process_fork")
int exit_fork_again(__u64 *ctx)
{
	return is_second_chance(RESCUED_HELPER) ? task_forks(ctx) : 0;
}

#endif
