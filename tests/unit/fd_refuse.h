/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of fd_exhausted share: a session whose kernel is played, a small /proc, and calls that are refused. */
#ifndef KWHY_TESTS_FD_REFUSE_H
#define KWHY_TESTS_FD_REFUSE_H

#include "fd_list_make.h"

#include <errno.h>
#include <limits.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/stat.h>

#include "fd_kernel.h"
#include "kinds/fd_exhausted_kind.h"
#include "lines.h"
#include "unwind.h"

#define SERVER 4194999	/* alive in the small /proc */
#define SERVER_START (900 * SECOND)
#define MS 1000000ULL

static struct session session;
static struct fd_exhausted_state *exhausted;
static struct fd_failure_event event;
static char tree[64];

/* a file below the small /proc */
static inline void proc_file(const char *path, const char *content)
{
	char whole[PATH_MAX];
	FILE *file;

	snprintf(whole, sizeof(whole), "%s/proc/%s", tree, path);
	for (char *slash = strchr(whole + 6, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(whole, 0755);
		*slash = '/';
	}
	file = fopen(whole, "we");
	assert_non_null(file);
	fputs(content, file);
	fclose(file);
}

static inline void proc_limits(void)
{
	proc_file("sys/fs/nr_open", "1048576\n");
	proc_file("sys/fs/file-max", "1600000\n");
	proc_file("sys/fs/file-nr", "5000\t0\t1600000\n");
	proc_file("sys/fs/inotify/max_user_instances", "128\n");
	proc_file("sys/fs/inotify/max_user_watches", "8192\n");
	proc_file("sys/fs/fanotify/max_user_groups", "64\n");
	proc_file("sys/fs/pipe-user-pages-hard", "16384\n");
}

static inline void proc_process(uint32_t pid)
{
	char path[32], stat[160];

	snprintf(path, sizeof(path), "%u/stat", pid);
	snprintf(stat, sizeof(stat), "%u (server) S 1 1 1 0 -1 1 1 1 1 1 1 1 1 1 20 0 1 0 %llu 1 1\n", pid,
		 SERVER_START / (SECOND / sysconf(_SC_CLK_TCK)));
	proc_file(path, stat);
}

static inline int setup(void **state)
{
	(void)state;
	memset(&session, 0, sizeof(session));
	memset(&event, 0, sizeof(event));
	kernel_clear();
	lines_open(&session);
	strcpy(tree, "/tmp/kwhy-proc.XXXXXX");
	assert_non_null(mkdtemp(tree));
	proc_limits();
	proc_process(SERVER);
	assert_int_equal(procfs_open(&session.procfs, tree), 0);
	lines_add_kind(&session, &fd_exhausted_kind);
	kernel_arm(&session);
	exhausted = session.kinds[0].state;
	return 0;
}

static inline int teardown(void **state)
{
	char command[96];

	(void)state;
	lines_close(&session);
	if (session.unwinder)
		unwinder_close(session.unwinder);
	procfs_close(&session.procfs);
	snprintf(command, sizeof(command), "rm -rf %s", tree);
	return system(command);
}

static inline uint32_t call_number(const char *name)
{
	return seccomp_syscall_resolve_name(name);
}

/* a call of the server that found its table full, now */
static inline void refuse(uint32_t pid, uint32_t call, uint32_t error)
{
	event.header.type = FD_EVENT_FAILURE;
	event.header.boot_ns = kernel.now_ns;
	event.key = (struct fd_failure_key){ .start_ns = SERVER_START, .tgid = pid, .call = call, .error = error };
	KNOW(&event.process, pid, pid);
	KNOW(&event.process, start_ns, SERVER_START);
	memcpy(event.process.comm, "server", 7);
	event.process.known.comm = 1;
	KNOW(&event.failure, error, error == EMFILE ? FD_ERROR_EMFILE : error == ENFILE ? FD_ERROR_ENFILE :
				    error == ENOSPC ? FD_ERROR_ENOSPC : FD_ERROR_EBADF);
	KNOW(&event.failure, soft, 1024);
	KNOW(&event.failure, hard, 4096);
	KNOW(&event.failure, open, 1024);
	event.full = 1;
	event.next_fd = event.max_fds = 1024;
	event.stack.flags = USER_STACK_NONE;
}

/* the kernel's count of it; the same thread each time, which does nothing else */
static inline struct fd_failures *count_failure(void)
{
	struct fd_failures *f = kernel_failures(&event.key);

	if (!f) {
		assert_true(kernel.failure_count < KERNEL_FAILURES);
		kernel.failures[kernel.failure_count].key = event.key;
		f = &kernel.failures[kernel.failure_count++].failures;
		*f = (struct fd_failures){ .first_ns = kernel.now_ns, .told_ns = kernel.now_ns, .tid = event.key.tgid };
	}
	f->count++;
	f->last_ns = f->last_tid_ns = kernel.now_ns;
	f->last_cpu_ns = kernel.now_ns - f->first_ns;
	return f;
}

static inline int send_failure(void)
{
	return fd_exhausted_kind.event(&session, exhausted, &event, offsetof(struct fd_failure_event, stack.data));
}

/* counted; and sent when it is the first, or a second after the last that was sent, as the kernel side does it */
static inline void fails(uint32_t pid, uint32_t call, uint32_t error)
{
	struct fd_failures *f;

	refuse(pid, call, error);
	f = count_failure();
	if (f->count > 1 && kernel.now_ns - f->told_ns < SECOND)
		return;
	f->told_ns = kernel.now_ns;
	assert_int_equal(send_failure(), 0);
}

/* time goes on, and the kind is asked when it wanted to be */
static inline void until(uint64_t ns)
{
	uint64_t due;

	while ((due = fd_exhausted_kind.due(exhausted)) && due <= ns) {
		if (due > kernel.now_ns)
			kernel.now_ns = due;
		fd_exhausted_kind.expire(&session, exhausted, kernel.now_ns);
		/* it moves on, or would be asked for ever */
		due = fd_exhausted_kind.due(exhausted);
		assert_true(!due || due > kernel.now_ns);
	}
	kernel.now_ns = ns;
}

#endif
