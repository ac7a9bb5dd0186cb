// SPDX-License-Identifier: BSD-2-Clause
/* The record of an exec as an observation: the arguments exactly as they were, and what was not seen not at all. */
#include "exec_make.h"

#include <unistd.h>

static struct observation o;

static int teardown(void **state)
{
	(void)state;
	cgroup_paths_close(&session.cgroup_paths);
	return 0;
}

static void decode(void)
{
	struct exec_parts parts;

	assert_int_equal(exec_parts(&parts, &event, exec_size()), 0);
	exec_decode(&session, &o, &event, &parts);
}

/* ---- sizes -------------------------------------------------------------- */

static void test_every_cut(void **state)
{
	struct exec_parts parts;

	(void)state;
	exec_data("/bin/a", "/bin/sh", "a\0b", 4);
	add_bytes(&event.cwd_bytes, "tmp", 4);
	add_bytes(&event.exe_bytes, "sh\0bin", 7);
	for (size_t size = 0; size < exec_size(); size++)
		assert_int_equal(exec_parts(&parts, &event, size), -EBADMSG);
	assert_int_equal(exec_parts(&parts, &event, exec_size()), 0);
	assert_string_equal(parts.interpreter, "/bin/sh");
	assert_string_equal(parts.cwd, "tmp");
	assert_string_equal(parts.exe, "sh");
}

static void test_hostile_sizes(void **state)
{
	uint32_t *const fields[] = { &event.filename_bytes, &event.interpreter_bytes, &event.args_bytes, &event.cwd_bytes,
				     &event.exe_bytes };
	static const uint32_t sizes[] = { sizeof(event), 0x7fffffff, 0x80000000, UINT32_MAX };
	struct exec_parts parts;

	(void)state;
	for (size_t f = 0; f < COUNT(fields); f++)
		for (size_t i = 0; i < COUNT(sizes); i++) {
			exec_data(NULL, NULL, NULL, 0);
			*fields[f] = sizes[i];
			assert_int_equal(exec_parts(&parts, &event, sizeof(event)), -EBADMSG);
		}
	/* together they come round to 0 */
	for (size_t f = 0; f < 4; f++)
		*fields[f] = 0x40000000;
	event.exe_bytes = 0;
	assert_int_equal(exec_parts(&parts, &event, sizeof(event)), -EBADMSG);
}

/* ---- arguments -------------------------------------------------------------- */

static void test_args_exact(void **state)
{
	static const char args[] = "find\0.\0-name\0*.c \"$x\"\n\0\0\xff\xc3\xa9\0;";

	(void)state;
	KNOW(&event.exec, argc, 7);
	exec_data("/usr/bin/find", NULL, args, sizeof(args));
	decode();
	assert_true(o.exec.known.args && o.exec.known.argc);
	assert_int_equal(o.exec.args_count, 7);
	assert_string_equal(o.exec.args[0], "find");
	assert_string_equal(o.exec.args[3], "*.c \"$x\"\n");
	assert_string_equal(o.exec.args[4], "");
	assert_string_equal(o.exec.args[5], "\xff\xc3\xa9");
	assert_string_equal(o.exec.args[6], ";");
	assert_true(o.exec.known.truncated && !o.exec.truncated);
	assert_false(o.exec.known.args_redacted || o.exec.known.interpreter || o.exec.known.cwd);
	assert_string_equal(o.exec.filename, "/usr/bin/find");
	assert_int_equal(o.truncated_count, 0);
}

/* execve(path, {NULL}, ...): none is known, which is not unknown */
static void test_argc_0(void **state)
{
	(void)state;
	KNOW(&event.exec, argc, 0);
	exec_data("/bin/true", NULL, NULL, 0);
	decode();
	assert_true(o.exec.known.args);
	assert_int_equal(o.exec.args_count, 0);
	assert_true(o.exec.known.truncated && !o.exec.truncated);
	event.exec.known.argc = 0;
	decode();
	assert_false(o.exec.known.args || o.exec.known.truncated);
}

static void test_args_cut(void **state)
{
	static char args[48 * 2 + 2];

	(void)state;
	exec_data("/bin/a", NULL, "a\0bc", 4);	/* the last has no NUL */
	decode();
	assert_int_equal(o.exec.args_count, 2);
	assert_string_equal(o.exec.args[1], "bc");
	assert_true(o.exec.truncated);
	exec_data("/bin/a", NULL, "a\0bc", 5);
	event.flags |= EXEC_EVENT_ARGS_CUT;
	decode();
	assert_true(o.exec.truncated);
	event.flags &= ~EXEC_EVENT_ARGS_CUT;
	for (size_t i = 0; i < sizeof(args); i += 2)
		args[i] = 'x';
	exec_data("/bin/a", NULL, args, sizeof(args) - 2);
	decode();
	assert_true(o.exec.args_count == 48 && !o.exec.truncated);
	exec_data("/bin/a", NULL, args, sizeof(args));
	decode();
	assert_true(o.exec.args_count == 48 && o.exec.truncated);
}

