// SPDX-License-Identifier: BSD-2-Clause
#include "unwind_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* larger files take longer than a person waits */
#define FILE_MAX (1ULL << 30)

static bool acceptable(const struct stat *status)
{
	return S_ISREG(status->st_mode) && (uint64_t)status->st_size <= FILE_MAX;
}

/* asked before it is opened as well: opening a device can have effects */
static int open_regular(const char *path, struct stat *ret)
{
	int fd;

	if (stat(path, ret))
		return -errno;
	if (!acceptable(ret))
		return -ENOEXEC;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	if (fstat(fd, ret) == 0 && acceptable(ret))
		return fd;
	close(fd);
	return -ENOEXEC;
}

static int code_file_open(const struct code_file *file)
{
	const unsigned long long pid = file->pid;
	char path[PATH_MAX + 64];
	struct stat status;
	int fd;

	snprintf(path, sizeof(path), "/proc/%llu/map_files/%llx-%llx", pid, (unsigned long long)file->start,
		 (unsigned long long)file->end);
	fd = open_regular(path, &status);
	if (fd >= 0 || fd == -ENOEXEC || file->deleted)
		return fd;
	/* without CAP_CHECKPOINT_RESTORE */
	snprintf(path, sizeof(path), "/proc/%llu/root%s", pid, file->path);
	fd = open_regular(path, &status);
	if (fd < 0)
		return fd;
	if (status.st_ino == file->inode && major(status.st_dev) == file->major &&
	    minor(status.st_dev) == file->minor)
		return fd;
	close(fd);
	return -ESTALE;
}

static int read_extent(int fd, const struct code_file *file, struct elf_extent *ret)
{
	const struct mapping mapping = { .start = file->start, .end = file->end, .offset = file->offset };
	char head[ELF_HEAD_BYTES];
	ssize_t n = pread(fd, head, sizeof(head), 0);

	return n < 0 ? -errno : elf_extent_parse(head, n, &mapping, ret);
}

int code_file_extent(const struct code_file *file, struct elf_extent *ret)
{
	int fd = code_file_open(file), err;

	if (fd < 0)
		return fd;
	err = read_extent(fd, file, ret);
	close(fd);
	return err;
}

int code_file_open_elf(const struct code_file *file, Elf **ret_elf)
{
	int fd = code_file_open(file);
	struct elf_extent extent;
	Elf *elf = NULL;

	if (fd < 0)
		return -1;
	/* another file may be there by now */
	if (!read_extent(fd, file, &extent) && extent.low == file->extent.low && extent.high == file->extent.high)
		/* read, not mapped: of a file that shrinks a mapping would kill us */
		elf = elf_begin(fd, ELF_C_READ, NULL);
	if (elf && elf_kind(elf) == ELF_K_ELF) {
		*ret_elf = elf;
		return fd;
	}
	elf_end(elf);
	close(fd);
	return -1;
}
