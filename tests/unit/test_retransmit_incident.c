// SPDX-License-Identifier: BSD-2-Clause
/* Retransmits from record to line: an incident begins, goes on, ends, every segment is told once, and what a line says. */
#include "retransmit_make.h"

#include "random.h"

/* ---- life ---------------------------------------------------------------- */

static void test_single(void **state)
{
	struct kernel_flow *f = connection("10.0.3.7", 40000);
	const uint64_t begin = kernel.now_ns;

	(void)state;
	assert_int_equal(tcp_retransmit_kind.due(retransmitting), 0);
	sends_again(f, RETRANSMIT_TLP, 1);
	until(begin + 999 * MS);
	assert_int_equal(lines_read(), 0);
	until(begin + 50 * SECOND);
	check_counts(1);
	assert_int_equal(line_count, 1);
	assert_int_equal(lines[0].boot_ns, begin);
	assert_int_equal(x->family, FAMILY_IPV4);
	assert_string_equal(x->saddr, "10.0.0.1");
	assert_string_equal(x->daddr, "10.0.3.7");
	assert_true(x->sport == 40000 && x->dport == 5432);
	assert_string_equal(x->state, "ESTABLISHED");
	assert_int_equal(x->class, RETRANSMIT_TLP);
	assert_int_equal(x->cookie, 77);
	assert_int_equal(x->rto_us, 200000);
	assert_int_equal(x->failed, 0);
	assert_false(x->known.by_class || x->known.not_tried || x->known.err || x->known.owner_by || x->known.rate_per_s);
	assert_false(x->known.accepted);
	assert_int_equal(tcp_retransmit_kind.due(retransmitting), 0);
}

/* ten minutes of it: the first line within three seconds, the others further and further apart */
static void test_storm(void **state)
{
	struct kernel_flow *f = connection("10.0.3.7", 40000);
	const uint64_t begin = kernel.now_ns;
	uint64_t count = 0, last = begin;

	(void)state;
	for (uint64_t ns = 0; ns < 600 * SECOND; ns += 20 * MS, count++) {
		until(begin + ns);
		sends_again(f, RETRANSMIT_FAST, 1);
		if (ns == 3000 * MS)
			assert_int_equal(lines_read(), 1);
	}
	tcp_retransmit_kind.finish(&session, retransmitting);
	check_counts(count);
	assert_in_range(line_count, 10, 18);
	for (unsigned int i = 0; i < line_count; i++) {
		assert_true(lines[i].boot_ns >= last);
		assert_true(lines[i].tcp_retransmit.window_ns <= 70 * SECOND);
		assert_in_range(lines[i].tcp_retransmit.rate_per_s, 49, 51);
		last = lines[i].boot_ns;
	}
	assert_int_equal(lines[line_count - 1].tcp_retransmit.total, count);
	assert_int_equal(lines[line_count - 1].tcp_retransmit.incident_ns, 600 * SECOND - 20 * MS);
}

/* a minute of silence ends it: the next is another one, and counts from one */
static void test_again(void **state)
{
	struct kernel_flow *f = connection("10.0.3.7", 40000), *other = connection("10.0.3.8", 40001);
	const uint64_t begin = kernel.now_ns;

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		until(begin + i * 100 * SECOND);
		sends_again(f, RETRANSMIT_RTO, 10);
		until(begin + (i * 100 + 50) * SECOND);
		/* time in which the kernel's table is swept */
		sends_again(other, RETRANSMIT_RTO, 1);
		until(begin + (i * 100 + 60) * SECOND);
		assert_int_equal(lines_read(), 2 * (i + 1));
		assert_int_equal(lines[2 * i].tcp_retransmit.count, 10);
		assert_int_equal(lines[2 * i].tcp_retransmit.total, 10);
		assert_int_equal(lines[2 * i].tcp_retransmit.incident_ns, 0);
	}
	check_counts(33);
}

