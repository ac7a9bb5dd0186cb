/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of accept_overflow share: a session whose kernel is played, and sockets that turn clients away. */
#ifndef KWHY_TESTS_ACCEPT_MAKE_H
#define KWHY_TESTS_ACCEPT_MAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <sys/socket.h>

#include "kinds/accept_overflow_kind.h"
#include "lines.h"
#include "tcp_kernel.h"

#define COUNT(ARRAY) (sizeof(ARRAY) / sizeof((ARRAY)[0]))
#define SECOND 1000000000ULL
#define MS 1000000ULL
#define NET 0xffff888100001000ULL
#define NETNS 4026531840U
#define SERVER 4194999	/* nobody has this pid */
#define SERVER_START (900 * SECOND)

static struct session session;
static struct accept_overflow_state *accepting;

static inline int setup(void **state)
{
	struct kind_run *run = &session.kinds[0];

	(void)state;
	memset(&session, 0, sizeof(session));
	kernel_clear();
	lines_open(&session);
	run->type = &accept_overflow_kind;
	kernel_arm(run);
	lines_add_kind(&session, &accept_overflow_kind);
	accepting = run->state;
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	lines_close(&session);
	procfs_close(&session.procfs);
	return 0;
}

/* full: one more than its limit */
static inline struct kernel_listener *listens(uint64_t sk, uint16_t port, uint32_t limit)
{
	struct kernel_listener *l = &kernel.listeners[kernel.listener_count++];

	assert_true(kernel.listener_count <= KERNEL_LISTENERS);
	*l = (struct kernel_listener){
		.key = { .sk = sk, .net = NET, .port = port },
		.state = { .valid = 1, .queue = limit + 1, .limit = limit, .somaxconn = 4096, .netns = NETNS, .syncookies = 1,
			   .family = AF_INET, .port = port, .address = { [10] = 0xff, [11] = 0xff } },
	};
	return l;
}

/* listen() was seen */
static inline void made(struct kernel_listener *l, uint32_t backlog, uint32_t somaxconn)
{
	l->has_made = true;
	l->made = (struct listener){ .backlog = backlog, .limit = backlog < somaxconn ? backlog : somaxconn,
				     .somaxconn = somaxconn, .backlog_known = 1 };
	l->made.owner = (struct tcp_owner){ .tgid = SERVER, .start_ns = SERVER_START, .since_ns = 950 * SECOND, .ppid = 1,
					    .comm = "server", .parent_comm = "init" };
}

/* its clocks: 250 jiffies a second, five minutes before they wrap at the start */
static inline int send_overflow(struct kernel_listener *l)
{
	struct overflow_event event = { .header = { OVERFLOW_EVENT, sizeof(event), kernel.now_ns }, .key = l->key };

	l->state.monotonic_ns = kernel.now_ns;
	l->state.jiffies = (uint32_t)-(300 * 250) + kernel.now_ns / 4000000;
	event.state = l->state;
	event.listener = l->made;
	event.has_listener = l->has_made;
	return accept_overflow_kind.event(&session, accepting, &event, sizeof(event));
}

/* a client that was not turned away before */
static inline void from_client(struct kernel_listener *l, uint32_t number)
{
	struct tcp_client *client = &l->counts.examples[l->counts.clients++ % OVERFLOW_EXAMPLES];

	*client = (struct tcp_client){ .address = { [10] = 0xff, [11] = 0xff, [12] = 10, [15] = number }, .port = 1000 + number };
	kernel.clients++;
}

/* only counted */
static inline struct overflow_counts *count_overflows(struct kernel_listener *l, uint64_t syn, uint64_t ack)
{
	struct overflow_counts *c = &l->counts;

	if (!l->counted) {
		c->first_ns = kernel.now_ns;
		c->basis = LISTENER_SOCKET;
		c->netns = l->state.netns;
		memcpy(c->address, l->state.address, sizeof(c->address));
	}
	l->counted = true;
	c->syn_drops += syn;
	c->ack_drops += ack;
	c->last_ns = kernel.now_ns;
	return c;
}

/* counted; and sent when it is the first, or a second after the last that was sent, as the kernel side does it */
static inline void overflows(struct kernel_listener *l, uint64_t syn, uint64_t ack)
{
	struct overflow_counts *c = count_overflows(l, syn, ack);

	if (c->told_ns && kernel.now_ns - c->told_ns < SECOND)
		return;
	c->told_ns = kernel.now_ns;
	assert_int_equal(send_overflow(l), 0);
}

/* time goes on, and the kind is asked when it wanted to be */
static inline void until(uint64_t ns)
{
	uint64_t due;

	while ((due = accept_overflow_kind.due(accepting)) && due <= ns) {
		if (due > kernel.now_ns)
			kernel.now_ns = due;
		accept_overflow_kind.expire(&session, accepting, kernel.now_ns);
		/* it moves on, or would be asked for ever */
		due = accept_overflow_kind.due(accepting);
		assert_true(!due || due > kernel.now_ns);
	}
	kernel.now_ns = ns;
}

/* every overflow the kernel counted is in a line, and in the account */
static inline void check_counts(uint64_t count)
{
	uint64_t sum = 0;

	lines_read();
	for (unsigned int i = 0; i < line_count; i++) {
		const struct accept_overflow *x = &lines[i].accept_overflow;

		assert_int_equal(x->count, x->syn_drops + x->ack_drops);
		assert_true(x->count && x->count <= x->total);
		sum += x->count;
	}
	assert_int_equal(sum, count);
	assert_int_equal(session.kinds[0].delivered + session.kinds[0].filtered, count);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

#endif
