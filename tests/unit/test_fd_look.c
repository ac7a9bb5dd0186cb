// SPDX-License-Identifier: BSD-2-Clause
/* Looks at descriptors, one after the other: what moved since when, and which part of it was seen to be opened. */
#include "fd_look.h"

/* the server with so many open */
static void has(unsigned int before, unsigned int seen, uint64_t site, unsigned int unseen)
{
	kernel.entry_count = 0;
	kernel_process(SERVER, 900 * SECOND);
	kernel_opens(marked(), before);
	kernel_opens(opened(site, kernel.now_ns), seen);
	kernel_opens(fd_regular(2), unseen);
}

/* ---- movement ------------------------------------------------------------- */

static unsigned int open_at(unsigned int look_number)
{
	return 5 + look_number * 3 + look_number % 7;
}

/* whatever their number: samples at even distances, of all looks there were */
static void test_history(void **state)
{
	(void)state;
	for (unsigned int n = 0; n < 400; n++) {
		uint64_t told[FD_HISTORY], step_ns;
		const struct fd_process *p;

		has(open_at(n), 0, 0, 0);
		p = look(SERVER);
		assert_int_equal(p->looks, n + 1);
		assert_true(p->history_count <= FD_HISTORY && (n < FD_HISTORY || p->history_count > FD_HISTORY / 2));
		assert_int_equal(p->history_count, n / p->history_stride + 1);
		for (uint32_t i = 0; i < p->history_count; i++)
			assert_int_equal(p->history[i], open_at(i * p->history_stride));
		assert_int_equal(fd_leak_history(p, told, &step_ns), p->history_count);
		assert_int_equal(step_ns, n ? p->history_stride * SECOND : 0);
		for (uint32_t i = 0; i < p->history_count; i++)
			assert_int_equal(told[i], p->history[i]);
	}
}

static void test_rises_and_falls(void **state)
{
	static const unsigned int counts[] = { 10, 10, 12, 11, 30, 30, 2 };
	const struct fd_process *p = NULL;

	(void)state;
	for (size_t i = 0; i < COUNT(counts); i++) {
		has(counts[i], 0, 0, 0);
		p = look(SERVER);
	}
	assert_int_equal(p->rises, 2);
	assert_int_equal(p->falls, 2);
	assert_int_equal(p->first_open, 10);
	assert_int_equal(p->peak, 30);
	assert_int_equal(p->open, 2);
	assert_int_equal(p->last_ns - p->first_ns, 6 * SECOND);
}

static int64_t slope_of(const uint32_t *counts, unsigned int count, uint64_t step_ns)
{
	struct fd_process p = { .looks = count, .even_looks = count, .history_count = count, .history_stride = 1 };

	memcpy(p.history, counts, count * sizeof(*counts));
	for (unsigned int i = 0; i < count; i++)
		p.history_ns[i] = SECOND + i * step_ns;
	p.first_ns = SECOND;
	p.last_ns = p.even_ns = SECOND + (count ? count - 1 : 0) * step_ns;
	return fd_leak_slope(&p);
}

static void test_slope(void **state)
{
	static const uint32_t up[] = { 10, 12, 14, 16, 18 }, down[] = { 18, 16, 14, 12, 10 }, flat[] = { 7, 7, 7, 7 };
	static const uint32_t burst[] = { 10, 10, 10, 500, 10, 10, 10 }, saw[] = { 10, 20, 30, 10, 20, 30 };
	static const uint32_t slow[] = { 10, 10, 10, 11 }, huge[] = { 0, UINT32_MAX };

	(void)state;
	assert_int_equal(slope_of(up, 5, SECOND), 120);
	assert_int_equal(slope_of(up, 5, 60 * SECOND), 2);
	assert_int_equal(slope_of(down, 5, SECOND), -120);
	assert_int_equal(slope_of(flat, 4, SECOND), 0);
	/* one look that catches a burst, half way, says nothing */
	assert_int_equal(slope_of(burst, 7, SECOND), 0);
	/* 16/7 in a look */
	assert_int_equal(slope_of(saw, 6, 2 * SECOND), 69);
	/* 0.3 in a look */
	assert_int_equal(slope_of(slow, 4, SECOND), 18);
	assert_int_equal(slope_of(slow, 4, 60 * SECOND), 0);
	assert_int_equal(slope_of(huge, 2, SECOND), 60LL * UINT32_MAX);
	assert_int_equal(slope_of(up, 2, SECOND), 120);
	assert_int_equal(slope_of(up, 1, SECOND), 0);
	assert_int_equal(slope_of(up, 0, SECOND), 0);
	/* no time between them */
	assert_int_equal(slope_of(up, 5, 0), 0);
}

