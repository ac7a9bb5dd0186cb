/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules of exit by what they are about; exit.c has them in their order. Pure. */
#ifndef KWHY_EXIT_RULES_H
#define KWHY_EXIT_RULES_H

#include "diagnosis.h"

#define EXIT_RULE(NAME) \
	bool exit_##NAME##_matches(const struct observation *observation); \
	void exit_##NAME##_explain(const struct observation *observation, struct verdict *ret)

/* exit_killed.c: another process, or what others set up */
EXIT_RULE(ignored_by_init);
EXIT_RULE(before_handler);
EXIT_RULE(ignored);
EXIT_RULE(blocked);
EXIT_RULE(grace);
EXIT_RULE(cgroup_kill);
EXIT_RULE(killed);
EXIT_RULE(stopped);

/* exit_kernel.c: the kernel */
EXIT_RULE(oom);
EXIT_RULE(pidns);
EXIT_RULE(pdeathsig);
EXIT_RULE(rlimit_cpu);
EXIT_RULE(rlimit_fsize);
EXIT_RULE(seccomp);
EXIT_RULE(tty);
EXIT_RULE(hangup);
EXIT_RULE(sigpipe);
EXIT_RULE(timer);
EXIT_RULE(kernel_signal);
EXIT_RULE(sender_unknown);

/* exit_crash.c: its own fault */
EXIT_RULE(null_pointer);
EXIT_RULE(stack_overflow);
EXIT_RULE(bus_error);
EXIT_RULE(illegal_instruction);
EXIT_RULE(math);
EXIT_RULE(trap);
EXIT_RULE(crash);
EXIT_RULE(abort);
EXIT_RULE(self);

/* exit_status.c: it ended by itself */
EXIT_RULE(copied_status);
EXIT_RULE(command_not_found);
EXIT_RULE(not_executable);
EXIT_RULE(status_128);
EXIT_RULE(failed);
EXIT_RULE(normal);
EXIT_RULE(unrecognised);

#endif
