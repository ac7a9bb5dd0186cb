// SPDX-License-Identifier: BSD-2-Clause
/* Refused descriptors from record to line: an incident begins, goes on, ends, and every refusal is told once. */
#include "fd_refuse.h"

#include "random.h"

/* every failure the kernel counted is in a line, and in the account */
static void check_counts(uint64_t failures)
{
	uint64_t sum = 0;

	lines_read();
	for (unsigned int i = 0; i < line_count; i++)
		sum += lines[i].fd_exhausted.count;
	assert_int_equal(sum, failures);
	assert_int_equal(session.kinds[0].delivered + session.kinds[0].filtered, failures);
}

/* ---- life ---------------------------------------------------------------- */

/* alone it is told after half a second, and as that */
static void test_single(void **state)
{
	const uint64_t begin = kernel.now_ns;
	const struct fd_exhausted *x = &lines[0].fd_exhausted;

	(void)state;
	assert_int_equal(fd_exhausted_kind.due(exhausted), 0);
	fails(SERVER, call_number("accept4"), EMFILE);
	until(begin + 499 * MS);
	assert_int_equal(lines_read(), 0);
	until(begin + 501 * MS);
	until(begin + 100 * SECOND);
	check_counts(1);
	assert_int_equal(line_count, 1);
	assert_int_equal(lines[0].boot_ns, begin);
	assert_int_equal(lines[0].process.pid, SERVER);
	assert_string_equal(x->syscall, "accept4");
	assert_int_equal(x->limit_kind, FD_LIMIT_RLIMIT_SOFT);
	assert_int_equal(x->limit, 1024);
	assert_int_equal(x->nr_open, 1048576);
	assert_int_equal(x->file_max, 1600000);
	assert_int_equal(x->host_open, 5000);
	assert_int_equal(x->total, 1);
	assert_int_equal(x->incident_ns, 0);
	assert_false(x->known.rate_per_s || x->known.spin_tid);
	assert_string_equal(x->stack_note, "io_uring worker: no user stack");
	assert_int_equal(fd_exhausted_kind.due(exhausted), 0);
}

/* ten minutes of it: the first line within two seconds and a glance, the others further and further apart */
static void test_storm(void **state)
{
	const uint64_t begin = kernel.now_ns;
	uint64_t failures = 0, last = begin;

	(void)state;
	for (uint64_t ns = 0; ns < 600 * SECOND; ns += 10 * MS, failures++) {
		until(begin + ns);
		fails(SERVER, call_number("accept4"), EMFILE);
		if (ns == 2300 * MS)
			assert_int_equal(lines_read(), 1);
	}
	fd_exhausted_kind.finish(&session, exhausted);
	check_counts(failures);
	assert_in_range(line_count, 10, 16);
	for (unsigned int i = 0; i < line_count; i++) {
		const struct fd_exhausted *x = &lines[i].fd_exhausted;

		assert_true(lines[i].boot_ns >= last);
		assert_true(x->window_ns <= 70 * SECOND);
		assert_in_range(x->rate_per_s, 99, 101);
		assert_in_range(x->spin_percent, 99, 100);
		assert_int_equal(x->spin_tid, SERVER);
		last = lines[i].boot_ns;
	}
	assert_int_equal(lines[line_count - 1].fd_exhausted.total, failures);
	assert_int_equal(lines[line_count - 1].fd_exhausted.incident_ns, 600 * SECOND - 10 * MS);
}

/* a minute of silence ends it: the next is another one, and counts from one */
static void test_again(void **state)
{
	const uint64_t begin = kernel.now_ns;

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		until(begin + i * 100 * SECOND);
		for (unsigned int n = 0; n < 10; n++)
			fails(SERVER, call_number("accept4"), EMFILE);
		until(begin + (i * 100 + 50) * SECOND);
		assert_int_equal(lines_read(), i + 1);
		assert_int_equal(lines[i].fd_exhausted.count, 10);
		assert_int_equal(lines[i].fd_exhausted.total, 10);
		assert_int_equal(lines[i].fd_exhausted.incident_ns, 0);
		assert_int_equal(lines[i].boot_ns, begin + i * 100 * SECOND);
	}
	check_counts(40);
}

