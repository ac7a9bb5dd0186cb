/* SPDX-License-Identifier: BSD-2-Clause */
/* Sentences that several exit rules share. Pure. */
#ifndef KWHY_EXIT_WORDS_H
#define KWHY_EXIT_WORDS_H

#include "diagnosis.h"
#include "text.h"

/* "SIGTERM", "signal 44" */
void exit_say_signal(struct text *text, bool has_name, const char *name, uint64_t number);
/* that of the death */
void exit_say_own_signal(struct text *text, const struct observation *observation);

/* "runc[640]", "its parent gunicorn[77]", "a process that is unknown" */
void exit_say_sender(struct text *text, const struct observation *observation);
void exit_say_prior_sender(struct text *text, const struct prior_signal *signal);

/* why somebody gets a signal: "the kernel's OOM killer", "seccomp" */
const char *exit_source_words(enum killer_source source);

/* ", in parse+0x1c (parse.c:88) of /usr/bin/app": where the fault was, as far as it is known */
void exit_say_place(struct text *text, const struct fault *fault);

/* "there is no such file": why an exec failed */
void exit_say_exec_failure(struct text *text, const struct failed_exec *failed);

/* "52nd" */
void exit_say_ordinal(struct text *text, uint64_t n);

/*
 * The severity, raised in a crash loop, the message and what all rules say in
 * the end. "why" in a few words.
 */
void exit_conclude(const struct observation *observation, enum severity severity, const char *why,
		   struct verdict *ret);

#endif