static void test_arg_long(void **state)
{
	static char arg[500];

	(void)state;
	memset(arg, 'x', sizeof(arg) - 1);
	memcpy(arg + 381, "\xe2\x82\xac", 3);
	exec_data("/bin/a", NULL, arg, sizeof(arg));
	decode();
	assert_int_equal(o.exec.args_count, 1);
	assert_int_equal(strlen(o.exec.args[0]), 381);	/* not half a character */
	assert_true(o.exec.truncated);
}

static void test_redaction(void **state)
{
	static const char args[] = "mysql\0-uroot\0-phunter2\0--token\0abcdef";

	(void)state;
	KNOW(&event.exec, argc, 5);
	exec_data("/usr/bin/mysql", NULL, args, sizeof(args));
	decode();
	assert_int_equal(o.exec.args_count, 5);
	assert_string_equal(o.exec.args[1], "-uroot");
	assert_null(strstr(o.exec.args[2], "hunter2"));
	assert_null(strstr(o.exec.args[4], "abcdef"));
	assert_true(o.exec.known.args_redacted && o.exec.args_redacted == 2);
	/* no byte of it is left behind a NUL either */
	assert_null(memmem(&o, sizeof(o), "hunter2", 7));
	session.options.no_redact = true;
	decode();
	assert_string_equal(o.exec.args[2], "-phunter2");
	assert_string_equal(o.exec.args[4], "abcdef");
	assert_false(o.exec.known.args_redacted);
	session.options.no_args = true;
	decode();
	assert_false(o.exec.known.args || o.exec.known.truncated || o.exec.args_count);
	assert_null(memmem(&o, sizeof(o), "hunter2", 7));
}

/* ---- the rest ------------------------------------------------------------------ */

static void test_places(void **state)
{
	(void)state;
	event.flags = 0;
	exec_data("../a", "/usr/bin/env", "a", 2);
	add_bytes(&event.cwd_bytes, "b\0srv", 6);
	add_bytes(&event.exe_bytes, "env\0bin\0usr", 12);
	event.ancestors[0] = (struct event_ancestor){ .pid = 2, .comm = "a name of 16 byt" };
	event.ancestor_count = 1;
	decode();
	assert_string_equal(o.exec.filename, "../a");
	assert_string_equal(o.exec.interpreter, "/usr/bin/env");
	assert_string_equal(o.exec.cwd, "/srv/b");
	assert_string_equal(o.process.exe, "/usr/bin/env");
	assert_int_equal(o.exec.parents_count, 1);
	assert_string_equal(o.exec.parents[0].comm, "a name of 16 by");
	assert_false(o.exec.known.storm || o.process.known.tid);
	/* the root itself */
	exec_data("../a", NULL, "a", 2);
	decode();
	assert_string_equal(o.exec.cwd, "/");
	assert_false(o.process.known.exe);
	assert_int_equal(o.truncated_count, 0);
	event.flags = EXEC_EVENT_CWD_CUT;
	add_bytes(&event.cwd_bytes, "b\0srv", 6);
	decode();
	assert_string_equal(o.exec.cwd, "/.../srv/b");
	assert_int_equal(o.truncated_count, 1);
	assert_string_equal(o.truncated[0], "exec.cwd");
}

