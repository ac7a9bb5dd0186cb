/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why an exec failed, from its errno and from the file as it is just after.
 * Files are hostile: only regular ones are opened, for a few KiB, and nothing
 * is executed. What does not fit the errno (the file was changed since, a
 * security module refused it) stays unknown.
 */
#ifndef KWHY_EXEC_WHY_H
#define KWHY_EXEC_WHY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "events.h"

/* { EXEC_FAILURE_INTERPRETER_MISSING, "/usr/bin/python4", "/usr/bin/python4" } */
struct exec_why {
	enum exec_failure reason;	/* 0: unknown */
	char interpreter[256];	/* what the file asks for: of its #! line, or its loader */
	char culprit[256];	/* what is at fault, where that is not path itself */
};

/*
 * path failed with err (a positive errno) for a process whose root and working
 * directory are root_fd and cwd_fd: O_PATH descriptors, e.g. of /proc/PID/root
 * and /proc/PID/cwd, or for cwd_fd the directory of an execveat(). uid and gid
 * are its effective ids; other groups are not known, so a directory or file
 * that only its group may use is blamed when nothing else explains it.
 */
void exec_why(struct exec_why *ret, int root_fd, int cwd_fd, const char *path, int err, uid_t uid,
	      gid_t gid);

#endif
