// SPDX-License-Identifier: BSD-2-Clause
/* The hierarchies of three layouts below tests/fake, and those of this machine, only read. */
#include "user/cgroupfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define MIB (1024 * 1024ULL)

static struct cgroupfs fake_open(const char *root)
{
	struct cgroupfs cgroupfs;

	assert_int_equal(cgroupfs_open(&cgroupfs, root), 0);
	return cgroupfs;
}

static int directory_open(int fd, const char *path)
{
	int directory = openat(fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	assert_true(directory >= 0);
	return directory;
}

static void test_v1(void **state)
{
	struct cgroupfs cgroupfs = fake_open("tests/fake/cgroup-v1");
	struct memory_classes classes;
	char path[64];
	uint64_t usage;
	int fd;

	(void)state;
	assert_int_equal(cgroupfs.layout, CGROUP_LAYOUT_V1);
	assert_int_equal(cgroupfs.memory_version, 1);
	assert_string_equal(cgroupfs.memory_mount, "/sys/fs/cgroup/memory");
	assert_int_equal(cgroupfs.unified_fd, -1);
	assert_string_equal(cgroupfs.unified_mount, "");
	fd = directory_open(cgroupfs.memory_fd, "docker/3f9ac1");
	assert_int_equal(cgroupfs_path(&cgroupfs, fd, 1, path, sizeof(path)), 0);
	assert_string_equal(path, "/docker/3f9ac1");
	assert_int_equal(cgroupfs_path(&cgroupfs, fd, 2, path, sizeof(path)), -ENOENT);
	assert_int_equal(cgroupfs_usage(fd, 1, &usage), 0);
	assert_int_equal(usage, 536866816);
	assert_int_equal(cgroupfs_memory_classes(fd, 1, &classes), 0);
	assert_int_equal(classes.known, 0xf);
	assert_int_equal(classes.anon_bytes, 481 * MIB);
	assert_int_equal(classes.file_bytes, 3 * MIB);
	assert_int_equal(classes.shmem_bytes, 22 * MIB);
	/* without the sockets': they have a limit of their own */
	assert_int_equal(classes.kernel_bytes, 6 * MIB);
	close(fd);
	/* no kmem files, as of a kernel without accounting */
	assert_int_equal(cgroupfs_memory_classes(cgroupfs.memory_fd, 1, &classes), 0);
	assert_int_equal(classes.known, 0x7);
	cgroupfs_close(&cgroupfs);
}

static void test_v2(void **state)
{
	struct cgroupfs cgroupfs = fake_open("tests/fake/cgroup-v2");
	struct memory_classes classes;
	uint64_t usage = 99;
	char path[64];
	int fd;

	(void)state;
	assert_int_equal(cgroupfs.layout, CGROUP_LAYOUT_V2);
	assert_int_equal(cgroupfs.memory_version, 2);
	assert_string_equal(cgroupfs.memory_mount, "/sys/fs/cgroup");
	assert_string_equal(cgroupfs.unified_mount, "/sys/fs/cgroup");
	assert_true(cgroupfs.memory_fd >= 0 && cgroupfs.unified_fd >= 0);
	assert_int_equal(cgroupfs_open_id(&cgroupfs, 1, 1), -ENOENT);
	assert_int_equal(cgroupfs_usage(cgroupfs.memory_fd, 2, &usage), -ENOENT);
	assert_int_equal(usage, 99);
	assert_int_equal(cgroupfs_path(&cgroupfs, cgroupfs.memory_fd, 2, path, sizeof(path)), 0);
	assert_string_equal(path, "/");
	fd = directory_open(cgroupfs.unified_fd, "kubepods/3f9ac1");
	assert_int_equal(cgroupfs_usage(fd, 2, &usage), 0);
	assert_int_equal(usage, 536866816);
	assert_int_equal(cgroupfs_memory_classes(fd, 2, &classes), 0);
	assert_int_equal(classes.known, 0xf);
	assert_int_equal(classes.anon_bytes, 481 * MIB);
	assert_int_equal(classes.file_bytes, 3 * MIB);
	assert_int_equal(classes.shmem_bytes, 22 * MIB);
	assert_int_equal(classes.kernel_bytes, 6 * MIB + 4096);
	close(fd);
	/* 5.10 */
	fd = directory_open(cgroupfs.unified_fd, "kubepods/old");
	assert_int_equal(cgroupfs_memory_classes(fd, 2, &classes), 0);
	assert_int_equal(classes.kernel_bytes, 3 * MIB + 8192 + 4096);
	close(fd);
	cgroupfs_close(&cgroupfs);
}

static void test_hybrid(void **state)
{
	struct cgroupfs cgroupfs = fake_open("tests/fake/cgroup-hybrid");
	char path[64];
	int fd;

	(void)state;
	assert_int_equal(cgroupfs.layout, CGROUP_LAYOUT_HYBRID);
	assert_int_equal(cgroupfs.memory_version, 1);
	/* the mount that shows all of it, not the first */
	assert_string_equal(cgroupfs.memory_mount, "/sys/fs/cgroup/memory");
	assert_string_equal(cgroupfs.unified_mount, "/sys/fs/cgroup/unified");
	fd = directory_open(cgroupfs.memory_fd, "../unified");
	assert_int_equal(cgroupfs_path(&cgroupfs, fd, 1, path, sizeof(path)), -EXDEV);
	close(fd);
	cgroupfs_close(&cgroupfs);
	assert_int_equal(cgroupfs.memory_fd, -1);
}

static void test_none(void **state)
{
	struct cgroupfs cgroupfs = { .memory_fd = 99 };

	(void)state;
	assert_int_equal(cgroupfs_open(&cgroupfs, "tests/nowhere"), -ENOENT);
	assert_int_equal(cgroupfs_open(&cgroupfs, "tests/fake/procfs"), -ENOENT);
	assert_int_equal(cgroupfs.memory_fd, 99);
}

static void test_mount_lines(void **state)
{
	static const struct {
		const char *line;
		int err, version;
		bool memory, whole;
		const char *path;
	} rows[] = {
		{ "1 2 0:3 / /a rw - cgroup c rw,memory", 0, 1, true, true, "/a" },
		{ "1 2 0:3 / /a rw - cgroup c rw,memory,hugetlb", 0, 1, true, true, "/a" },
		{ "1 2 0:3 / /a rw - cgroup c rw,name=memory", 0, 1, false, true, "/a" },
		{ "1 2 0:3 / /a rw - cgroup c rw", 0, 1, false, true, "/a" },
		{ "1 2 0:3 / /a rw - cgroup2  rw,memory_recursiveprot", 0, 2, false, true, "/a" },
		{ "1 2 0:3 /.. /a rw shared:1 master:2 - cgroup2 c rw", 0, 2, false, false, "/a" },
		{ "1 2 0:3 / /a\\040b\\134c\\012\\8\\04 rw - cgroup2 c rw", 0, 2, false, true,
		  "/a b\\c\n\\8\\04" },
		{ "1 2 0:3 / /a rw - fuse cgroup rw,memory", -ENOENT, 0, false, false, NULL },
		{ "1 2 0:3 / /a rw - cgroup", 0, 1, false, true, "/a" },
		{ "1 2 0:3 / a rw - cgroup c rw", -EINVAL, 0, false, false, NULL },
		{ "1 2 0:3 / /a\\000b rw - cgroup c rw", -EINVAL, 0, false, false, NULL },
		{ "1 2 0:3 / /a rw cgroup c rw", -EINVAL, 0, false, false, NULL },
		{ "1 2", -EINVAL, 0, false, false, NULL },
		{ "", -EINVAL, 0, false, false, NULL },
	};
	char line[400] = "1 2 0:3 / /";

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct cgroup_mount mount = { .version = 99 };
		int err = cgroup_mount_parse(rows[i].line, strlen(rows[i].line), &mount);

		assert_int_equal(err, rows[i].err);
		assert_int_equal(mount.version, err ? 99 : rows[i].version);
		if (err)
			continue;
		assert_int_equal(mount.memory, rows[i].memory);
		assert_int_equal(mount.whole, rows[i].whole);
		assert_string_equal(mount.path, rows[i].path);
	}
	for (size_t length = 254; length <= 256; length++) {
		struct cgroup_mount mount;

		memset(line + 11, 'x', length - 1);
		strcpy(line + 10 + length, " rw - cgroup2 c rw");
		assert_int_equal(cgroup_mount_parse(line, strlen(line), &mount),
				 length < 256 ? 0 : -ENAMETOOLONG);
	}
}

