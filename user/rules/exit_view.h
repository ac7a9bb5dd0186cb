/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the exit rules see in an observation: the signal and where it came
 * from, the request to end that went before, the fault. Pure; 0 and NULL are
 * "not known" throughout.
 */
#ifndef KWHY_EXIT_VIEW_H
#define KWHY_EXIT_VIEW_H

#include "observation.h"

#define SECOND_NS 1000000000ULL

/* the signal that ended it; 0: it exited by itself, or this is unknown */
uint64_t exit_signal(const struct observation *observation);

/* why it got that signal; 0: unknown */
enum killer_source exit_source(const struct observation *observation);

/* True when it ended by that signal, for that reason. */
bool exit_is(const struct observation *observation, uint64_t signal, enum killer_source source);

/* True when it is known to have exited by itself, with *ret. */
bool exit_code(const struct observation *observation, int64_t *ret);

/* True for signals whose default action is to write a core. */
bool exit_signal_dumps(uint64_t signal);

/*
 * The newest signal, SIGTERM if there was one, before a SIGKILL from user space that asked the process to
 * end and may have led to it; NULL when there is none.
 */
const struct prior_signal *exit_request(const struct observation *observation);

/* From that request until the SIGKILL; false when it is unknown. */
bool exit_request_gap(const struct observation *observation, const struct prior_signal *request, uint64_t *ret);

/* The newest earlier signal of that number that a handler took or may have taken. */
const struct prior_signal *exit_handled(const struct observation *observation, uint64_t signal);

/* "0x1f" as a number; false when the text is none */
bool exit_address(bool known, const char *text, uint64_t *ret);

/* True for the names of shells. */
bool exit_is_shell(const char *comm);

/* Its unit, when that is a service of the system that commands may name; NULL otherwise. */
const char *exit_service(const struct observation *observation);

/* "a.service" */
bool exit_is_service(const char *unit);

/* True when deaths repeat: three or more. */
bool exit_loops(const struct observation *observation);

#endif
