/* SPDX-License-Identifier: BSD-2-Clause */
/* Sentences that several OOM rules share. Pure. */
#ifndef KWHY_OOM_WORDS_H
#define KWHY_OOM_WORDS_H

#include "diagnosis.h"
#include "oom_view.h"
#include "text.h"

/* a limit people would set: whole 16 MiB, above a GiB whole 64 MiB */
uint64_t oom_round_up(uint64_t bytes);

/* "the limit of 512 MiB on /a/b", "the host's memory" */
void oom_say_place(struct text *text, const struct oom_view *view);

/* "6.0 MiB/s" where minutes would exaggerate a short look, else "3.1 MiB/min" */
void oom_say_rate(struct text *text, const struct oom_shape *shape);

/* True when a command may name the files of a cgroup: its version is known and its path whole. */
bool oom_has_file(const struct observation *observation, const char *path);

/* Advice: raise the limit to so much, because; in the words of who manages the cgroup. */
void oom_say_raise(const struct observation *observation, const struct oom_view *view, uint64_t bytes,
		   const char *because, struct verdict *ret);

/* The message, and the closing lines all rules share. "why" in a few words. */
void oom_say_summary(const struct observation *observation, const struct oom_view *view, const char *why,
		     struct verdict *ret);

#endif
