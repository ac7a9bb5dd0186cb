/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Takes secrets out of command lines before any sink sees them. What cannot be
 * told from a secret goes too: a lost word is cheaper than a leaked password.
 *
 * mysql -uroot -phunter2 --host=db     mysql -uroot -p<redacted:password> --host=db
 * curl https://joe:hunter2@example.org curl https://joe:<redacted:url>@example.org
 */
#ifndef KWHY_REDACT_H
#define KWHY_REDACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * In place, count arguments each in arg_size bytes; true when something was
 * redacted, ret_redacted counts the arguments it was in. What does not fit
 * behind a token is cut; bytes behind the NUL of such an argument are zeroed.
 * The first is the program, as in execve().
 */
bool redact_args(char *args, size_t arg_size, size_t count, uint64_t *ret_redacted);

/* A single string (a URL, a command line, a path) in size bytes: 1 when it was changed, else 0. */
int redact_text(char *string, size_t size);

#endif
