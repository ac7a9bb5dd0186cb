// SPDX-License-Identifier: BSD-2-Clause
/* What only other events tell of a death, from record to line: OOM marks, copied statuses, loops. */
#include "exit_make.h"
#include "lines.h"

#include <errno.h>

static struct exit_state *track;

static int setup(void **state)
{
	death_setup(state);
	lines_open(&session);
	lines_add_kind(&session, &exit_kind);
	track = session.kinds[0].state;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	lines_close(&session);
	return 0;
}

static int take(const void *data, size_t size)
{
	return exit_kind.event(&session, track, data, size);
}

/* the record of this moment arrives */
static void arrive(void)
{
	pack();
	assert_int_equal(take(&packed, packed_size), 0);
}

static void time_is(uint64_t now)
{
	exit_kind.expire(&session, track, now);
}

/* pid, child of ppid, which started a second before its child, at this time */
static void is_process(uint64_t pid, uint64_t ppid, uint64_t boot_ns)
{
	death.head.process.pid = pid;
	death.head.process.ppid = ppid;
	death.head.process.start_ns = (800 + pid) * SECOND;
	death.head.parent_start_ns = (800 + ppid) * SECOND;
	death.head.header.boot_ns = boot_ns;
	death.head.note_count = 0;
}

#define T(MS) (5000 * SECOND + (MS) * 1000000ULL)

/* ---- the OOM killer --------------------------------------------------------- */

static void mark(uint64_t pid, uint64_t boot_ns)
{
	struct exit_oom_event event = {
		.header = { .type = EXIT_EVENT_OOM, .size = sizeof(event), .boot_ns = boot_ns },
		.pid = pid, .trigger_pid = 77, .trigger_comm = "hungry",
	};

	assert_int_equal(take(&event, sizeof(event)), 0);
}

static void check_oom(void)
{
	const struct killer *k = &lines[0].exit.killer;

	assert_int_equal(lines_read(), 1);
	assert_true(lines[0].exit.known.killer);
	assert_int_equal(k->source, KILLER_SOURCE_OOM);
	assert_int_equal(k->trigger_pid, 77);
	assert_string_equal(k->trigger_comm, "hungry");
}

static void test_mark_before(void **state)
{
	(void)state;
	is_process(10, 2, T(50));
	dies_of(SIGKILL);
	was_sent_by_kernel(SIGKILL, 77);
	mark(10, T(0));
	arrive();
	check_oom();
}

static void test_mark_after(void **state)
{
	(void)state;
	is_process(10, 2, T(50));
	dies_of(SIGKILL);
	was_sent_by_kernel(SIGKILL, 77);
	arrive();
	assert_int_equal(lines_read(), 0);
	assert_true(exit_kind.due(track) > T(50));
	mark(10, T(51));
	time_is(exit_kind.due(track));
	check_oom();
	assert_int_equal(exit_kind.due(track), 0);
}

/* its note was lost: the mark alone tells */
static void test_mark_alone(void **state)
{
	(void)state;
	is_process(10, 2, T(50));
	dies_of(SIGKILL);
	mark(10, T(0));
	arrive();
	check_oom();
}

/* the victim whose allocation failed was running when it was chosen */
static void test_mark_self(void **state)
{
	(void)state;
	is_process(10, 2, T(50));
	dies_of(SIGKILL);
	was_sent_by_kernel(SIGKILL, 10);
	mark(10, T(0));
	arrive();
	check_oom();
}

static void test_mark_of_another(void **state)
{
	(void)state;
	is_process(10, 2, T(50));
	dies_of(SIGKILL);
	was_sent_by_kernel(SIGKILL, 77);
	mark(11, T(0));		/* another */
	mark(10, SECOND);	/* the pid's former process */
	arrive();
	time_is(UINT64_MAX);
	assert_int_equal(lines_read(), 1);
	assert_int_equal(lines[0].exit.killer.source, KILLER_SOURCE_KERNEL);
	assert_false(lines[0].exit.killer.known.trigger_pid);
}

/* the OOM killer marks those too that are dying already, and they died of something else */
static void test_mark_too_late(void **state)
{
	(void)state;
	is_process(10, 2, T(50));
	dies_of(SIGKILL);
	was_sent(SIGKILL)->boot_ns = T(0);
	mark(10, T(10));
	arrive();
	is_process(11, 2, T(60));
	dies_of(SIGSEGV);
	mark(11, T(55));
	arrive();
	is_process(12, 2, T(70));
	dies_with(1);
	mark(12, T(65));
	arrive();
	assert_int_equal(lines_read(), 3);
	assert_int_equal(lines[0].exit.killer.source, KILLER_SOURCE_USER);
	assert_int_equal(lines[0].exit.killer.pid, 600);
	assert_false(lines[0].exit.killer.known.trigger_pid);
	assert_false(lines[1].exit.known.killer || lines[2].exit.known.killer);
}

