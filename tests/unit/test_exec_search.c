// SPDX-License-Identifier: BSD-2-Clause
/* Execs from record to line: a search along PATH is one failure or none, and the death after it knows. */
#include "exec_make.h"
#include "lines.h"

#include "kinds/exit_kind.h"

static struct exec_state *search;

static int setup(void **state)
{
	exec_setup(state);
	lines_open(&session);
	lines_add_kind(&session, &exec_kind);
	search = session.kinds[0].state;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	lines_close(&session);
	return 0;
}

/* T milliseconds later this thread tries a path */
static void tries(uint64_t ms, uint64_t tid, const char *path, int64_t ret)
{
	event.header.boot_ns = 1000 * SECOND + ms * 1000000;
	event.tid = event.process.pid = tid;
	event.exec.ret = ret;
	exec_data(path, NULL, "a", 2);
	assert_int_equal(exec_kind.event(&session, search, &event, exec_size()), 0);
}

static void time_is(uint64_t ms)
{
	exec_kind.expire(&session, search, 1000 * SECOND + ms * 1000000);
}

/* everything the probe sent is accounted for */
static void check_account(uint64_t delivered, uint64_t filtered)
{
	assert_int_equal(lines_read(), delivered);
	assert_int_equal(session.kinds[0].delivered, delivered);
	assert_int_equal(session.kinds[0].filtered, filtered);
}

static void test_search_fails(void **state)
{
	(void)state;
	tries(0, NOBODY, "/usr/local/bin/foo", -ENOENT);
	tries(1, NOBODY, "/usr/bin/foo", -ENOENT);
	tries(2, NOBODY, "/bin/foo", -ENOENT);
	time_is(101);
	check_account(0, 0);
	time_is(102);
	check_account(1, 2);
	assert_string_equal(lines[0].exec.filename, "/bin/foo");
	assert_int_equal(lines[0].exec.attempts, 3);
	assert_int_equal(lines[0].exec.ret, -ENOENT);
	assert_int_equal(exec_kind.due(search), 0);
}

/* as the C library: a file that may not be executed is the reason, and not that the others do not exist */
static void test_search_denied(void **state)
{
	(void)state;
	tries(0, NOBODY, "/a/foo", -ENOENT);
	tries(1, NOBODY, "/b/foo", -EACCES);
	tries(2, NOBODY, "/c/foo", -ENOENT);
	exec_kind.finish(&session, search);
	check_account(1, 2);
	assert_string_equal(lines[0].exec.filename, "/b/foo");
	assert_int_equal(lines[0].exec.attempts, 3);
}

static void test_search_succeeds(void **state)
{
	(void)state;
	tries(0, NOBODY, "/a/foo", -ENOENT);
	tries(1, NOBODY, "/b/foo", -ENOENT);
	event.flags = EXEC_EVENT_AFTER_FAILURE | EXEC_EVENT_UNASKED;
	tries(2, NOBODY, "/c/foo", 0);
	exec_kind.finish(&session, search);
	check_account(0, 3);
}

/* another program, another thread, too long after: nothing to do with each other */
static void test_no_search(void **state)
{
	(void)state;
	tries(0, NOBODY, "/a/foo", -ENOENT);
	tries(1, NOBODY, "/a/bar", -ENOENT);
	tries(2, NOBODY + 9, "/a/bar", -ENOENT);
	time_is(500);
	tries(501, NOBODY, "/b/bar", -ENOENT);
	exec_kind.finish(&session, search);
	check_account(4, 0);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(lines[i].exec.attempts, 1);
}

static void test_success_of_another(void **state)
{
	(void)state;
	tries(0, NOBODY, "/a/foo", -ENOENT);
	event.flags = EXEC_EVENT_AFTER_FAILURE | EXEC_EVENT_UNASKED;
	tries(1, NOBODY, "/bin/sh", 0);
	check_account(1, 1);
	assert_string_equal(lines[0].exec.filename, "/a/foo");
}

/* a storm is told although nobody asked for what works */
static void test_storm(void **state)
{
	(void)state;
	event.flags = EXEC_EVENT_UNASKED;
	tries(0, NOBODY, "/bin/a", 0);
	event.storm_execs = 4096;
	tries(1, NOBODY, "/bin/a", 0);
	check_account(1, 1);
	assert_true(lines[0].exec.known.storm);
}

