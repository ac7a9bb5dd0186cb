/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows that the cards of both kinds about descriptors have. Pure. */
#ifndef KWHY_FD_DESCRIBE_H
#define KWHY_FD_DESCRIBE_H

#include "fd_words.h"

/* "tcp 980 (+46), file 20" */
void fd_row_types(const struct fd_view *v, struct verdict *ret);
/* "812  tcp to 10.0.3.7:5432 in CLOSE_WAIT, silent for up to 2 h": at most so many rows */
void fd_row_groups(const struct fd_view *v, uint64_t most, bool skip_close_wait, struct verdict *ret);
/* "python3[91], runs /srv/app.py, /usr/bin/python3.11, uid 33"; script may be NULL */
void fd_row_process(const struct observation *observation, const char *script, struct verdict *ret);

#endif