static void test_goes_on(void **state)
{
	struct kernel_flow *f = connection("10.0.3.7", 40000);
	const uint64_t begin = kernel.now_ns;

	(void)state;
	sends_again(f, RETRANSMIT_RTO, 1);
	until(begin + 30 * SECOND);
	sends_again(f, RETRANSMIT_RTO, 2);
	until(begin + 60 * SECOND);
	check_counts(3);
	assert_int_equal(line_count, 2);
	assert_int_equal(lines[1].tcp_retransmit.total, 3);
	assert_int_equal(lines[1].tcp_retransmit.incident_ns, 30 * SECOND);
}

/* a socket that is closed is told of at the next look */
static void test_closed(void **state)
{
	struct kernel_flow *f = connection("10.0.3.7", 40000);

	(void)state;
	sends_again(f, RETRANSMIT_RTO, 1);
	f->state.valid = 0;
	until(kernel.now_ns + SECOND);
	check_counts(1);
	/* as it was when the segment was sent */
	assert_string_equal(x->state, "ESTABLISHED");
}

/* more than one pass over the open files has room for */
static void test_many(void **state)
{
	const unsigned int count = 3 * FLOW_BATCH + 5;
	const uint64_t begin = kernel.now_ns;

	(void)state;
	for (unsigned int i = 0; i < count; i++)
		sends_again(connection("10.0.3.7", 20000 + i), RETRANSMIT_RTO, 2);
	kernel.passes = 0;
	until(begin + 20 * SECOND);
	assert_int_equal(accounted(), 2 * count);
	assert_int_equal(kernel.passes, 4);
	assert_int_equal(kernel.group_count, 0);
	/* the kernel's table is swept when something else happens, later */
	until(begin + 100 * SECOND);
	sends_again(connection("10.0.3.8", 1), RETRANSMIT_RTO, 1);
	until(begin + 110 * SECOND);
	for (unsigned int i = 0; i < count; i++)
		assert_false(kernel.flows[i].counted);
	assert_int_equal(accounted(), 2 * count + 1);
}

/* ---- records --------------------------------------------------------------- */

static void test_silent(void **state)
{
	struct kernel_flow *f = connection("10.0.3.7", 40000);

	(void)state;
	count_segments(connection("10.0.3.8", 40001), RETRANSMIT_RTO, 3);
	sends_again(f, RETRANSMIT_RTO, 1);
	count_segments(f, RETRANSMIT_RTO, 4);
	tcp_retransmit_kind.finish(&session, retransmitting);
	check_counts(8);
	assert_int_equal(line_count, 2);
}

/* the ring was full: what it had no place for is looked for, closed or not, and has its owner */
static void test_unheard(void **state)
{
	struct kernel_flow *heard = connection("10.0.3.7", 40000), *silent = connection("10.0.3.8", 40001);

	(void)state;
	sends_again(heard, RETRANSMIT_RTO, 1);
	count_segments(silent, RETRANSMIT_RTO, 3);
	silent->state.valid = 0;
	silent->counts.sk = 0xffff888000001000ULL;
	silent->has_made = true;
	silent->made = (struct tcp_owner){ .tgid = SERVER, .start_ns = SERVER_START, .comm = "api", .closed = 1 };
	tcp_retransmit_skeleton(retransmitting)->data->unheard++;
	until(kernel.now_ns + 5 * SECOND);
	check_counts(4);
	assert_int_equal(line_count, 2);
	/* what is gone waits for nothing */
	assert_int_equal(lines[0].tcp_retransmit.count, 3);
	assert_int_equal(lines[0].tcp_retransmit.owner_by, OWNER_CONNECT);
	assert_string_equal(lines[0].process.comm, "api");

	/* known already, and told: more of it is found the same way */
	count_segments(heard, RETRANSMIT_RTO, 2);
	sends_again(connection("10.0.3.9", 40002), RETRANSMIT_RTO, 1);
	until(kernel.now_ns + 20 * SECOND);
	check_counts(5);
	tcp_retransmit_skeleton(retransmitting)->data->unheard++;
	sends_again(connection("10.0.3.10", 40003), RETRANSMIT_RTO, 1);
	until(kernel.now_ns + 20 * SECOND);
	check_counts(8);
}

