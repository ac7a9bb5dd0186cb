// SPDX-License-Identifier: BSD-2-Clause
/* Who sent the signal, from the notes of signals as the kernel side takes them. */
#include "exit_make.h"

static enum killer_source source(void)
{
	decode();
	assert_int_equal(o.exit.known.killer, o.exit.killer.known.source);
	return o.exit.known.killer ? o.exit.killer.source : 0;
}

/* ---- each source ------------------------------------------------------- */

static void test_user(void **state)
{
	const struct killer *k = &o.exit.killer;
	struct signal_note *n;

	(void)state;
	dies_of(SIGKILL);
	n = was_sent(SIGKILL);
	n->flags = SIGNAL_NOTE_FATAL;
	n->sender_tid = 602;
	n->parents[0] = (struct event_ancestor){ .pid = 590, .comm = "sshd" };
	n->parents[1] = (struct event_ancestor){ .pid = 1, .comm = "a name of 16 byt" };
	memcpy(n->sender_exe, "dash\0bin\0usr", 13);
	n->sender_exe_bytes = 13;
	assert_int_equal(source(), KILLER_SOURCE_USER);
	assert_true(k->pid == 600 && k->tid == 602 && k->uid == 1000 && k->start_ns == 50 * SECOND);
	assert_string_equal(k->comm, "sh");
	assert_string_equal(k->exe, "/usr/bin/dash");
	assert_string_equal(k->via, "kill");
	assert_true(k->known.code && k->code == 0);
	assert_int_equal(k->age_ns, SECOND);
	assert_int_equal(k->parents_count, 2);
	assert_string_equal(k->parents[1].comm, "a name of 16 by");
	assert_true(k->known.other_pidns && !k->other_pidns);
	assert_false(k->known.forged_pid || k->known.sender_code || k->known.sender_signal || k->known.syscall);
	/* the signal that ended it is no earlier one */
	assert_false(o.exit.known.prior_signals);
}

static void test_user_place(void **state)
{
	const struct killer *k = &o.exit.killer;
	struct signal_note *n;

	(void)state;
	tell_cgroup(7, "cron.service\0system.slice", 26);
	dies_of(SIGTERM);
	n = was_sent(SIGTERM);
	n->sender_cgroup_id = 7;
	n->flags = SIGNAL_NOTE_OTHER_PIDNS;
	n->sender_exe_plain = 1;
	memcpy(n->sender_exe, "/usr/sbin/cron (deleted)", 24);
	n->sender_exe_bytes = 24;
	assert_int_equal(source(), KILLER_SOURCE_USER);
	assert_string_equal(k->cgroup, "/system.slice/cron.service");
	assert_string_equal(k->unit, "cron.service");
	assert_false(k->known.container);
	assert_true(k->other_pidns);
	assert_string_equal(k->exe, "/usr/sbin/cron (deleted)");
	/* a cgroup nobody told of */
	n->sender_cgroup_id = 8;
	n->sender_exe_bytes = SENDER_EXE_BYTES + 1;
	source();
	assert_false(k->known.cgroup || k->known.unit || k->known.exe);
}

static void test_self(void **state)
{
	struct signal_note *n;

	(void)state;
	dies_of(SIGABRT);
	n = was_sent(SIGABRT);
	n->sender_pid = 500;
	n->sender_tid = 501;
	n->via = SYS_tgkill;
	n->code = -6;
	assert_int_equal(source(), KILLER_SOURCE_SELF);
	assert_string_equal(o.exit.killer.via, "tgkill");
	assert_int_equal(o.exit.killer.code, -6);
}

static void test_forged(void **state)
{
	struct signal_note *n;

	(void)state;
	dies_of(SIGTERM);
	n = was_sent(SIGTERM);
	n->via = SYS_rt_sigqueueinfo;
	n->code = -1;
	n->flags = SIGNAL_NOTE_FORGED;
	n->forged_pid = 1;
	assert_int_equal(source(), KILLER_SOURCE_USER);
	assert_int_equal(o.exit.killer.pid, 600);
	assert_true(o.exit.killer.known.forged_pid);
	assert_int_equal(o.exit.killer.forged_pid, 1);
	/* SI_TIMER by hand is no timer */
	n->code = -2;
	assert_int_equal(source(), KILLER_SOURCE_USER);
}

