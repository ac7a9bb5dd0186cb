// SPDX-License-Identifier: BSD-2-Clause
/* The readers of /proc, on tests/fake/procfs, on hostile bytes and on ourselves. */
#include "user/procfs.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define FAKE "tests/fake/procfs"
#define MAX_ARGS 4

static void test_open(void **state)
{
	struct procfs procfs = { .fd = 99 };

	(void)state;
	assert_int_equal(procfs_open(&procfs, "tests/nowhere"), -ENOENT);
	assert_int_equal(procfs_open(&procfs, "Makefile"), -ENOTDIR);
	assert_int_equal(procfs.fd, 99);
	assert_int_equal(procfs_open(&procfs, FAKE), 0);
	procfs_close(&procfs);
	procfs_close(&procfs);
	assert_int_equal(procfs.fd, -1);
}

static void test_stat(void **state)
{
	const struct procfs *procfs = *state;
	struct process_stat stat = { .ppid = 99 };

	assert_int_equal(procfs_stat(procfs, 9, &stat), -ENOENT);
	assert_int_equal(stat.ppid, 99);
	assert_int_equal(procfs_stat(procfs, 4121, &stat), 0);
	assert_int_equal(stat.state, 'S');
	assert_int_equal(stat.ppid, 4100);
	assert_int_equal(stat.threads, 6);
	assert_int_equal(stat.start_ticks, 81234567);
	assert_string_equal(stat.comm, "postgres");
	assert_int_equal(procfs_stat(procfs, 4122, &stat), 0);
	assert_int_equal(stat.state, 'D');
	assert_int_equal(stat.ppid, 4121);
	assert_int_equal(stat.start_ticks, 81234568);
	assert_string_equal(stat.comm, ") R 1 1 (x\n");
}

static void test_stat_cpu(void **state)
{
	static const char busy[] = "1 (a) R 1 1 1 0 -1 4 1 1 1 1 70 23 900 9000 20 0 1 0 186 1";
	struct process_stat stat;

	(void)state;
	assert_int_equal(process_stat_parse(busy, strlen(busy), &stat), 0);
	assert_int_equal(stat.cpu_ticks, 93);
}

/* not reaped yet, or not even a zombie */
static void test_stat_exiting(void **state)
{
	static const char zombie[] = "1 (a) Z 1 1 1 0 -1 4194316 1 1 1 1 1 1 1 1 20 0 1 0 186 1";
	static const char ending[] = "1 (a) R 1 1 1 0 -1 4 1 1 1 1 1 1 1 1 20 0 1 0 186 1";
	struct process_stat stat;

	assert_int_equal(procfs_stat(*state, 4121, &stat), 0);
	assert_false(stat.exiting);
	assert_int_equal(process_stat_parse(zombie, strlen(zombie), &stat), 0);
	assert_true(stat.exiting);
	assert_int_equal(process_stat_parse(ending, strlen(ending), &stat), 0);
	assert_true(stat.exiting);
}

