/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a file is to the kernel that is asked to execute it: a script, an ELF
 * file, or neither; judged by its first bytes, which may be anything.
 */
#ifndef KWHY_EXEC_FILE_H
#define KWHY_EXEC_FILE_H

#include <stddef.h>

enum exec_file_kind {
	EXEC_FILE_UNREADABLE,
	EXEC_FILE_EMPTY,
	EXEC_FILE_SCRIPT,	/* #! with an interpreter */
	EXEC_FILE_NATIVE,	/* ELF for this machine */
	EXEC_FILE_LESSER,	/* ELF for its 32-bit sibling: not every kernel runs it */
	EXEC_FILE_FOREIGN,	/* ELF for another machine */
	EXEC_FILE_BROKEN,	/* binary and no sound ELF file, or #! without a name the kernel takes */
	EXEC_FILE_TEXT,		/* text without #! */
};

struct exec_file {
	enum exec_file_kind kind;
	char asks_for[256];	/* interpreter of a script, loader of an ELF file; "" for none */
};

/* path_fd is an O_PATH descriptor of a regular file. */
void exec_file_read(struct exec_file *ret, int path_fd);

/* The interpreter of a script's first bytes, as the kernel cuts it out; 0 for none. */
size_t shebang_parse(const char *data, size_t length, char *ret, size_t size);

#endif
