/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of rules share: a recording is read, judged, and the verdict looked at. */
#ifndef KWHY_TESTS_JUDGE_H
#define KWHY_TESTS_JUDGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "golden.h"
#include "verdict.h"
#include "user/recording.h"

#define COUNT(ARRAY) (sizeof(ARRAY) / sizeof((ARRAY)[0]))

static struct observation o;
static struct verdict verdict;

static inline void read_golden(const char *path, const char *line, size_t length)
{
	const char *reason;

	if (recording_read(line, length, &o, &reason) != RECORDING_OBSERVATION)
		fail_msg("%s: %s", path, reason);
}

static inline const char *judge(const char *path, const char *line, size_t length)
{
	read_golden(path, line, length);
	diagnose(&o, &verdict);
	return words_of(&verdict);
}

/* "oom_kill/leak/in.ndjson" */
static inline const char *case_of(const char *path)
{
	const char *found = strstr(path, "golden/");

	return found ? found + 7 : path;
}

#endif