static void test_bad_records(void **state)
{
	static struct event_account account[4];
	const struct probe probe = { .account = account };
	struct retransmit_event event = { .header.type = RETRANSMIT_EVENT };

	(void)state;
	for (size_t size = sizeof(event.header); size < sizeof(event); size += 4)
		assert_int_equal(tcp_retransmit_kind.event(&session, retransmitting, &event, size), -EBADMSG);
	event.header.type = 99;
	assert_int_equal(tcp_retransmit_kind.event(&session, retransmitting, &event, sizeof(event)), -EBADMSG);
	account[RETRANSMIT_EVENT].generated = 7;
	assert_true(tcp_retransmit_kind.generated(&probe, retransmitting) > 7 + 10);
	until(kernel.now_ns + 10 * SECOND);
	check_counts(0);
}

/* connections come, send again, close and are silent: each segment is told once */
static void test_random(void **state)
{
	uint64_t random = 1;

	for (int round = 0; round < 100; round++) {
		uint64_t count = 0;

		if (round)
			assert_int_equal(setup(state), 0);
		for (int i = 0; i < 4; i++)
			connection(i & 1 ? "10.0.3.7" : "10.0.4.7", 40000 + i);
		for (int step = 0; step < 80; step++) {
			struct kernel_flow *f = &kernel.flows[random_below(&random, 4)];
			uint64_t n = random_below(&random, 5);

			f->state.valid = random_below(&random, 8) != 0;
			if (n)
				sends_again(f, 1 + random_below(&random, 6), n);
			count += n;
			until(kernel.now_ns + random_number(&random, 37));
		}
		tcp_retransmit_kind.finish(&session, retransmitting);
		assert_int_equal(accounted(), count);
		if (round < 99)
			assert_int_equal(teardown(state), 0);
	}
}

/* ---- what a line says --------------------------------------------------------- */

static void test_classes(void **state)
{
	struct kernel_flow *f = connection("10.0.3.7", 40000);

	(void)state;
	count_segments(f, RETRANSMIT_TLP, 1);
	count_segments(f, RETRANSMIT_FAST, 7);
	count_segments(f, RETRANSMIT_RTO, 2)->timeouts = 2;
	told(f);
	check_counts(10);
	assert_int_equal(x->class, RETRANSMIT_FAST);
	assert_int_equal(x->by_class_count, 3);
	assert_int_equal(x->timeouts, 2);
}

/* segments that did not leave, and sends that were not even counted */
static void test_failed(void **state)
{
	struct kernel_flow *f = connection("10.0.3.7", 40000);
	struct flow *c = count_segments(f, RETRANSMIT_RTO, 5);

	(void)state;
	c->failed = 3;
	c->not_tried = 4;
	c->err = -105;
	told(f);
	assert_int_equal(x->count, 5);
	assert_int_equal(x->failed, 3);
	assert_int_equal(x->not_tried, 4);
	assert_int_equal(x->err, -105);
	assert_int_equal(accounted(), 9);
}

static void test_drops(void **state)
{
	struct kernel_flow *f = connection("10.0.3.7", 40000);
	struct flow *c = count_segments(f, RETRANSMIT_RTO, 5);

	(void)state;
	c->netns = NETNS;
	c->drops_out = (struct flow_drops){ .count = 5, .reason = 9, .net = NETNS + 1 };
	/* the answer to a reset, say */
	c->drops_in = (struct flow_drops){ .count = 1, .reason = 3, .net = NETNS };
	told(f);
	assert_int_equal(x->drops_out, 5);
	assert_int_equal(x->drops_in, 1);
	assert_string_equal(x->drop_reason, "NETFILTER_DROP");
	assert_int_equal(x->drop_netns, NETNS + 1);
	assert_string_equal(x->drop_in_reason, "NO_SOCKET");
	assert_false(x->known.drop_in_netns);
}