/* some looks come late, as much was told before them: a straight line stays one, and as steep, also when it is thinned */
static void test_late_looks(void **state)
{
	const struct fd_process *p = NULL;
	int64_t rate;

	(void)state;
	leak->interval_ns = SECOND / 2;
	for (unsigned int n = 0, tenths = 0; n < 60; n++, tenths += n % 7 ? 5 : 35) {
		uint64_t told[FD_HISTORY], step_ns;

		kernel.now_ns = 1000 * SECOND + tenths * (SECOND / 10) - SECOND;
		has(10 + tenths, 0, 0, 0);
		p = look(SERVER);
		if (!n)
			continue;
		assert_true(fd_leak_rate(p, &rate));
		assert_int_equal(rate, 600);
		fd_leak_history(p, told, &step_ns);
		for (uint32_t i = 0; i < p->history_count; i++)
			assert_in_range(told[i] * (SECOND / 10), 10 * (SECOND / 10) + i * step_ns - SECOND / 20,
					10 * (SECOND / 10) + i * step_ns + SECOND / 20);
	}
	assert_true(p->history_stride > 1);
}

/* a look just after another takes its place, and its time */
static void test_close_looks(void **state)
{
	const struct fd_process *p = NULL;

	(void)state;
	for (unsigned int n = 0; n < 5; n++) {
		has(10 + 10 * n, 0, 0, 0);
		look(SERVER);
		has(14 + 10 * n, 0, 0, 0);
		kernel.now_ns -= SECOND * 6 / 10;
		p = look(SERVER);
		kernel.now_ns -= SECOND * 4 / 10;
	}
	assert_int_equal(p->history_count, 5);
	assert_int_equal(p->history[4], 54);
	assert_int_equal(p->history_ns[4], p->last_ns);
	assert_int_equal(fd_leak_slope(p), 600);
}

/* ---- who ------------------------------------------------------------------- */

/* the same pid, another process */
static void test_restart(void **state)
{
	const struct fd_process *p;

	(void)state;
	for (unsigned int n = 1; n < 5; n++) {
		has(10 * n, n, 5, 0);
		look(0);
	}
	has(3, 2, 5, 1);
	kernel.entries[0].owner.start_ns = kernel.now_ns;
	p = look(0);
	assert_int_equal(p->looks, 1);
	assert_int_equal(p->rises + p->falls, 0);
	assert_int_equal(p->first_open, 6);
	assert_int_equal(p->open, 6);
	assert_int_equal(p->peak, 6);
	assert_int_equal(p->history_count, 1);
	assert_int_equal(p->history[0], 6);
	assert_true(p->newborn);
	assert_int_equal(leak->processes.count, 1);
}

static void test_gone(void **state)
{
	(void)state;
	has(3, 0, 0, 0);
	kernel_process(7, 1);
	kernel_opens(marked(), 4);
	look(0);
	assert_int_equal(leak->processes.count, 2);
	/* a look at one says nothing of the others */
	look(7);
	assert_int_equal(leak->processes.count, 2);
	kernel.entry_count = 0;
	kernel_process(7, 1);
	kernel_opens(marked(), 5);
	assert_null(look(0));
	assert_int_equal(leak->processes.count, 1);
	assert_int_equal(((const struct fd_process *)table_find(&leak->processes, 7))->rises, 1);
}

