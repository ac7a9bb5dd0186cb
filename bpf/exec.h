/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What exec.bpf.c puts into its ring. */
#ifndef KWHY_BPF_EXEC_H
#define KWHY_BPF_EXEC_H

#include "process.h"

enum exec_event_type {
	EXEC_EVENT_EXEC,	/* a program was started, or not: struct exec_event */
	EXEC_EVENT_CGROUP,	/* struct cgroup_event */
};

#define EXEC_TEXT_BYTES 512
#define EXEC_ARGS_BYTES 4096
#define EXEC_NAMES_BYTES 512

enum exec_event_flag {
	EXEC_EVENT_ARGS_CUT = 1,
	EXEC_EVENT_AFTER_FAILURE = 2,	/* this thread failed at another exec just before */
	EXEC_EVENT_UNASKED = 4,		/* sent for what it tells of something else: a failure, a storm */
	EXEC_EVENT_CWD_CUT = 8,
	EXEC_EVENT_EXE_CUT = 16,
	EXEC_EVENT_BY_FD = 32,		/* execveat(): filename is "/dev/fd/3" or "/dev/fd/3/name" */
};

/*
 * Its length is what is used of "data": filename and interpreter, each with its
 * NUL, the arguments, names of the working directory, names of the executable.
 */
struct exec_event {
	struct event_header header;
	struct process_seen process;
	struct exec_seen exec;
	__u64 cgroup_id;
	__u64 tid;		/* of the caller, before an exec made it the leader */
	__u32 cgroup_version;
	__u32 flags;
	__u32 filename_bytes;
	__u32 interpreter_bytes;
	__u32 args_bytes;
	__u32 cwd_bytes;
	__u32 exe_bytes;
	__u32 ancestor_count;
	__u32 used;
	/* the parent, when it starts programs without end */
	__u64 storm_execs;	/* 0: it does not */
	__u64 storm_window_ns;
	__u64 storm_start_ns;
	__u32 storm_pid;
	char storm_comm[16];
	__u32 euid, egid;
	__u32 same_root;	/* bit n: ancestor n has the same root directory */
	struct event_ancestor ancestors[6];
	char data[2 * EXEC_TEXT_BYTES + EXEC_ARGS_BYTES + EXEC_TEXT_BYTES + 2 * (EXEC_NAMES_BYTES + 256)];
};

#endif