static void test_drops_in(void **state)
{
	struct kernel_flow *f = connection("10.0.3.7", 40000);
	struct flow *c = count_segments(f, RETRANSMIT_RTO, 5);

	(void)state;
	c->drops_in = (struct flow_drops){ .count = 2, .reason = 9, .net = NETNS + 1 };
	told(f);
	assert_int_equal(x->drops_out, 0);
	assert_string_equal(x->drop_reason, "NETFILTER_DROP");
	assert_int_equal(x->drop_netns, NETNS + 1);
	assert_false(x->known.drop_in_reason || x->known.drop_in_netns);
}

static void test_handshake(void **state)
{
	struct kernel_flow *f = connection("10.0.3.7", 40000);

	(void)state;
	f->state.state = SYN_SENT;
	f->state.soft_error = EHOSTUNREACH;
	count_segments(f, RETRANSMIT_SYN, 1);
	told(f);
	assert_string_equal(x->state, "SYN_SENT");
	assert_string_equal(x->soft_error, "EHOSTUNREACH");
	assert_true(x->known.accepted && !x->accepted);
	assert_false(x->known.peer_window_bytes || x->known.advanced);
}

static void test_groups(void **state)
{
	static const char *const peers[] = { "10.0.3.7", "10.0.3.7", "10.0.3.8", "10.0.4.1", "10.0.4.2", "10.0.5.1" };
	const uint64_t begin = kernel.now_ns;
	struct kernel_flow *f = NULL;

	(void)state;
	for (unsigned int i = 0; i < 6; i++) {
		f = connection(peers[i], 40000 + i);
		kernel.connections[kernel.connection_count++] = f->key;
		if (i == 0 || i == 2 || i == 3)
			sends_again(f, RETRANSMIT_RTO, 1);
	}
	until(begin + 10 * SECOND);
	check_counts(3);
	assert_true(x->peer_flows == 2 && x->peer_flows_bad == 1);
	assert_string_equal(x->subnet, "10.0.3.0/24");
	assert_true(x->subnet_flows == 3 && x->subnet_flows_bad == 2);
	assert_true(x->other_flows == 3 && x->other_flows_bad == 1 && x->other_subnets_bad == 1);
	/* a pass that fails counts nothing */
	kernel.pass_error = EIO;
	sends_again(f, RETRANSMIT_RTO, 1);
	until(begin + 20 * SECOND);
	check_counts(4);
	assert_false(lines[3].tcp_retransmit.known.peer_flows);
}

/* those that no process has open are not seen in a pass, and retransmit: never more of them than there are */
static void test_groups_unseen(void **state)
{
	static const char *const peers[] = { "10.0.3.7", "10.0.3.8", "10.0.4.1", "10.0.4.2" };
	const uint64_t begin = kernel.now_ns;

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		struct kernel_flow *f = connection(peers[i], 40000 + i);

		if (i == 0)
			kernel.connections[kernel.connection_count++] = f->key;
		if (i)
			sends_again(f, RETRANSMIT_RTO, 1);
	}
	sends_again(&kernel.flows[0], RETRANSMIT_RTO, 1);
	kernel.connections[kernel.connection_count++] = kernel.flows[0].key;
	kernel.connections[kernel.connection_count++] = kernel.flows[0].key;
	until(begin + 10 * SECOND);
	check_counts(4);
	for (unsigned int i = 0; i < line_count; i++) {
		const struct tcp_retransmit *t = &lines[i].tcp_retransmit;

		if (strcmp(t->daddr, peers[0]) != 0)
			continue;
		assert_true(t->peer_flows == 3 && t->peer_flows_bad == 1);
		assert_true(t->subnet_flows == 4 && t->subnet_flows_bad == 2);
		assert_true(t->other_flows == 2 && t->other_flows_bad == 2 && t->other_subnets_bad >= 1);
		return;
	}
	fail();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_single), TEST(test_storm), TEST(test_again), TEST(test_goes_on), TEST(test_closed), TEST(test_many),
		TEST(test_silent), TEST(test_unheard), TEST(test_bad_records), TEST(test_random), TEST(test_classes), TEST(test_failed),
		TEST(test_drops), TEST(test_drops_in), TEST(test_handshake), TEST(test_groups), TEST(test_groups_unseen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