static void test_stat_refused(void **state)
{
	static const char *const bad[] = {
		"", "(", ")", ")(", "1 (a)", "1 (a) ", "1 (a) S", "1 (a) S ", "1 (a) S x y",
		"1 (a)S 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
		/* cut in the number that matters */
		"1 (a) S 1 1 1 0 -1 1 1 1 1 1 1 1 1 1 20 0 1 0 186",
		"1 (a) S -1 1 1 0 -1 1 1 1 1 1 1 1 1 1 20 0 1 0 186 1",
		"1 (a) SS 1 1 1 0 -1 1 1 1 1 1 1 1 1 1 20 0 1 0 186 1",
		"1 (a) S 1 1 1 0 -1 1 1 1 1 1 1 1 1 1 20 0 1 0 18446744073709551616 1",
	};
	struct process_stat stat = { .ppid = 99 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(process_stat_parse(bad[i], strlen(bad[i]), &stat), -EINVAL);
	assert_int_equal(stat.ppid, 99);
}

static void test_same_process(void **state)
{
	const struct procfs *procfs = *state;
	uint64_t tick = 1000000000 / sysconf(_SC_CLK_TCK), start = 81234567 * tick;

	assert_true(procfs_same_process(procfs, 4121, start));
	assert_true(procfs_same_process(procfs, 4121, start + tick - 1));
	assert_true(procfs_same_process(procfs, 4121, start + tick));
	assert_true(procfs_same_process(procfs, 4121, start - tick));
	assert_false(procfs_same_process(procfs, 4121, start + 2 * tick));
	assert_false(procfs_same_process(procfs, 4121, start - tick - 1));
	assert_false(procfs_same_process(procfs, 4121, 0));
	assert_false(procfs_same_process(procfs, 4121, UINT64_MAX));
	assert_false(procfs_same_process(procfs, 9, start));
}

static void test_exe(void **state)
{
	const struct procfs *procfs = *state;
	char exe[64] = "as it was", small[9];

	assert_int_equal(procfs_exe(procfs, 2, exe, sizeof(exe)), -ENOENT);
	assert_string_equal(exe, "as it was");
	assert_int_equal(procfs_exe(procfs, 4121, exe, sizeof(exe)), 0);
	assert_string_equal(exe, "/usr/lib/postgresql/15/bin/postgres");
	assert_int_equal(procfs_exe(procfs, 4122, exe, sizeof(exe)), 0);
	assert_string_equal(exe, "/tmp/\xce\xb1\xce\xb2 (deleted)");
	/* eight bytes hold one of the letters and a half */
	assert_int_equal(procfs_exe(procfs, 4122, small, sizeof(small)), 0);
	assert_string_equal(small, "/tmp/\xce\xb1");
}

static void test_args(void **state)
{
	const struct procfs *procfs = *state;
	char args[MAX_ARGS][PROCESS_ARG_BYTES];
	uint64_t count = 99;

	assert_int_equal(procfs_args(procfs, 9, args, MAX_ARGS, &count), -ENOENT);
	assert_int_equal(count, 99);
	assert_int_equal(procfs_args(procfs, 2, args, MAX_ARGS, &count), 0);
	assert_int_equal(count, 0);
	/* a title's padding is no arguments */
	assert_int_equal(procfs_args(procfs, 4121, args, MAX_ARGS, &count), 0);
	assert_int_equal(count, 1);
	assert_string_equal(args[0], "postgres: joe payments 10.0.0.7(53012) SELECT");
	assert_int_equal(procfs_args(procfs, 4122, args, MAX_ARGS, &count), 0);
	assert_int_equal(count, 4);
	assert_string_equal(args[1], "-c");
	assert_string_equal(args[2], "");
	assert_string_equal(args[3], "echo \xff\xff");
	assert_int_equal(procfs_args(procfs, 4122, args, 2, &count), 0);
	assert_int_equal(count, 2);
}

static void test_args_parse(void **state)
{
	char args[MAX_ARGS][PROCESS_ARG_BYTES], data[400];
	uint64_t count;

	(void)state;
	assert_int_equal(args_parse("a", 1, args, MAX_ARGS, &count), 0);
	assert_int_equal(count, 1);
	assert_string_equal(args[0], "a");
	assert_int_equal(args_parse("a\0", 3, args, MAX_ARGS, &count), 0);
	assert_int_equal(count, 2);
	assert_int_equal(args_parse("\0\0", 3, args, MAX_ARGS, &count), 0);
	assert_int_equal(count, 3);
	assert_int_equal(args_parse("a\0\0\0b", 5, args, MAX_ARGS, &count), 0);
	assert_int_equal(count, 4);
	assert_int_equal(args_parse("a", 1, args, 0, &count), 0);
	assert_int_equal(count, 0);
	/* 158 bytes and a character of two */
	memset(data, 'x', sizeof(data));
	memcpy(data + PROCESS_ARG_BYTES - 2, "\xc3\xa4", 2);
	assert_int_equal(args_parse(data, sizeof(data), args, MAX_ARGS, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(strlen(args[0]), PROCESS_ARG_BYTES - 2);
}

static void test_wchan(void **state)
{
	const struct procfs *procfs = *state;
	char wchan[64] = "as it was";

	assert_int_equal(procfs_wchan(procfs, 4122, wchan, sizeof(wchan)), -ENOENT);
	assert_int_equal(procfs_wchan(procfs, 2, wchan, sizeof(wchan)), -ENOENT);
	assert_string_equal(wchan, "as it was");
	assert_int_equal(procfs_wchan(procfs, 4121, wchan, sizeof(wchan)), 0);
	assert_string_equal(wchan, "folio_wait_bit_common");
}

static void test_meminfo(void **state)
{
	const struct procfs *procfs = *state;
	struct meminfo info;

	assert_int_equal(procfs_meminfo(procfs, &info), 0);
	assert_int_equal(info.known, 0x3ff);
	assert_int_equal(info.total_bytes, 24684096ULL * 1024);
	assert_int_equal(info.shmem_bytes, 8788 * 1024);
	assert_int_equal(info.swap_total_bytes, 0);
	assert_true(info.kernel_bytes > info.slab_bytes);
}

static void test_meminfo_parse(void **state)
{
	static const char some[] = "Slab: 1 kB\nCached:          2 kB\nSwapCached: 9 kB\n"
				   "MemFree: 18446744073709551615 kB\nMemTotal: 4 MB\n\n: 1 kB\n"
				   "Shmem:\nAnonPages: -1 kB\nSwapFree: 1024 kB";
	struct meminfo info = { .known = 99 };

	(void)state;
	assert_int_equal(meminfo_parse("", 0, &info), -EINVAL);
	assert_int_equal(info.known, 99);
	assert_int_equal(meminfo_parse(some, strlen(some), &info), 0);
	assert_int_equal(info.known, MEMINFO_KNOWN_SLAB | MEMINFO_KNOWN_CACHED);
	assert_int_equal(info.slab_bytes, 1024);
	assert_int_equal(info.cached_bytes, 2048);
	assert_int_equal(info.kernel_bytes, 0);
}

static void test_boot_id(void **state)
{
	const struct procfs *procfs = *state;
	char id[40];

	assert_int_equal(procfs_boot_id(procfs, id, 36), -ENOBUFS);
	assert_int_equal(procfs_boot_id(procfs, id, 37), 0);
	assert_string_equal(id, "0e04bc8c-f100-4e13-8a3d-287798ead89b");
}

static void test_ourselves(void **state)
{
	char args[MAX_ARGS][PROCESS_ARG_BYTES], exe[256];
	uint64_t tick = 1000000000 / sysconf(_SC_CLK_TCK), count;
	struct process_stat stat;
	struct procfs procfs;

	(void)state;
	assert_int_equal(procfs_open(&procfs, NULL), 0);
	assert_int_equal(procfs_stat(&procfs, getpid(), &stat), 0);
	assert_int_equal(stat.ppid, getppid());
	assert_int_equal(stat.state, 'R');
	assert_true(procfs_same_process(&procfs, getpid(), stat.start_ticks * tick));
	assert_int_equal(procfs_args(&procfs, getpid(), args, MAX_ARGS, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(procfs_exe(&procfs, getpid(), exe, sizeof(exe)), 0);
	assert_non_null(strstr(exe, "test_procfs"));
	procfs_close(&procfs);
}

static int setup(void **state)
{
	static struct procfs procfs;

	*state = &procfs;
	return procfs_open(&procfs, FAKE);
}

static int teardown(void **state)
{
	procfs_close(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_stat),
		cmocka_unit_test(test_stat_cpu),
		cmocka_unit_test(test_stat_exiting),
		cmocka_unit_test(test_stat_refused),
		cmocka_unit_test(test_same_process),
		cmocka_unit_test(test_exe),
		cmocka_unit_test(test_args),
		cmocka_unit_test(test_args_parse),
		cmocka_unit_test(test_wchan),
		cmocka_unit_test(test_meminfo),
		cmocka_unit_test(test_meminfo_parse),
		cmocka_unit_test(test_boot_id),
		cmocka_unit_test(test_ourselves),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
