// SPDX-License-Identifier: BSD-2-Clause
#include "cgroupfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "procfs.h"
#include "text.h"

#define COUNT(ARRAY) (sizeof(ARRAY) / sizeof((ARRAY)[0]))

enum {
	/*
	 * Handle of a kernfs node: its 64-bit id, nothing else. Since "kernfs:
	 * implement custom exportfs ops and fid type" (5.5); not in uapi headers.
	 */
	FILEID_KERNFS = 0xfe,
	/* a line longer than that is not a cgroup's (overlay mounts have such) */
	MOUNTINFO_BYTES = 16384,
	MEMORY_STAT_BYTES = 16384,
};

/* mountinfo's state while its lines come by */
struct search {
	struct cgroupfs found;
	int root_fd;
	bool memory_whole, unified_whole;
	bool v1;	/* any v1 hierarchy */
	bool unified_memory;
};

struct field {
	const char *data;
	size_t length;
};

/* Fields are parted by exactly one space: a mount's source may be empty. */
static struct field field_next(const char **at, const char *end)
{
	const char *start = *at, *space = start < end ? memchr(start, ' ', end - start) : NULL;

	*at = space ? space + 1 : end;
	return (struct field){ start, (space ? space : end) - start };
}

static bool field_is(struct field field, const char *word)
{
	return field.length == strlen(word) && !memcmp(field.data, word, field.length);
}

/* whether one of the words parted by separators is word */
static bool list_has(struct field list, char separator, const char *word)
{
	const char *at = list.data, *end = list.data + list.length;

	while (at < end) {
		const char *stop = memchr(at, separator, end - at);
		struct field item = { at, (stop ? stop : end) - at };

		if (field_is(item, word))
			return true;
		at = stop ? stop + 1 : end;
	}
	return false;
}

static bool is_octal(const char *at)
{
	return (at[0] & ~3) == '0' && (at[1] & ~7) == '0' && (at[2] & ~7) == '0';
}

/* undoes mountinfo's \040 */
static int path_unescape(struct field field, char *ret, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < field.length; i++) {
		char c = field.data[i];

		if (c == '\\' && field.length - i > 3 && is_octal(field.data + i + 1)) {
			c = (field.data[i + 1] - '0') << 6 | (field.data[i + 2] - '0') << 3 |
			    (field.data[i + 3] - '0');
			i += 3;
		}
		if (!c)
			return -EINVAL;
		if (n + 1 >= size)
			return -ENAMETOOLONG;
		ret[n++] = c;
	}
	ret[n] = '\0';
	return 0;
}

/* 35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:12 - cgroup cgroup rw,memory */
int cgroup_mount_parse(const char *line, size_t length, struct cgroup_mount *ret)
{
	struct cgroup_mount mount = { 0 };
	struct field root = { 0 }, path = { 0 }, field, options;
	const char *at = line, *end = line + length;
	int err;

	for (int i = 0; i < 6; i++) {
		field = field_next(&at, end);
		if (i == 3)
			root = field;
		else if (i == 4)
			path = field;
	}
	do {
		if (at >= end)
			return -EINVAL;
		field = field_next(&at, end);
	} while (!field_is(field, "-"));
	field = field_next(&at, end);
	if (field_is(field, "cgroup"))
		mount.version = 1;
	else if (field_is(field, "cgroup2"))
		mount.version = 2;
	else
		return -ENOENT;
	field_next(&at, end);	/* source */
	options = field_next(&at, end);
	mount.memory = mount.version == 1 && list_has(options, ',', "memory");
	mount.whole = field_is(root, "/");
	if (!path.length || path.data[0] != '/')
		return -EINVAL;
	err = path_unescape(path, mount.path, sizeof(mount.path));
	if (err)
		return err;
	*ret = mount;
	return 0;
}