/* within a minute it is the same: the total goes on */
static void test_goes_on(void **state)
{
	const uint64_t begin = kernel.now_ns;

	(void)state;
	fails(SERVER, call_number("accept4"), EMFILE);
	until(begin + 30 * SECOND);
	fails(SERVER, call_number("accept4"), EMFILE);
	until(begin + 60 * SECOND);
	check_counts(2);
	assert_int_equal(line_count, 2);
	assert_int_equal(lines[1].fd_exhausted.total, 2);
	assert_int_equal(lines[1].fd_exhausted.incident_ns, 30 * SECOND);
	assert_int_equal(lines[1].boot_ns, begin + 30 * SECOND);
}

/* the kernel's counts of who is gone make room for others */
static void test_gone(void **state)
{
	const uint64_t begin = kernel.now_ns;

	(void)state;
	fails(SERVER, call_number("accept4"), EMFILE);
	fails(SERVER + 1, call_number("accept4"), EMFILE);
	until(begin + 10 * SECOND);
	check_counts(2);
	assert_int_equal(kernel.failure_count, 1);
	assert_int_equal(kernel.failures[0].key.tgid, SERVER);
	assert_string_equal(lines[1].fd_exhausted.stack_note, "the process ended before it could be looked at");
	assert_false(lines[1].fd_exhausted.known.stack || lines[1].fd_exhausted.known.by_type);
}

/* ---- calls --------------------------------------------------------------------- */

static void test_calls(void **state)
{
	const uint64_t begin = kernel.now_ns;
	const struct fd_exhausted *x = &lines[0].fd_exhausted;

	(void)state;
	fails(SERVER, call_number("openat"), EMFILE);
	for (unsigned int i = 0; i < 5; i++)
		fails(SERVER, call_number("accept4"), EMFILE);
	fails(SERVER, call_number("openat"), EMFILE);
	fails(SERVER, FD_CALL_RING | 3, EMFILE);
	until(begin + SECOND);
	check_counts(8);
	assert_int_equal(line_count, 1);
	assert_string_equal(x->syscall, "accept4");
	assert_int_equal(x->calls_count, 3);
	assert_string_equal(x->calls[0].syscall, "accept4");
	assert_int_equal(x->calls[0].count, 5);
	assert_string_equal(x->calls[1].syscall, "openat");
	assert_string_equal(x->calls[2].syscall, "io_uring");
	/* a call that is not refused any more is not told of again */
	fails(SERVER, call_number("socket"), EMFILE);
	until(begin + 10 * SECOND);
	assert_int_equal(lines_read(), 2);
	assert_int_equal(lines[1].fd_exhausted.calls_count, 1);
	assert_int_equal(lines[1].fd_exhausted.total, 9);
}

/* more than there are places for: those are lost, and that is said */
static void test_many_calls(void **state)
{
	const uint64_t begin = kernel.now_ns;

	(void)state;
	for (uint32_t call = 0; call < FD_INCIDENT_CALLS + 7; call++)
		fails(SERVER, call, EMFILE);
	until(begin + SECOND);
	check_counts(FD_INCIDENT_CALLS);
	assert_int_equal(lines[0].fd_exhausted.calls_count, COUNT(lines[0].fd_exhausted.calls));
	assert_int_equal(session.kinds[0].losses[GAP_CAUSE_MAP_FULL].count, 7);
}

/* another error is another incident: another limit, another remedy */
static void test_errors(void **state)
{
	const uint64_t begin = kernel.now_ns;

	(void)state;
	fails(SERVER, call_number("openat"), EMFILE);
	fails(SERVER, call_number("openat"), ENFILE);
	fails(SERVER, call_number("inotify_add_watch"), ENOSPC);
	fails(SERVER, call_number("dup2"), EBADF);
	until(begin + SECOND);
	check_counts(4);
	assert_int_equal(line_count, 4);
	assert_int_equal(lines[0].fd_exhausted.error, FD_ERROR_EMFILE);
	assert_int_equal(lines[1].fd_exhausted.error, FD_ERROR_ENFILE);
	assert_int_equal(lines[2].fd_exhausted.limit_kind, FD_LIMIT_INOTIFY_WATCHES);
	assert_int_equal(lines[3].fd_exhausted.error, FD_ERROR_EBADF);
}

