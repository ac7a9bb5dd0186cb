// SPDX-License-Identifier: BSD-2-Clause
/* The rules about execs say nothing that was not seen. test_diagnosis asks more of them. */
#include "user/diagnosis.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "golden.h"
#include "random.h"
#include "user/recording.h"
#include "verdict.h"

#define COUNT(ARRAY) (sizeof(ARRAY) / sizeof((ARRAY)[0]))

static struct observation o;
static struct verdict verdict;

static void test_nothing_known(void **state)
{
	static const char *const claims[] = { "could not", "does not exist", "started", "uid", "(null)", " 0" };
	const char *words;

	(void)state;
	memset(&o, 0, sizeof(o));
	o.kind = KIND_exec;
	diagnose(&o, &verdict);
	check_verdict("nothing", KIND_exec, &verdict);
	assert_int_equal(verdict.diagnosis.confidence, BASIS_UNKNOWN);
	words = words_of(&verdict);
	for (size_t i = 0; i < COUNT(claims); i++)
		if (strstr(words, claims[i]))
			fail_msg("'%s' is claimed of an exec of which nothing is known", claims[i]);
}

/*
 * Every reason with every errno and any of the rest: a reason speaks only of an
 * exec that failed, and the rule that rests on it falls silent without it.
 */
static void test_reasons(void **state)
{
	static const int64_t rets[] = { -2, -7, -8, -11, -13, -20, -26, -40, -4095, -4096, 0, 5, INT64_MIN };
	struct fill fill = { .random = 52, .bits = 35 };
	char rule[sizeof(verdict.diagnosis.rule)];

	(void)state;
	for (unsigned int i = 0; i < 20000; i++) {
		struct exec *e = &o.exec;

		memset(&o, 0, sizeof(o));
		o.kind = KIND_exec;
		fill_record(&fill, &process_record, &o.process);
		fill_record(&fill, &exec_record, e);
		e->known.storm = 0;
		KNOW(e, ret, rets[i % COUNT(rets)]);
		KNOW(e, reason, 1 + i % EXEC_FAILURE_PROCESS_LIMIT);
		diagnose(&o, &verdict);
		check_verdict("reasons", KIND_exec, &verdict);
		strcpy(rule, verdict.diagnosis.rule);
		if (e->ret >= 0 || e->ret < -4095)
			assert_true(!strcmp(rule, e->ret ? "exec-unrecognised" : "exec-ok"));
		e->known.ret = 0;
		diagnose(&o, &verdict);
		assert_string_equal(verdict.diagnosis.rule, "exec-unrecognised");
	}
}

/* ---- traps, each with its recording --------------------------------------------- */

/* words about one golden case that must not, or must, be there */
struct trap {
	const char *name, *wrong, *right;
	bool found;
};

static struct trap traps[] = {
	/* any place of a search is not the one at fault */
	{ "path-search", "/usr/games/kubeclt does not exist", "shorter", false },
	/* the shell's message is about the interpreter: the script is there */
	{ "interpreter-missing", "migrate.py does not exist", "migrate.py is there", false },
	/* Linux says nothing of what it means, and so do we */
	{ "failed-security-module", "has no execute permission", "is not known", false },
	/* a name cut to fit is no name of a file */
	{ "long-names", "ls -ld", NULL, false },
	/* names are quoted in commands */
	{ "injected-names", "chmod +x -- ;", "chmod +x -- '/tmp/$(reboot)/; reboot #'", false },
	/* the file whose mode is wrong is the one the link leads to */
	{ "not-executable-link", "chmod +x -- /usr/local/bin/job", "'/opt/jobs/job v2.sh'", false },
	/* no limit of a stack lets a longer string through */
	{ "arg-too-long", "ulimit -s 24576", NULL, false },
};

static void check_traps(const char *path, const char *line, size_t length)
{
	const char *reason, *words;
	char directory[128];

	for (struct trap *trap = traps; trap < traps + COUNT(traps); trap++) {
		snprintf(directory, sizeof(directory), "exec/%s/", trap->name);
		if (!strstr(path, directory))
			continue;
		trap->found = true;
		assert_int_equal(recording_read(line, length, &o, &reason), RECORDING_OBSERVATION);
		diagnose(&o, &verdict);
		words = words_of(&verdict);
		if (trap->wrong && strstr(words, trap->wrong))
			fail_msg("%s says: %s", trap->name, trap->wrong);
		if (trap->right && !strstr(words, trap->right))
			fail_msg("%s does not say: %s", trap->name, trap->right);
	}
}

static void test_traps(void **state)
{
	(void)state;
	golden_each("in.ndjson", check_traps);
	for (size_t i = 0; i < COUNT(traps); i++)
		if (!traps[i].found)
			fail_msg("there is no case %s", traps[i].name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_known),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_traps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
