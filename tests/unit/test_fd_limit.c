// SPDX-License-Identifier: BSD-2-Clause
/* Which limit refused a call, where several give the same error. */
#include "fd_refuse.h"

static enum fd_limit limit_of(const char *call, uint32_t error)
{
	refuse(SERVER, call_number(call), error);
	return fd_exhausted_limit(exhausted, &event, call);
}

/* half of the table is free */
static enum fd_limit limit_with_room(const char *call, uint32_t error)
{
	refuse(SERVER, call_number(call), error);
	event.full = 0;
	event.failure.open = 512;
	event.max_fds = 512;
	return fd_exhausted_limit(exhausted, &event, call);
}

static void test_full_table(void **state)
{
	static const char *const calls[] = { "openat", "accept4", "dup", "fcntl", "inotify_init1", "fanotify_init", "mq_open" };

	(void)state;
	for (size_t i = 0; i < COUNT(calls); i++)
		assert_int_equal(limit_of(calls[i], EMFILE), FD_LIMIT_RLIMIT_SOFT);
	/* dup2 to a number that the limit forbids, whatever is open */
	assert_int_equal(limit_with_room("dup2", EBADF), FD_LIMIT_RLIMIT_SOFT);
	assert_int_equal(limit_with_room("dup3", EBADF), FD_LIMIT_RLIMIT_SOFT);
	/* F_DUPFD looks only above the number it is given */
	assert_int_equal(limit_with_room("fcntl", EMFILE), FD_LIMIT_RLIMIT_SOFT);
	assert_int_equal(limit_with_room("fcntl64", EMFILE), FD_LIMIT_RLIMIT_SOFT);
}

static void test_own_limits(void **state)
{
	(void)state;
	assert_int_equal(limit_with_room("inotify_init", EMFILE), FD_LIMIT_INOTIFY_INSTANCES);
	assert_int_equal(limit_with_room("inotify_init1", EMFILE), FD_LIMIT_INOTIFY_INSTANCES);
	assert_int_equal(limit_with_room("fanotify_init", EMFILE), FD_LIMIT_FANOTIFY_GROUPS);
	assert_int_equal(limit_with_room("mq_open", EMFILE), FD_LIMIT_MQUEUE_BYTES);
	assert_int_equal(limit_with_room("inotify_add_watch", ENOSPC), FD_LIMIT_INOTIFY_WATCHES);
	/* a full table has no say in that */
	assert_int_equal(limit_of("inotify_add_watch", ENOSPC), FD_LIMIT_INOTIFY_WATCHES);
	assert_int_equal(limit_with_room("inotify_add_watch", EMFILE), fd_limit_unknown);
}

/* another thread closed some between the refusal and the look at the table */
static void test_almost_full(void **state)
{
	(void)state;
	refuse(SERVER, call_number("accept4"), EMFILE);
	event.full = 0;
	event.max_fds = 512;
	event.failure.open = 911;
	assert_int_equal(fd_exhausted_limit(exhausted, &event, "accept4"), FD_LIMIT_RLIMIT_SOFT);
	event.failure.open = 909;
	assert_int_equal(fd_exhausted_limit(exhausted, &event, "accept4"), fd_limit_unknown);
	event.max_fds = 1024;
	assert_int_equal(fd_exhausted_limit(exhausted, &event, "accept4"), FD_LIMIT_RLIMIT_SOFT);
	/* how many were open could not be read */
	event.max_fds = 512;
	event.failure.known.open = 0;
	assert_int_equal(fd_exhausted_limit(exhausted, &event, "accept4"), FD_LIMIT_RLIMIT_SOFT);
}