static void test_all(void **state)
{
	(void)state;
	session.options.all = true;
	tries(0, NOBODY, "/a/foo", -ENOENT);
	tries(1, NOBODY, "/b/foo", -ENOENT);
	tries(2, NOBODY, "/c/foo", 0);
	check_account(3, 0);
	assert_false(lines[0].exec.known.attempts);
}

/* more threads search at once than there are places */
static void test_many(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 40; i++)
		tries(i / 4, NOBODY + i, "/a/foo", -ENOENT);
	assert_int_equal(lines_read(), 40 - EXEC_HELD);
	exec_kind.finish(&session, search);
	check_account(40, 0);
	for (unsigned int i = 0; i < 40; i++)
		assert_int_equal(lines[i].process.pid, NOBODY + i);
}

/* ---- for the death that follows -------------------------------------------------- */

static void test_last_failure(void **state)
{
	struct process process = { .pid = NOBODY, .start_ns = 900 * SECOND };
	struct failed_exec failed;

	(void)state;
	assert_false(exec_last_failure(&session, &process, &failed, 1000 * SECOND));
	tries(0, NOBODY, "/a/foo", -EACCES);
	tries(1, NOBODY, "/b/bar", -ENOENT);
	tries(2, NOBODY + 1, "/c/other", -ENOENT);
	assert_true(exec_last_failure(&session, &process, &failed, 1000 * SECOND + 5000000));
	assert_string_equal(failed.filename, "/b/bar");
	assert_true(failed.ret == -ENOENT && failed.age_ns == 4000000 && !failed.known.reason);
	/* long after, it ended for another reason */
	assert_false(exec_last_failure(&session, &process, &failed, 1011 * SECOND));
	/* the pid is another process by now */
	process.start_ns++;
	assert_false(exec_last_failure(&session, &process, &failed, 1000 * SECOND + 5000000));
	process.start_ns--;
	/* it found a program after all */
	tries(3, NOBODY, "/d/bar", 0);
	assert_false(exec_last_failure(&session, &process, &failed, 1000 * SECOND + 5000000));
}

/* a name longer than the place keeps its end, and is no path any more; one that is not known stays so */
static void test_last_failure_name(void **state)
{
	struct process process = { .pid = NOBODY, .start_ns = 900 * SECOND };
	struct failed_exec failed;
	char name[400];

	(void)state;
	memset(name, 'x', sizeof(name));
	name[0] = '/';
	strcpy(name + 390, "/foo");
	tries(0, NOBODY, name, -ENOENT);
	assert_true(exec_last_failure(&session, &process, &failed, 1001 * SECOND));
	assert_int_equal(strncmp(failed.filename, "/...", 4), 0);
	assert_string_equal(failed.filename + strlen(failed.filename) - 4, "/foo");
	tries(1, NOBODY, NULL, -EFAULT);
	assert_true(exec_last_failure(&session, &process, &failed, 1001 * SECOND));
	assert_false(failed.known.filename);
	assert_int_equal(failed.ret, -EFAULT);
}

static void test_bad_records(void **state)
{
	struct cgroup_event cgroup = { .header.type = EXEC_EVENT_CGROUP };
	struct event_header unknown = { .type = 99 };

	(void)state;
	exec_data("/a", NULL, "a", 2);
	assert_int_equal(exec_kind.event(&session, search, &event, exec_size() - 1), -EBADMSG);
	assert_int_equal(exec_kind.event(&session, search, &cgroup, sizeof(cgroup) - 1), -EBADMSG);
	assert_int_equal(exec_kind.event(&session, search, &unknown, sizeof(unknown)), -EBADMSG);
	check_account(0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
		TEST(test_search_fails), TEST(test_search_denied), TEST(test_search_succeeds), TEST(test_no_search),
		TEST(test_success_of_another), TEST(test_storm), TEST(test_all), TEST(test_many), TEST(test_last_failure),
		TEST(test_last_failure_name), TEST(test_bad_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
