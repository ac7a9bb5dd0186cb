// SPDX-License-Identifier: BSD-2-Clause
#include "names.h"

#include <string.h>

enum { NAMES_MAX = 64 };

void names_path(struct text *text, const char *names, size_t size, unsigned int leaf, bool cut)
{
	const char *name[NAMES_MAX];
	unsigned int count = 0;

	for (size_t at = 0; at < size && count < NAMES_MAX;) {
		size_t length = strnlen(names + at, size - at);

		if (at + length == size)
			break;
		name[count++] = names + at;
		at += length + 1;
	}
	if (cut)
		text_add(text, "/...");
	for (unsigned int i = count; i-- > leaf;) {
		text_add(text, "/");
		text_add(text, name[i]);
	}
	if (!text->length)
		text_add(text, "/");
}
