/* SPDX-License-Identifier: BSD-2-Clause */
/* A file that takes the place of an older one once it is whole: an error leaves the old one as it was. */
#ifndef KWHY_NEW_FILE_H
#define KWHY_NEW_FILE_H

#include "text.h"

struct new_file {
	const char *path;
	char *temporary;
	int fd;
	int error;		/* the first one: what follows is not written */
	struct text text;	/* what comes next, added with text_add() and its kin */
	char buffer[128 * 1024];
};

/* Half of the buffer is free after each call: for what a caller adds before the next. */
void new_file_flush(struct new_file *file);

/* Beside path, 0600. As sink_open_file() refuses files, and -EISDIR; -ENOMEM, -errno. */
int new_file_open(struct new_file *ret, const char *path);

/* Puts it in its place, unless writing failed: then why, and it is gone. */
int new_file_close(struct new_file *file);

#endif