/* signal, flags, context, call: what the kernel sends tells why by how it does */
static void test_kernel(void **state)
{
	static const struct {
		uint32_t signal, flags, in_pid;
		int32_t code, via;
		enum killer_source source;
	} rows[] = {
		{ SIGKILL, SIGNAL_NOTE_KERNEL | SIGNAL_NOTE_OOM, 600, 128, SYS_write, KILLER_SOURCE_OOM },
		{ SIGKILL, SIGNAL_NOTE_KERNEL | SIGNAL_NOTE_OOM, 500, 128, -1, KILLER_SOURCE_OOM },
		{ SIGKILL, SIGNAL_NOTE_KERNEL | SIGNAL_NOTE_SENDER_EXITING | SIGNAL_NOTE_SENDER_INIT, 600, 128,
		  SYS_exit_group, KILLER_SOURCE_PIDNS_EXIT },
		{ SIGKILL, SIGNAL_NOTE_KERNEL | SIGNAL_NOTE_SENDER_EXITING, 600, 128, SYS_exit_group, KILLER_SOURCE_KERNEL },
		{ SIGKILL, SIGNAL_NOTE_KERNEL, 600, 128, -1, KILLER_SOURCE_KERNEL },
		{ SIGKILL, SIGNAL_NOTE_KERNEL, 500, 128, -1, KILLER_SOURCE_RLIMIT },
		{ SIGXCPU, SIGNAL_NOTE_KERNEL, 500, 128, -1, KILLER_SOURCE_RLIMIT },
		{ SIGXFSZ, SIGNAL_NOTE_NO_INFO, 500, 0, SYS_write, KILLER_SOURCE_RLIMIT },
		{ SIGSYS, SIGNAL_NOTE_KERNEL, 500, 1, SYS_write, KILLER_SOURCE_SECCOMP },
		{ SIGSEGV, SIGNAL_NOTE_KERNEL, 500, 1, -1, KILLER_SOURCE_FAULT },
		{ SIGBUS, SIGNAL_NOTE_KERNEL, 500, 2, -1, KILLER_SOURCE_FAULT },
		{ SIGALRM, SIGNAL_NOTE_KERNEL, 0, 128, -1, KILLER_SOURCE_TIMER },
		{ SIGPROF, SIGNAL_NOTE_KERNEL, 500, 128, -1, KILLER_SOURCE_TIMER },
		{ SIGTERM, 0, 0, -2, -1, KILLER_SOURCE_TIMER },
		{ SIGHUP, SIGNAL_NOTE_KERNEL, 600, 128, -1, KILLER_SOURCE_TTY },
		{ SIGINT, SIGNAL_NOTE_KERNEL | SIGNAL_NOTE_HAS_TTY, 0, 128, -1, KILLER_SOURCE_TTY },
		{ SIGINT, SIGNAL_NOTE_KERNEL, 600, 128, -1, KILLER_SOURCE_KERNEL },
		{ SIGKILL, SIGNAL_NOTE_NO_INFO, 600, 0, SYS_write, KILLER_SOURCE_CGROUP_KILL },
		{ SIGTERM, SIGNAL_NOTE_NO_INFO | SIGNAL_NOTE_SENDER_EXITING | SIGNAL_NOTE_PDEATHSIG, 400, 0,
		  SYS_exit_group, KILLER_SOURCE_PDEATHSIG },
		{ SIGTERM, SIGNAL_NOTE_NO_INFO | SIGNAL_NOTE_SENDER_EXITING, 400, 0, SYS_exit_group, KILLER_SOURCE_KERNEL },
		{ SIGPIPE, SIGNAL_NOTE_NO_INFO, 500, 0, SYS_write, KILLER_SOURCE_KERNEL },
		{ SIGTERM, SIGNAL_NOTE_NO_INFO, 600, 0, SYS_write, KILLER_SOURCE_KERNEL },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct signal_note *n;
		enum killer_source found;

		death_teardown(state);
		death_setup(state);
		dies_of(rows[i].signal);
		n = was_sent_by_kernel(rows[i].signal, rows[i].in_pid);
		n->flags = rows[i].flags | SIGNAL_NOTE_FATAL;
		n->code = rows[i].code;
		n->via = rows[i].via;
		found = source();
		if (found != rows[i].source)
			fail_msg("row %zu: %s, not %s", i, killer_source_words[found], killer_source_words[rows[i].source]);
		/* whoever was running then did not send it, but for these */
		assert_int_equal(o.exit.killer.known.pid, found == KILLER_SOURCE_CGROUP_KILL ||
				 found == KILLER_SOURCE_PIDNS_EXIT || found == KILLER_SOURCE_PDEATHSIG);
		assert_int_equal(o.exit.killer.known.comm, o.exit.killer.known.pid);
	}
}

