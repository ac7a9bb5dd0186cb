// SPDX-License-Identifier: BSD-2-Clause
#include "procfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "text.h"

#define COUNT(ARRAY) (sizeof(ARRAY) / sizeof((ARRAY)[0]))

enum {
	CMDLINE_BYTES = 32768,	/* of a command line that may have megabytes */
	MEMINFO_BYTES = 8192,	/* 1.5 KiB in 2024, and it grows */
	PATH_BYTES = 64,	/* "18446744073709551615/cmdline" */
	BOOT_ID_BYTES = 36,
};

int file_read_at(int dir_fd, const char *path, char *ret, size_t size, size_t *ret_length)
{
	size_t length = 0;
	int err = 0;
	int fd;

	fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (length + 1 < size) {
		ssize_t n = read(fd, ret + length, size - 1 - length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			err = -errno;
		if (n <= 0)
			break;
		length += n;
	}
	close(fd);
	if (err)
		return err;
	ret[length] = '\0';
	*ret_length = length;
	return 0;
}

size_t digits_parse(const char *data, size_t length, uint64_t *ret)
{
	uint64_t value = 0;
	size_t n = 0;

	while (n < length && data[n] >= '0' && data[n] <= '9') {
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(data[n] - '0'), &value))
			return 0;
		n++;
	}
	if (n)
		*ret = value;
	return n;
}

/* one line without its newline */
static bool named_number_parse(const char *line, size_t length, struct named_number *ret)
{
	size_t name = 0, at, digits;
	uint64_t value = 0;

	while (name < length && line[name] != ' ' && line[name] != ':')
		name++;
	at = name;
	if (at < length && line[at] == ':')
		at++;
	while (at < length && line[at] == ' ')
		at++;
	digits = digits_parse(line + at, length - at, &value);
	at += digits;
	if (!name || !digits)
		return false;
	if (length - at == 3 && !memcmp(line + at, " kB", 3)) {
		if (__builtin_mul_overflow(value, (uint64_t)1024, &value))
			return false;
	} else if (at < length) {
		return false;
	}
	*ret = (struct named_number){ .name = line, .length = name, .value = value };
	return true;
}

bool named_number_next(const char *data, size_t length, size_t *at, struct named_number *ret)
{
	while (*at < length) {
		const char *line = data + *at;
		const char *end = memchr(line, '\n', length - *at);

		if (!end)
			return false;
		*at += end - line + 1;
		if (named_number_parse(line, end - line, ret))
			return true;
	}
	return false;
}

uint32_t number_store(const struct number_slot *slots, size_t count,
		      const struct named_number *number, void *base)
{
	for (size_t i = 0; i < count; i++) {
		if (strlen(slots[i].name) != number->length ||
		    memcmp(slots[i].name, number->name, number->length))
			continue;
		memcpy((char *)base + slots[i].offset, &number->value, sizeof(number->value));
		return slots[i].known;
	}
	return 0;
}

int procfs_open(struct procfs *ret, const char *root)
{
	int fd, root_fd;
	int err;

	root_fd = open(root ? root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		return -errno;
	fd = openat(root_fd, "proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	err = fd < 0 ? -errno : 0;
	close(root_fd);
	if (err)
		return err;
	ret->fd = fd;
	return 0;
}

void procfs_close(struct procfs *procfs)
{
	if (procfs->fd >= 0)
		close(procfs->fd);
	procfs->fd = -1;
}

static int process_read(const struct procfs *procfs, uint64_t pid, const char *name, char *ret,
			size_t size, size_t *ret_length)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof(path), "%llu/%s", (unsigned long long)pid, name);
	return file_read_at(procfs->fd, path, ret, size, ret_length);
}

/* where the state stands: after the last ')', for comm may hold ") R 1 1" and newlines */
static const char *stat_state(const char *data, size_t length, const char **ret_open)
{
	const char *open = memchr(data, '(', length);
	const char *close = memrchr(data, ')', length);

	if (!open || !close || close < open || data + length - close < 3 || close[1] != ' ')
		return NULL;
	*ret_open = open;
	return close + 2;
}

