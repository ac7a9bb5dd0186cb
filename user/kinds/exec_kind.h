/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside the exec kind: what its parts share. */
#ifndef KWHY_EXEC_KIND_H
#define KWHY_EXEC_KIND_H

#include "bpf/exec.h"
#include "session.h"

enum {
	EXEC_HELD = 16,
	EXEC_FAILURES = 64,
};

/* A failed exec that may be a step of a search along PATH. */
struct exec_held {
	uint64_t until_ns;	/* 0: free */
	uint64_t tid;
	uint64_t folded;	/* attempts before it that are told with it */
	struct observation observation;
};

/* A failure, for the death of its process that it explains. */
struct exec_failure_seen {
	uint64_t pid, start_ns, boot_ns;
	struct failed_exec failed;
};

struct exec_state {
	struct exec_held held[EXEC_HELD];
	struct exec_failure_seen failures[EXEC_FAILURES];
	uint64_t failure_count;
	uint64_t bad_records;
};

/* The tail of an exec_event, checked against its size. */
struct exec_parts {
	const char *filename, *interpreter, *args, *cwd, *exe;
};

/* exec_decode.c: 0, or -EBADMSG when the record is shorter than it says. */
int exec_parts(struct exec_parts *ret, const struct exec_event *event, size_t size);
void exec_decode(struct session *session, struct observation *o, const struct exec_event *event,
		 const struct exec_parts *parts);
/* Why it failed, as the file shows it now. */
void exec_explain(struct observation *o, const struct exec_event *event);
/* For the death it may explain; until the process starts a program after all. */
void exec_remember(struct exec_state *state, const struct observation *o);
void exec_forget(struct exec_state *state, const struct observation *o);
/* Keeps the line below LINE_BYTES. */
void exec_fit(struct observation *o);

#endif
