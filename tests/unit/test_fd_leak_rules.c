// SPDX-License-Identifier: BSD-2-Clause
/* The rules about moving descriptors: where each begins and ends, and that a leak is only said of what grows. */
#include "fd_make.h"

static struct fd_group *add_held(const char *what, const char *type, uint64_t count)
{
	o.fd_leak.known.top = 1;
	return add_group(o.fd_leak.top, &o.fd_leak.top_count, what, type, count);
}

/* 24 looks in a minute, straight from "first" to "last" of 1024 */
static struct fd_leak *make_leak(uint64_t first, uint64_t last)
{
	struct fd_leak *l = &o.fd_leak;
	int64_t grown = (int64_t)last - (int64_t)first;

	make(KIND_fd_leak);
	KNOW(l, soft, 1024);
	KNOW(l, hard, 524288);
	KNOW(l, open, last);
	KNOW(l, open_at_start, first);
	KNOW(l, peak, first > last ? first : last);
	KNOW(l, looks, 24);
	KNOW(l, watched_ns, 60 * SECOND_NS);
	KNOW(l, growth_per_min, grown);
	if (grown > 0)
		KNOW(l, exhausted_in_s, (1024 - last) * 60 / grown);
	l->known.history = 1;
	l->history_count = 24;
	for (int64_t i = 0; i < 24; i++)
		l->history[i] = first + grown * i / 23;
	return l;
}

static struct fd_site *add_site(uint64_t outstanding, int64_t grown, uint64_t rises, const char *function)
{
	struct fd_leak *l = &o.fd_leak;
	struct fd_site *s = &l->sites[l->sites_count++];

	l->known.sites = 1;
	KNOW(s, outstanding, outstanding);
	KNOW(s, grown, grown);
	KNOW(s, rises, rises);
	KNOW(s, falls, 0);
	s->known.stack = 1;
	s->stack_count = 2;
	strcpy(s->stack[0], "openat64+0x52 [libc.so.6]");
	snprintf(s->stack[1], sizeof(s->stack[1]), "%s+0x1c (app.c:12)", function);
	return s;
}

static void test_close_wait_pile(void **state)
{
	struct fd_leak *l = make_leak(32, 32);
	struct fd_close_wait *c = &l->close_wait[0];

	(void)state;
	KNOW(l, close_wait_total, 8);
	says("fd-close-wait-pile");
	l->close_wait_total = 7;
	says("fd-steady");
	l->close_wait_total = 8;
	l->open = 33;
	says("fd-steady");
	KNOW(l, close_wait_grown, 1);
	says("fd-close-wait-pile");
	l->close_wait_grown = 0;
	says("fd-steady");
	l->open = 32;
	/* those of this moment are no pile */
	l->known.close_wait = 1;
	l->close_wait_count = 1;
	KNOW(c, count, 8);
	KNOW_TEXT(c, peer, "10.0.3.7:80");
	KNOW(c, oldest_ns, SECOND_NS - 1);
	says("fd-steady");
	c->oldest_ns = SECOND_NS;
	says("fd-close-wait-pile");
	tells("10.0.3.7:80 closed 8 connections");
	c->known.oldest_ns = 0;
	says("fd-close-wait-pile");
	l->known.close_wait_total = 0;
	says("fd-steady");
}

