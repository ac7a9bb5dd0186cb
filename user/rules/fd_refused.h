/* SPDX-License-Identifier: BSD-2-Clause */
/* What the rules on RLIMIT_NOFILE share, and those of them that are about servers. Pure. */
#ifndef KWHY_FD_REFUSED_H
#define KWHY_FD_REFUSED_H

#include "fd_words.h"

/* RLIMIT_NOFILE bound. */
bool fd_is_own(const struct observation *observation);
/* The call that failed most is one of these. */
bool fd_is_call(const struct fd_exhausted *x, const char *one, const char *other);

/* More are open than the soft limit allows, and not by one that it put there on purpose: it was lowered afterwards. */
bool fd_is_lowered(const struct fd_exhausted *x);

/* "the limit of 1024 descriptors", as a subject */
void fd_say_limit(struct text *text, const struct fd_exhausted *x);
/* A limit to try: nobody knows what it would use, as it was refused. */
uint64_t fd_wanted(const struct observation *observation);

/* Commands and advice: the limit and how near it is; where they are opened. */
void fd_verify_limit(const struct observation *observation, struct verdict *ret);
void fd_advise_look(const struct observation *observation, struct verdict *ret);

/* accept() that is refused */
bool fd_accept_spin_matches(const struct observation *observation);
void fd_accept_spin_explain(const struct observation *observation, struct verdict *ret);
bool fd_clients_matches(const struct observation *observation);
void fd_clients_explain(const struct observation *observation, struct verdict *ret);

#endif
