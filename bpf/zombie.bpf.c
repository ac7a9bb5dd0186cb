// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Zombies: one pass over all tasks, run by user space every few seconds. Writes
 * each process that is dead as a whole and not reaped, and who ought to reap it.
 * Of the living one word is read, as they are nearly all.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "events.h"
#include "zombie.h"
#include "compat.bpf.h"
#include "task.bpf.h"
#include "filter.bpf.h"

#define EXIT_ZOMBIE 0x20
#define SIGNAL_GROUP_EXIT 0x4
#define SIGCHLD 17
#define PID_MAX_LIMIT (4 * 1024 * 1024)	/* above it pids.max is "max" */
#define PIDS_LEVELS 10

__u64 pass;			/* incremented by user space before each */

/* the owner written last: most zombies have the parent of the one before */
struct task_struct *last_owner;
__u64 last_pass;
bool last_traced;
bool last_wanted;

/*
 * Among its cgroups the one that is nearest to its limit of tasks, as a fork
 * fails when any of them is full. Fractions are compared across.
 */
static __always_inline void fill_pids(struct zombie_seen *z, struct task_struct *task)
{
	struct pids_cgroup *pids = (struct pids_cgroup *)task_pids_css(task);
	__u64 usage = 0, limit = 0;

	if (!pids)
		return;
#pragma clang loop unroll(disable)
	for (int level = 0; level < PIDS_LEVELS && pids; level++) {
		__u64 max = BPF_CORE_READ(pids, limit.counter), now = BPF_CORE_READ(pids, counter.counter);

		if (max <= PID_MAX_LIMIT && (!limit || now * limit > usage * max)) {
			usage = now;
			limit = max;
		}
		pids = (struct pids_cgroup *)BPF_CORE_READ(pids, css.parent);
	}
	z->pids_max = limit;
	z->pids_current = usage;
	z->known.pids_max = z->known.pids_current = limit != 0;
}

static __always_inline void fill_owner(struct zombie_owner *o, struct task_struct *task, bool traced)
{
	struct signal_struct *signal = BPF_CORE_READ(task, signal);
	struct kernfs_node *cgroup = task_cgroup(task, &o->cgroup_version);
	struct zombie_seen *z = &o->zombie;

	fill_process(&o->process, task);
	KNOW(z, traced, traced);
	KNOW(z, namespace_init, o->process.pid == 1 || (o->process.known.ns_pid && o->process.ns_pid == 1));
	KNOW(z, subreaper, BPF_CORE_READ_BITFIELD_PROBED(signal, is_child_subreaper));
	KNOW(z, sigchld, task_signal_action(task, SIGCHLD));
	KNOW(z, sigchld_blocked, BPF_CORE_READ(task, blocked.sig[0]) >> (SIGCHLD - 1) & 1);
	KNOW(z, sigchld_pending, BPF_CORE_READ(signal, shared_pending.signal.sig[0]) >> (SIGCHLD - 1) & 1);
	KNOW(z, threads, BPF_CORE_READ(signal, nr_threads));
	fill_pids(z, task);
	o->cgroup_id = BPF_CORE_READ(cgroup, id);
}

static __always_inline void fill_dead(struct zombie_entry *e, struct task_struct *task)
{
	struct signal_struct *signal = task->signal;

	e->pid = task->tgid;
	e->dead.start_ns = task->start_boottime;
	e->dead.status = signal->flags & SIGNAL_GROUP_EXIT ? signal->group_exit_code : task->exit_code;
	bpf_core_read(e->dead.comm, sizeof(e->dead.comm), &task->comm);
}

/* an iterator over tasks, see user/iterator.c */
SEC("kwhy_iter_task")
int find_zombies(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task, *owner, *parent;
	struct zombie_entry entries[2] = {};
	bool traced, known;

	if (!task || task->exit_state != EXIT_ZOMBIE)
		return 0;
	/* a leader that exited before its threads is none: it cannot be reaped yet */
	if (task->pid != task->tgid || task->signal->nr_threads != 1)
		return 0;
	/* whoever traces it is asked first; the parent hears of it when that lets go */
	parent = BPF_CORE_READ(task, real_parent);
	owner = BPF_CORE_READ(task, parent);
	traced = task->ptrace && BPF_CORE_READ(owner, tgid) != BPF_CORE_READ(parent, tgid);
	owner = traced ? owner : parent;
	known = owner == last_owner && traced == last_traced && pass == last_pass;
	if (known ? !last_wanted : !task_wanted(owner)) {
		last_wanted = false;
		goto out;
	}
	if (!known)
		fill_owner(&entries[0].owner, owner, traced);
	fill_dead(&entries[1], task);
	/* what did not fit is thrown away, and this task comes again with the next read: nothing was told of it then */
	if (known ? bpf_seq_write(ctx->meta->seq, &entries[1], sizeof(entries[1])) :
		    bpf_seq_write(ctx->meta->seq, entries, sizeof(entries)))
		return 0;
	last_wanted = true;
out:
	last_owner = owner;
	last_traced = traced;
	last_pass = pass;
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
