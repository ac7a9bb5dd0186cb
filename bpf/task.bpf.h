/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a task tells of itself: identity, parents, cgroup, paths. */
#ifndef KWHY_TASK_BPF_H
#define KWHY_TASK_BPF_H

#include "process.h"
#include "compat.bpf.h"

#define PF_EXITING 0x4
#define PF_KTHREAD 0x200000

/* a task's pid as its own pid namespace counts; 0 in the initial one */
static __always_inline int pid_in_namespace(struct task_struct *leader)
{
	struct pid *pid = BPF_CORE_READ(leader, thread_pid);
	unsigned int level = BPF_CORE_READ(pid, level);
	int nr = 0;

	if (level > 0 && level < 32)
		bpf_core_read(&nr, sizeof(nr), &pid->numbers[level].nr);
	return nr;
}

/* to be compared, never to be shown */
static __always_inline __u64 pid_namespace(struct task_struct *leader)
{
	struct pid *pid = BPF_CORE_READ(leader, thread_pid);
	unsigned int level = BPF_CORE_READ(pid, level);
	__u64 ns = 0;

	if (level < 32)
		bpf_core_read(&ns, sizeof(ns), &pid->numbers[level].ns);
	return ns;
}

static __always_inline void fill_process(struct process_seen *p, struct task_struct *task)
{
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	struct task_struct *parent = BPF_CORE_READ(leader, real_parent);
	int tid = BPF_CORE_READ(task, pid);

	KNOW(p, pid, BPF_CORE_READ(task, tgid));
	p->tid = tid;
	p->known.tid = tid != (int)p->pid;
	KNOW(p, start_ns, BPF_CORE_READ(leader, start_boottime));
	bpf_core_read(p->comm, sizeof(p->comm), &leader->comm);
	p->known.comm = 1;
	KNOW(p, ppid, BPF_CORE_READ(parent, tgid));
	bpf_core_read(p->parent_comm, sizeof(p->parent_comm), &parent->comm);
	p->known.parent_comm = 1;
	KNOW(p, uid, BPF_CORE_READ(leader, real_cred, uid.val));
	p->ns_pid = pid_in_namespace(leader);
	p->known.ns_pid = p->ns_pid != 0;
}

/* The cgroup a process is accounted to: the memory controller's on v1, else that of cgroup2. */
static __always_inline struct kernfs_node *task_cgroup(struct task_struct *task, __u32 *ret_version)
{
	struct cgroup_subsys_state *css = task_memory_css(task);

	*ret_version = 1;
	if (css && BPF_CORE_READ(css, cgroup, root, hierarchy_id) != 0)
		return BPF_CORE_READ(css, cgroup, kn);
	/* v2: the task may live below the level that controls its memory */
	*ret_version = 2;
	return BPF_CORE_READ(task, cgroups, dfl_cgrp, kn);
}

/* what its process has set up for a signal */
static __always_inline enum signal_action task_signal_action(struct task_struct *task, __u32 signal)
{
	struct sighand_struct *sighand = BPF_CORE_READ(task, sighand);
	struct k_sigaction *action = (struct k_sigaction *)((char *)&sighand->action[0] +
				     (signal - 1) * bpf_core_type_size(struct k_sigaction));
	__u64 handler = 0;

	bpf_core_read(&handler, sizeof(handler), &action->sa.sa_handler);
	return handler > 1 ? SIGNAL_ACTION_HANDLER : handler == 1 ? SIGNAL_ACTION_IGNORE : SIGNAL_ACTION_DEFAULT;
}

/* The chain above a process, init left out. Returns how many. */
static __always_inline __u32 fill_ancestors(struct event_ancestor *to, __u32 max, struct task_struct *task)
{
	__u32 n = 0;

	task = BPF_CORE_READ(task, group_leader, real_parent);
#pragma unroll
	for (__u32 i = 0; i < max; i++) {
		__u32 pid = BPF_CORE_READ(task, tgid);

		to[i].pid = pid;
		bpf_core_read(to[i].comm, sizeof(to[i].comm), &task->comm);
		n += pid != 0;
		task = BPF_CORE_READ(task, real_parent);
	}
	return n;
}

/* ---- paths ---------------------------------------------------------- */

#define PATH_NAME_BYTES 256
#define PATH_DEPTH 32

/* the part of a struct mount that others see is not at its beginning */
static __always_inline __u64 mount_offset(void)
{
	return __builtin_preserve_field_info(((struct mount *)0)->mnt, 0 /* byte offset */);
}

static __always_inline struct mount *mount_of(struct vfsmount *mnt)
{
	return (struct mount *)((char *)mnt - mount_offset());
}

/*
 * Names of a path from the leaf up, each with its NUL, up to the process's own
 * root: what getcwd() or /proc/PID/exe would say, but no lock is taken, so a
 * rename at this moment may mix old and new. Appended to what is used of data,
 * which holds limit + PATH_NAME_BYTES. True when it was deeper or longer.
 *
 * used lies in a map: the verifier forgets what it knows of it, and need not
 * follow a state of its own for every number of names.
 */
static __always_inline bool path_names(char *data, __u32 *used, __u64 limit, const struct path *path,
				       const struct path *root)
{
	struct dentry *dentry = BPF_CORE_READ(path, dentry), *top = BPF_CORE_READ(root, dentry), *up;
	struct vfsmount *vfsmount = BPF_CORE_READ(path, mnt), *top_mount = BPF_CORE_READ(root, mnt);
	struct mount *mount = mount_of(vfsmount), *above;
	long length;

#pragma clang loop unroll(disable)
	for (int i = 0; i < PATH_DEPTH; i++) {
		__u64 at = *used;

		if (!dentry || (dentry == top && vfsmount == top_mount))
			return false;
		up = BPF_CORE_READ(dentry, d_parent);
		if (dentry == BPF_CORE_READ(vfsmount, mnt_root)) {
			above = BPF_CORE_READ(mount, mnt_parent);
			if (above == mount)
				return false;
			dentry = BPF_CORE_READ(mount, mnt_mountpoint);
			mount = above;
			vfsmount = (struct vfsmount *)((char *)mount + mount_offset());
			continue;
		}
		barrier_var(at);
		if (at > limit)
			return true;
		length = bpf_probe_read_kernel_str(data + at, PATH_NAME_BYTES, BPF_CORE_READ(dentry, d_name.name));
		if (length <= 0)
			return true;
		*used = at + length;
		/* a memfd hangs below nothing */
		if (up == dentry)
			return false;
		dentry = up;
	}
	return true;
}

#endif
