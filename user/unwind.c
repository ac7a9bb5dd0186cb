// SPDX-License-Identifier: BSD-2-Clause
#include "unwind.h"

#include <errno.h>
#include <stdlib.h>

struct unwinder {
	int unused;
};

int unwinder_open(struct unwinder **ret)
{
	struct unwinder *unwinder = calloc(1, sizeof(*unwinder));

	if (!unwinder)
		return -ENOMEM;
	*ret = unwinder;
	return 0;
}

void unwinder_close(struct unwinder *unwinder)
{
	free(unwinder);
}

int unwinder_unwind(struct unwinder *unwinder, uint64_t pid, uint64_t start_ns, const struct user_stack *stack,
		    struct call_stack *ret)
{
	(void)unwinder, (void)pid, (void)start_ns, (void)stack, (void)ret;
	return -ENOSYS;
}

int unwinder_frame(struct unwinder *unwinder, uint64_t pid, uint64_t start_ns, const struct call_stack *stack,
		   uint32_t n, char *ret, size_t size)
{
	(void)unwinder, (void)pid, (void)start_ns, (void)stack, (void)n, (void)ret, (void)size;
	return -ENOSYS;
}