/* fs.nr_open was lowered below the process's own limit */
static void test_nr_open(void **state)
{
	(void)state;
	proc_file("sys/fs/nr_open", "1000\n");
	assert_int_equal(limit_of("openat", EMFILE), FD_LIMIT_NR_OPEN);
	event.next_fd = 999;
	assert_int_equal(fd_exhausted_limit(exhausted, &event, "openat"), FD_LIMIT_RLIMIT_SOFT);
	proc_file("sys/fs/nr_open", "1024\n");
	assert_int_equal(limit_of("openat", EMFILE), FD_LIMIT_RLIMIT_SOFT);
	proc_file("sys/fs/nr_open", "");
	assert_int_equal(limit_of("openat", EMFILE), FD_LIMIT_RLIMIT_SOFT);
}

static void test_host(void **state)
{
	(void)state;
	assert_int_equal(limit_of("openat", ENFILE), fd_limit_unknown);
	assert_int_equal(limit_of("pipe", ENFILE), FD_LIMIT_PIPE_PAGES);
	assert_int_equal(limit_of("pipe2", ENFILE), FD_LIMIT_PIPE_PAGES);
	/* a sixteenth below it: per-CPU counts are that inexact */
	proc_file("sys/fs/file-nr", "1499999\t0\t1600000\n");
	assert_int_equal(limit_of("openat", ENFILE), fd_limit_unknown);
	proc_file("sys/fs/file-nr", "1500000\t0\t1600000\n");
	assert_int_equal(limit_of("openat", ENFILE), FD_LIMIT_FILE_MAX);
	assert_int_equal(limit_of("pipe2", ENFILE), FD_LIMIT_FILE_MAX);
	/* no limit to speak of */
	proc_file("sys/fs/file-max", "9223372036854775807\n");
	assert_int_equal(limit_of("openat", ENFILE), fd_limit_unknown);
	procfs_close(&session.procfs);
	assert_int_equal(limit_of("openat", ENFILE), fd_limit_unknown);
	assert_int_equal(limit_of("pipe2", ENFILE), FD_LIMIT_PIPE_PAGES);
}

/* the value that goes with it */
static void test_values(void **state)
{
	static const struct {
		enum fd_limit limit;
		uint64_t value;
	} rows[] = {
		{ FD_LIMIT_RLIMIT_SOFT, 1024 }, { FD_LIMIT_NR_OPEN, 1048576 }, { FD_LIMIT_FILE_MAX, 1600000 },
		{ FD_LIMIT_INOTIFY_INSTANCES, 128 }, { FD_LIMIT_INOTIFY_WATCHES, 8192 }, { FD_LIMIT_FANOTIFY_GROUPS, 64 },
		{ FD_LIMIT_PIPE_PAGES, 16384 },
	};
	struct fd_exhausted x = { .soft = 1024 };
	struct stat own;

	(void)state;
	/* a process of our user namespace, and one of another */
	proc_file("self/ns/user", "");
	assert_int_equal(fstatat(session.procfs.fd, "self/ns/user", &own, 0), 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		KNOW(&x, limit_kind, rows[i].limit);
		fd_exhausted_limits(exhausted, own.st_ino, &x);
		assert_true(x.known.limit);
		assert_int_equal(x.limit, rows[i].value);
	}
	/* its user may have less there than the file says here */
	KNOW(&x, limit_kind, FD_LIMIT_INOTIFY_WATCHES);
	fd_exhausted_limits(exhausted, own.st_ino + 1, &x);
	assert_false(x.known.limit);
	/* a resource limit of the process, which nobody asks for */
	KNOW(&x, limit_kind, FD_LIMIT_MQUEUE_BYTES);
	fd_exhausted_limits(exhausted, own.st_ino, &x);
	assert_false(x.known.limit);
	assert_true(x.known.nr_open && x.known.file_max && x.known.host_open);
	x.known.limit_kind = 0;
	procfs_close(&session.procfs);
	fd_exhausted_limits(exhausted, own.st_ino, &x);
	assert_false(x.known.limit || x.known.nr_open || x.known.file_max || x.known.host_open);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_full_table), TEST(test_own_limits), TEST(test_almost_full), TEST(test_nr_open), TEST(test_host),
		TEST(test_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