static void test_site(void **state)
{
	struct fd_leak *l = make_leak(20, 60);
	struct fd_site *s = add_site(40, 40, 23, "job_wakeup");

	(void)state;
	says("fd-leak-site");
	tells("job_wakeup (app.c:12)");
	tells("all growth is from there");
	/* in less than a minute clients that come and stay look the same */
	assert_int_equal(verdict.diagnosis.confidence, BASIS_MEASURED);
	l->watched_ns--;
	says("fd-leak-site");
	assert_int_equal(verdict.diagnosis.confidence, BASIS_INFERRED);
	tells("most likely leaks");
	l->known.watched_ns = 0;
	says("fd-leak-site");
	assert_int_equal(verdict.diagnosis.confidence, BASIS_INFERRED);
	/* it fell now and then, as what is open for a moment does; or more often */
	s->rises = 10;
	s->falls = 2;
	says("fd-leak-site");
	s->falls = 3;
	says("fd-leak");
	s->falls = 0;
	/* it has not had more for long: a pool that is full, or a cache that replaces what it has */
	KNOW(s, grew_ns, 0);
	KNOW(&o.fd_leak, watched_ns, 30000000000);
	says("fd-leak-site");
	s->grew_ns = 10000000001;
	says("fd-leak");
	s->known.grew_ns = 0;
	o.fd_leak.known.watched_ns = 0;
	s->outstanding = 4;
	says("fd-leak");
	s->outstanding = 5;
	says("fd-leak-site");
	s->grown = 0;
	says("fd-leak");
	s->grown = 40;
	/* two rises are a site only when nothing was closed */
	s->rises = 2;
	says("fd-leak");
	KNOW(s, opened, 40);
	KNOW(s, closed, 2);
	says("fd-leak-site");
	s->closed = 3;
	says("fd-leak");
	s->opened = 4;
	s->closed = 0;
	says("fd-leak");
	s->rises = 3;
	says("fd-leak-site");
}

static void test_site_unknown(void **state)
{
	struct fd_leak *l = make_leak(20, 60);
	struct fd_site *s = add_site(40, 40, 23, "job_wakeup");

	(void)state;
	says("fd-leak-site");
	s->known.falls = 0;
	says("fd-leak");
	s->known.falls = 1;
	s->known.rises = 0;
	says("fd-leak");
	s->known.rises = 1;
	s->known.outstanding = 0;
	says("fd-leak");
	s->known.outstanding = 1;
	s->known.grown = 0;
	says("fd-leak");
	s->known.grown = 1;
	l->known.sites = 0;
	says("fd-leak");
	/* the process itself does not grow */
	l->known.sites = 1;
	l->growth_per_min = 0;
	l->open = l->open_at_start;
	says("fd-leak");
	l->known.history = l->known.peak = 0;
	says("fd-steady");
}

/* what rose at first and is flat is a pool, beside a leak, too */
static void test_site_pool(void **state)
{
	struct fd_leak *l = make_leak(20, 120);

	(void)state;
	for (unsigned int i = 0; i < 24; i++)
		l->history[i] = i < 12 ? 20 + i * 100 / 12 : 120;
	add_site(100, 100, 12, "pool_fill");
	says("fd-warming");
	tells_not("leaks");
	l->open += 20;
	for (unsigned int i = 0; i < 24; i++)
		l->history[i] += i * 20 / 23;
	add_site(20, 20, 20, "log_reopen");
	says("fd-leak-site");
	tells("leaks descriptors in log_reopen");
	/* without history or the number of looks nobody can tell */
	l->sites_count = 1;
	l->known.history = l->known.looks = 0;
	diagnose(&o, &verdict);
	assert_string_not_equal(verdict.diagnosis.rule, "fd-leak-site");
}

static void set_type(const char *type, uint64_t count, int64_t grown)
{
	struct fd_leak *l = &o.fd_leak;
	struct fd_type *t = &l->by_type[l->by_type_count++];

	l->known.by_type = 1;
	KNOW_TEXT(t, type, type);
	KNOW(t, count, count);
	KNOW(t, grown, grown);
}

