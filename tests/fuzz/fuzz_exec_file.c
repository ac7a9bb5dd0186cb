// SPDX-License-Identifier: BSD-2-Clause
/* The first bytes of a file that somebody tried to execute. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "user/exec_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct exec_file file;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	exec_file_read(&file, fd);
	if (size && file.kind == EXEC_FILE_UNREADABLE)
		abort();
	if (!memchr(file.asks_for, 0, sizeof(file.asks_for)))
		abort();
	close(fd);
	return 0;
}
