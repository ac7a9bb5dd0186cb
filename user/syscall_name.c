// SPDX-License-Identifier: BSD-2-Clause
#include "syscall_name.h"

#include <seccomp.h>
#include <stdlib.h>

#include "text.h"

static uint32_t table_of(bool compat)
{
	uint32_t native = seccomp_arch_native();

	if (!compat)
		return native;
	switch (native) {
	case SCMP_ARCH_X86_64:
		return SCMP_ARCH_X86;
	case SCMP_ARCH_AARCH64:
		return SCMP_ARCH_ARM;
	default:
		return native;
	}
}

void syscall_name(char *ret, size_t size, uint64_t number, bool compat)
{
	struct text text = { .data = ret, .size = size };
	char *name = NULL;

	if (!size)
		return;
	ret[0] = '\0';
	/* negative ones are libseccomp's own, for calls that an architecture lacks */
	if (number <= INT32_MAX)
		name = seccomp_syscall_resolve_num_arch(table_of(compat), number);
	if (name) {
		text_add(&text, name);
	} else {
		text_add(&text, "syscall ");
		text_number(&text, number);
	}
	free(name);
}