static void test_sender_end(void **state)
{
	const struct killer *k = &o.exit.killer;
	struct signal_note *n;

	(void)state;
	dies_of(SIGKILL);
	n = was_sent_by_kernel(SIGKILL, 600);
	n->flags |= SIGNAL_NOTE_SENDER_EXITING | SIGNAL_NOTE_SENDER_INIT;
	n->via = SYS_exit_group;
	n->sender_exit_code = 3 << 8;
	assert_int_equal(source(), KILLER_SOURCE_PIDNS_EXIT);
	assert_true(k->known.sender_code && k->sender_code == 3 && !k->known.sender_signal && !k->known.via);
	n->sender_exit_code = 0x80 | SIGSEGV;
	source();
	assert_true(!k->known.sender_code && k->known.sender_signal && k->sender_signal == SIGSEGV);
}

/* no signal is sent for what seccomp kills */
static void test_without_note(void **state)
{
	(void)state;
	dies_of(SIGSYS);
	death.head.seccomp_mode = 2;
	death.head.syscall = SYS_socket;
	assert_int_equal(source(), KILLER_SOURCE_SECCOMP);
	assert_int_equal(o.exit.killer.syscall, SYS_socket);
	assert_false(o.exit.killer.known.age_ns || o.exit.killer.known.code);
	death.head.syscall = -1;
	source();
	assert_false(o.exit.killer.known.syscall);
	dies_of(SIGKILL);
	for (death.head.seccomp_mode = 0; death.head.seccomp_mode < 4; death.head.seccomp_mode++)
		assert_int_equal(source(), death.head.seccomp_mode % 2 ? KILLER_SOURCE_SECCOMP : 0);
	dies_of(SIGTERM);
	assert_int_equal(source(), 0);
	dies_with(1);
	assert_int_equal(source(), 0);
}

/* ---- which note, and the others ---------------------------------------- */

/* The note with which it began to die, whatever came after it. */
static void test_which(void **state)
{
	struct signal_note *n;

	(void)state;
	dies_of(SIGTERM);
	was_sent(SIGTERM)->flags = SIGNAL_NOTE_FATAL;
	n = was_sent(SIGTERM);
	n->sender_pid = 700;
	n->boot_ns = DEATH_NS - 1000;
	source();
	assert_int_equal(o.exit.killer.pid, 600);
	/* none is marked: the last */
	death.notes[0].flags = 0;
	source();
	assert_int_equal(o.exit.killer.pid, 700);
	/* what it ignored or handled did not end it */
	n->action = SIGNAL_ACTION_HANDLER;
	source();
	assert_int_equal(o.exit.killer.pid, 600);
	n->action = SIGNAL_ACTION_DEFAULT;
	n->result = 1;
	source();
	assert_int_equal(o.exit.killer.pid, 600);
}

static void test_prior_order(void **state)
{
	static const uint32_t signals[] = { SIGHUP, SIGKILL, SIGTERM, SIGINT };
	static const uint64_t ages[] = { 30, 1, 10, 20 };

	(void)state;
	dies_of(SIGKILL);
	for (size_t i = 0; i < COUNT(signals); i++)
		was_sent(signals[i])->boot_ns = DEATH_NS - ages[i] * SECOND;
	death.notes[2].action = death.notes[2].action_at_death = SIGNAL_ACTION_HANDLER;
	death.notes[2].count = 4;
	assert_int_equal(source(), KILLER_SOURCE_USER);
	assert_int_equal(o.exit.killer.age_ns, SECOND);
	assert_int_equal(o.exit.prior_signals_count, 3);
	assert_string_equal(o.exit.prior_signals[0].signal_name, "SIGTERM");
	assert_string_equal(o.exit.prior_signals[1].signal_name, "SIGINT");
	assert_string_equal(o.exit.prior_signals[2].signal_name, "SIGHUP");
	assert_int_equal(o.exit.prior_signals[0].age_ns, 10 * SECOND);
	assert_int_equal(o.exit.prior_signals[0].uptime_ns, 99 * SECOND);
	assert_int_equal(o.exit.prior_signals[0].count, 4);
	assert_int_equal(o.exit.prior_signals[0].action, SIGNAL_ACTION_HANDLER);
	assert_int_equal(o.exit.prior_signals[0].result, SIGNAL_RESULT_DELIVERED);
	assert_int_equal(o.exit.prior_signals[0].sender_pid, 600);
	assert_string_equal(o.exit.prior_signals[0].sender_comm, "sh");
	assert_false(o.exit.prior_signals[0].known.namespace_init && o.exit.prior_signals[0].namespace_init);
}