/* the same call refused by one limit and then by another: each refusal is told once */
static void test_two_limits(void **state)
{
	const uint64_t begin = kernel.now_ns;

	(void)state;
	fails(SERVER, call_number("inotify_init1"), EMFILE);
	until(begin + 2 * SECOND);
	refuse(SERVER, call_number("inotify_init1"), EMFILE);
	event.key.full = 0;
	event.failure.open = event.max_fds = 512;
	count_failure();
	assert_int_equal(send_failure(), 0);
	until(begin + 4 * SECOND);
	assert_int_equal(lines_read(), 2);
	assert_int_equal(lines[0].fd_exhausted.limit_kind, FD_LIMIT_RLIMIT_SOFT);
	assert_int_equal(lines[1].fd_exhausted.limit_kind, FD_LIMIT_INOTIFY_INSTANCES);
	check_counts(2);
}

/* the line is as the limits are now: raised a minute ago, and reached again */
static void test_raised(void **state)
{
	const uint64_t begin = kernel.now_ns;

	(void)state;
	fails(SERVER, call_number("accept4"), EMFILE);
	until(begin + 5 * SECOND);
	refuse(SERVER, call_number("accept4"), EMFILE);
	KNOW(&event.failure, soft, 2048);
	KNOW(&event.failure, open, 2048);
	count_failure();
	assert_int_equal(send_failure(), 0);
	until(begin + 10 * SECOND);
	assert_int_equal(lines_read(), 2);
	assert_int_equal(lines[1].fd_exhausted.soft, 2048);
	assert_int_equal(lines[1].fd_exhausted.limit, 2048);
}

/* ---- more at once than there are places ------------------------------------------- */

/* who was silent for the longest is told of, and makes room */
static void test_many(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < FD_INCIDENTS + 9; i++, kernel.now_ns += MS)
		fails(SERVER + i, call_number("accept4"), EMFILE);
	assert_int_equal(lines_read(), 9);
	for (unsigned int i = 0; i < 9; i++)
		assert_int_equal(lines[i].process.pid, SERVER + i);
	assert_int_equal(kernel.failure_count, FD_INCIDENTS);
	fd_exhausted_kind.finish(&session, exhausted);
	session_flush(&session);
	assert_int_equal(session.kinds[0].delivered, FD_INCIDENTS + 9);
	assert_int_equal(session.kinds[0].filtered, 0);
}

/* ---- what it has open ---------------------------------------------------------------- */

static void test_listed(void **state)
{
	const uint64_t begin = kernel.now_ns;
	const struct fd_exhausted *x = &lines[0].fd_exhausted;

	(void)state;
	kernel_process(SERVER + 1, 1);
	kernel_opens(fd_regular(1), 50);
	kernel_process(SERVER, SERVER_START);
	kernel_opens(fd_tcp("10.0.0.1", 8080, "10.0.3.7", 50000, FD_TCP_CLOSE_WAIT), 1000);
	kernel_opens(fd_anonymous("[eventfd]"), 24);
	fails(SERVER, call_number("accept4"), EMFILE);
	until(begin + SECOND);
	check_counts(1);
	assert_int_equal(x->listed, 1024);
	assert_int_equal(x->by_type_count, 2);
	assert_int_equal(x->by_type[0].count, 1000);
	assert_string_equal(x->top[0].tcp_state, "CLOSE_WAIT");
	assert_int_equal(x->top[1].count, 24);
	assert_int_equal(lines[0].truncated_count, 0);
	/* a million of them: there is no time for all, and that is said */
	until(begin + 2 * SECOND);
	kernel.pass_ns = SECOND;
	kernel.now_ns = begin + 100 * SECOND;
	fails(SERVER, call_number("accept4"), EMFILE);
	until(begin + 110 * SECOND);
	assert_int_equal(lines_read(), 2);
	assert_true(lines[1].fd_exhausted.listed < 1024);
	assert_string_equal(lines[1].truncated[0], "fd_exhausted.by_type");
}

