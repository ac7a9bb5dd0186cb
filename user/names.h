/* SPDX-License-Identifier: BSD-2-Clause */
/* Paths as the probes send them: directory names from the leaf up, each with its NUL. */
#ifndef KWHY_NAMES_H
#define KWHY_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "text.h"

/*
 * "/a/b" from "b\0a\0", without the "leaf" lowest of them; "/" for none. cut:
 * there was more above, and the path begins with "/...". Hostile sizes and
 * missing NULs end it early.
 */
void names_path(struct text *text, const char *names, size_t size, unsigned int leaf, bool cut);

#endif
