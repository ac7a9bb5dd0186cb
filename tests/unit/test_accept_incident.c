// SPDX-License-Identifier: BSD-2-Clause
/* Full accept queues from record to line: an incident begins, goes on, ends, and every overflow is told once. */
#include "accept_make.h"

#include "random.h"

/* ---- life ---------------------------------------------------------------- */

/* alone it is told after a glance, and as that */
static void test_single(void **state)
{
	const struct accept_overflow *x = &lines[0].accept_overflow;
	struct kernel_listener *l = listens(1, 8080, 128);
	const uint64_t begin = kernel.now_ns;

	(void)state;
	assert_int_equal(accept_overflow_kind.due(accepting), 0);
	from_client(l, 1);
	overflows(l, 1, 0);
	until(begin + 299 * MS);
	assert_int_equal(lines_read(), 0);
	until(begin + 100 * SECOND);
	check_counts(1);
	assert_int_equal(line_count, 1);
	assert_int_equal(lines[0].boot_ns, begin);
	assert_int_equal(x->family, FAMILY_IPV4);
	assert_string_equal(x->saddr, "0.0.0.0");
	assert_int_equal(x->sport, 8080);
	assert_int_equal(x->netns, NETNS);
	assert_int_equal(x->queue, 129);
	assert_int_equal(x->limit, 128);
	assert_int_equal(x->syn_drops, 1);
	assert_int_equal(x->total, 1);
	assert_int_equal(x->incident_ns, 0);
	assert_false(x->known.rate_per_s);
	assert_int_equal(x->clients.distinct, 1);
	assert_string_equal(x->clients.examples[0], "10.0.0.1:1001");
	assert_false(x->known.owner_by || x->known.acceptor_state || lines[0].process.known.pid);
	assert_int_equal(accept_overflow_kind.due(accepting), 0);
}

/* ten minutes of it: the first line within two seconds, the others further and further apart */
static void test_storm(void **state)
{
	struct kernel_listener *l = listens(1, 80, 128);
	const uint64_t begin = kernel.now_ns;
	uint64_t count = 0, last = begin;

	(void)state;
	for (uint64_t ns = 0; ns < 600 * SECOND; ns += 10 * MS, count++) {
		until(begin + ns);
		overflows(l, count % 3 != 0, count % 3 == 0);
		if (ns == 2000 * MS)
			assert_int_equal(lines_read(), 1);
	}
	accept_overflow_kind.finish(&session, accepting);
	check_counts(count);
	assert_in_range(line_count, 10, 18);
	for (unsigned int i = 0; i < line_count; i++) {
		const struct accept_overflow *x = &lines[i].accept_overflow;

		assert_true(lines[i].boot_ns >= last);
		assert_true(x->window_ns <= 70 * SECOND);
		assert_in_range(x->rate_per_s, 99, 101);
		last = lines[i].boot_ns;
	}
	assert_int_equal(lines[line_count - 1].accept_overflow.total, count);
	assert_int_equal(lines[line_count - 1].accept_overflow.incident_ns, 600 * SECOND - 10 * MS);
}

/* a minute of silence ends it: the next is another one, and counts from one */
static void test_again(void **state)
{
	struct kernel_listener *l = listens(1, 80, 128);
	const uint64_t begin = kernel.now_ns;

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		until(begin + i * 100 * SECOND);
		overflows(l, 7, 3);
		until(begin + (i * 100 + 50) * SECOND);
		assert_int_equal(lines_read(), i + 1);
		assert_int_equal(lines[i].accept_overflow.count, 10);
		assert_int_equal(lines[i].accept_overflow.total, 10);
		assert_int_equal(lines[i].accept_overflow.incident_ns, 0);
		assert_int_equal(lines[i].boot_ns, begin + i * 100 * SECOND);
	}
	check_counts(40);
}

