// SPDX-License-Identifier: BSD-2-Clause
/* The record of a death as an observation: only what the kernel sent, and no byte beyond it. */
#include <errno.h>
#include <stdlib.h>

#include "exit_make.h"

/* in a block of that very size, so that a sanitizer sees the byte behind */
static int parts_of(size_t size)
{
	static struct exit_parts parts;
	void *exact = malloc(size ? size : 1);
	int err;

	assert_non_null(exact);
	memcpy(exact, &packed, size);
	err = exit_parts(&parts, exact, size);
	free(exact);
	return err;
}

/* ---- sizes -------------------------------------------------------------- */

static void test_every_cut(void **state)
{
	(void)state;
	dies_of(SIGSEGV);
	memcpy(death.exe, "a\0bin", 6);
	death.head.exe_bytes = 6;
	memcpy(death.args, "a\0-x", 5);
	death.head.args_bytes = 5;
	was_sent(SIGTERM);
	was_sent(SIGSEGV);
	death.head.fault_count = 1;
	pack();
	assert_int_equal(parts_of(packed_size), 0);
	for (size_t size = 0; size < packed_size; size++)
		assert_int_equal(parts_of(size), -EBADMSG);
}

/* whatever a count says, nothing is read that is not there */
static void test_hostile_sizes(void **state)
{
	static const uint32_t sizes[] = { 1, 5, IDENTITY_BYTES, IDENTITY_BYTES + 1, 0x7fffffff, 0x80000000, UINT32_MAX };
	uint32_t *const fields[] = { &packed.exe_bytes, &packed.args_bytes, &packed.note_count };

	(void)state;
	dies_of(SIGKILL);
	for (size_t f = 0; f < COUNT(fields); f++)
		for (size_t i = 0; i < COUNT(sizes); i++) {
			pack();
			*fields[f] = sizes[i];
			assert_int_equal(parts_of(packed_size), -EBADMSG);
		}
	pack();
	packed.fault_count = UINT32_MAX;
	assert_int_equal(parts_of(packed_size), -EBADMSG);
	packed.fault_count = 0;
	packed.exe_bytes = packed.args_bytes = UINT32_MAX;
	packed.note_count = 4;
	assert_int_equal(parts_of(sizeof(packed)), -EBADMSG);
}

/* ---- who and where ------------------------------------------------------ */

static void test_identity(void **state)
{
	(void)state;
	dies_with(1);
	tell_cgroup(9, "web.service\0system.slice", 25);
	death.head.cgroup_id = 9;
	death.head.cgroup_version = 2;
	memcpy(death.exe, "python3.11\0bin\0usr", 19);
	death.head.exe_bytes = 19;
	memcpy(death.args, "python3\0-m\0web\0--password=hunter2", 34);
	death.head.args_bytes = 34;
	death.head.ancestors[0] = (struct event_ancestor){ .pid = 400, .comm = "parent" };
	death.head.ancestors[1] = (struct event_ancestor){ .pid = 1, .comm = "systemd" };
	death.head.ancestor_count = 2;
	decode();
	assert_int_equal(o.kind, KIND_exit);
	assert_int_equal(o.boot_ns, DEATH_NS);
	assert_int_equal(o.process.pid, 500);
	assert_string_equal(o.process.comm, "worker");
	assert_string_equal(o.process.exe, "/usr/bin/python3.11");
	assert_int_equal(o.process.args_count, 4);
	assert_string_equal(o.process.args[2], "web");
	assert_string_equal(o.process.args[3], "--password=<redacted:password>");
	assert_true(o.process.known.args_redacted && o.process.args_redacted == 1);
	assert_string_equal(o.cgroup.path, "/system.slice/web.service");
	assert_string_equal(o.container.unit, "web.service");
	assert_int_equal(o.exit.parents_count, 2);
	assert_string_equal(o.exit.parents[1].comm, "systemd");
	assert_int_equal(o.truncated_count, 0);
	assert_false(o.exit.known.killer || o.exit.known.fault || o.exit.known.signal_name || o.exit.known.orphan);
}

static void test_args(void **state)
{
	(void)state;
	dies_with(1);
	memcpy(death.args, "mysql\0-phunter2\0rest of", 23);
	death.head.args_bytes = 23;
	session.options.no_redact = true;
	decode();
	assert_string_equal(o.process.args[1], "-phunter2");
	assert_false(o.process.known.args_redacted);
	/* the last has no NUL: it is not whole */
	assert_string_equal(o.process.args[2], "rest of");
	assert_int_equal(o.truncated_count, 1);
	assert_string_equal(o.truncated[0], "process.args");
	session.options.no_args = true;
	decode();
	assert_false(o.process.known.args);
	assert_int_equal(o.process.args_count, 0);
	assert_int_equal(o.truncated_count, 0);
}

