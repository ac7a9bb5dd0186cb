// SPDX-License-Identifier: BSD-2-Clause
/* The command line: what each option means, and one line of stderr when it means nothing. */
#include "user/options.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "user/observation.h"
#include "user/render.h"
#include "user/tool.h"

#define COUNT(ARRAY) (sizeof(ARRAY) / sizeof((ARRAY)[0]))
#define PARSE(...) parse(&plain, (const char *const[]){ __VA_ARGS__, NULL })
#define REFUSED(WORD, ...) refused(&plain, WORD, (const char *const[]){ __VA_ARGS__, NULL })

static const struct tool plain = { .name = "tool", .summary = "s", .usage = "u", .examples = "e\n" };
static const struct tool takes = { .name = "kwhy watch", .summary = "s", .usage = "u", .examples = "e\n",
				   .takes_arguments = true };

/* the command line of the last call: what is parsed points into it */
static char words[64][256], *argv[65];
static struct options options;
static char said[8192];

static int parse(const struct tool *tool, const char *const *arguments)
{
	int argc = 1, old = dup(STDERR_FILENO), err;
	FILE *file = tmpfile();
	size_t length;

	argv[0] = strcpy(words[0], tool->name);
	for (; arguments[argc - 1]; argc++)
		argv[argc] = strncpy(words[argc], arguments[argc - 1], sizeof(words[0]) - 1);
	argv[argc] = NULL;
	memset(&options, 0x5a, sizeof(options));
	assert_non_null(file);
	fflush(stderr);
	dup2(fileno(file), STDERR_FILENO);
	err = options_parse(&options, tool, argc, argv);
	fflush(stderr);
	dup2(old, STDERR_FILENO);
	close(old);
	rewind(file);
	length = fread(said, 1, sizeof(said) - 1, file);
	said[length] = '\0';
	fclose(file);
	return err;
}

/* -EINVAL, *ret untouched, one printable line that begins with the tool and names the word */
static void refused(const struct tool *tool, const char *word, const char *const *arguments)
{
	struct options untouched;
	int err = parse(tool, arguments);

	memset(&untouched, 0x5a, sizeof(untouched));
	if (err != -EINVAL)
		fail_msg("not refused: '%s' (%d)", arguments[0], err);
	assert_memory_equal(&options, &untouched, sizeof(options));
	if (strncmp(said, tool->name, strlen(tool->name)) != 0 || !strchr(said, '\n') ||
	    strchr(said, '\n')[1] || !strstr(said, word))
		fail_msg("'%s' is missing, or not one line: %s", word, said);
	for (const char *c = said; c[1]; c++)
		assert_true((unsigned char)*c >= 0x20 && *c != 0x7f);
}

static void test_defaults(void **state)
{
	const char *const none[] = { NULL };
	struct options empty = { .argv = argv, .argc = 1, .arguments = argv + 1 };

	(void)state;
	assert_int_equal(parse(&plain, none), 0);
	assert_memory_equal(&options, &empty, sizeof(options));
	assert_string_equal(said, "");
}

static void test_each(void **state)
{
	(void)state;
	assert_int_equal(PARSE("-p", "7", "--children", "-c", "x", "--uid", "1000", "--cgroup", "/a", "--all", "-n", "3",
			       "-d", "2.5", "-o", "line", "-w", "f", "--strict", "--no-args", "--no-redact", "--utc", "--hook",
			       "oom_kill=kprobe", "--tick", ".5", "--ring", "64", "--btf", "b", "--root", "r", "-vv", "-q"), 0);
	assert_int_equal(options.pid, 7);
	assert_string_equal(options.comm, "x");
	assert_string_equal(options.cgroup, "/a");
	assert_int_equal(options.count, 3);
	assert_int_equal(options.duration_ns, 2500000000);
	assert_string_equal(options.format, "line");
	assert_string_equal(options.write_path, "f");
	assert_true(options.strict && options.no_args && options.utc && options.quiet);
	assert_true(options.children && options.all && options.no_redact);
	assert_true(options.has_uid && options.uid == 1000);
	assert_string_equal(options.hooks[KIND_oom_kill], "kprobe");
	assert_int_equal(options.tick_ns, 500000000);
	assert_int_equal(options.ring_kib, 64);
	assert_string_equal(options.btf_path, "b");
	assert_string_equal(options.root, "r");
	assert_int_equal(options.verbose, 2);
	assert_false(options.help || options.version);
	assert_int_equal(options.argument_count, 0);
	assert_string_equal(said, "");
}

