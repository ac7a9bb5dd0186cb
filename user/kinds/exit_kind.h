/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside the exit kind: what its parts share. */
#ifndef KWHY_EXIT_KIND_H
#define KWHY_EXIT_KIND_H

#include <dirent.h>

#include "bpf/exit.h"
#include "session.h"

enum {
	EXIT_DEATHS = 256,	/* remembered, for statuses that copy them */
	EXIT_HELD = 16,
	EXIT_LOOPS = 4096,
	EXIT_OOM_MARKS = 64,
};

/* A death, as far as a parent that copies it needs it. */
struct exit_death {
	uint64_t pid, ppid, parent_start_ns, boot_ns;
	uint64_t signal, code, source, killer_pid;
	char comm[16], killer_comm[16], id[48];
};

/* An executable in a cgroup that dies, see exit_track_loop(). */
struct exit_loop {
	uint64_t key;		/* hash of both */
	uint64_t deaths, first_ns, last_ns;
	uint64_t cause;		/* of the last: signal, source and code in one */
	uint64_t in_a_row;
};

struct exit_oom_mark {
	uint64_t pid, boot_ns, trigger_pid;
	char trigger_comm[16];
};

/* The tail of an exit_event, checked against its size. */
struct exit_parts {
	const char *exe, *args;
	/* copies: behind strings of any length nothing is aligned */
	struct signal_note notes[SIGNAL_NOTES];
	bool has_fault;
	struct fault_note fault;
};

/* A death that waits for what explains it: the OOM killer's word, a failed exec. */
struct exit_waiting {
	uint64_t until_ns;	/* 0: free */
	uint64_t parent_start_ns;
	struct observation observation;
};

struct exit_state {
	struct exit_death deaths[EXIT_DEATHS];
	uint64_t death_count;
	struct exit_oom_mark marks[EXIT_OOM_MARKS];
	uint64_t mark_count;
	struct table loops;
	struct exit_waiting waiting[EXIT_HELD];
	uint64_t bad_records;	/* did not decode */
	DIR *seed;		/* where seeding stands; NULL: done */
};

/* exit_decode.c: 0, or -EBADMSG when the record is shorter than it says. */
int exit_parts(struct exit_parts *ret, const struct exit_event *event, size_t size);
/* everything but the killer and what needs a memory of other events */
void exit_decode(struct session *session, struct observation *o, const struct exit_event *event,
		 const struct exit_parts *parts);

/* exit_killer.c: who sent the signal that ended it, and what was sent before. */
void exit_killer(struct session *session, struct observation *o, const struct exit_event *event,
		 const struct exit_parts *parts);
/* "SIGTERM", "SIGRTMIN+3" */
void signal_name(char *to, size_t size, uint64_t signal);

/* exit_track.c: what only other events tell. */
void exit_track_oom(struct exit_state *state, const struct exit_oom_event *event);
/* true: the OOM killer ended it, and the observation says so now */
bool exit_join_oom(const struct exit_state *state, struct observation *o);
void exit_join_copied(const struct exit_state *state, struct observation *o);
void exit_track_loop(struct exit_state *state, struct observation *o);
void exit_remember(struct exit_state *state, const struct observation *o, uint64_t parent_start_ns);

/* exit_fit.c: keeps the line below LINE_BYTES */
void exit_fit(struct observation *o);

/* exit_seed.c: tells the probe of the processes that are there already; some at each call, then closes state->seed. */
int exit_seed_begin(struct session *session, struct exit_state *state);
void exit_seed(struct session *session, struct exit_state *state);

/* exec.c: the exec that failed last in this process, if it did. */
bool exec_last_failure(struct session *session, const struct process *process, struct failed_exec *ret,
		       uint64_t boot_ns);

#endif
