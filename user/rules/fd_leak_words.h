/* SPDX-License-Identifier: BSD-2-Clause */
/* What the rules about moving descriptors share, and those of them that find no leak. Pure. */
#ifndef KWHY_FD_LEAK_WORDS_H
#define KWHY_FD_LEAK_WORDS_H

#include "diagnosis.h"
#include "fd_view.h"
#include "text.h"

/* "46 per minute, 812 of 1024 descriptors (79 %), full in 4 m 36 s": the end of a message */
void fd_leak_say_tail(struct text *text, const struct observation *observation);
/* ". At this rate the limit of 1024 is reached in 4 m 36 s", or nothing */
void fd_leak_say_lasts(struct text *text, const struct fd_leak *l);
/* The type that grew most, if that is more than half of what grew; NULL otherwise. */
const struct fd_type *fd_leak_grown_type(const struct fd_view *v);

/* That a higher limit only delays it, with how long. */
void fd_leak_advise_delay(const struct observation *observation, struct verdict *ret);
/* "WHY: fdleak -p 912 -d 600" */
void fd_leak_advise_watch(const struct observation *observation, const char *why, struct verdict *ret);
void fd_leak_advise_restart(const struct observation *observation, struct verdict *ret);

/* Confidence and message of a rule that finds no leak; brief in a list of processes. */
void fd_leak_conclude_calm(const struct observation *observation, enum basis basis, const char *why, struct verdict *ret);

bool fd_pile_matches(const struct observation *observation);
void fd_pile_explain(const struct observation *observation, struct verdict *ret);
bool fd_at_limit_matches(const struct observation *observation);
void fd_at_limit_explain(const struct observation *observation, struct verdict *ret);
bool fd_ended_matches(const struct observation *observation);
void fd_ended_explain(const struct observation *observation, struct verdict *ret);
bool fd_grew_matches(const struct observation *observation);
void fd_grew_explain(const struct observation *observation, struct verdict *ret);
bool fd_high_stable_matches(const struct observation *observation);
void fd_high_stable_explain(const struct observation *observation, struct verdict *ret);
bool fd_high_matches(const struct observation *observation);
void fd_high_explain(const struct observation *observation, struct verdict *ret);
bool fd_steady_matches(const struct observation *observation);
void fd_steady_explain(const struct observation *observation, struct verdict *ret);
bool fd_unjudged_matches(const struct observation *observation);
void fd_unjudged_explain(const struct observation *observation, struct verdict *ret);

#endif