/* ---- copied statuses --------------------------------------------------------- */

/* a child is killed, its shell says 137, and make says it again */
static void test_copies(void **state)
{
	const struct copied_from *c;

	(void)state;
	is_process(12, 11, T(0));
	dies_of(SIGKILL);
	was_sent(SIGKILL)->flags = SIGNAL_NOTE_FATAL;
	arrive();
	is_process(11, 10, T(2));
	dies_with(137);
	strcpy(death.head.process.comm, "sh");
	arrive();
	is_process(10, 2, T(5));
	dies_with(137);
	strcpy(death.head.process.comm, "make");
	arrive();
	assert_int_equal(lines_read(), 3);
	assert_false(lines[0].exit.known.copied_from);
	c = &lines[1].exit.copied_from;
	assert_true(lines[1].exit.known.copied_from);
	assert_true(c->pid == 12 && c->signal == SIGKILL && !c->known.code && c->age_ns == 2000000);
	assert_true(c->source == KILLER_SOURCE_USER && c->killer_pid == 600);
	assert_string_equal(c->comm, "worker");
	assert_string_equal(c->killer_comm, "sh");
	assert_string_equal(c->id, lines[0].id);
	/* the copy of a copy still knows who killed */
	c = &lines[2].exit.copied_from;
	assert_true(lines[2].exit.known.copied_from);
	assert_true(c->pid == 11 && c->code == 137 && !c->known.signal);
	assert_true(c->source == KILLER_SOURCE_USER && c->killer_pid == 600);
	assert_string_equal(c->killer_comm, "sh");
	assert_string_equal(c->id, lines[1].id);
}

/* a child that waits for the OOM killer's word is told before its parent */
static void test_copy_waits(void **state)
{
	(void)state;
	is_process(12, 11, T(0));
	dies_of(SIGKILL);
	was_sent_by_kernel(SIGKILL, 77);
	arrive();
	is_process(11, 10, T(1));
	dies_with(137);
	arrive();
	assert_int_equal(lines_read(), 0);
	mark(12, T(2));
	time_is(T(100));
	assert_int_equal(lines_read(), 2);
	assert_int_equal(lines[0].process.pid, 12);
	assert_int_equal(lines[1].process.pid, 11);
	assert_int_equal(lines[1].exit.copied_from.source, KILLER_SOURCE_OOM);
	assert_string_equal(lines[1].exit.copied_from.id, lines[0].id);
}

static unsigned int copies(uint64_t ppid, uint64_t boot_ns, int64_t code)
{
	is_process(11, 2, boot_ns);
	death.head.process.start_ns += ppid == 11 ? 0 : SECOND;
	dies_with(code);
	arrive();
	time_is(UINT64_MAX);
	lines_read();
	return lines[line_count - 1].exit.known.copied_from;
}

static void test_no_copy(void **state)
{
	(void)state;
	is_process(12, 11, T(0));
	dies_of(SIGTERM);
	was_sent(SIGTERM);
	arrive();
	assert_true(copies(11, T(1), 143));
	assert_false(copies(11, T(1), 137));		/* of another signal */
	assert_false(copies(11, T(1), 1));
	assert_false(copies(0, T(1), 143));		/* the pid is another process by now */
	assert_false(copies(11, T(-1), 143));		/* before its child */
	assert_false(copies(11, T(10001), 143));	/* too long after it */
	assert_true(copies(11, T(10000), 143));
}

/* of several children the last */
static void test_last_child(void **state)
{
	(void)state;
	for (uint64_t pid = 20; pid < 24; pid++) {
		is_process(pid, 11, T(pid));
		dies_with(127);
		arrive();
	}
	time_is(UINT64_MAX);
	assert_true(copies(11, T(50), 127));
	assert_int_equal(lines[line_count - 1].exit.copied_from.pid, 23);
	assert_int_equal(lines[line_count - 1].exit.copied_from.code, 127);
}

/* ---- loops ------------------------------------------------------------------- */

static const struct death_loop *loop_of_last(void)
{
	arrive();
	time_is(UINT64_MAX);
	lines_read();
	return lines[line_count - 1].exit.known.loop ? &lines[line_count - 1].exit.loop : NULL;
}

