// SPDX-License-Identifier: BSD-2-Clause
#include "syscall_name.h"

#include <stdio.h>

void syscall_name(char *ret, size_t size, uint64_t number, bool compat)
{
	(void)compat;
	snprintf(ret, size, "syscall %llu", (unsigned long long)number);
}