/* within a minute it is the same: the total goes on */
static void test_goes_on(void **state)
{
	struct kernel_listener *l = listens(1, 80, 128);
	const uint64_t begin = kernel.now_ns;

	(void)state;
	overflows(l, 1, 0);
	until(begin + 30 * SECOND);
	overflows(l, 0, 1);
	until(begin + 60 * SECOND);
	check_counts(2);
	assert_int_equal(line_count, 2);
	assert_int_equal(lines[1].accept_overflow.total, 2);
	assert_int_equal(lines[1].accept_overflow.incident_ns, 30 * SECOND);
	assert_int_equal(lines[1].boot_ns, begin + 30 * SECOND);
}

/* ---- more than one -------------------------------------------------------- */

/* another socket is another incident, and another namespace has ports of its own */
static void test_apart(void **state)
{
	struct kernel_listener *l[4] = { listens(1, 80, 128), listens(2, 81, 5), listens(3, 80, 6), listens(1 ^ 8, 80, 7) };
	const uint64_t begin = kernel.now_ns;

	(void)state;
	l[2]->key.net++;
	l[2]->state.netns++;
	/* as far from the first as its namespace is */
	l[3]->key.net ^= 8;
	for (unsigned int i = 0; i < 4; i++)
		overflows(l[i], i + 1, 0);
	until(begin + SECOND);
	check_counts(10);
	assert_int_equal(line_count, 4);
	assert_int_equal(lines[1].accept_overflow.sport, 81);
	assert_int_equal(lines[2].accept_overflow.netns, NETNS + 1);
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(lines[i].accept_overflow.count, i + 1);
		assert_false(lines[i].accept_overflow.known.group_size);
	}
}

/* the kernel's counts of sockets that were silent for a minute make room, when something else happens */
static void test_swept(void **state)
{
	struct kernel_listener *l[2] = { listens(1, 80, 128), listens(2, 81, 128) };
	const uint64_t begin = kernel.now_ns;

	(void)state;
	overflows(l[0], 1, 0);
	l[0]->closed = true;
	until(begin + 100 * SECOND);
	assert_true(l[0]->counted);
	overflows(l[1], 1, 0);
	until(begin + 110 * SECOND);
	assert_false(l[0]->counted);
	assert_true(l[1]->counted);
	/* its address is another's now */
	l[0]->closed = false;
	overflows(l[0], 5, 0);
	until(begin + 120 * SECOND);
	check_counts(7);
	assert_int_equal(lines[2].accept_overflow.total, 5);
}

/* each has its own, and its time */
static void test_many(void **state)
{
	const uint64_t begin = kernel.now_ns;

	(void)state;
	for (unsigned int i = 0; i < KERNEL_LISTENERS; i++, kernel.now_ns += MS)
		overflows(listens(1 + i, 1000 + i, 128), 1, 1);
	until(begin + 10 * SECOND);
	session_flush(&session);
	assert_int_equal(session.kinds[0].delivered, KERNEL_LISTENERS);
	assert_int_equal(session.kinds[0].delivered + session.kinds[0].filtered, 2 * KERNEL_LISTENERS);
	assert_int_equal(accept_overflow_kind.due(accepting), 0);
}

/* the kernel tells of it once a second at most: what it counted in its silence is told all the same */
static void test_in_silence(void **state)
{
	struct kernel_listener *l = listens(1, 80, 128);
	const uint64_t begin = kernel.now_ns;

	(void)state;
	overflows(l, 1, 0);
	until(begin + 800 * MS);
	assert_int_equal(lines_read(), 1);
	overflows(l, 2, 0);
	until(begin + 30 * SECOND);
	check_counts(3);
	assert_int_equal(line_count, 2);
}

/* ---- records --------------------------------------------------------------- */

/* what never had a place in the ring was counted all the same */
static void test_silent(void **state)
{
	struct kernel_listener *l = listens(1, 80, 128);

	(void)state;
	count_overflows(listens(2, 81, 128), 3, 0);
	overflows(l, 1, 0);
	count_overflows(l, 4, 0);
	accept_overflow_kind.finish(&session, accepting);
	check_counts(8);
	assert_int_equal(line_count, 2);
	assert_true(lines[0].accept_overflow.sport == 80 && lines[0].accept_overflow.count == 5);
	assert_true(lines[1].accept_overflow.sport == 81 && lines[1].accept_overflow.count == 3);
	assert_string_equal(lines[1].accept_overflow.saddr, "0.0.0.0");
}