int process_stat_parse(const char *data, size_t length, struct process_stat *ret)
{
	/* proc(5) counts from 1: state is 3 */
	enum { STATE = 3, PPID = 4, FLAGS = 9, UTIME = 14, STIME = 15, THREADS = 20, START = 22 };
	enum { PF_EXITING = 4 };
	struct process_stat stat = { 0 };
	uint64_t flags = 0, system_ticks = 0;
	const char *open = NULL, *at = stat_state(data, length, &open);
	const char *end = data + length;

	if (!at)
		return -EINVAL;
	text_copy(stat.comm, sizeof(stat.comm), open + 1, at - 2 - (open + 1));
	for (int field = STATE; field <= START; field++) {
		const char *space = memchr(at, ' ', end - at);
		/* start is not the last: one that ends the bytes may have been cut */
		size_t n = space ? space - at : 0, digits = n;

		if (!n)
			return -EINVAL;
		if (field == STATE)
			stat.state = *at;
		else if (field == PPID)
			digits = digits_parse(at, n, &stat.ppid);
		else if (field == FLAGS)
			digits = digits_parse(at, n, &flags);
		else if (field == UTIME)
			digits = digits_parse(at, n, &stat.cpu_ticks);
		else if (field == STIME)
			digits = digits_parse(at, n, &system_ticks);
		else if (field == THREADS)
			digits = digits_parse(at, n, &stat.threads);
		else if (field == START)
			digits = digits_parse(at, n, &stat.start_ticks);
		if (digits != n || (field == STATE && n != 1))
			return -EINVAL;
		at = space + 1;
	}
	stat.exiting = flags & PF_EXITING;
	stat.cpu_ticks += system_ticks;
	*ret = stat;
	return 0;
}

int procfs_stat(const struct procfs *procfs, uint64_t pid, struct process_stat *ret)
{
	char data[2048];
	size_t length;
	int err;

	err = process_read(procfs, pid, "stat", data, sizeof(data), &length);
	if (err)
		return err;
	return process_stat_parse(data, length, ret);
}

bool procfs_same_process(const struct procfs *procfs, uint64_t pid, uint64_t start_ns)
{
	struct process_stat stat;
	long per_second = sysconf(_SC_CLK_TCK);
	uint64_t ticks;

	if (per_second <= 0 || procfs_stat(procfs, pid, &stat))
		return false;
	ticks = start_ns / (1000000000 / per_second);
	return ticks > stat.start_ticks ? ticks - stat.start_ticks <= 1
					: stat.start_ticks - ticks <= 1;
}

int procfs_tgid(const struct procfs *procfs, uint64_t pid, uint64_t *ret)
{
	static const char key[] = "\nTgid:\t";
	char data[1024];
	size_t length;
	const char *found;
	int err = process_read(procfs, pid, "status", data, sizeof(data), &length);

	if (err)
		return err;
	found = strstr(data, key);
	return found && digits_parse(found + sizeof(key) - 1, strlen(found + sizeof(key) - 1), ret) ? 0 : -EBADMSG;
}

static int read_link(const struct procfs *procfs, const char *path, char *ret, size_t size)
{
	char target[PATH_MAX];
	ssize_t length = readlinkat(procfs->fd, path, target, sizeof(target));

	if (length < 0)
		return -errno;
	text_copy(ret, size, target, length);
	return 0;
}

int procfs_exe(const struct procfs *procfs, uint64_t pid, char *ret, size_t size)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof(path), "%llu/exe", (unsigned long long)pid);
	return read_link(procfs, path, ret, size);
}

int procfs_fd(const struct procfs *procfs, uint64_t pid, uint32_t fd, char *ret, size_t size)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof(path), "%llu/fd/%u", (unsigned long long)pid, fd);
	return read_link(procfs, path, ret, size);
}

/* 6.2 "proc: report open files as size in stat() for /proc/pid/fd" */
int procfs_fd_count(const struct procfs *procfs, uint64_t pid, uint64_t max, uint64_t *ret)
{
	char path[PATH_BYTES];
	struct stat status;
	uint64_t count = 0;
	DIR *directory;
	int fd;

	snprintf(path, sizeof(path), "%llu/fd", (unsigned long long)pid);
	fd = openat(procfs->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) == 0 && status.st_size) {
		close(fd);
		*ret = status.st_size;
		return 0;
	}
	directory = fdopendir(fd);
	if (!directory) {
		close(fd);
		return -ENOMEM;
	}
	/* but for "." and ".." */
	while (count < max + 2 && readdir(directory))
		count++;
	closedir(directory);
	*ret = count < 2 ? 0 : count - 2;
	return 0;
}

/*
 * setproctitle() as nginx and postgres do it: the title, then NULs over what
 * were the other arguments. `program ""` has one NUL more than its name needs,
 * a title two or more.
 */
static bool title_padded(const char *data, size_t length)
{
	const char *end = memchr(data, '\0', length);
	size_t rest = end ? length - (end - data) - 1 : 0;

	if (rest < 2 || end == data)
		return false;
	for (size_t i = 1; i <= rest; i++) {
		if (end[i])
			return false;
	}
	return true;
}

