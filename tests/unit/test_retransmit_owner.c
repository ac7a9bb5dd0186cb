// SPDX-License-Identifier: BSD-2-Clause
/* Whose a connection is that retransmits: who has it open, who made it, who listens. */
#include "retransmit_make.h"

enum { SOCKET = 11, LISTENER = 22 };

/* who made a socket, as the kernel noted it in the context of the call */
static struct tcp_maker maker(uint64_t sk, uint32_t pid)
{
	struct tcp_maker m = { .sk = sk, .known = pid != 0 };

	if (pid)
		m.owner = (struct tcp_owner){ .tgid = pid, .start_ns = SERVER_START, .since_ns = 1, .comm = "maker" };
	return m;
}

static void told_by(struct tcp_maker connected, struct tcp_maker listening)
{
	struct kernel_flow *f = connection("10.0.3.7", 40000);
	struct retransmit_event event = { .header = { RETRANSMIT_EVENT, sizeof(event), kernel.now_ns }, .key = f->key,
					  .connected = connected, .listening = listening };

	count_segments(f, RETRANSMIT_RTO, 1);
	event.state = f->state;
	assert_int_equal(tcp_retransmit_kind.event(&session, retransmitting, &event, sizeof(event)), 0);
	until(kernel.now_ns + 10 * SECOND);
	assert_int_equal(lines_read(), 1);
	/* nobody is asked for any more */
	assert_int_equal(kernel.wanted_count, 0);
}

static void is(enum owner_basis by, uint32_t pid)
{
	assert_int_equal(x->known.owner_by ? x->owner_by : 0, by);
	assert_int_equal(lines[0].process.known.pid ? lines[0].process.pid : 0, pid);
}

static void test_holder(void **state)
{
	(void)state;
	kernel_holds(SOCKET, SERVER, SERVER_START);
	kernel_holds(LISTENER, SERVER + 1, SERVER_START);
	told_by(maker(SOCKET, 0), maker(0, 0));
	is(OWNER_HOLDER, SERVER);
	assert_false(x->known.sharing || x->known.accepted);
}

/* several have it open: the one that made it, else the oldest */
static void test_sharing(void **state)
{
	kernel_holds(SOCKET, SERVER, SERVER_START);
	kernel_holds(SOCKET, SERVER + 1, SERVER_START - SECOND);
	told_by(maker(SOCKET, SERVER), maker(0, 0));
	is(OWNER_HOLDER, SERVER);
	assert_int_equal(x->sharing, 2);
	assert_true(x->known.accepted && !x->accepted);
	teardown(state);
	setup(state);
	kernel_holds(SOCKET, SERVER, SERVER_START);
	kernel_holds(SOCKET, SERVER + 1, SERVER_START - SECOND);
	told_by(maker(SOCKET, 0), maker(0, 0));
	is(OWNER_HOLDER, SERVER + 1);
}

/* closed, and sent again by the kernel alone: who connected is remembered */
static void test_connected(void **state)
{
	(void)state;
	told_by(maker(SOCKET, SERVER), maker(0, 0));
	is(OWNER_CONNECT, SERVER);
}

/* a process that has the listening socket open, on the connection's port */
static void holds_listener(uint32_t pid, uint16_t port)
{
	struct tcp_holder_entry *e = kernel_holds(LISTENER, pid, SERVER_START);

	e->state = 10;
	e->port = port;
}

/* not accepted yet */
static void test_listener(void **state)
{
	(void)state;
	holds_listener(SERVER + 1, 40000);
	told_by(maker(SOCKET, 0), maker(LISTENER, SERVER));
	is(OWNER_LISTENER, SERVER + 1);
	assert_true(x->accepted);
}

/* accepted: it is the acceptor's and not that of who listens */
static void test_accepted(void **state)
{
	(void)state;
	holds_listener(SERVER, 40000);
	kernel_holds(SOCKET, SERVER + 1, SERVER_START);
	told_by(maker(SOCKET, 0), maker(LISTENER, SERVER));
	is(OWNER_HOLDER, SERVER + 1);
	assert_true(x->accepted);
}

static void test_listened(void **state)
{
	told_by(maker(0, 0), maker(LISTENER, SERVER));
	is(OWNER_LISTEN, SERVER);
	teardown(state);
	setup(state);
	/* another's by now: it listens elsewhere */
	holds_listener(SERVER + 1, 80);
	told_by(maker(0, 0), maker(LISTENER, SERVER));
	is(OWNER_LISTEN, SERVER);
}

static void test_nobody(void **state)
{
	told_by(maker(0, 0), maker(0, 0));
	is(0, 0);
	teardown(state);
	setup(state);
	told_by(maker(SOCKET, 0), maker(LISTENER, 0));
	is(0, 0);
	assert_true(x->accepted);
}

/* what was known of its maker at one segment is not forgotten at the next */
static void test_remembered(void **state)
{
	struct kernel_flow *f = connection("10.0.3.7", 40000);
	struct retransmit_event event = { .header = { RETRANSMIT_EVENT, sizeof(event), kernel.now_ns }, .key = f->key };

	(void)state;
	event.state = f->state;
	count_segments(f, RETRANSMIT_RTO, 1);
	event.connected = maker(SOCKET, SERVER);
	assert_int_equal(tcp_retransmit_kind.event(&session, retransmitting, &event, sizeof(event)), 0);
	event.connected = maker(SOCKET, 0);
	assert_int_equal(tcp_retransmit_kind.event(&session, retransmitting, &event, sizeof(event)), 0);
	until(kernel.now_ns + 10 * SECOND);
	assert_int_equal(lines_read(), 1);
	is(OWNER_CONNECT, SERVER);
}

/* who had it open when it lived is named when it is gone, and not who has its address now */
static void test_gone(void **state)
{
	struct kernel_flow *f = connection("10.0.3.7", 40000);
	struct retransmit_event event = { .header = { RETRANSMIT_EVENT, sizeof(event), kernel.now_ns }, .key = f->key };

	(void)state;
	event.state = f->state;
	event.connected = maker(SOCKET, 0);
	kernel_holds(SOCKET, SERVER, SERVER_START);
	count_segments(f, RETRANSMIT_RTO, 1);
	assert_int_equal(tcp_retransmit_kind.event(&session, retransmitting, &event, sizeof(event)), 0);
	until(kernel.now_ns + 10 * SECOND);
	f->state.valid = 0;
	kernel.holder_count = 0;
	kernel_holds(SOCKET, SERVER + 1, SERVER_START);
	event.header.boot_ns = kernel.now_ns;
	count_segments(f, RETRANSMIT_RTO, 1);
	assert_int_equal(tcp_retransmit_kind.event(&session, retransmitting, &event, sizeof(event)), 0);
	until(kernel.now_ns + 10 * SECOND);
	assert_int_equal(lines_read(), 2);
	is(OWNER_HOLDER, SERVER);
	assert_int_equal(lines[1].process.pid, SERVER);
}

/* as many holders as there is room for, and the wanted one among the last */
static void test_holders_bounded(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < TCP_HOLDERS + 50; i++)
		kernel_holds(SOCKET, SERVER - i, SERVER_START + i);
	told_by(maker(SOCKET, 0), maker(0, 0));
	is(OWNER_HOLDER, SERVER);
	assert_int_equal(x->sharing, TCP_HOLDERS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_holder), TEST(test_sharing), TEST(test_connected), TEST(test_listener), TEST(test_accepted),
		TEST(test_listened), TEST(test_nobody), TEST(test_remembered), TEST(test_gone),
		TEST(test_holders_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
