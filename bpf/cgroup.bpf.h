/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Cgroup paths by id: a cgroup's names go through the ring once, before the
 * first event that mentions it, so that user space never has to ask for them.
 */
#ifndef KWHY_CGROUP_BPF_H
#define KWHY_CGROUP_BPF_H

#include "emit.bpf.h"
#include "task.bpf.h"

/* user space empties it when its own table is full */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, __u32);
} cgroups_told SEC(".maps");

static __always_inline void cgroup_names(struct cgroup_event *e, struct kernfs_node *kn)
{
	struct kernfs_node *parent;
	__u32 used = 0;
	long length;

	e->names_cut = 0;
#pragma clang loop unroll(disable)
	for (int i = 0; i < 24; i++) {
		parent = kernfs_parent(kn);
		if (!parent)
			goto out;
		if (used >= 1024)
			break;
		length = bpf_probe_read_kernel_str(e->names + used, 256, BPF_CORE_READ(kn, name));
		if (length <= 0 || length > 256)
			break;
		used += length;
		kn = parent;
	}
	e->names_cut = 1;
out:
	e->names_bytes = used;
}

/* The id of the task's cgroup, whose path user space knows from then on. */
static __always_inline __u64 tell_cgroup(__u32 type, struct task_struct *task, __u32 *ret_version)
{
	struct kernfs_node *kn = task_cgroup(task, ret_version);
	__u64 id = BPF_CORE_READ(kn, id);
	struct cgroup_event *e;

	if (!kn || bpf_map_lookup_elem(&cgroups_told, &id))
		return id;
	e = event_reserve(type, sizeof(*e));
	if (!e)
		return id;
	e->id = id;
	e->version = *ret_version;
	e->pad = 0;
	cgroup_names(e, kn);
	bpf_ringbuf_submit(e, 0);
	bpf_map_update_elem(&cgroups_told, &id, ret_version, BPF_ANY);
	return id;
}

#endif
