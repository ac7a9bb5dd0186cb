/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of rules about descriptors share: a process, a group, what is said of it. */
#ifndef KWHY_TESTS_FD_MAKE_H
#define KWHY_TESTS_FD_MAKE_H

#include "judge.h"
#include "user/rules/fd_view.h"

static inline void make(enum event_kind kind)
{
	memset(&o, 0, sizeof(o));
	o.kind = kind;
	o.boot_ns = 7200 * SECOND_NS;
	KNOW(&o.process, pid, 912);
	KNOW_TEXT(&o.process, comm, "nginx");
}

static inline struct fd_group *add_group(struct fd_group *list, uint64_t *list_count, const char *what, const char *type,
					 uint64_t count)
{
	struct fd_group *g = &list[(*list_count)++];

	KNOW_TEXT(g, what, what);
	KNOW_TEXT(g, type, type);
	KNOW(g, count, count);
	return g;
}

static inline void says(const char *rule)
{
	diagnose(&o, &verdict);
	check_verdict("made", o.kind, &verdict);
	assert_string_equal(verdict.diagnosis.rule, rule);
}

static inline void tells(const char *words)
{
	if (!strstr(words_of(&verdict), words))
		fail_msg("%s does not say: %s\n%s", verdict.diagnosis.rule, words, words_of(&verdict));
}

static inline void tells_not(const char *words)
{
	if (strstr(words_of(&verdict), words))
		fail_msg("%s says: %s\n%s", verdict.diagnosis.rule, words, words_of(&verdict));
}

#endif
