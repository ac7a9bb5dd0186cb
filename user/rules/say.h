/* SPDX-License-Identifier: BSD-2-Clause */
/* How rules fill a verdict: each call formats into the next free place. Pure. */
#ifndef KWHY_SAY_H
#define KWHY_SAY_H

#include "diagnosis.h"
#include "text.h"

/*
 * A text to write into, bound to a fixed member of the verdict. What does not
 * fit is cut; when a list is full the text goes nowhere.
 */
struct text say_title(struct verdict *verdict);
struct text say_message(struct verdict *verdict);
struct text say_cause(struct verdict *verdict);
struct text say_evidence(struct verdict *verdict, const char *about, enum basis basis);
struct text say_advice(struct verdict *verdict);
struct text say_verify(struct verdict *verdict);

/* Takes a command back that did not fit: half of one is worse than none. */
void say_whole(const struct text *text, uint64_t *count);

/* False for a path that was shortened to fit the line: no file has that name. */
bool say_path_is_whole(const char *path);

/* "comm[pid]", or what of it is known */
void say_process(struct text *text, const char *comm, bool has_pid, uint64_t pid);

/* ", /usr/bin/node, uid 33, running for 2 h 1 m, child of bash[77]": what of it is known */
void say_identity(struct text *text, const struct observation *observation);

/* A cgroup path that fits a line: /kubepods.slice/…/cri-containerd-3f9ac1d0…1f00.scope */
void say_path(struct text *text, const char *path);

/* path of a cgroup's control file, for a shell: '/sys/fs/cgroup/a b/memory.max' */
void say_cgroup_file(struct text *text, uint64_t version, const char *path, const char *v1_name,
		     const char *v2_name);

#endif