int args_parse(const char *data, size_t length, char (*ret)[PROCESS_ARG_BYTES], size_t max,
	       uint64_t *ret_count)
{
	size_t at = 0, count = 0;

	if (title_padded(data, length))
		length = strlen(data) + 1;
	while (at < length && count < max) {
		const char *end = memchr(data + at, '\0', length - at);
		size_t n = end ? (size_t)(end - data) - at : length - at;

		text_copy(ret[count++], PROCESS_ARG_BYTES, data + at, n);
		at += n + 1;
	}
	*ret_count = count;
	return 0;
}

int procfs_args(const struct procfs *procfs, uint64_t pid, char (*ret)[PROCESS_ARG_BYTES],
		size_t max, uint64_t *ret_count)
{
	char data[CMDLINE_BYTES];
	size_t length;
	int err;

	err = process_read(procfs, pid, "cmdline", data, sizeof(data), &length);
	if (err)
		return err;
	return args_parse(data, length, ret, max, ret_count);
}

int procfs_wchan(const struct procfs *procfs, uint64_t pid, char *ret, size_t size)
{
	char data[256];
	size_t length;
	int err;

	err = process_read(procfs, pid, "wchan", data, sizeof(data), &length);
	if (err)
		return err;
	length = strcspn(data, " \t\n");
	/* "0": runs, or is another user's; never an address */
	if (!length || (data[0] >= '0' && data[0] <= '9'))
		return -ENOENT;
	text_copy(ret, size, data, length);
	return 0;
}

int meminfo_parse(const char *data, size_t length, struct meminfo *ret)
{
	enum { SLAB = MEMINFO_KNOWN_SLAB, STACK = 1 << 16, TABLES = 1 << 17, PERCPU = 1 << 18 };
	struct found {
		struct meminfo info;
		uint64_t stack, tables, percpu;
	} found = { 0 };
	static const struct number_slot slots[] = {
		{ "MemTotal", offsetof(struct found, info.total_bytes), MEMINFO_KNOWN_TOTAL },
		{ "MemAvailable", offsetof(struct found, info.available_bytes), MEMINFO_KNOWN_AVAILABLE },
		{ "MemFree", offsetof(struct found, info.free_bytes), MEMINFO_KNOWN_FREE },
		{ "AnonPages", offsetof(struct found, info.anon_bytes), MEMINFO_KNOWN_ANON },
		{ "Cached", offsetof(struct found, info.cached_bytes), MEMINFO_KNOWN_CACHED },
		{ "Shmem", offsetof(struct found, info.shmem_bytes), MEMINFO_KNOWN_SHMEM },
		{ "Slab", offsetof(struct found, info.slab_bytes), SLAB },
		{ "SwapTotal", offsetof(struct found, info.swap_total_bytes), MEMINFO_KNOWN_SWAP_TOTAL },
		{ "SwapFree", offsetof(struct found, info.swap_free_bytes), MEMINFO_KNOWN_SWAP_FREE },
		{ "KernelStack", offsetof(struct found, stack), STACK },
		{ "PageTables", offsetof(struct found, tables), TABLES },
		{ "Percpu", offsetof(struct found, percpu), PERCPU },
	};
	const uint32_t parts = SLAB | STACK | TABLES | PERCPU;
	struct named_number number;
	uint32_t known = 0;
	size_t at = 0;

	while (named_number_next(data, length, &at, &number))
		known |= number_store(slots, COUNT(slots), &number, &found);
	if ((known & parts) == parts) {
		found.info.kernel_bytes =
			found.info.slab_bytes + found.stack + found.tables + found.percpu;
		known |= MEMINFO_KNOWN_KERNEL;
	}
	found.info.known = known & ~(STACK | TABLES | PERCPU);
	if (!found.info.known)
		return -EINVAL;
	*ret = found.info;
	return 0;
}

int procfs_meminfo(const struct procfs *procfs, struct meminfo *ret)
{
	char data[MEMINFO_BYTES];
	size_t length;
	int err;

	err = file_read_at(procfs->fd, "meminfo", data, sizeof(data), &length);
	if (err)
		return err;
	return meminfo_parse(data, length, ret);
}

int procfs_boot_id(const struct procfs *procfs, char *ret, size_t size)
{
	char data[BOOT_ID_BYTES * 2];
	size_t length;
	int err;

	if (size <= BOOT_ID_BYTES)
		return -ENOBUFS;
	err = file_read_at(procfs->fd, "sys/kernel/random/boot_id", data, sizeof(data), &length);
	if (err)
		return err;
	if (strspn(data, "0123456789abcdef-") != BOOT_ID_BYTES)
		return -EINVAL;
	text_copy(ret, size, data, BOOT_ID_BYTES);
	return 0;
}
