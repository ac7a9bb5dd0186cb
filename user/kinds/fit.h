/* SPDX-License-Identifier: BSD-2-Clause */
/* How kinds make an observation smaller, so that its line and the diagnosis fit LINE_BYTES. */
#ifndef KWHY_FIT_H
#define KWHY_FIT_H

#include "observation.h"

/* The last of the process's arguments goes; false when only "least" are left. */
bool fit_args(struct process *process, uint64_t least);

/* The last of a list goes; false when only "least" are left. */
bool fit_list(uint64_t *count, uint64_t least);

/* Keeps the end, which names the program or container: "/...rest"; false when it is that short already. */
bool fit_text(char *string, size_t size, size_t keep);

/* What every kind has: paths of the cgroup and the executable, the unit. */
bool fit_places(struct observation *observation, size_t keep);

/* What such a string may take in JSON, where a byte becomes at most \uXXXX */
size_t fit_bytes(const char *string);

#endif
