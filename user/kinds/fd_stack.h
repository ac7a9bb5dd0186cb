/* SPDX-License-Identifier: BSD-2-Clause */
/* What both kinds about descriptors say of a process beside its descriptors: call stacks, script, limits of the host. */
#ifndef KWHY_FD_STACK_H
#define KWHY_FD_STACK_H

#include "session.h"
#include "unwind.h"

/* As unwinder_unwind(); the unwinder is made when the first stack comes. ret is whole in any case. */
void fd_stack_unwind(struct session *session, uint64_t pid, uint64_t start_ns, const struct user_stack *stack,
		     struct call_stack *ret);

/* The frames as words of a record, innermost first; returns how many. */
uint64_t fd_stack_words(struct session *session, uint64_t pid, uint64_t start_ns, const struct call_stack *stack,
			char *words, size_t word_size, uint64_t max);

/* The script that an interpreter runs, from its command line: "app.py", "-m http.server"; false for none. */
bool fd_script(const struct process *process, char *ret, size_t size);

/* A number that is a file of its own below /proc/sys, or the n-th of several. */
bool fd_sysctl(const struct session *session, const char *path, unsigned int n, uint64_t *ret);

#endif
