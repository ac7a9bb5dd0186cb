// SPDX-License-Identifier: BSD-2-Clause
/*
 * vmlinux/vmlinux.h is written by hand: every struct and member the probes are
 * compiled against must be in the running kernel's BTF, but for the flavours,
 * which are read only behind an existence check. Run from the tree's root.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <bpf/btf.h>
#include <cmocka.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char declared[64 * 1024];

static size_t read_declared(const char *path, size_t at)
{
	FILE *file = fopen(path, "re");
	size_t length;

	assert_non_null(file);
	length = fread(declared + at, 1, sizeof(declared) - 1 - at, file);
	fclose(file);
	assert_true(length > 0 && at + length < sizeof(declared) - 1);
	return at + length;
}

/* What is declared there is the kernel's, but for what some kernels lack; the other types of an object are our own. */
static bool is_the_kernels(const char *name)
{
	char line[128];

	snprintf(line, sizeof(line), "\nstruct %s {", name);
	return !strstr(name, "___") && strstr(declared, line);
}

/* also inside anonymous members, as the compiler finds it */
static bool has_member(const struct btf *btf, uint32_t id, const char *name)
{
	const struct btf_type *type = btf__type_by_id(btf, id);
	const struct btf_member *members;

	while (type && btf_is_mod(type))
		type = btf__type_by_id(btf, type->type);
	if (!type || !btf_is_composite(type))
		return false;
	members = btf_members(type);
	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		const char *found = btf__name_by_offset(btf, members[i].name_off);

		if (strcmp(found, name) == 0 || (!*found && has_member(btf, members[i].type, name)))
			return true;
	}
	return false;
}

static unsigned int check_object(const struct btf *kernel, const char *path)
{
	struct btf *local = btf__parse_elf(path, NULL);
	unsigned int members = 0;

	assert_non_null(local);
	for (uint32_t id = 1; id < btf__type_cnt(local); id++) {
		const struct btf_type *type = btf__type_by_id(local, id);
		const char *name = btf__name_by_offset(local, type->name_off);
		int there;

		if (!btf_is_struct(type) || !*name || !is_the_kernels(name) || !btf_vlen(type))
			continue;
		there = btf__find_by_name_kind(kernel, name, BTF_KIND_STRUCT);
		if (there < 0)
			fail_msg("%s: the kernel has no struct %s", path, name);
		for (uint32_t i = 0; i < btf_vlen(type); i++, members++) {
			const char *member = btf__name_by_offset(local, btf_members(type)[i].name_off);

			if (!has_member(kernel, there, member))
				fail_msg("%s: struct %s has no %s", path, name, member);
		}
	}
	btf__free(local);
	return members;
}

static void test_members_exist(void **state)
{
	struct btf *kernel = btf__load_vmlinux_btf();
	unsigned int members = 0;
	glob_t objects;

	(void)state;
	read_declared("vmlinux/net.h", read_declared("vmlinux/vmlinux.h", 0));
	if (!kernel) {
		print_message("no kernel BTF here\n");
		skip();
	}
	assert_int_equal(glob("build/bpf/*.bpf.o", 0, NULL, &objects), 0);
	for (size_t i = 0; i < objects.gl_pathc; i++)
		members += check_object(kernel, objects.gl_pathv[i]);
	assert_true(members > 100);
	globfree(&objects);
	btf__free(kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members_exist),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