static void test_long(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--pid=7", "--comm=x", "--cgroup=/a", "--count=3", "--duration=.5", "--output=card",
			       "--write=f", "--verbose", "--quiet", "--ring=4"), 0);
	assert_true(options.pid == 7 && options.count == 3 && options.duration_ns == 500000000);
	assert_string_equal(options.format, "card");
	assert_true(options.verbose == 1 && options.quiet && options.ring_kib == 4);
	assert_int_equal(PARSE("-p7", "-ojson", "-vqj"), 0);
	assert_true(options.pid == 7 && options.verbose == 1 && options.quiet);
	assert_string_equal(options.format, "json");
	assert_int_equal(PARSE("--help"), 0);
	assert_true(options.help);
	assert_int_equal(PARSE("-V"), 0);
	assert_true(options.version);
	assert_int_equal(PARSE("-h", "what"), 0);
	assert_true(options.help);
}

static void test_numbers(void **state)
{
	static const char *const bad[] = { "", "0", "-1", "+1", " 1", "1 ", "1x", "x", "0x10", "1.5", "1e3",
					   "18446744073709551616", "99999999999999999999999", "1\n2", "\x1b[31m" };

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		REFUSED("--pid", "-p", bad[i]);
		REFUSED("--count", "--count", bad[i]);
		REFUSED("--ring", "--ring", bad[i]);
	}
	assert_int_equal(PARSE("-n", "18446744073709551615"), 0);
	assert_int_equal(options.count, UINT64_MAX);
	assert_int_equal(PARSE("-n", "007"), 0);
	assert_int_equal(options.count, 7);
}

static void test_seconds(void **state)
{
	static const char *const bad[] = { "", "0", "0.0", "-1", "+1", ".", "1x", "1 ", " 1", "inf", "nan", "1e10",
					   "1,5", "9999999999", "1..2", "two" };

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		REFUSED("--duration", "-d", bad[i]);
	assert_int_equal(PARSE("-d", "1e-3"), 0);
	assert_int_equal(options.duration_ns, 1000000);
	assert_int_equal(PARSE("-d", "1000000000"), 0);
	assert_int_equal(options.duration_ns, 1000000000000000000);
}

/* 0 means "no end": less than a nanosecond must not become it; hexadecimal is no number of seconds */
static void test_seconds_odd(void **state)
{
	(void)state;
	if (PARSE("-d", "1e-10") == 0)
		assert_int_not_equal(options.duration_ns, 0);
	REFUSED("--duration", "-d", "0x10");
}

static void test_ring(void **state)
{
	static const char *const bad[] = { "1", "2", "3", "5", "12", "1000", "1048577", "2097152" };

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		REFUSED(bad[i], "--ring", bad[i]);
	assert_int_equal(PARSE("--ring", "1048576"), 0);
}

static void test_output(void **state)
{
	static const char *const bad[] = { "bogus", "", "JSON", "json ", "cards" };

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		REFUSED("card, line, json", "-o", bad[i]);
	assert_int_equal(PARSE("-j"), 0);
	assert_string_equal(options.format, "json");
	assert_int_equal(PARSE("-j", "-o", "card"), 0);
	assert_string_equal(options.format, "card");
	assert_int_equal(PARSE("-o", "card", "--json"), 0);
	assert_string_equal(options.format, "json");
	/* the message and the list come from one place */
	assert_string_equal(renderer_names, "card, line, json");
}

static void test_hook(void **state)
{
	static const char *const bad[] = { "", "oom_kill", "=", "=kprobe", "oom=kprobe", "oom_kil=x", "oom_kills=x",
					   "OOM_KILL=x", "oom_kill =x", "none=x" };

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		REFUSED("KIND=NAME", "--hook", bad[i]);
	assert_int_equal(PARSE("--hook=oom_kill=tracepoint"), 0);
	assert_string_equal(options.hooks[KIND_oom_kill], "tracepoint");
	assert_int_equal(PARSE("--hook", "oom_kill=a", "--hook", "oom_kill=b=c"), 0);
	assert_string_equal(options.hooks[KIND_oom_kill], "b=c");
}