static void test_stat_parse(void **state)
{
	struct memory_classes classes = { .known = 99 };
	static const char ahead[] = "file 1\nshmem 2\n", sockets[] = "sock 1\nanon 5\n";

	(void)state;
	assert_int_equal(memory_stat_v1_parse("rss 1\n", 6, &classes), -EINVAL);
	assert_int_equal(memory_stat_v2_parse("anon 1", 6, &classes), -EINVAL);
	assert_int_equal(memory_stat_v2_parse("file 1\n", 7, &classes), -EINVAL);
	assert_int_equal(classes.known, 99);
	assert_int_equal(memory_stat_v2_parse(ahead, strlen(ahead), &classes), 0);
	assert_int_equal(classes.known, MEMORY_CLASS_KNOWN_FILE | MEMORY_CLASS_KNOWN_SHMEM);
	assert_int_equal(classes.file_bytes, 0);
	assert_int_equal(memory_stat_v2_parse(sockets, strlen(sockets), &classes), 0);
	assert_int_equal(classes.known, MEMORY_CLASS_KNOWN_ANON);
}

/* some cgroup below the root, by its id and back */
static void hierarchy_check(const struct cgroupfs *cgroupfs, int version, const char *mount)
{
	char name[300] = "/", path[300];
	struct dirent *entry;
	struct stat stat;
	DIR *directory;
	int fd;

	directory = opendir(mount);
	assert_non_null(directory);
	assert_int_equal(fstat(dirfd(directory), &stat), 0);
	while ((entry = readdir(directory))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "/%s", entry->d_name);
		assert_int_equal(fstatat(dirfd(directory), entry->d_name, &stat, 0), 0);
		break;
	}
	closedir(directory);
	fd = cgroupfs_open_id(cgroupfs, version, stat.st_ino);
	if (fd == -EPERM)
		return;
	assert_true(fd >= 0);
	assert_int_equal(cgroupfs_path(cgroupfs, fd, version, path, sizeof(path)), 0);
	assert_string_equal(path, name);
	close(fd);
	assert_int_equal(cgroupfs_open_id(cgroupfs, version, UINT64_MAX), -ESTALE);
	assert_int_equal(cgroupfs_open_id(cgroupfs, version, 0), -ESTALE);
}

static void test_this_machine(void **state)
{
	struct cgroupfs cgroupfs = fake_open(NULL);

	(void)state;
	if (cgroupfs.memory_version == 1)
		hierarchy_check(&cgroupfs, 1, cgroupfs.memory_mount);
	if (cgroupfs.unified_fd >= 0)
		hierarchy_check(&cgroupfs, 2, cgroupfs.unified_mount);
	cgroupfs_close(&cgroupfs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_v1),
		cmocka_unit_test(test_v2),
		cmocka_unit_test(test_hybrid),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_mount_lines),
		cmocka_unit_test(test_stat_parse),
		cmocka_unit_test(test_this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
