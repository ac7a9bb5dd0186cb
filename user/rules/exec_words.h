/* SPDX-License-Identifier: BSD-2-Clause */
/* What the cards of all execs say, and the words their rules share. Pure. */
#ifndef KWHY_EXEC_WORDS_H
#define KWHY_EXEC_WORDS_H

#include "diagnosis.h"
#include "text.h"

/* Title, severity, resource, evidence. */
void exec_describe(const struct observation *observation, struct verdict *ret);

/* Whether it is known that it worked, or that it failed and with which errno. */
bool exec_worked(const struct observation *observation);
bool exec_failed(const struct observation *observation);
bool exec_failed_with(const struct observation *observation, int err);
bool exec_failed_for(const struct observation *observation, enum exec_failure reason);

/* "ENOENT", "no such file or directory"; NULL for one that exec is not known to give */
const char *exec_errno_name(int64_t err);
const char *exec_errno_meaning(int64_t err);

/* A search along PATH: the directory of filename is one of many that were tried. */
bool exec_is_search(const struct observation *observation);

/* the program as the caller named it, shortened for people: /opt/…/run, "the file of descriptor 5" */
void exec_say_program(struct text *text, const struct observation *observation);
/* the interpreter or loader it asks for, or "its interpreter" */
void exec_say_interpreter(struct text *text, const struct observation *observation);
/* "uid 1000", "the user" */
void exec_say_user(struct text *text, const struct observation *observation);

/* Of filename, interpreter or culprit: false for one that was cut to fit, or is NULL. */
bool exec_path_is_known(const struct observation *observation, const char *path);

/*
 * A path as one word of a command, absolute where the working directory is
 * known. False, and nothing is added, for one that is not whole or not known.
 */
bool exec_say_path(struct text *text, const struct observation *observation, const char *path);
/* The program's, or culprit's where that is known. */
const char *exec_fault(const struct observation *observation);

/* A path within a sentence: "./no", where "no" would be a word of it. */
void exec_say_shown(struct text *text, const char *path);

/* NULL where they are not known */
const char *exec_filename(const struct observation *observation);
const char *exec_interpreter(const struct observation *observation);
const char *exec_culprit(const struct observation *observation);

/* A directory of the path as it is written, not one that a link leads to. */
bool exec_is_above(const char *directory, const char *path);

/* Advice without a path. */
void exec_suggest(struct verdict *ret, const char *advice);
/* Advice and commands around a path: taken back when the path cannot be named. */
void exec_advise(const struct observation *observation, struct verdict *ret, const char *before,
		 const char *path, const char *after);
void exec_verify(const struct observation *observation, struct verdict *ret, const char *before,
		 const char *path, const char *after);

/* Last of all: how sure it is, the message, and a command when there is none yet. */
void exec_conclude(const struct observation *observation, struct verdict *ret, enum basis basis,
		   const char *why);

#endif
