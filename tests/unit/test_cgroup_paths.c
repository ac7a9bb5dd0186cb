// SPDX-License-Identifier: BSD-2-Clause
/* Paths of cgroups by id: as they are told, bounded, and nothing made up for those that were not. */
#include "user/cgroup_paths.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bpf/process.h"

static struct cgroup_paths paths;
static struct observation o;

static int setup(void **state)
{
	(void)state;
	memset(&o, 0, sizeof(o));
	return cgroup_paths_open(&paths);
}

static int teardown(void **state)
{
	(void)state;
	cgroup_paths_close(&paths);
	memset(&paths, 0, sizeof(paths));
	return 0;
}

static bool tell(uint64_t id, const char *names, size_t size, bool cut)
{
	static struct cgroup_event event;

	memset(&event, 0, sizeof(event));
	event.id = id;
	event.version = 2;
	event.names_bytes = size;
	event.names_cut = cut;
	memcpy(event.names, names, size <= sizeof(event.names) ? size : 0);
	return cgroup_paths_take(&paths, &event);
}

static void test_told(void **state)
{
	static const char names[] = "cri-containerd-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.scope\0"
				    "kubepods.slice";

	(void)state;
	assert_true(tell(5, names, sizeof(names), false));
	cgroup_paths_fill(&paths, &o, 5, 2);
	assert_true(o.cgroup.known.id && o.cgroup.id == 5 && o.cgroup.version == 2);
	assert_int_equal(strncmp(o.cgroup.path, "/kubepods.slice/cri-containerd-0123", 35), 0);
	assert_string_equal(o.container.runtime, "containerd");
	assert_int_equal(strlen(o.container.id), 64);
	assert_int_equal(o.truncated_count, 0);
}

static void test_not_told(void **state)
{
	(void)state;
	assert_null(cgroup_paths_find(&paths, 5));
	cgroup_paths_fill(&paths, &o, 5, 1);
	assert_true(o.cgroup.known.id && o.cgroup.id == 5 && o.cgroup.version == 1);
	assert_false(o.cgroup.known.path || o.container.known.id);
	/* the kernel side did not know it either */
	memset(&o, 0, sizeof(o));
	cgroup_paths_fill(&paths, &o, 0, 0);
	assert_false(o.cgroup.known.id || o.cgroup.known.version || o.cgroup.known.path);
}

/* told anew: another cgroup of that id, or the same */
static void test_told_again(void **state)
{
	(void)state;
	assert_true(tell(5, "a.service", 10, false));
	assert_true(tell(5, "b", 2, false));
	cgroup_paths_fill(&paths, &o, 5, 2);
	assert_string_equal(o.cgroup.path, "/b");
	assert_false(o.container.known.unit);
	assert_true(tell(6, "", 0, false));
	cgroup_paths_fill(&paths, &o, 6, 2);
	assert_string_equal(o.cgroup.path, "/");
}

static void test_cut(void **state)
{
	(void)state;
	assert_true(tell(5, "b\0a", 4, true));
	cgroup_paths_fill(&paths, &o, 5, 2);
	assert_string_equal(o.cgroup.path, "/.../a/b");
	assert_int_equal(o.truncated_count, 1);
	assert_string_equal(o.truncated[0], "cgroup.path");
	/* a size beyond the record is no size: nothing is read there */
	assert_true(tell(7, "", UINT32_MAX, false));
	cgroup_paths_fill(&paths, &o, 7, 2);
	assert_string_equal(o.cgroup.path, "/");
}

/* a path that the names fit but the record does not: that too is said */
static void test_long(void **state)
{
	static char names[5 * 250];

	(void)state;
	memset(names, 'x', sizeof(names));
	for (size_t i = 249; i < sizeof(names); i += 250)
		names[i] = '\0';
	assert_true(tell(5, names, sizeof(names), false));
	cgroup_paths_fill(&paths, &o, 5, 2);
	assert_int_equal(strlen(o.cgroup.path), sizeof(o.cgroup.path) - 1);
	assert_int_equal(o.truncated_count, 1);
}

static void test_full(void **state)
{
	uint64_t id = 1;

	(void)state;
	while (id < 100000 && tell(id, "a", 2, false))
		id++;
	assert_true(id > 1000 && id < 100000);
	/* those that are there can be told again */
	assert_true(tell(1, "b", 2, false));
	cgroup_paths_clear(&paths);
	assert_null(cgroup_paths_find(&paths, 1));
	assert_true(tell(id, "c", 2, false));
	assert_string_equal(cgroup_paths_find(&paths, id)->cgroup.path, "/c");
}

static void test_open_twice(void **state)
{
	(void)state;
	assert_true(tell(5, "a", 2, false));
	assert_int_equal(cgroup_paths_open(&paths), 0);
	assert_non_null(cgroup_paths_find(&paths, 5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
		TEST(test_told), TEST(test_not_told), TEST(test_told_again), TEST(test_cut), TEST(test_long), TEST(test_full),
		TEST(test_open_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
