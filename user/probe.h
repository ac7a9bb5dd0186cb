/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A probe: one BPF object with its ordered hook alternatives. The first
 * alternative whose target exists and that loads and attaches is used; the
 * programs of the others are not loaded.
 */
#ifndef KWHY_PROBE_H
#define KWHY_PROBE_H

#include <stdint.h>

#include "events.h"
#include "kernel.h"
#include "process.h"

struct bpf_object_skeleton;
struct bpf_program;

/* what a person can do to have hooks on functions */
#define REMEDY_FENTRY "needs a kernel that lets tracing programs attach to functions " \
		      "(CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS, no lockdown of it)"
#define REMEDY_KPROBE "needs CONFIG_KPROBES and CONFIG_KPROBE_EVENTS"

enum { HOOK_PROGRAMS = 12 };

struct hook_choice {
	const char *name;
	/* programs on top of those every alternative loads; NULL ends it */
	const char *programs[HOOK_PROGRAMS];
	/* fields that stay unknown, or known in part ("gfp_flags (reclaim's bits)"), with this one */
	const char *fields_lost[6];
	/* 0 when its target exists, else -errno */
	int (*available)(const struct kernel *kernel);
	/* what a person can do to have it */
	const char *remedy;
	/* what it costs the host beside the events themselves; NULL: nothing worth a word */
	const char *cost;
};

struct probe_options {
	unsigned int ring_kib;		/* 0: as declared */
	const char *hook;		/* force this alternative; NULL: the first that works */
	struct process_filter filter;
};

struct probe;

struct probe_type {
	const char *name;
	enum event_kind kind;
	const struct hook_choice *hooks;
	unsigned int hook_count;
	/* the programs which, when the kernel skips a run, cost an event */
	const char *event_programs[HOOK_PROGRAMS];
	/* ring when everything is wanted: 20 000 events while nobody reads for a second; 0: as declared */
	unsigned int ring_all_kib;
	/*
	 * Opens the skeleton with this file for its relocations, sets its
	 * constants, says which programs are not wanted on this kernel whatever
	 * the hook. Returns -errno.
	 */
	int (*open)(struct probe *probe, const struct kernel *kernel, const char *core_path);
};

/* why an alternative was passed over */
struct probe_refusal {
	const char *hook;
	const char *remedy;
	int error;
};

struct probe {
	const struct probe_type *type;
	const struct probe_options *options;	/* while it is opened */
	const struct hook_choice *hook;
	struct bpf_object_skeleton *skeleton;	/* freed by probe_close with the generated wrapper */
	void *wrapper;
	struct event_account *account;		/* [4], in the object's .bss; NULL: it has no ring */
	int ring_fd;				/* negative: none */
	struct probe_refusal refused[4];
	unsigned int refused_count;
};

/* Opens, loads and attaches. -errno of the last alternative when none works. */
int probe_open(struct probe *ret, const struct probe_type *type, const struct kernel *kernel,
	       const struct probe_options *options);
void probe_close(struct probe *probe);
/* Reports nothing from now on; account and ring stay, for the last look. */
void probe_detach(struct probe *probe);

/*
 * Runs of its programs that the kernel skipped since they were loaded
 * (bpf_prog_info.recursion_misses, 5.12) and no copy made up for, those that
 * cost an event apart.
 * *ret_program names the program with most of them.
 */
void probe_missed(const struct probe *probe, uint64_t *ret_events, uint64_t *ret_helpers, const char **ret_program);

/* A program's kernel-side link is gone (detached from outside): its name, else NULL. */
const char *probe_dead_hook(const struct probe *probe);

#endif
