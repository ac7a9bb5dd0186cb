/* SPDX-License-Identifier: BSD-2-Clause */
/* What the cards of all zombies say, and the words their rules share. Pure. */
#ifndef KWHY_ZOMBIE_WORDS_H
#define KWHY_ZOMBIE_WORDS_H

#include "diagnosis.h"
#include "text.h"

/* Title, severity, resource, evidence. */
void zombie_describe(const struct observation *observation, struct verdict *ret);

/* Tasks so near to a limit that forks are about to fail, and the zombies have a good part in it. */
bool zombie_fills_cgroup(const struct zombie *z);
bool zombie_fills_host(const struct zombie *z);

/* Kernel function in which a process sleeps that was frozen. */
bool zombie_parent_is_frozen(const struct zombie *z);
/* The main thread's state is known and it is this one. */
bool zombie_parent_is(const struct zombie *z, char state);

/* "node[4121]" */
void zombie_say_holder(struct text *text, const struct observation *observation);
/* "12 dead children", "a dead child" */
void zombie_say_count(struct text *text, const struct zombie *z);
/* what a process does that sleeps in such a function: "waits for events"; NULL: no words for it */
const char *zombie_wchan_words(const char *wchan);

/* The commands and the message every rule ends with. "why" in a few words, or NULL. */
void zombie_conclude(const struct observation *observation, enum basis basis, const char *why,
		     struct verdict *ret);

#endif