/* the ring was full: what it had no place for is looked for */
static void test_unheard(void **state)
{
	struct kernel_listener *heard = listens(1, 80, 128), *silent = listens(2, 81, 128);

	(void)state;
	overflows(heard, 1, 0);
	count_overflows(silent, 3, 0);
	silent->closed = true;
	accept_overflow_skeleton(accepting)->data->unheard++;
	until(kernel.now_ns + 5 * SECOND);
	check_counts(4);
	assert_int_equal(line_count, 2);

	/* known already, and told: more of it is found the same way */
	count_overflows(heard, 2, 0);
	accept_overflow_skeleton(accepting)->data->unheard++;
	overflows(listens(3, 82, 128), 1, 0);
	until(kernel.now_ns + 20 * SECOND);
	check_counts(7);
}

static void test_bad_records(void **state)
{
	static struct event_account account[4];
	const struct probe probe = { .account = account };
	struct overflow_event event = { .header.type = OVERFLOW_EVENT };

	(void)state;
	for (size_t size = sizeof(event.header); size < sizeof(event); size += 4)
		assert_int_equal(accept_overflow_kind.event(&session, accepting, &event, size), -EBADMSG);
	event.header.type = 99;
	assert_int_equal(accept_overflow_kind.event(&session, accepting, &event, sizeof(event)), -EBADMSG);
	account[OVERFLOW_EVENT].generated = 7;
	assert_true(accept_overflow_kind.generated(&probe, accepting) > 7 + 10);
	until(kernel.now_ns + 10 * SECOND);
	check_counts(0);
}

/* the same event twice, and one of which nothing was counted */
static void test_stray_events(void **state)
{
	struct kernel_listener *l = listens(1, 80, 128);
	const uint64_t begin = kernel.now_ns;

	(void)state;
	overflows(l, 2, 0);
	assert_int_equal(send_overflow(l), 0);
	assert_int_equal(send_overflow(listens(2, 81, 128)), 0);
	until(begin + 10 * SECOND);
	assert_int_equal(send_overflow(l), 0);
	until(begin + 20 * SECOND);
	check_counts(2);
	assert_int_equal(line_count, 1);
}

/* ---- any order ---------------------------------------------------------------- */

/* sockets come, overflow and go: each overflow is told once, and no line says more than there was */
static void test_random(void **state)
{
	uint64_t random = 1;

	for (int round = 0; round < 200; round++) {
		uint64_t count = 0;

		if (round)
			assert_int_equal(setup(state), 0);
		for (int step = 0; step < 60; step++) {
			uint64_t sk = 1 + random_below(&random, 3), n = random_below(&random, 5);
			struct kernel_listener *l = NULL;

			for (unsigned int i = 0; i < kernel.listener_count; i++)
				if (kernel.listeners[i].key.sk == sk)
					l = &kernel.listeners[i];
			if (!l)
				l = listens(sk, 80 + sk % 2, sk);
			l->closed = random_below(&random, 8) == 0;
			if (n && random_below(&random, 4)) {
				overflows(l, n, n / 2);
				count += n + n / 2;
			}
			until(kernel.now_ns + random_number(&random, 36));
		}
		accept_overflow_kind.finish(&session, accepting);
		session_flush(&session);
		assert_int_equal(session.kinds[0].delivered + session.kinds[0].filtered, count);
		if (round < 199)
			assert_int_equal(teardown(state), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_single), TEST(test_storm), TEST(test_again), TEST(test_goes_on), TEST(test_apart), TEST(test_swept),
		TEST(test_many), TEST(test_in_silence), TEST(test_silent), TEST(test_unheard), TEST(test_bad_records), TEST(test_stray_events), TEST(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