/* while it goes on each line is of its own time; who is gone, or has freed them, had what it had */
static void test_listed_again(void **state)
{
	const uint64_t begin = kernel.now_ns;
	struct fd_file f = fd_anonymous("[eventfd]");
	unsigned int seen = 0;

	(void)state;
	for (uint64_t ns = 0; ns < 12 * SECOND; ns += 100 * MS) {
		until(begin + ns);
		seen = lines_read();
		/* it opens and closes: at each moment the oldest is some ms old, then most are freed */
		kernel.entry_count = 0;
		kernel_process(SERVER, SERVER_START);
		f.seen = 1;
		f.opened_ns = begin - SECOND;
		kernel_opens(f, ns < 8 * SECOND ? 500 + ns / (10 * MS) : 10);
		fails(SERVER, call_number("accept4"), EMFILE);
	}
	fd_exhausted_kind.finish(&session, exhausted);
	seen = lines_read();
	assert_true(seen >= 4);
	assert_int_equal(lines[0].fd_exhausted.listed, 500);
	assert_int_equal(lines[0].fd_exhausted.top[0].oldest_ns, SECOND);
	for (unsigned int i = 1; i < seen; i++) {
		const struct fd_exhausted *x = &lines[i].fd_exhausted;
		uint64_t ns = lines[i].boot_ns - begin;

		if (ns < 8 * SECOND) {
			assert_in_range(x->listed, 500 + ns / (10 * MS) - 10, 500 + ns / (10 * MS));
			assert_in_range(x->top[0].oldest_ns, ns + SECOND, ns + SECOND + 400 * MS);
		} else {
			assert_true(x->listed > 500);
		}
	}
}

/* ---- records --------------------------------------------------------------------------- */

static void test_sizes(void **state)
{
	const size_t head = offsetof(struct fd_failure_event, stack.data);
	static const uint32_t bytes[] = { 1, 100, USER_STACK_BYTES, USER_STACK_BYTES + 1, 0x80000000, UINT32_MAX };
	uint64_t bad = 0;

	(void)state;
	refuse(SERVER, 1, EMFILE);
	for (size_t size = sizeof(struct event_header); size < head; size++, bad++)
		assert_int_equal(fd_exhausted_kind.event(&session, exhausted, &event, size), -EBADMSG);
	for (size_t i = 0; i < COUNT(bytes); i++, bad++) {
		event.stack.bytes = bytes[i];
		assert_int_equal(send_failure(), -EBADMSG);
	}
	event.stack.bytes = 0;
	event.header.type = FD_EVENT_CGROUP;
	assert_int_equal(fd_exhausted_kind.event(&session, exhausted, &event, sizeof(struct cgroup_event) - 1), -EBADMSG);
	event.header.type = FD_EVENT_FAILURE + 1;
	assert_int_equal(send_failure(), -EBADMSG);
	assert_int_equal(exhausted->bad_records, bad + 2);
	assert_int_equal(fd_exhausted_kind.due(exhausted), 0);
	for (int i = 0; i < FD_INCIDENTS; i++)
		assert_int_equal(exhausted->incidents[i].start_ns, 0);
	event.header.type = FD_EVENT_FAILURE;
	event.stack.bytes = USER_STACK_BYTES;
	assert_int_equal(fd_exhausted_kind.event(&session, exhausted, &event, sizeof(event)), 0);
}

/* ---- at random -------------------------------------------------------------------------- */

/* some calls, pauses of all lengths up to a quarter of an hour: in the end each refusal is in one line */
static void test_random(void **state)
{
	uint64_t random = 1, failures = 0;

	(void)state;
	for (int i = 0; i < 20000; i++, failures++) {
		until(kernel.now_ns + random_number(&random, i % 50 ? 26 : 40));
		fails(SERVER, call_number(random_below(&random, 3) ? "accept4" : "openat"),
		      random_below(&random, 9) ? EMFILE : ENFILE);
	}
	fd_exhausted_kind.finish(&session, exhausted);
	session_flush(&session);
	assert_int_equal(session.kinds[0].delivered + session.kinds[0].filtered, failures);
	assert_true(session.kinds[0].delivered > 100);
	assert_int_equal(exhausted->bad_records, 0);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_single), TEST(test_storm), TEST(test_again), TEST(test_goes_on), TEST(test_gone), TEST(test_calls),
		TEST(test_many_calls), TEST(test_errors), TEST(test_two_limits), TEST(test_raised), TEST(test_many), TEST(test_listed), TEST(test_listed_again),
		TEST(test_sizes), TEST(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
