/* SPDX-License-Identifier: BSD-2-Clause */
/* What to do and where to look, for several exit rules. Pure. */
#ifndef KWHY_EXIT_ADVICE_H
#define KWHY_EXIT_ADVICE_H

#include "diagnosis.h"

/* What the time between a request to end and the SIGKILL is usually set by. */
void exit_say_grace(const struct observation *observation, const struct prior_signal *request,
		    struct verdict *ret);

/* What the sender is by its name, what to ask it and where it writes. */
void exit_advise_sender(const struct observation *observation, struct verdict *ret);

/* Verify: the subject's own log around the death. */
void exit_verify_log(const struct observation *observation, struct verdict *ret);

/* What to change when an exec failed. */
void exit_advise_exec(const struct observation *observation, struct verdict *ret);

/* Where in the source a fault was, and how to get a backtrace. */
void exit_advise_crash(const struct observation *observation, struct verdict *ret);

#endif