/* execveat(3, "name"), execveat(3, "", AT_EMPTY_PATH), and paths that only look like it */
static void test_by_fd(void **state)
{
	static const struct {
		const char *given, *filename;
		bool known;
		int64_t fd;
	} rows[] = {
		{ "/dev/fd/3/name", "name", true, 3 }, { "/dev/fd/3", "", true, 3 }, { "/dev/fd/31/a/b", "a/b", true, 31 },
		{ "/dev/fd/", "/dev/fd/", false, 0 }, { "/dev/fd/x", "/dev/fd/x", false, 0 }, { "/bin/sh", "/bin/sh", false, 0 },
		{ "/dev/fd/99999999999999999999/a", "/dev/fd/99999999999999999999/a", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		exec_data(rows[i].given, NULL, "a", 2);
		event.flags = EXEC_EVENT_CWD_CUT | EXEC_EVENT_BY_FD;
		decode();
		assert_string_equal(o.exec.filename, rows[i].filename);
		assert_int_equal(o.exec.known.fd, rows[i].known);
		assert_int_equal(o.exec.fd, rows[i].fd);
		/* the path a process gave is left alone */
		event.flags = EXEC_EVENT_CWD_CUT;
		decode();
		assert_string_equal(o.exec.filename, rows[i].given);
		assert_false(o.exec.known.fd);
	}
}

static void test_filename_full(void **state)
{
	static char name[EXEC_TEXT_BYTES];

	(void)state;
	memset(name, 'a', sizeof(name) - 1);
	exec_data(name, NULL, "a", 2);
	decode();
	assert_int_equal(strlen(o.exec.filename), EXEC_TEXT_BYTES - 1);
	/* as much as there is room for: perhaps there was more */
	assert_int_equal(o.truncated_count, 1);
	assert_string_equal(o.truncated[0], "exec.filename");
	name[EXEC_TEXT_BYTES - 2] = '\0';
	exec_data(name, NULL, "a", 2);
	decode();
	assert_int_equal(o.truncated_count, 0);
}

static void test_storm(void **state)
{
	(void)state;
	exec_data("/bin/a", NULL, "a", 2);
	event.storm_execs = 4096;
	event.storm_window_ns = 2 * SECOND;
	event.storm_pid = 77;
	memcpy(event.storm_comm, "a name of 16 byt", 16);
	KNOW(&event.exec, by_thread, 1);
	event.tid = NOBODY + 5;
	decode();
	assert_true(o.exec.known.storm && o.exec.storm.execs == 4096 && o.exec.storm.pid == 77);
	assert_string_equal(o.exec.storm.comm, "a name of 16 by");
	assert_true(o.process.known.tid && o.process.tid == NOBODY + 5);
}

/* the longest and oddest names there can be: the line and a diagnosis have room, and what was cut is named */
static void test_fit(void **state)
{
	static char args[3000], name[500];

	(void)state;
	memset(args, 1, sizeof(args));
	memset(name, 2, sizeof(name) - 1);
	for (size_t i = 59; i < sizeof(args); i += 60)
		args[i] = '\0';
	exec_data(name, name, args, sizeof(args));
	event.flags = 0;
	add_bytes(&event.cwd_bytes, name, sizeof(name));
	add_bytes(&event.exe_bytes, name, 200);
	decode();
	memset(o.cgroup.path, 3, sizeof(o.cgroup.path) - 1);
	o.cgroup.known.path = 1;
	assert_true(ndjson_observation_bytes(&o) > 8000);
	exec_fit(&o);
	assert_true(ndjson_observation_bytes(&o) <= 5700);
	assert_true(o.exec.args_count && o.exec.truncated);
	assert_int_equal(o.truncated_count, 3);
	assert_string_equal(o.truncated[0], "exec.interpreter");
	assert_string_equal(o.truncated[1], "exec.args");
	assert_string_equal(o.truncated[2], "exec.filename");
	/* the usual one is left as it is */
	exec_data("/bin/a", NULL, "a\0b", 4);
	decode();
	exec_fit(&o);
	assert_int_equal(o.exec.args_count, 2);
	assert_int_equal(o.truncated_count, 0);
}

/* ---- why it failed ------------------------------------------------------------- */

/* the process is gone, and its parent too: nothing is claimed */
static void test_lookups_fail(void **state)
{
	(void)state;
	event.exec.ret = -ENOENT;
	event.same_root = 1;
	event.ancestors[0].pid = NOBODY + 1;
	event.ancestors[1].pid = getpid();
	exec_data("/no/such/file", NULL, "a", 2);
	decode();
	exec_explain(&o, &event);
	assert_false(o.exec.known.reason || o.exec.known.culprit || o.exec.known.interpreter);
	/* a living one sees the same files */
	event.same_root = 2;
	exec_explain(&o, &event);
	assert_true(o.exec.known.reason && o.exec.reason == EXEC_FAILURE_NO_FILE);
}

static void test_lookup(void **state)
{
	(void)state;
	event.exec.ret = -ENOENT;
	event.process.pid = getpid();
	exec_data("/no/such/file", NULL, "a", 2);
	decode();
	exec_explain(&o, &event);
	assert_int_equal(o.exec.reason, EXEC_FAILURE_NO_FILE);
	/* of a file that is there now the errno tells nothing */
	exec_data("/proc/self/exe", NULL, "a", 2);
	decode();
	exec_explain(&o, &event);
	assert_false(o.exec.known.reason && o.exec.reason == EXEC_FAILURE_NO_FILE);
	/* relative to a descriptor that is not looked up */
	KNOW(&event.exec, fd, 7);
	exec_data("no such file", NULL, "a", 2);
	decode();
	exec_explain(&o, &event);
	assert_false(o.exec.known.reason);
	/* nothing is known of the name */
	event.exec.known.fd = 0;
	exec_data(NULL, NULL, "a", 2);
	decode();
	exec_explain(&o, &event);
	assert_false(o.exec.known.filename || o.exec.known.reason);
}

static void test_too_big(void **state)
{
	(void)state;
	event.exec.ret = -E2BIG;
	exec_data("/bin/a", NULL, "a", 2);
	KNOW(&event.exec, longest_arg_bytes, 32 * sysconf(_SC_PAGESIZE) + 1);
	decode();
	exec_explain(&o, &event);
	assert_int_equal(o.exec.reason, EXEC_FAILURE_ONE_ARG_TOO_LONG);
	event.exec.longest_arg_bytes--;
	decode();
	exec_explain(&o, &event);
	assert_int_equal(o.exec.reason, EXEC_FAILURE_ARGS_TOO_LONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, exec_setup, teardown)
		TEST(test_every_cut), TEST(test_hostile_sizes), TEST(test_args_exact), TEST(test_argc_0), TEST(test_args_cut),
		TEST(test_arg_long), TEST(test_redaction), TEST(test_places), TEST(test_by_fd), TEST(test_filename_full),
		TEST(test_storm), TEST(test_fit), TEST(test_lookups_fail), TEST(test_lookup), TEST(test_too_big),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