/* a pool that replaces what it has opens many and has no more of them than before */
static void test_site_replaces(void **state)
{
	struct fd_leak *l = make_leak(618, 667);
	struct fd_site *pool, *leaky;

	(void)state;
	pool = add_site(570, 570, 23, "pool_open");
	KNOW_TEXT(pool, type, "unix");
	leaky = add_site(49, 49, 22, "leaky");
	KNOW_TEXT(leaky, type, "eventfd");
	set_type("unix", 600, 0);
	set_type("eventfd", 62, 49);
	says("fd-leak-site");
	tells("leaks descriptors in leaky");
	tells("all growth is from there");
	/* more than the whole grew, as others went */
	l->open -= 20;
	l->by_type[0].grown = -20;
	says("fd-leak-site");
	tells("leaks descriptors in leaky");
	tells("it has only 29 more");
	/* of one type both may leak: the one that keeps all it opens comes first */
	l->open += 20;
	KNOW_TEXT(leaky, type, "unix");
	l->by_type_count = 0;
	set_type("unix", 649, 49);
	says("fd-leak-site");
	tells("leaks descriptors in leaky");
	l->sites_count = 1;
	says("fd-leak-site");
	tells("49 are more than before");
	tells("all growth is from there");
	/* one more is no leak, nor is it where types are not compared */
	l = make_leak(605, 606);
	pool = add_site(570, 570, 23, "pool_open");
	KNOW_TEXT(pool, type, "unix");
	says("fd-steady");
	set_type("unix", 600, 0);
	set_type("eventfd", 1, 1);
	says("fd-steady");
	l->by_type[0].grown = 4;
	says("fd-steady");
}

/* one more now and then at the end is still a pool that fills */
static void test_site_slows(void **state)
{
	static const uint64_t filling[] = { 53, 80, 105, 123, 138, 151, 161, 169, 175, 180, 184, 187, 190, 192, 195, 197, 199, 200, 201, 202, 202 };
	struct fd_leak *l = make_leak(53, 202);
	struct fd_site *s = add_site(149, 149, 20, "pool_fill");

	(void)state;
	KNOW(s, grew_ns, 3 * SECOND_NS);
	says("fd-leak-site");
	l->history_count = sizeof(filling) / sizeof(filling[0]);
	memcpy(l->history, filling, sizeof(filling));
	says("fd-warming");
	l->known.history = 0;
	says("fd-leak-site");
}

/* at its limit nothing grows: that it stopped there proves nothing */
static void test_at_limit(void **state)
{
	struct fd_leak *l = make_leak(24, 1024);
	struct fd_site *s = add_site(1000, 1000, 12, "grab");

	(void)state;
	KNOW(s, grew_ns, 40 * SECOND_NS);
	for (unsigned int i = 0; i < 24; i++)
		l->history[i] = i < 12 ? 24 + i * 1000 / 12 : 1024;
	says("fd-leak-site");
	tells("It stopped because the limit of 1024 is reached");
	tells_not("per minute,");
	assert_int_equal(verdict.diagnosis.confidence, BASIS_INFERRED);
	l->sites_count = 0;
	says("fd-at-limit");
	tells("1000 came while it was watched");
	l->soft = 1025;
	says("fd-warming");
	l = make_leak(1024, 1024);
	add_held("eventfd", "eventfd", 1000);
	says("fd-at-limit");
	tells("1000 of 1024 are eventfds");
	tells("--nofile=2048:");
	tells_not("3600");
	l->known.soft = 0;
	says("fd-pile");
}

static void test_growth(void **state)
{
	struct fd_leak *l = make_leak(20, 25);

	(void)state;
	says("fd-leak");
	make_leak(20, 24);
	says("fd-steady");
	/* 2 % of what is open */
	make_leak(981, 1000);
	says("fd-high-stable");
	make_leak(980, 1000);
	says("fd-leak");
	l = make_leak(100, 200);
	/* one fifth of five may fall, two are load; the last third decides */
	l->history[9] = 100;
	says("fd-leak");
	l->history[18] = 130;
	says("fd-grew");
	l = make_leak(100, 200);
	for (unsigned int i = 0; i < 24; i++)
		l->history[i] = i < 16 ? 100 + i * 5 : 184 + (i - 15) * 2;
	l->history[23] = 200;
	says("fd-warming");
	l = make_leak(100, 200);
	l->history_count = 5;
	says("fd-grew");
	l->known.history = 0;
	says("fd-grew");
	l->known.open_at_start = 0;
	says("fd-unjudged");
}

