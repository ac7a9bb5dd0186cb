/* SPDX-License-Identifier: BSD-2-Clause */
/* Execs as the kernel side sends them, for tests without a kernel. */
#ifndef KWHY_TESTS_EXEC_MAKE_H
#define KWHY_TESTS_EXEC_MAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "kinds/exec_kind.h"

#define COUNT(ARRAY) (sizeof(ARRAY) / sizeof((ARRAY)[0]))
#define SECOND 1000000000ULL
/* no process has it: whatever is looked up of it fails */
#define NOBODY 4194999

static struct session session;
static struct exec_event event;

/* NOBODY, child of NOBODY + 1, calls exec at 1000 s */
static inline int exec_setup(void **state)
{
	(void)state;
	memset(&session, 0, sizeof(session));
	memset(&event, 0, sizeof(event));
	assert_int_equal(cgroup_paths_open(&session.cgroup_paths), 0);
	event.header.type = EXEC_EVENT_EXEC;
	event.header.boot_ns = 1000 * SECOND;
	KNOW(&event.process, pid, NOBODY);
	KNOW(&event.process, start_ns, 900 * SECOND);
	KNOW(&event.process, ppid, NOBODY + 1);
	KNOW(&event.exec, ret, 0);
	event.tid = NOBODY;
	event.flags = EXEC_EVENT_CWD_CUT;
	return 0;
}

static inline void add_bytes(uint32_t *ret_bytes, const void *from, size_t size)
{
	assert_true(event.used + size <= sizeof(event.data));
	memcpy(event.data + event.used, from, size);
	event.used += size;
	*ret_bytes = size;
}

/* The parts in the record's order; NULL: none. Blocks with their last NUL: pass sizeof of a literal. */
static inline void exec_data(const char *filename, const char *interpreter, const void *args, size_t args_size)
{
	event.used = 0;
	event.filename_bytes = event.interpreter_bytes = event.args_bytes = event.cwd_bytes = event.exe_bytes = 0;
	if (filename)
		add_bytes(&event.filename_bytes, filename, strlen(filename) + 1);
	if (interpreter)
		add_bytes(&event.interpreter_bytes, interpreter, strlen(interpreter) + 1);
	if (args_size)
		add_bytes(&event.args_bytes, args, args_size);
}

static inline size_t exec_size(void)
{
	event.header.size = offsetof(struct exec_event, data) + event.used;
	return event.header.size;
}

#endif