static void test_loop(void **state)
{
	const struct death_loop *loop;

	(void)state;
	memcpy(death.exe, "web\0bin", 8);
	death.head.exe_bytes = 8;
	for (uint64_t i = 0; i < 4; i++) {
		is_process(30 + i, 2, T(1000 * i));
		dies_with(3);
		loop = loop_of_last();
		if (!i)
			assert_null(loop);
		else
			assert_true(loop && loop->deaths == i + 1 && loop->window_ns == i * SECOND && loop->same_cause);
	}
	/* another cause, the same program */
	is_process(40, 2, T(5000));
	dies_of(SIGSEGV);
	loop = loop_of_last();
	assert_true(loop && loop->deaths == 5 && !loop->same_cause);
	/* an ordinary end does not count */
	is_process(41, 2, T(6000));
	dies_with(0);
	assert_null(loop_of_last());
	/* another cgroup is another loop, and so is another program */
	is_process(42, 2, T(7000));
	dies_with(3);
	death.head.cgroup_id = 5;
	assert_null(loop_of_last());
	death.head.cgroup_id = 0;
	is_process(43, 2, T(8000));
	death.exe[0] = 'x';
	assert_null(loop_of_last());
	/* after ten quiet minutes it is a new one */
	is_process(44, 2, T(5000 + 600000));
	death.exe[0] = 'w';
	assert_null(loop_of_last());
}

/* an interpreter's program is its script */
static void test_loop_interpreter(void **state)
{
	(void)state;
	memcpy(death.exe, "python3.11\0bin", 15);
	death.head.exe_bytes = 15;
	memcpy(death.args, "python3\0a.py", 13);
	death.head.args_bytes = 13;
	for (uint64_t i = 0; i < 4; i++) {
		is_process(30 + i, 2, T(1000 * i));
		dies_with(3);
		death.args[8] = "abab"[i];
		assert_int_equal(loop_of_last() != NULL, i >= 2);
	}
}

/* a parent that passes its child's end on is no second death */
static void test_loop_copy(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 3; i++) {
		is_process(50 + 10 * i, 51 + 10 * i, T(1000 * i));
		dies_of(SIGKILL);
		was_sent(SIGKILL);
		arrive();
		is_process(51 + 10 * i, 2, T(1000 * i + 1));
		dies_with(137);
		assert_null(loop_of_last());
		assert_true(lines[line_count - 1].exit.known.copied_from);
	}
	assert_int_equal(lines[line_count - 2].exit.loop.deaths, 3);
}

/* ---- the stream ---------------------------------------------------------------- */

/* more wait than there are places: none is lost, none is told twice */
static void test_many_wait(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 40; i++) {
		is_process(100 + i, 2, T(i));
		dies_with(127);
		arrive();
	}
	exit_kind.finish(&session, track);
	assert_int_equal(lines_read(), 40);
	for (uint64_t pid = 100, found; pid < 140; pid++) {
		found = 0;
		for (unsigned int i = 0; i < line_count; i++)
			found += lines[i].process.pid == pid;
		assert_int_equal(found, 1);
	}
	assert_int_equal(exit_kind.due(track), 0);
	assert_int_equal(session.kinds[0].delivered, 40);
}

static void test_bad_records(void **state)
{
	struct exit_oom_event oom = { .header.type = EXIT_EVENT_OOM };
	struct cgroup_event cgroup = { .header.type = EXIT_EVENT_CGROUP };
	struct event_header unknown = { .type = 99 };

	(void)state;
	assert_int_equal(take(&oom, sizeof(oom) - 1), -EBADMSG);
	assert_int_equal(take(&cgroup, sizeof(cgroup) - 1), -EBADMSG);
	assert_int_equal(take(&unknown, sizeof(unknown)), -EBADMSG);
	dies_with(1);
	pack();
	assert_int_equal(take(&packed, packed_size - 1), -EBADMSG);
	assert_int_equal(lines_read(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
		TEST(test_mark_before), TEST(test_mark_after), TEST(test_mark_alone), TEST(test_mark_self),
		TEST(test_mark_of_another), TEST(test_mark_too_late), TEST(test_copies), TEST(test_copy_waits),
		TEST(test_no_copy), TEST(test_last_child), TEST(test_loop), TEST(test_loop_interpreter), TEST(test_loop_copy),
		TEST(test_many_wait), TEST(test_bad_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