/* 0 is a user; 4294967295 is the kernel's "none" */
static void test_uid(void **state)
{
	static const char *const bad[] = { "", "-1", "+1", " 1", "1 ", "1x", "0x10", "1.5", "4294967295", "4294967296",
					   "18446744073709551616", "no such user", "\x1b[31m" };

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		REFUSED("--uid", "--uid", bad[i]);
	assert_int_equal(PARSE("--uid=0"), 0);
	assert_true(options.has_uid && options.uid == 0);
	assert_int_equal(PARSE("--uid", "root"), 0);
	assert_true(options.has_uid && options.uid == 0);
	assert_int_equal(PARSE("--uid", "4294967294"), 0);
	assert_int_equal(options.uid, 4294967294);
	assert_int_equal(PARSE("--uid", "7", "--uid", "8"), 0);
	assert_int_equal(options.uid, 8);
}

static void test_children(void **state)
{
	(void)state;
	REFUSED("--pid", "--children");
	REFUSED("--children", "--comm", "x", "--children");
	assert_int_equal(PARSE("--children", "--pid", "7"), 0);
	assert_true(options.children && options.pid == 7);
	/* who asks for help gets it */
	assert_int_equal(PARSE("--children", "--help"), 0);
}

/* what the kernel side is told to ask first */
static void test_filter(void **state)
{
	struct process_filter filter, nothing = {};

	(void)state;
	assert_int_equal(PARSE("-v"), 0);
	filter = options_filter(&options);
	assert_memory_equal(&filter, &nothing, sizeof(filter));
	assert_int_equal(PARSE("-p", "7", "--children", "--uid", "0", "-c", "a name of sixteen bytes and more", "--all"), 0);
	filter = options_filter(&options);
	assert_true(filter.tgid == 7 && filter.children && filter.has_uid && filter.uid == 0 && filter.has_comm &&
		    filter.all);
	assert_string_equal(filter.comm, "a name of sixte");
}

static bool wanted(const struct observation *o, const char *option, const char *value)
{
	assert_int_equal(PARSE("-p", "7", "--children", option, value), 0);
	return observation_wanted(o, &options);
}

/* an unknown subject is left out, and a long name is nobody's */
static void test_wanted(void **state)
{
	static struct observation o = { .kind = KIND_exit };

	(void)state;
	assert_false(wanted(&o, "--uid", "0"));
	assert_false(wanted(&o, "--comm", "a"));
	assert_false(wanted(&o, "--cgroup", "/"));
	KNOW(&o.process, pid, 8);
	KNOW(&o.process, uid, 0);
	KNOW(&o.cgroup, id, 5);
	strcpy(o.process.comm, "a name of sixte");
	o.process.known.comm = 1;
	strcpy(o.cgroup.path, "/a/bc");
	o.cgroup.known.path = 1;
	assert_true(wanted(&o, "--uid", "root"));
	assert_false(wanted(&o, "--uid", "1"));
	assert_true(wanted(&o, "--comm", "a name of sixte"));
	assert_false(wanted(&o, "--comm", "a name of sixteen bytes"));
	assert_true(wanted(&o, "--cgroup", "/a/bc"));
	assert_true(wanted(&o, "--cgroup", "/a/"));
	assert_true(wanted(&o, "--cgroup", "/"));
	assert_false(wanted(&o, "--cgroup", "/a/b"));
	assert_int_equal(PARSE("-p", "7"), 0);
	assert_false(observation_wanted(&o, &options));
	assert_int_equal(PARSE("-p", "8"), 0);
	assert_true(observation_wanted(&o, &options));
}

static void test_cgroup(void **state)
{
	static const char *const rows[][2] = {
		{ "/", "/" }, { "//", "/" }, { "/a", "/a" }, { "/a/", "/a" }, { "/a///", "/a" }, { "/a/b", "/a/b" },
		{ "/sys/fs/cgroup", "/" }, { "/sys/fs/cgroup/", "/" }, { "/sys/fs/cgroup/a/", "/a" },
		{ "/sys/fs/cgroup/memory", "/" }, { "/sys/fs/cgroup/memory/a", "/a" },
		{ "/sys/fs/cgroup/memory/a/", "/a" }, { "/sys/fs/cgroup/unified/a", "/a" },
		{ "/sys/fs/cgroup/memory.slice", "/memory.slice" }, { "/sys/fs/cgroups/a", "/sys/fs/cgroups/a" },
		{ "/memory/a", "/memory/a" }, { "/a b/\xff", "/a b/\xff" },
	};
	static const char *const bad[] = { "", "a", "a/b", "./a", " /a", "\x1b[31m" };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(PARSE("--cgroup", rows[i][0]), 0);
		assert_string_equal(options.cgroup, rows[i][1]);
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		REFUSED("--cgroup", "--cgroup", bad[i]);
}

