/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of fd_leak share: a session whose kernel is played, a server, and its descriptors. */
#ifndef KWHY_TESTS_FD_LOOK_H
#define KWHY_TESTS_FD_LOOK_H

#include "fd_list_make.h"

#include "fd_kernel.h"
#include "kinds/fd_leak_kind.h"
#include "lines.h"

#define SERVER 4194999	/* nobody has this pid */

static struct session session;
static struct fd_leak_state *leak;

static inline void begin(uint64_t pid)
{
	memset(&session, 0, sizeof(session));
	kernel_clear();
	session.options.pid = pid;
	lines_open(&session);
	session.started_ns = kernel.now_ns;
	lines_add_kind(&session, &fd_leak_kind);
	kernel_arm(&session);
	leak = session.kinds[0].state;
}

static inline int setup_one(void **state)
{
	(void)state;
	begin(SERVER);
	return 0;
}

static inline int setup_all(void **state)
{
	(void)state;
	begin(0);
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	lines_close(&session);
	if (session.unwinder)
		unwinder_close(session.unwinder);
	procfs_close(&session.procfs);
	return 0;
}

/* one second later */
static inline const struct fd_process *look(uint64_t pid)
{
	kernel.now_ns += SECOND;
	assert_int_equal(fd_leak_look(leak, pid), 0);
	return table_find(&leak->processes, SERVER);
}

static inline struct fd_file marked(void)
{
	struct fd_file f = fd_regular(1);

	f.seen = 1;
	return f;
}

static inline struct fd_file opened(uint64_t site, uint64_t ns)
{
	struct fd_file f = fd_anonymous("[eventfd]");

	f.seen = 1;
	f.site = site;
	f.opened_ns = ns;
	return f;
}

/* a process watched from the start, or all of them */
#define ONE(NAME) cmocka_unit_test_setup_teardown(NAME, setup_one, teardown)
#define ALL(NAME) cmocka_unit_test_setup_teardown(NAME, setup_all, teardown)

#endif
