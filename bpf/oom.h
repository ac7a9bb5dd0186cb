/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What oom.bpf.c puts into its ring. Includes as events.h. */
#ifndef KWHY_BPF_OOM_H
#define KWHY_BPF_OOM_H

#include "events.h"

enum oom_event_type {
	OOM_EVENT_VICTIM,	/* first victim of a decision: struct oom_victim_event */
	OOM_EVENT_MEMBER,	/* a further victim: struct oom_member_event */
	OOM_EVENT_EXIT,		/* a victim's last thread is gone: struct oom_member_event */
};

#define OOM_LEVELS 16
#define OOM_NAMES_BYTES 1024
#define OOM_NAME_BYTES 256

struct oom_level {
	__u64 cgroup_id;
	__u64 usage_pages;
	__u64 max_pages;	/* PAGE_COUNTER_MAX, LONG_MAX / page_size: no limit */
	__u32 name_index;	/* which of the names, counted from the leaf */
	__u32 group;		/* memory.oom.group */
};

/* about 2.1 KiB: fits a ring of one page */
struct oom_victim_event {
	struct event_header header;
	__u64 decision;		/* the same for all events of one decision */
	struct process_seen process;
	struct cgroup_seen cgroup;
	struct oom_kill_seen oom;
	__u32 level_count;
	__u32 name_count;
	__u32 names_cut;	/* deeper or longer than this record holds */
	__u32 names_bytes;
	__u64 page_size;
	struct oom_level level[OOM_LEVELS];
	/* directory names from the leaf up, each with its NUL */
	char names[OOM_NAMES_BYTES + OOM_NAME_BYTES];
};

struct oom_member_event {
	struct event_header header;
	__u64 decision;
	__u64 pid;
	__u64 freed_bytes;	/* member: what it held that dies with it */
	char comm[16];
};

#endif
