// SPDX-License-Identifier: BSD-2-Clause
#include "process_args.h"

#include <string.h>

#include "redact.h"
#include "text.h"

uint64_t args_split(char *words, size_t word_size, uint64_t max, const char *block, size_t size, bool *ret_cut)
{
	uint64_t count = 0;
	size_t at = 0;

	*ret_cut = false;
	while (at < size && count < max) {
		size_t length = strnlen(block + at, size - at);

		*ret_cut |= text_copy(words + count++ * word_size, word_size, block + at, length);
		*ret_cut |= at + length == size;
		at += length + 1;
	}
	*ret_cut |= at < size;
	return count;
}

bool process_args_fill(struct process *p, const char *block, size_t size, bool cut, bool no_redact)
{
	const uint64_t max = sizeof(p->args) / sizeof(p->args[0]);
	bool left_out;

	p->args_count = args_split(p->args[0], sizeof(p->args[0]), max, block, size, &left_out);
	p->known.args = p->args_count > 0;
	if (!no_redact && redact_args(p->args[0], sizeof(p->args[0]), p->args_count, &p->args_redacted))
		p->known.args_redacted = 1;
	return cut || left_out;
}
