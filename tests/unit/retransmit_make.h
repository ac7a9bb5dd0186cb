/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of tcp_retransmit share: a session whose kernel is played, and connections that send again. */
#ifndef KWHY_TESTS_RETRANSMIT_MAKE_H
#define KWHY_TESTS_RETRANSMIT_MAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <bpf/btf.h>
#include <cmocka.h>

#include "kinds/tcp_retransmit_kind.h"
#include "lines.h"
#include "tcp_kernel.h"

#define SECOND 1000000000ULL
#define MS 1000000ULL
#define NET 0xffff888100001000ULL
#define NETNS 4026531840U
#define SERVER 4194999	/* nobody has this pid */
#define SERVER_START (900 * SECOND)

enum { ESTABLISHED = 1, SYN_SENT = 2 };

static struct session session;
static struct tcp_retransmit_state *retransmitting;
static const struct tcp_retransmit *const x = &lines[0].tcp_retransmit;

static inline int setup(void **state)
{
	struct kind_run *run = &session.kinds[0];

	(void)state;
	memset(&session, 0, sizeof(session));
	kernel_clear();
	lines_open(&session);
	session.kernel.btf = btf__new_empty();
	btf__add_enum(session.kernel.btf, "skb_drop_reason", 4);
	btf__add_enum_value(session.kernel.btf, "SKB_DROP_REASON_NETFILTER_DROP", 9);
	btf__add_enum_value(session.kernel.btf, "SKB_DROP_REASON_NO_SOCKET", 3);
	run->type = &tcp_retransmit_kind;
	kernel_arm(run);
	lines_add_kind(&session, &tcp_retransmit_kind);
	retransmitting = run->state;
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	lines_close(&session);
	btf__free(session.kernel.btf);
	return 0;
}

/* 10.0.0.1:PORT to a peer's port 5432 */
static inline struct kernel_flow *connection(const char *peer, uint16_t port)
{
	struct kernel_flow *f = &kernel.flows[kernel.flow_count++];
	uint8_t address[4], local[4] = { 10, 0, 0, 1 };

	assert_true(kernel.flow_count <= KERNEL_FLOWS);
	*f = (struct kernel_flow){
		.key = { .net = NET, .local_port = port, .peer_port = 5432 },
		.state = { .valid = 1, .netns = NETNS, .state = ESTABLISHED, .cookie = 77, .srtt_us = 800, .rto_jiffies = 50, .cwnd = 2,
			   .packets_out = 3, .peer_window = 64000, .mss = 1448, .unacked = 4000, .ack_jiffies = 100 },
	};
	assert_int_equal(inet_pton(AF_INET, peer, address), 1);
	address_of_v4(f->key.local, local);
	address_of_v4(f->key.peer, address);
	return f;
}

/* its clocks: 250 jiffies a second, five minutes before they wrap at the start */
static inline void tick(struct kernel_flow *f)
{
	f->state.ns = f->state.monotonic_ns = kernel.now_ns;
	f->state.jiffies = (uint32_t)-(300 * 250) + kernel.now_ns / 4000000;
}

static inline int send_event(struct kernel_flow *f)
{
	struct retransmit_event event = { .header = { RETRANSMIT_EVENT, sizeof(event), kernel.now_ns }, .key = f->key };

	tick(f);
	event.state = f->state;
	event.connected.sk = f->counts.sk;
	return tcp_retransmit_kind.event(&session, retransmitting, &event, sizeof(event));
}

static inline struct flow *count_segments(struct kernel_flow *f, enum retransmit_class class, uint64_t n)
{
	struct flow *c = &f->counts;

	if (!f->counted)
		c->first_ns = kernel.now_ns;
	f->counted = true;
	c->count += n;
	c->by_class[class] += n;
	c->last_ns = kernel.now_ns;
	tick(f);
	return c;
}

/* counted; and sent when it is the first, or a second after the last that was sent, as the kernel side does it */
static inline void sends_again(struct kernel_flow *f, enum retransmit_class class, uint64_t n)
{
	struct flow *c = count_segments(f, class, n);

	if (c->told_ns && kernel.now_ns - c->told_ns < SECOND)
		return;
	c->told_ns = kernel.now_ns;
	assert_int_equal(send_event(f), 0);
}

static inline void until(uint64_t ns)
{
	uint64_t due;

	while ((due = tcp_retransmit_kind.due(retransmitting)) && due <= ns) {
		if (due > kernel.now_ns)
			kernel.now_ns = due;
		tcp_retransmit_kind.expire(&session, retransmitting, kernel.now_ns);
		/* it moves on, or would be asked for ever */
		due = tcp_retransmit_kind.due(retransmitting);
		assert_true(!due || due > kernel.now_ns);
	}
	kernel.now_ns = ns;
}

static inline uint64_t accounted(void)
{
	session_flush(&session);
	return session.kinds[0].delivered + session.kinds[0].filtered;
}

/* every segment the kernel counted is in a line, and in the account */
static inline void check_counts(uint64_t count)
{
	uint64_t sum = 0;

	lines_read();
	for (unsigned int i = 0; i < line_count; i++) {
		const struct tcp_retransmit *t = &lines[i].tcp_retransmit;

		assert_true(t->count <= t->total && t->failed <= t->count);
		sum += t->count;
	}
	assert_int_equal(sum, count);
	assert_int_equal(accounted(), count);
}

/* the line of what was counted already */
static inline void told(struct kernel_flow *f)
{
	assert_int_equal(send_event(f), 0);
	until(kernel.now_ns + 10 * SECOND);
	assert_int_equal(lines_read(), 1);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

#endif