static void test_unplaced(void **state)
{
	(void)state;
	for (uint32_t pid = 1; pid <= FD_PROCESSES + 5; pid++) {
		kernel_process(pid, 1);
		kernel_opens(marked(), 1);
	}
	look(0);
	assert_int_equal(leak->processes.count, FD_PROCESSES);
	assert_int_equal(session.kinds[0].losses[GAP_CAUSE_MAP_FULL].count, 5);
	assert_int_equal(leak->generated, 5);
	/* what the lost ones have open is nobody else's */
	for (uint32_t i = 0; i < leak->processes.count; i++)
		assert_int_equal(((const struct fd_process *)table_entry(&leak->processes, i))->open, 1);
}

/* ---- what does not come to an end ------------------------------------------- */

/* out of time: how many there are is asked of /proc, here of ourselves; nobody counts as gone */
static void test_partial(void **state)
{
	const struct fd_process *p;
	uint64_t count;

	(void)state;
	assert_int_equal(procfs_open(&session.procfs, NULL), 0);
	kernel_process(7, 1);
	kernel_opens(marked(), 1);
	look(0);
	kernel.entry_count = 0;
	kernel_process(getpid(), 1);
	kernel_opens(marked(), 1);
	kernel.pass_ns = 3 * SECOND;
	look(0);
	assert_true(leak->partial);
	p = table_find(&leak->processes, getpid());
	assert_int_equal(procfs_fd_count(&session.procfs, getpid(), UINT32_MAX, &count), 0);
	assert_in_range(p->open, count - 1, count + 2);
	assert_int_equal(p->marked, 1);
	assert_int_equal(leak->processes.count, 2);
	kernel.pass_ns = 0;
	look(0);
	assert_false(leak->partial);
	assert_int_equal(leak->processes.count, 1);
	assert_int_equal(((const struct fd_process *)table_find(&leak->processes, getpid()))->open, 1);
}

static void test_failed_look(void **state)
{
	const struct fd_process *p;

	(void)state;
	has(3, 2, 5, 0);
	p = look(SERVER);
	kernel.pass_error = EIO;
	assert_int_equal(fd_leak_look(leak, SERVER), -EIO);
	assert_int_equal(p->looks, 1);
	assert_int_equal(p->open, 5);
	kernel.pass_error = 0;
	has(3, 2, 5, 0);
	p = look(SERVER);
	assert_int_equal(p->looks, 2);
	assert_int_equal(p->rises + p->falls, 0);
	assert_int_equal(fd_leak_place(leak, 5)->outstanding, 2);
	assert_int_equal(fd_leak_place(leak, 5)->rises, 1);
}

/* stacks are taken of what is near its limit; not any more when it is not, or gone */
static void test_suspects(void **state)
{
	(void)state;
	has(600, 0, 0, 0);
	leak->listed = true;
	fd_leak_kind.expire(&session, leak, kernel.now_ns);
	assert_int_equal(kernel.suspect_count, 1);
	assert_int_equal(kernel.suspects[0], SERVER);
	has(100, 0, 0, 0);
	fd_leak_kind.expire(&session, leak, kernel.now_ns);
	assert_int_equal(kernel.suspect_count, 0);
	has(600, 0, 0, 0);
	fd_leak_kind.expire(&session, leak, kernel.now_ns);
	assert_int_equal(kernel.suspect_count, 1);
}

/* the leader is gone, and two threads have a table each: the first stands for both */
static void test_two_tables(void **state)
{
	const struct fd_process *p;

	(void)state;
	has(10, 0, 0, 0);
	kernel_process(SERVER, 900 * SECOND);
	kernel_opens(marked(), 3);
	p = look(SERVER);
	assert_int_equal(p->open, 10);
	assert_int_equal(p->open, leak->summary->count);
}

/* ---- parts ----------------------------------------------------------------- */

