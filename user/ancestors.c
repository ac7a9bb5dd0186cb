// SPDX-License-Identifier: BSD-2-Clause
#include "ancestors.h"

#include <string.h>

#include "text.h"

uint64_t ancestors_fill(struct ancestor *to, const struct event_ancestor *from, uint64_t count)
{
	uint64_t n = 0;

	for (; n < count && from[n].pid; n++) {
		KNOW(&to[n], pid, from[n].pid);
		text_copy(to[n].comm, sizeof(to[n].comm), from[n].comm, strnlen(from[n].comm, sizeof(from[n].comm)));
		to[n].known.comm = 1;
	}
	return n;
}
