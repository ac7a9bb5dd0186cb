// SPDX-License-Identifier: BSD-2-Clause
#include "new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sink.h"

int new_file_open(struct new_file *ret, const char *path)
{
	static const char suffix[] = ".XXXXXX";
	size_t size = strlen(path) + sizeof(suffix);
	struct stat status;
	int err = 0;

	if (lstat(path, &status) == 0)
		err = sink_refuse_file(&status);
	else if (errno != ENOENT)
		err = -errno;
	if (err)
		return err;
	*ret = (struct new_file){ .path = path, .temporary = malloc(size) };
	if (!ret->temporary)
		return -ENOMEM;
	snprintf(ret->temporary, size, "%s%s", path, suffix);
	/* 0600 */
	ret->fd = mkostemp(ret->temporary, O_CLOEXEC);
	if (ret->fd < 0) {
		err = -errno;
		free(ret->temporary);
		return err;
	}
	ret->text = (struct text)TEXT_ON(ret->buffer);
	return 0;
}

static void write_all(struct new_file *file)
{
	size_t done = 0;

	while (!file->error && done < file->text.length) {
		ssize_t n = write(file->fd, file->text.data + done, file->text.length - done);

		if (n < 0 && errno != EINTR)
			file->error = -errno;
		if (n > 0)
			done += n;
	}
	file->text.length = 0;
	file->text.data[0] = '\0';
}

void new_file_flush(struct new_file *file)
{
	if (file->text.cut && !file->error)
		file->error = -ENOBUFS;
	if (file->text.length > sizeof(file->buffer) / 2)
		write_all(file);
}

int new_file_close(struct new_file *file)
{
	new_file_flush(file);
	write_all(file);
	/* a disk may be full only now */
	if (!file->error && fsync(file->fd))
		file->error = -errno;
	if (close(file->fd) && !file->error)
		file->error = -errno;
	if (!file->error && rename(file->temporary, file->path))
		file->error = -errno;
	if (file->error)
		unlink(file->temporary);
	free(file->temporary);
	return file->error;
}