/* two within one tick of the clock are two */
static void test_prior_same_time(void **state)
{
	(void)state;
	dies_with(1);
	was_sent(SIGTERM);
	was_sent(SIGINT);
	decode();
	assert_int_equal(o.exit.prior_signals_count, 2);
	/* and one at the very time of the one that ended it may have been before it */
	dies_of(SIGKILL);
	was_sent(SIGKILL)->flags = SIGNAL_NOTE_FATAL;
	decode();
	assert_int_equal(o.exit.prior_signals_count, 2);
	/* one that came after it was of no consequence */
	death.notes[0].boot_ns += 1;
	decode();
	assert_int_equal(o.exit.prior_signals_count, 1);
	assert_int_equal(o.exit.prior_signals[0].signal, SIGINT);
}

static void test_prior_result(void **state)
{
	static const struct {
		uint32_t result, blocked, flags;
		enum signal_result expected;
	} rows[] = {
		{ 0, 0, 0, SIGNAL_RESULT_DELIVERED }, { 4, 0, 0, SIGNAL_RESULT_DELIVERED }, { 1, 0, 0, SIGNAL_RESULT_IGNORED },
		{ 2, 0, 0, SIGNAL_RESULT_PENDING }, { 0, 1, 0, SIGNAL_RESULT_BLOCKED },
		{ 0, 1, SIGNAL_NOTE_THREADS, 0 }, { 1, 1, 0, SIGNAL_RESULT_IGNORED },
	};
	struct signal_note *n;

	(void)state;
	dies_with(143);
	n = was_sent(SIGTERM);
	n->program_ns = 0;
	KNOW(&death.head.exit, namespace_init, 1);
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct prior_signal *p = &o.exit.prior_signals[0];

		n->result = rows[i].result;
		n->blocked = rows[i].blocked;
		n->flags = rows[i].flags;
		decode();
		assert_int_equal(o.exit.prior_signals_count, 1);
		assert_int_equal(p->known.result ? p->result : 0, rows[i].expected);
		assert_false(p->known.uptime_ns);
		assert_true(p->known.namespace_init && p->namespace_init);
	}
}

/* one that is noted while the death is being told has no age of centuries */
static void test_late_note(void **state)
{
	(void)state;
	dies_with(1);
	was_sent(SIGTERM)->boot_ns = DEATH_NS + 5000;
	decode();
	assert_int_equal(o.exit.prior_signals_count, 1);
	assert_int_equal(o.exit.prior_signals[0].age_ns, 0);
	dies_of(SIGTERM);
	decode();
	assert_int_equal(o.exit.killer.age_ns, 0);
}

static void test_signal_names(void **state)
{
	static const struct {
		uint64_t signal;
		const char *name;
	} rows[] = {
		{ 1, "SIGHUP" }, { 9, "SIGKILL" }, { 16, "SIGSTKFLT" }, { 31, "SIGSYS" }, { 32, "signal 32" },
		{ 34, "SIGRTMIN" }, { 35, "SIGRTMIN+1" }, { 64, "SIGRTMIN+30" }, { 65, "signal 65" }, { 0, "signal 0" },
		{ UINT64_MAX, "signal -1" },
	};
	char name[16];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		signal_name(name, sizeof(name), rows[i].signal);
		assert_string_equal(name, rows[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, death_setup, death_teardown)
		TEST(test_user), TEST(test_user_place), TEST(test_self), TEST(test_forged), TEST(test_kernel),
		TEST(test_sender_end), TEST(test_without_note), TEST(test_which), TEST(test_prior_order),
		TEST(test_prior_same_time), TEST(test_prior_result), TEST(test_late_note), TEST(test_signal_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