static void test_args_cut(void **state)
{
	(void)state;
	dies_with(1);
	memcpy(death.args, "a\0b", 4);
	death.head.args_bytes = 4;
	death.head.args_cut = 1;
	decode();
	assert_int_equal(o.process.args_count, 2);
	assert_int_equal(o.truncated_count, 1);
	/* more words than the record has places */
	death.head.args_cut = 0;
	death.head.args_bytes = 34;
	for (int i = 0; i < 34; i += 2)
		memcpy(death.args + i, "x", 2);
	decode();
	assert_int_equal(o.process.args_count, 16);
	assert_int_equal(o.truncated_count, 1);
}

/* a path that does not fit is said to be cut */
static void test_exe_long(void **state)
{
	(void)state;
	dies_with(1);
	memset(death.exe, 'a', sizeof(death.exe) - 1);
	death.head.exe_bytes = sizeof(death.exe);
	decode();
	assert_int_equal(strlen(o.process.exe), sizeof(o.process.exe) - 1);
	assert_int_equal(o.truncated_count, 1);
	assert_string_equal(o.truncated[0], "process.exe");
	death.head.exe_plain = 1;
	death.exe[0] = '/';
	death.exe[3] = '\0';
	decode();
	assert_string_equal(o.process.exe, "/aa");
}

static void test_cgroup_untold(void **state)
{
	(void)state;
	dies_with(1);
	death.head.cgroup_id = 12;
	death.head.cgroup_version = 1;
	decode();
	assert_true(o.cgroup.known.id && o.cgroup.id == 12 && o.cgroup.version == 1);
	assert_false(o.cgroup.known.path);
	assert_false(o.container.known.unit);
	death.head.cgroup_id = 0;
	decode();
	assert_false(o.cgroup.known.id);
}

static void test_orphan(void **state)
{
	(void)state;
	dies_with(1);
	death.head.first_ppid = 400;
	decode();
	assert_true(o.exit.known.orphan && !o.exit.orphan);
	death.head.first_ppid = 399;
	decode();
	assert_true(o.exit.known.orphan && o.exit.orphan);
	/* from /proc: its parent may have been an adoptive one already */
	death.head.exe_plain = 1;
	decode();
	assert_true(o.exit.known.orphan && o.exit.orphan);
	death.head.first_ppid = 400;
	decode();
	assert_false(o.exit.known.orphan);
}

/* the longest and oddest names there can be: the line and a diagnosis have room, and what was cut is named */
static void test_fit(void **state)
{
	(void)state;
	dies_of(SIGKILL);
	memset(death.args, 1, sizeof(death.args));
	for (size_t i = 59; i < 512; i += 60)
		death.args[i] = '\0';
	death.head.args_bytes = 512;
	memset(death.exe, 2, sizeof(death.exe) - 1);
	death.head.exe_bytes = sizeof(death.exe);
	memset(was_sent(SIGKILL)->sender_exe, 3, SENDER_EXE_BYTES - 1);
	death.notes[0].sender_exe_bytes = SENDER_EXE_BYTES;
	decode();
	memset(o.cgroup.path, 4, sizeof(o.cgroup.path) - 1);
	memset(o.exit.killer.cgroup, 4, sizeof(o.exit.killer.cgroup) - 1);
	o.cgroup.known.path = o.exit.killer.known.cgroup = 1;
	assert_true(ndjson_observation_bytes(&o) > 8000);
	exit_fit(&o);
	assert_true(ndjson_observation_bytes(&o) <= 5700);
	assert_int_equal(o.truncated_count, 3);
	assert_string_equal(o.truncated[1], "process.args");
	assert_string_equal(o.truncated[2], "cgroup.path");
	/* the usual one is left as it is */
	death_teardown(state);
	death_setup(state);
	dies_with(1);
	decode();
	exit_fit(&o);
	assert_int_equal(o.truncated_count, 0);
}

/* ---- times ------------------------------------------------------------------ */