/* Not O_PATH: open_by_handle_at() refuses such a mount descriptor. */
static int mount_open(const struct search *search, const char *path, const char *file)
{
	int fd = openat(search->root_fd, path[1] ? path + 1 : ".",
			O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	/* hidden by a later mount, or not what it says */
	if (faccessat(fd, file, F_OK, 0)) {
		close(fd);
		return -ENOENT;
	}
	return fd;
}

static bool unified_has_memory(int fd)
{
	char controllers[512];
	size_t length;

	if (file_read_at(fd, "cgroup.controllers", controllers, sizeof(controllers), &length))
		return false;
	length = strcspn(controllers, "\n");
	return list_has((struct field){ controllers, length }, ' ', "memory");
}

/* The first mount of a hierarchy is taken, or a later one that shows all of it. */
static void mount_consider(struct search *search, const char *line, size_t length)
{
	struct cgroupfs *found = &search->found;
	struct cgroup_mount mount;
	bool unified, *whole;
	int fd, *to;

	if (cgroup_mount_parse(line, length, &mount))
		return;
	unified = mount.version == 2;
	search->v1 |= !unified;
	if (!unified && !mount.memory)
		return;
	to = unified ? &found->unified_fd : &found->memory_fd;
	whole = unified ? &search->unified_whole : &search->memory_whole;
	if (*to >= 0 && (*whole || !mount.whole))
		return;
	fd = mount_open(search, mount.path, unified ? "cgroup.controllers" : "memory.stat");
	if (fd < 0)
		return;
	if (*to >= 0)
		close(*to);
	*to = fd;
	*whole = mount.whole;
	text_copy(unified ? found->unified_mount : found->memory_mount, sizeof(mount.path),
		  mount.path, strlen(mount.path));
	if (unified)
		search->unified_memory = unified_has_memory(fd);
}

static int mounts_read(struct search *search, int fd)
{
	char data[MOUNTINFO_BYTES];
	size_t length = 0;
	bool skip = false;	/* rest of a line that did not fit */

	for (;;) {
		ssize_t n = read(fd, data + length, sizeof(data) - length);
		char *line = data, *end;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		length += n;
		while ((end = memchr(line, '\n', data + length - line))) {
			if (!skip)
				mount_consider(search, line, end - line);
			skip = false;
			line = end + 1;
		}
		length -= line - data;
		memmove(data, line, length);
		if (length == sizeof(data)) {
			skip = true;
			length = 0;
		}
	}
}

/* where memory is, once all mounts are known */
static int layout_decide(struct search *search)
{
	struct cgroupfs *found = &search->found;

	if (found->memory_fd >= 0) {
		found->memory_version = 1;
		found->layout = found->unified_fd >= 0 ? CGROUP_LAYOUT_HYBRID : CGROUP_LAYOUT_V1;
		return 0;
	}
	/* v1 hierarchies without memory (net_cls, name=systemd) do not make it hybrid */
	if (found->unified_fd >= 0)
		found->layout = CGROUP_LAYOUT_V2;
	else if (search->v1)
		found->layout = CGROUP_LAYOUT_V1;
	if (!search->unified_memory)
		return 0;
	found->memory_fd = fcntl(found->unified_fd, F_DUPFD_CLOEXEC, 0);
	if (found->memory_fd < 0)
		return -errno;
	found->memory_version = 2;
	text_copy(found->memory_mount, sizeof(found->memory_mount), found->unified_mount,
		  strlen(found->unified_mount));
	return 0;
}

int cgroupfs_open(struct cgroupfs *ret, const char *root)
{
	struct search search = { .found = { .memory_fd = -1, .unified_fd = -1 } };
	int fd, err;

	search.root_fd = open(root ? root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (search.root_fd < 0)
		return -errno;
	fd = openat(search.root_fd, "proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	err = fd < 0 ? -errno : mounts_read(&search, fd);
	if (!err)
		err = layout_decide(&search);
	if (fd >= 0)
		close(fd);
	close(search.root_fd);
	if (err) {
		cgroupfs_close(&search.found);
		return err;
	}
	*ret = search.found;
	return 0;
}

void cgroupfs_close(struct cgroupfs *cgroupfs)
{
	if (cgroupfs->memory_fd >= 0)
		close(cgroupfs->memory_fd);
	if (cgroupfs->unified_fd >= 0)
		close(cgroupfs->unified_fd);
	*cgroupfs = (struct cgroupfs){ .memory_fd = -1, .unified_fd = -1 };
}

static int hierarchy_fd(const struct cgroupfs *cgroupfs, int version)
{
	if (version == 1)
		return cgroupfs->memory_version == 1 ? cgroupfs->memory_fd : -1;
	return version == 2 ? cgroupfs->unified_fd : -1;
}

int cgroupfs_open_id(const struct cgroupfs *cgroupfs, int version, uint64_t id)
{
	union {
		struct file_handle handle;
		char space[sizeof(struct file_handle) + sizeof(uint64_t)];
	} at = { .handle = { .handle_bytes = sizeof(id), .handle_type = FILEID_KERNFS } };
	int mount_fd = hierarchy_fd(cgroupfs, version);
	int fd;

	if (mount_fd < 0)
		return -ENOENT;
	memcpy(at.space + offsetof(struct file_handle, f_handle), &id, sizeof(id));
	fd = open_by_handle_at(mount_fd, &at.handle, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int fd_path(int fd, char (*ret)[PATH_MAX], size_t *ret_length)
{
	char link[64];
	ssize_t length;

	/* of this process, not of --root's tree */
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, *ret, sizeof(*ret));
	if (length < 0)
		return -errno;
	if ((size_t)length == sizeof(*ret))
		return -ENAMETOOLONG;
	(*ret)[length] = '\0';
	*ret_length = length;
	return 0;
}

/* The kernel's mark of a removed directory; a cgroup may be named like it. */
static size_t path_without_deleted(int fd, const char *path, size_t length)
{
	static const char mark[] = " (deleted)";
	struct stat here, there;

	if (length < sizeof(mark) || strcmp(path + length - (sizeof(mark) - 1), mark))
		return length;
	if (!stat(path, &there) && !fstat(fd, &here) && there.st_ino == here.st_ino &&
	    there.st_dev == here.st_dev)
		return length;
	return length - (sizeof(mark) - 1);
}

int cgroupfs_path(const struct cgroupfs *cgroupfs, int fd, int version, char *ret, size_t size)
{
	char path[PATH_MAX], mount[PATH_MAX];
	int mount_fd = hierarchy_fd(cgroupfs, version);
	size_t length = 0, prefix = 0;
	int err;

	if (mount_fd < 0)
		return -ENOENT;
	/* not memory_mount: that is as seen from --root */
	err = fd_path(mount_fd, &mount, &prefix);
	if (!err)
		err = fd_path(fd, &path, &length);
	if (err)
		return err;
	length = path_without_deleted(fd, path, length);
	if (prefix == 1)
		prefix = 0;	/* "/" itself */
	if (length < prefix || memcmp(path, mount, prefix) ||
	    (length > prefix && path[prefix] != '/'))
		return -EXDEV;
	text_copy(ret, size, length == prefix ? "/" : path + prefix,
		  length == prefix ? 1 : length - prefix);
	return 0;
}

/* memory.stat of either version */
struct memory_stat {
	struct memory_classes classes;
	uint64_t file;		/* with shmem */
	uint64_t kernel, stack, tables, slab, sock, percpu, vmalloc;
};

/* bits beyond memory_class_known */
enum {
	FILE_ALL = 1 << 16,
	KERNEL = 1 << 17,
	KERNEL_PART = 1 << 18,
	SOCK = 1 << 19,
	CLASSES = FILE_ALL - 1,
};

static const struct number_slot v1_slots[] = {
	{ "total_rss", offsetof(struct memory_stat, classes.anon_bytes), MEMORY_CLASS_KNOWN_ANON },
	{ "total_shmem", offsetof(struct memory_stat, classes.shmem_bytes), MEMORY_CLASS_KNOWN_SHMEM },
	{ "total_cache", offsetof(struct memory_stat, file), FILE_ALL },
};

static const struct number_slot v2_slots[] = {
	{ "anon", offsetof(struct memory_stat, classes.anon_bytes), MEMORY_CLASS_KNOWN_ANON },
	{ "shmem", offsetof(struct memory_stat, classes.shmem_bytes), MEMORY_CLASS_KNOWN_SHMEM },
	{ "file", offsetof(struct memory_stat, file), FILE_ALL },
	{ "kernel", offsetof(struct memory_stat, kernel), KERNEL },
	{ "kernel_stack", offsetof(struct memory_stat, stack), KERNEL_PART },
	{ "pagetables", offsetof(struct memory_stat, tables), KERNEL_PART },
	{ "slab", offsetof(struct memory_stat, slab), KERNEL_PART },
	{ "percpu", offsetof(struct memory_stat, percpu), KERNEL_PART },
	{ "vmalloc", offsetof(struct memory_stat, vmalloc), KERNEL_PART },
	{ "sock", offsetof(struct memory_stat, sock), SOCK },
};

static void classes_finish(struct memory_stat *stat, uint32_t known)
{
	struct memory_classes *classes = &stat->classes;

	if ((known & FILE_ALL) && (known & MEMORY_CLASS_KNOWN_SHMEM)) {
		/* per-CPU counters: shmem may be ahead of file */
		classes->file_bytes =
			stat->file > classes->shmem_bytes ? stat->file - classes->shmem_bytes : 0;
		known |= MEMORY_CLASS_KNOWN_FILE;
	}
	/*
	 * "kernel" (memcg: add per-memcg total kernel memory stat, 5.18) has all
	 * but the sockets' buffers, which are charged on their own.
	 */
	if (known & KERNEL)
		classes->kernel_bytes = stat->kernel + stat->sock;
	else
		classes->kernel_bytes = stat->stack + stat->tables + stat->slab + stat->sock +
					stat->percpu + stat->vmalloc;
	if (known & (KERNEL | KERNEL_PART))
		known |= MEMORY_CLASS_KNOWN_KERNEL;
	classes->known = known & CLASSES;
}

static int memory_stat_parse(const char *data, size_t length, const struct number_slot *slots,
			     size_t count, struct memory_classes *ret)
{
	struct memory_stat stat = { 0 };
	struct named_number number;
	uint32_t known = 0;
	size_t at = 0;

	while (named_number_next(data, length, &at, &number))
		known |= number_store(slots, count, &number, &stat);
	classes_finish(&stat, known);
	if (!stat.classes.known)
		return -EINVAL;
	*ret = stat.classes;
	return 0;
}

int memory_stat_v1_parse(const char *data, size_t length, struct memory_classes *ret)
{
	return memory_stat_parse(data, length, v1_slots, COUNT(v1_slots), ret);
}

int memory_stat_v2_parse(const char *data, size_t length, struct memory_classes *ret)
{
	return memory_stat_parse(data, length, v2_slots, COUNT(v2_slots), ret);
}

static int number_read(int dir_fd, const char *name, uint64_t *ret)
{
	char data[64];
	size_t length;
	int err;

	err = file_read_at(dir_fd, name, data, sizeof(data), &length);
	if (err)
		return err;
	return digits_parse(data, length, ret) ? 0 : -EINVAL;
}

int cgroupfs_memory_classes(int dir_fd, int version, struct memory_classes *ret)
{
	char data[MEMORY_STAT_BYTES];
	uint64_t kernel;
	struct memory_classes classes;
	size_t length;
	int err;

	err = file_read_at(dir_fd, "memory.stat", data, sizeof(data), &length);
	if (err)
		return err;
	if (version == 2)
		return memory_stat_v2_parse(data, length, ret);
	err = memory_stat_v1_parse(data, length, &classes);
	if (err)
		return err;
	/*
	 * Not memory.kmem.tcp.usage_in_bytes: v1 charges the sockets' buffers to a
	 * counter and a limit of their own, never to memory.usage_in_bytes.
	 */
	if (!number_read(dir_fd, "memory.kmem.usage_in_bytes", &kernel)) {
		classes.kernel_bytes = kernel;
		classes.known |= MEMORY_CLASS_KNOWN_KERNEL;
	}
	*ret = classes;
	return 0;
}

int cgroupfs_usage(int dir_fd, int version, uint64_t *ret)
{
	return number_read(dir_fd, version == 2 ? "memory.current" : "memory.usage_in_bytes", ret);
}
