// SPDX-License-Identifier: BSD-2-Clause
/*
 * Enrichment of an OOM kill on the small trees below tests/fake: a record as
 * the kernel sends it becomes an observation without a kernel, BPF or root.
 * Run from the tree's root.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "kinds/oom_kill.h"

static struct session session;
static struct oom_incident incident;
static struct oom_victim_event event;

static void name(const char *directory)
{
	strcpy(event.names + event.names_bytes, directory);
	event.names_bytes += strlen(directory) + 1;
	event.name_count++;
}

static void level(uint64_t id, uint64_t usage_pages, uint64_t max_pages)
{
	event.level[event.level_count] = (struct oom_level){
		.cgroup_id = id, .usage_pages = usage_pages, .max_pages = max_pages,
		.name_index = event.level_count,
	};
	event.level_count++;
}

/* postgres[4121] of tests/fake/procfs, 100 MiB of anonymous memory in /kubepods/3f9ac1 */
static int setup(void **state)
{
	(void)state;
	memset(&session, 0, sizeof(session));
	memset(&incident, 0, sizeof(incident));
	memset(&event, 0, sizeof(event));
	event.header.boot_ns = 812400000000000ULL;
	event.page_size = 4096;
	KNOW(&event.process, pid, 4121);
	KNOW(&event.process, start_ns, 81234567ULL * (1000000000 / sysconf(_SC_CLK_TCK)));
	strcpy(event.process.comm, "postgres");
	event.process.known.comm = 1;
	KNOW(&event.cgroup, id, 77);
	KNOW(&event.cgroup, version, 2);
	KNOW(&event.oom, scope, OOM_SCOPE_MEMCG);
	KNOW(&event.oom, killed, 1);
	KNOW(&event.oom, victim_anon_bytes, 100 << 20);
	name("3f9ac1");
	name("kubepods");
	level(77, 32768, 32768);
	level(5, 40000, INT64_MAX / 4096);
	assert_int_equal(procfs_open(&session.procfs, "tests/fake/procfs"), 0);
	session.cgroupfs = (struct cgroupfs){ .memory_fd = -1, .unified_fd = -1 };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	procfs_close(&session.procfs);
	return 0;
}

static void test_paths_and_limits(void **state)
{
	const struct observation *o = &incident.observation;

	(void)state;
	oom_decode(&incident, &event);
	assert_string_equal(o->cgroup.path, "/kubepods/3f9ac1");
	assert_int_equal(o->oom_kill.limits_count, 2);
	assert_string_equal(o->oom_kill.limits[0].path, "/kubepods/3f9ac1");
	assert_true(o->oom_kill.limits[0].binding);
	assert_int_equal(o->oom_kill.limits[0].max_bytes, 128 << 20);
	assert_string_equal(o->oom_kill.limits[1].path, "/kubepods");
	assert_false(o->oom_kill.limits[1].binding);
	assert_true(o->oom_kill.limits[1].max_bytes == BYTES_MAX);
	assert_int_equal(incident.binding_id, 77);
}

static void test_identity(void **state)
{
	const struct process *p = &incident.observation.process;

	(void)state;
	oom_decode(&incident, &event);
	oom_enrich(&session, &incident);
	assert_true(p->known.args);
	assert_non_null(strstr(p->args[0], "postgres"));
	assert_false(p->known.args_redacted);
}

/* the pid is someone else by now: nothing of that process may be told */
static void test_reused_pid(void **state)
{
	(void)state;
	event.process.start_ns += 5000000000ULL;
	oom_decode(&incident, &event);
	oom_enrich(&session, &incident);
	assert_false(incident.observation.process.known.args);
	assert_false(incident.observation.process.known.exe);
}

static void test_no_args(void **state)
{
	(void)state;
	session.options.no_args = true;
	oom_decode(&incident, &event);
	oom_enrich(&session, &incident);
	assert_false(incident.observation.process.known.args);
}

static void test_secrets(void **state)
{
	const struct process *p = &incident.observation.process;

	(void)state;
	event.process.pid = 4123;
	event.process.start_ns = 81234569ULL * (1000000000 / sysconf(_SC_CLK_TCK));
	oom_decode(&incident, &event);
	oom_enrich(&session, &incident);
	assert_string_equal(p->args[2], "-p<redacted:password>");
	assert_true(p->known.args_redacted && p->args_redacted == 1);
	memset(&incident, 0, sizeof(incident));
	session.options.no_redact = true;
	oom_decode(&incident, &event);
	oom_enrich(&session, &incident);
	assert_string_equal(p->args[2], "-phunter2");
	assert_false(p->known.args_redacted);
}

/* the host's numbers come from meminfo, and only when the host ran out */
static void test_host(void **state)
{
	const struct oom_kill *oom = &incident.observation.oom_kill;

	(void)state;
	oom_decode(&incident, &event);
	oom_enrich(&session, &incident);
	assert_false(oom->known.host);
	event.oom.scope = OOM_SCOPE_GLOBAL;
	memset(&incident, 0, sizeof(incident));
	oom_decode(&incident, &event);
	oom_enrich(&session, &incident);
	assert_true(oom->known.host);
	assert_int_equal(oom->host.total_bytes, 24684096ULL * 1024);
	for (uint64_t i = 0; i < oom->limits_count; i++)
		assert_false(oom->limits[i].binding);
}

/* 4122 of the tree is in state D: a victim that is still there after two seconds is stuck */
static void test_stuck(void **state)
{
	const struct oom_kill *oom = &incident.observation.oom_kill;

	(void)state;
	oom_decode(&incident, &event);
	incident.members[incident.member_count++].pid = 4122;
	incident.alive = 1;
	oom_close_up(&session, &incident, event.header.boot_ns + 2000000000ULL);
	assert_int_equal(oom->stuck_pid, 4122);
	assert_string_equal(oom->stuck_state, "D");
	assert_false(oom->known.time_to_die_ns);
	assert_int_equal(oom->group_killed.n, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_paths_and_limits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_identity, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reused_pid, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_args, setup, teardown),
		cmocka_unit_test_setup_teardown(test_secrets, setup, teardown),
		cmocka_unit_test_setup_teardown(test_host, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stuck, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