static void test_times(void **state)
{
	static const struct {
		uint64_t user, system, all, expected_user, expected_system;
	} rows[] = {
		/* no tick found it running: the kernel calls all of it user time */
		{ 0, 0, 7000000, 7000000, 0 },
		{ 4000000, 0, 7000000, 7000000, 0 },
		{ 0, 4000000, 7000000, 0, 7000000 },
		{ 4000000, 4000000, 7000001, 3500001, 3500000 },
		{ 3000000, 1000000, 8000000, 6000000, 2000000 },
		{ 300 * SECOND, 100 * SECOND, 399 * SECOND, 300 * SECOND - SECOND * 3 / 4, 100 * SECOND - SECOND / 4 },
		/* a core of a year */
		{ 31536000 * SECOND, 31536000 * SECOND, 63072000 * SECOND, 31536000 * SECOND, 31536000 * SECOND },
	};

	(void)state;
	dies_with(1);
	for (size_t i = 0; i < COUNT(rows); i++) {
		death.head.user_ns = rows[i].user;
		death.head.system_ns = rows[i].system;
		death.head.runtime_ns = rows[i].all;
		decode();
		assert_true(o.exit.known.cpu_user_ns && o.exit.known.cpu_system_ns);
		assert_int_equal(o.exit.cpu_user_ns, rows[i].expected_user);
		assert_int_equal(o.exit.cpu_system_ns, rows[i].expected_system);
	}
	death.head.runtime_ns = 0;
	decode();
	assert_false(o.exit.known.cpu_user_ns || o.exit.known.cpu_system_ns);
}

/* ---- faults ----------------------------------------------------------------- */

static void fault(uint32_t signal, int code)
{
	death.head.fault_count = 1;
	death.fault = (struct fault_note){
		.boot_ns = DEATH_NS - 1000, .address = 0x10, .ip = 0x5555deadbeef, .sp = 0x7fff00000000, .signal = signal,
		.code = code, .tid = 503, .comm = "a name of 16 byt",
	};
}

static void test_fault(void **state)
{
	const struct fault *f = &o.exit.fault;

	(void)state;
	dies_of(SIGSEGV);
	fault(SIGSEGV, 1);
	decode();
	assert_true(o.exit.known.fault);
	assert_string_equal(f->address, "0x10");
	assert_string_equal(f->ip, "0x5555deadbeef");
	assert_string_equal(f->code_name, "SEGV_MAPERR");
	assert_int_equal(f->tid, 503);
	assert_string_equal(f->thread, "a name of 16 by");
	assert_false(f->known.mapping || f->known.offset || f->known.symbol);
	/* a general protection fault has none */
	fault(SIGSEGV, 0x80);
	decode();
	assert_false(f->known.address);
	assert_string_equal(f->code_name, "SI_KERNEL");
	fault(SIGSEGV, 77);
	decode();
	assert_true(f->known.code && f->code == 77 && !f->known.code_name);
}

/* what it survived did not end it */
static void test_fault_survived(void **state)
{
	(void)state;
	fault(SIGSEGV, 1);
	dies_of(SIGBUS);
	decode();
	assert_false(o.exit.known.fault);
	dies_with(11);
	decode();
	assert_false(o.exit.known.fault);
}

static void test_fault_mapping(void **state)
{
	const struct fault *f = &o.exit.fault;

	(void)state;
	dies_of(SIGSEGV);
	fault(SIGSEGV, 2);
	death.fault.mapped = 1;
	death.fault.file_offset = 0x1234;
	memcpy(death.fault.names, "no such file\0nowhere", 21);
	death.fault.names_bytes = 21;
	decode();
	assert_string_equal(f->mapping, "/nowhere/no such file");
	assert_string_equal(f->offset, "0x1234");
	assert_false(f->known.symbol || f->known.line || f->known.mapping_changed);
	assert_int_equal(o.truncated_count, 0);
	death.fault.names_cut = 1;
	decode();
	assert_string_equal(f->mapping, "/.../nowhere/no such file");
	assert_string_equal(o.truncated[0], "exit.fault.mapping");
	/* a size beyond the record is no size */
	death.fault.names_cut = 0;
	death.fault.names_bytes = UINT32_MAX;
	decode();
	assert_string_equal(f->mapping, "/");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, death_setup, death_teardown)
		TEST(test_every_cut), TEST(test_hostile_sizes), TEST(test_identity), TEST(test_args), TEST(test_args_cut),
		TEST(test_exe_long), TEST(test_cgroup_untold), TEST(test_orphan), TEST(test_fit), TEST(test_times), TEST(test_fault),
		TEST(test_fault_survived), TEST(test_fault_mapping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
