// SPDX-License-Identifier: BSD-2-Clause
#include "fit.h"

#include <string.h>

bool fit_list(uint64_t *count, uint64_t least)
{
	if (*count <= least)
		return false;
	--*count;
	return true;
}

bool fit_args(struct process *p, uint64_t least)
{
	return fit_list(&p->args_count, least);
}

bool fit_text(char *string, size_t size, size_t keep)
{
	size_t length = strnlen(string, size), from;

	if (length <= keep + 4)
		return false;
	/* not half a character */
	for (from = length - keep; ((unsigned char)string[from] & 0xc0) == 0x80 && from + 1 < length; from++)
		keep--;
	memmove(string + 4, string + from, keep);
	memcpy(string, "/...", 4);
	memset(string + 4 + keep, 0, size - 4 - keep);
	return true;
}

bool fit_places(struct observation *o, size_t keep)
{
	bool done = fit_text(o->cgroup.path, sizeof(o->cgroup.path), keep);

	done |= fit_text(o->process.exe, sizeof(o->process.exe), keep);
	done |= fit_text(o->container.unit, sizeof(o->container.unit), keep);
	return done;
}

size_t fit_bytes(const char *string)
{
	return 6 * strlen(string);
}