/* the start line says what was typed */
static void test_cgroup_typed(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--cgroup", "/a/b/"), 0);
	assert_string_equal(options.argv[2], "/a/b/");
}

static void test_texts(void **state)
{
	(void)state;
	REFUSED("--comm", "-c", "");
	REFUSED("--write", "-w", "");
	REFUSED("--btf", "--btf", "");
	REFUSED("--root", "--root", "");
	assert_int_equal(PARSE("-c", "a\x1b b"), 0);
	assert_string_equal(options.comm, "a\x1b b");
}

static void test_missing(void **state)
{
	(void)state;
	REFUSED("-p", "-p");
	REFUSED("--pid", "--pid");
	REFUSED("--cgroup", "-v", "--cgroup");
	REFUSED("-w", "-q", "-w");
	REFUSED("--hook", "--hook");
}

static void test_unknown(void **state)
{
	(void)state;
	REFUSED("'-x'", "-x");
	REFUSED("'--bogus'", "--bogus");
	REFUSED("'--bogus=1'", "--bogus=1");
	REFUSED("'-x'", "-vx");
	REFUSED("'-x'", "-xv");
	REFUSED("\\xff", "-\xff");
	REFUSED("\\x1b", "--\x1b[31m\n");
	REFUSED("--", "--ver");		/* verbose or version? */
}

/* the option that is wrong is named, not the one before it */
static void test_unknown_behind(void **state)
{
	(void)state;
	REFUSED("'-x'", "--utc", "-xv");
	REFUSED("'-x'", "--utc", "-vx");
}

/* it exists, but takes no value: "unknown" would be wrong */
static void test_value_unwanted(void **state)
{
	(void)state;
	REFUSED("--utc", "--utc=yes");
	assert_null(strstr(said, "unknown"));
}

static void test_arguments(void **state)
{
	const char *const some[] = { "oom_kill", "-v", "x", "--", "-q", NULL };

	(void)state;
	REFUSED("'what'", "what");
	REFUSED("\\x0a", "a\nb");
	REFUSED("'-'", "-");
	assert_int_equal(parse(&takes, some), 0);
	assert_int_equal(options.verbose, 1);
	assert_false(options.quiet);
	assert_int_equal(options.argument_count, 3);
	assert_string_equal(options.arguments[0], "oom_kill");
	assert_string_equal(options.arguments[1], "x");
	assert_string_equal(options.arguments[2], "-q");
	assert_int_equal(options.argc, 6);
}

/* every option is in --help, in lines a terminal holds */
static void test_help(void **state)
{
	static const char *const names[] = { "--pid", "--comm", "--cgroup", "--count", "--duration", "--output", "--json",
					     "--write", "--strict", "--no-args", "--utc", "--hook", "--tick", "--ring",
					     "--children", "--uid", "--all", "--no-redact", "--btf", "--root", "--verbose",
					     "--quiet", "--version", "--help" };
	static char help[16384];
	FILE *file = fmemopen(help, sizeof(help), "w");

	(void)state;
	assert_non_null(file);
	options_help(file, &plain);
	fclose(file);
	for (size_t i = 0; i < COUNT(names); i++)
		if (!strstr(help, names[i]))
			fail_msg("%s is missing", names[i]);
	for (char *line = strtok(help, "\n"); line; line = strtok(NULL, "\n"))
		if (strlen(line) > 120)
			fail_msg("%zu columns: %s", strlen(line), line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_each),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_seconds),
		cmocka_unit_test(test_seconds_odd),
		cmocka_unit_test(test_ring),
		cmocka_unit_test(test_output),
		cmocka_unit_test(test_hook),
		cmocka_unit_test(test_uid),
		cmocka_unit_test(test_children),
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_wanted),
		cmocka_unit_test(test_cgroup),
		cmocka_unit_test(test_cgroup_typed),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_unknown_behind),
		cmocka_unit_test(test_value_unwanted),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