static void test_burst(void **state)
{
	struct fd_leak *l = make_leak(100, 100);

	(void)state;
	l->peak = 124;
	says("fd-steady");
	l->peak = 125;
	says("fd-burst");
	assert_int_equal(verdict.severity, SEVERITY_INFO);
	l->peak = 820;
	says("fd-burst");
	assert_int_equal(verdict.severity, SEVERITY_NOTICE);
	l->known.peak = 0;
	says("fd-steady");
	l = make_leak(4, 4);
	l->peak = 19;
	says("fd-steady");
	l->peak = 20;
	says("fd-burst");
}

static void test_pile(void **state)
{
	struct fd_leak *l = make_leak(128, 128);
	struct fd_group *g = add_held("eventfd", "eventfd", 64);

	(void)state;
	says("fd-pile");
	tells("cannot be excluded");
	g->count = 63;
	says("fd-steady");
	g->count = 64;
	l->open = l->open_at_start = 129;
	says("fd-steady");
	l->open = l->open_at_start = 128;
	KNOW_TEXT(g, type, "tcp");
	says("fd-steady");
	KNOW_TEXT(g, type, "file");
	says("fd-pile");
	g->known.type = 0;
	says("fd-steady");
	/* files of different names are what a database has, pipes of different names are pipes */
	l->top_count = 0;
	l->known.by_type = 1;
	l->by_type_count = 1;
	KNOW_TEXT(&l->by_type[0], type, "file");
	KNOW(&l->by_type[0], count, 120);
	says("fd-steady");
	KNOW_TEXT(&l->by_type[0], type, "pipe");
	says("fd-pile");
	/* without enough looks nobody knows that it does not grow */
	l->looks = 2;
	says("fd-unjudged");
	l->known.looks = 0;
	says("fd-unjudged");
}

static void test_high(void **state)
{
	struct fd_leak *l = make_leak(717, 717);

	(void)state;
	says("fd-high-stable");
	assert_int_equal(verdict.severity, SEVERITY_NOTICE);
	tells("--nofile=2048:");
	l->open = l->open_at_start = 716;
	says("fd-steady");
	assert_int_equal(verdict.severity, SEVERITY_INFO);
	l->open = 717;
	l->looks = 2;
	says("fd-high");
	l->known.soft = 0;
	says("fd-unjudged");
	l->looks = 24;
	says("fd-unjudged");
	KNOW(l, soft, 1024);
	KNOW(l, ended, 1);
	says("fd-ended");
	l->ended = 0;
	says("fd-high-stable");
}

static void test_overview(void **state)
{
	struct fd_leak *l = make_leak(717, 717);

	(void)state;
	says("fd-high-stable");
	assert_false(verdict.brief);
	KNOW(l, overview, 1);
	says("fd-high-stable");
	assert_true(verdict.brief);
	assert_string_equal(verdict.message, "nginx[912] 717 of 1024 descriptors (70 %)");
	/* whoever leaks has a card */
	l = make_leak(100, 200);
	KNOW(l, overview, 1);
	says("fd-leak");
	assert_false(verdict.brief);
}

/* how long the limit lasts is told of growth that goes on, and not of a pool */
static void test_lasts(void **state)
{
	struct fd_leak *l = make_leak(100, 200);

	(void)state;
	says("fd-leak");
	tells("full in 8 m 14 s");
	/* (4096 - 200) / 100 per minute */
	tells("4096 lasts 38 m 57 s");
	l->known.exhausted_in_s = 0;
	says("fd-leak");
	tells_not("full in");
	tells_not("lasts");
	KNOW(l, exhausted_in_s, 494);
	KNOW(l, ended, 1);
	says("fd-leak");
	tells_not("full in");
	make_leak(1000, 1001);
	says("fd-high-stable");
	tells_not("lasts");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_close_wait_pile),
		cmocka_unit_test(test_site),
		cmocka_unit_test(test_site_unknown),
		cmocka_unit_test(test_site_pool),
		cmocka_unit_test(test_site_replaces),
		cmocka_unit_test(test_site_slows),
		cmocka_unit_test(test_at_limit),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_burst),
		cmocka_unit_test(test_pile),
		cmocka_unit_test(test_high),
		cmocka_unit_test(test_overview),
		cmocka_unit_test(test_lasts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
