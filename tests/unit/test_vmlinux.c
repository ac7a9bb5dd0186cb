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
#include <stdlib.h>
#include <string.h>

/* our own types in the objects, and what a kernel may lack behind an existence check */
static const char *const not_the_kernels[] = {
	"event_header", "event_account", "decision", "mm_pages", "recorder_entry", "oom_level",
	"oom_victim_event", "oom_member_event", "process_seen", "cgroup_seen", "oom_kill_seen",
	"process_known", "cgroup_known", "oom_kill_known",
	"zombie_owner", "zombie_dead", "zombie_entry", "zombie_seen", "zombie_known",
	"empty_values", "event_ancestor", "exec_event", "exec_known", "exec_seen", "exit_event", "exit_known",
	"exit_seen", "fault_note", "identity", "identity_room", "measured", "notes", "old_comm", "process_filter",
	"reported_key", "signal_note", "storm",
};

static bool is_ours(const char *name)
{
	for (size_t i = 0; i < sizeof(not_the_kernels) / sizeof(not_the_kernels[0]); i++)
		if (strcmp(not_the_kernels[i], name) == 0)
			return true;
	return strstr(name, "___") != NULL;
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

		if (!btf_is_struct(type) || !*name || is_ours(name) || !btf_vlen(type))
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
	if (!kernel) {
		print_message("no kernel BTF here\n");
		skip();
	}
	assert_int_equal(glob("build/bpf/*.bpf.o", 0, NULL, &objects), 0);
	for (size_t i = 0; i < objects.gl_pathc; i++)
		members += check_object(kernel, objects.gl_pathv[i]);
	assert_true(members > 20);
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