static const struct fd_leak *told(void)
{
	unsigned int count;

	assert_true(fd_leak_tell(leak, SERVER, false));
	count = lines_read();
	assert_true(count > 0);
	return &lines[count - 1].fd_leak;
}

static void check_parts(uint64_t outstanding, uint64_t before, uint64_t unseen)
{
	const struct fd_leak *x = told();

	assert_int_equal(x->outstanding, outstanding);
	assert_int_equal(x->before, before);
	assert_int_equal(x->unseen, unseen);
	assert_int_equal(x->open, outstanding + before + unseen);
}

static void test_parts_one(void **state)
{
	(void)state;
	has(10, 0, 0, 0);
	look(SERVER);
	check_parts(0, 10, 0);
	has(8, 5, 5, 3);
	look(SERVER);
	check_parts(5, 8, 3);
}

/* where all are watched a mark may have gone: as many as there were count as old */
static void test_parts_all(void **state)
{
	(void)state;
	has(10, 0, 0, 0);
	look(0);
	has(6, 5, 5, 3);
	look(SERVER);
	check_parts(5, 9, 0);
	has(6, 5, 5, 7);
	look(SERVER);
	check_parts(5, 10, 3);
}

/* what it was born with it inherited; at the first look of all nobody is known to be new */
static void test_parts_newborn(void **state)
{
	(void)state;
	kernel_process(7, 1);
	look(0);
	has(0, 4, 5, 3);
	kernel.entries[0].owner.start_ns = kernel.now_ns;
	look(0);
	look(SERVER);
	check_parts(4, 3, 0);
}

static void test_told(void **state)
{
	const struct fd_leak *x;

	(void)state;
	for (unsigned int n = 0; n < 10; n++) {
		has(4, 2 * n, 5, 0);
		look(SERVER);
	}
	has(4, 20, 5, 0);
	kernel.now_ns += SECOND;
	x = told();
	assert_int_equal(x->open_at_start, 4);
	assert_int_equal(x->open, 24);
	assert_int_equal(x->growth_per_min, 120);
	assert_int_equal(x->exhausted_in_s, 500);
	assert_int_equal(x->watched_ns, 10 * SECOND);
	assert_int_equal(x->history_count, 11);
	assert_int_equal(x->history[10], 24);
	assert_int_equal(x->history_step_ns, SECOND);
	assert_int_equal(x->by_type_count, 2);
	assert_string_equal(x->by_type[0].type, "eventfd");
	assert_int_equal(x->by_type[0].count + x->by_type[1].count, x->open);
	assert_int_equal(x->top[0].count, 20);
	/* nobody took the stack */
	assert_int_equal(x->sites_count, 0);
	assert_int_equal(x->unattributed, 20);
	assert_int_equal(x->opened - x->closed, x->outstanding);
	assert_int_equal(leak->generated, 1);
	assert_int_equal(session.kinds[0].delivered, 1);
}

/* time for less than a second is left, then not one descriptor */
static void test_nearly_full(void **state)
{
	const struct fd_leak *x;

	(void)state;
	for (unsigned int n = 0; n < 10; n++) {
		has(4, 100 * n, 5, 0);
		look(SERVER);
	}
	has(4, 1000, 5, 0);
	kernel.now_ns += SECOND;
	x = told();
	assert_int_equal(x->growth_per_min, 6000);
	assert_int_equal(x->soft - x->open, 20);
	assert_int_equal(x->exhausted_in_s, 1);
	has(4, 1020, 5, 0);
	kernel.now_ns += SECOND;
	assert_false(told()->known.exhausted_in_s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ONE(test_history), ONE(test_rises_and_falls), ONE(test_slope), ONE(test_late_looks), ONE(test_close_looks),
		ALL(test_restart), ALL(test_gone), ALL(test_unplaced), ALL(test_partial), ONE(test_failed_look),
		ONE(test_parts_one), ALL(test_parts_all), ALL(test_parts_newborn), ONE(test_told), ALL(test_suspects),
		ONE(test_two_tables), ONE(test_nearly_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
