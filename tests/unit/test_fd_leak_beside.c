// SPDX-License-Identifier: BSD-2-Clause
/* The rules about moving descriptors: what stands beside a leak, or only looks like one. */
#include "fd_make.h"

/* 24 looks in a minute, straight from "first" to "last" of 1024 */
static struct fd_leak *make_leak(uint64_t first, uint64_t last)
{
	struct fd_leak *l = &o.fd_leak;

	make(KIND_fd_leak);
	KNOW(l, soft, 1024);
	KNOW(l, hard, 524288);
	KNOW(l, open, last);
	KNOW(l, open_at_start, first);
	KNOW(l, looks, 24);
	KNOW(l, watched_ns, 60 * SECOND_NS);
	KNOW(l, growth_per_min, (int64_t)last - (int64_t)first);
	if (last > first)
		KNOW(l, exhausted_in_s, (1024 - last) * 60 / (last - first));
	l->known.history = 1;
	l->history_count = 24;
	for (int64_t i = 0; i < 24; i++)
		l->history[i] = first + ((int64_t)last - (int64_t)first) * i / 23;
	return l;
}

static struct fd_site *add_site(const char *type, uint64_t opened, uint64_t closed, const char *function)
{
	struct fd_leak *l = &o.fd_leak;
	struct fd_site *s = &l->sites[l->sites_count++];

	l->known.sites = 1;
	KNOW_TEXT(s, type, type);
	KNOW(s, outstanding, opened - closed);
	KNOW(s, opened, opened);
	KNOW(s, closed, closed);
	KNOW(s, grown, (int64_t)(opened - closed));
	KNOW(s, rises, 20);
	KNOW(s, falls, 0);
	s->known.stack = 1;
	s->stack_count = 2;
	strcpy(s->stack[0], "openat64+0x52 [libc.so.6]");
	snprintf(s->stack[1], sizeof(s->stack[1]), "%s+0x1c (app.c:12)", function);
	return s;
}

static struct fd_close_wait *close_wait(uint64_t count, int64_t grown, uint64_t oldest_ns)
{
	struct fd_leak *l = &o.fd_leak;
	struct fd_close_wait *c = &l->close_wait[0];

	KNOW(l, close_wait_total, count);
	KNOW(l, close_wait_grown, grown);
	l->known.close_wait = 1;
	l->close_wait_count = 1;
	KNOW_TEXT(c, peer, "10.0.3.7:80");
	KNOW(c, count, count);
	KNOW(c, oldest_ns, oldest_ns);
	return c;
}

/* a few connections that the peer closed do not hide what leaks, nor does its growth count as theirs */
static void test_close_wait_beside(void **state)
{
	struct fd_leak *l = make_leak(100, 200);

	(void)state;
	add_site("eventfd", 100, 0, "real_leak");
	close_wait(13, 1, 90 * SECOND_NS);
	says("fd-leak-site");
	tells("in real_leak");
	tells("beside that, 10.0.3.7:80 closed 13 connections");
	l->sites_count = 0;
	says("fd-leak");
	tells("beside that, 10.0.3.7:80 closed 13 connections");
	/* half of the growth is theirs */
	l->close_wait_total = l->close_wait[0].count = l->close_wait_grown = 50;
	says("fd-close-wait-pile");
	tells("At this rate the limit of 1024 is reached");
	l->close_wait_grown = 49;
	says("fd-leak");
	l->known.close_wait_grown = 0;
	says("fd-close-wait-pile");
	/* growth of others that may be load */
	KNOW(l, close_wait_grown, 1);
	l->history[9] = 100;
	l->history[18] = 130;
	says("fd-close-wait-pile");
	tells_not("is reached in");
	tells_not("full in");
	/* fewer than make a pile are not told of */
	l = make_leak(100, 200);
	close_wait(7, 1, 90 * SECOND_NS);
	says("fd-leak");
	tells_not("beside that");
}

/* a server that closes, and takes a while */
static void test_close_wait_served(void **state)
{
	struct fd_leak *l = make_leak(36, 36);
	struct fd_close_wait *c = close_wait(30, 0, 30 * SECOND_NS);
	struct fd_site *s = add_site("tcp", 100, 50, "accept_one");

	(void)state;
	says("fd-steady");
	c->oldest_ns++;
	says("fd-close-wait-pile");
	c->oldest_ns--;
	s->closed = 49;
	says("fd-close-wait-pile");
	s->closed = 50;
	KNOW_TEXT(s, type, "file");
	says("fd-close-wait-pile");
	KNOW_TEXT(s, type, "tcp");
	l->known.watched_ns = 0;
	says("fd-close-wait-pile");
	KNOW(l, watched_ns, 60 * SECOND_NS);
	l->known.sites = 0;
	says("fd-close-wait-pile");
}

/* one function that many call: the one that leaks and the others are told by their callers, and never more than all */
static void test_shared_wrapper(void **state)
{
	struct fd_leak *l = make_leak(100, 200);
	struct fd_site *leaking = add_site("file", 53, 0, "xopen"), *other = add_site("file", 50, 0, "xopen");

	(void)state;
	leaking->stack_count = other->stack_count = 3;
	strcpy(leaking->stack[2], "lookup+0x9 (cache.c:20)");
	strcpy(other->stack[2], "reload+0x7 (conf.c:4)");
	says("fd-leak-site");
	tells("xopen (app.c:12), called by lookup (cache.c:20), opens");
	tells("look at xopen (app.c:12), called by lookup (cache.c:20): every path");
	tells("51 % of the growth is from there, 48 % from xopen (app.c:12) called by reload (conf.c:4)");
	/* its caller says nothing */
	strcpy(other->stack[2], "main+0x7 (main.c:4)");
	says("fd-leak-site");
	tells("48 % from xopen (app.c:12) called elsewhere");
	/* another line of the stack further out, the same words */
	strcpy(other->stack[2], "lookup+0x1d (cache.c:20)");
	says("fd-leak-site");
	tells("all growth is from there");
	tells_not("% from");
	/* those that are no wrapper of both are told as they were */
	strcpy(other->stack[1], "pool_fill+0x3 (pool.c:9)");
	says("fd-leak-site");
	tells("48 % from pool_fill (pool.c:9).");
	/* what grew most, of which none leaks for certain */
	strcpy(other->stack[1], leaking->stack[1]);
	leaking->known.falls = other->known.falls = 0;
	says("fd-leak");
	tells("what grew most: xopen (app.c:12) called by lookup (cache.c:20)");
	l->sites_count = 0;
	says("fd-leak");
}

/* a static program without symbols: all go through one place, and who called it tells them apart */
static void test_no_symbols(void **state)
{
	struct fd_site *leaking, *other;

	(void)state;
	make_leak(100, 200);
	leaking = add_site("file", 53, 0, "f");
	other = add_site("file", 40, 0, "f");
	strcpy(leaking->stack[0], "lss+0x444be7");
	strcpy(leaking->stack[1], "lss+0x40187d");
	strcpy(other->stack[0], "lss+0x444be7");
	strcpy(other->stack[1], "lss+0x40199a");
	says("fd-leak-site");
	tells("lss+0x444be7, called by lss+0x40187d, opens");
	tells("look at lss+0x444be7, called by lss+0x40187d: every path");
	tells("53 % of the growth is from there, 40 % from lss+0x444be7 called by lss+0x40199a");
	/* another module, or one that has a name, is no such caller; nor is an interpreter */
	strcpy(leaking->stack[1], "libfoo.so+0x40187d");
	says("fd-leak-site");
	tells_not("0x40187d,");
	strcpy(leaking->stack[1], "ls+0x40187d");
	says("fd-leak-site");
	tells_not("called by ls+");
	strcpy(leaking->stack[1], "main+0x7 [lss]");
	says("fd-leak-site");
	tells_not("called by main");
	leaking->stack_count = 1;
	says("fd-leak-site");
	tells("lss+0x444be7 opens");
}

/* what is open there is young, and as many as that were closed: clients that come and go */
static void test_site_turns_over(void **state)
{
	struct fd_leak *l = make_leak(40, 80);
	struct fd_site *s = add_site("tcp", 100, 60, "accept_one");

	(void)state;
	says("fd-leak-site");
	KNOW(s, oldest_ns, 30 * SECOND_NS);
	says("fd-leak");
	s->oldest_ns++;
	says("fd-leak-site");
	s->oldest_ns = SECOND_NS;
	s->closed = 49;
	says("fd-leak-site");
	s->closed = 60;
	l->known.watched_ns = 0;
	says("fd-leak-site");
}

/* of 100 there five are new and the whole is as before: five were closed; others may be the new ones as far as they go */
static void test_pile_replaced(void **state)
{
	struct fd_leak *l = make_leak(105, 105);
	struct fd_site *s;

	(void)state;
	l->known.top = 1;
	add_group(l->top, &l->top_count, "/etc/passwd", "file", 100);
	says("fd-pile");
	KNOW(l, outstanding, 9);
	says("fd-pile");
	l->outstanding = 10;
	says("fd-steady");
	/* more than there were: nothing was closed for them */
	l->open = 106;
	l->outstanding = 11;
	says("fd-pile");
	l->open = 105;
	l->outstanding = 9;
	/* its site tells, another file's does not */
	s = add_site("file", 784, 779, "pool_open");
	KNOW_TEXT(s, example, "/etc/hosts");
	says("fd-pile");
	KNOW_TEXT(s, example, "/etc/passwd");
	says("fd-steady");
	s->outstanding = 4;
	says("fd-pile");
	s->outstanding = 5;
	s->known.outstanding = 0;
	says("fd-pile");
	s->known.outstanding = 1;
	s->known.example = 0;
	says("fd-pile");
	/* nor does one of another type, beside it */
	KNOW_TEXT(s, type, "tcp");
	says("fd-pile");
	KNOW_TEXT(s, type, "memfd");
	says("fd-pile");
	KNOW_TEXT(&l->top[0], type, "memfd");
	says("fd-steady");
}

/* a twentieth of many */
static void test_pile_replaced_many(void **state)
{
	struct fd_leak *l = make_leak(1005, 1005);
	struct fd_site *s = add_site("memfd", 784, 735, "pool_open");

	(void)state;
	l->soft = 20000;
	l->known.top = 1;
	add_group(l->top, &l->top_count, "memfd", "memfd", 1000);
	says("fd-pile");
	s->outstanding = 50;
	says("fd-steady");
	/* more of the type, and fewer of others */
	l->known.by_type = 1;
	l->by_type_count = 1;
	KNOW_TEXT(&l->by_type[0], type, "memfd");
	KNOW(&l->by_type[0], count, 1000);
	KNOW(&l->by_type[0], grown, 1);
	says("fd-pile");
	l->by_type[0].grown = -1;
	says("fd-steady");
	/* at the limit, too, it speaks for no leak */
	l->soft = 1005;
	says("fd-at-limit");
	tells_not("speaks for a leak");
	s->outstanding = 49;
	says("fd-at-limit");
	tells("speaks for a leak");
}

/* in the time of a glance nothing moves */
static void test_glance(void **state)
{
	struct fd_leak *l = make_leak(105, 105);

	(void)state;
	l->known.top = 1;
	add_group(l->top, &l->top_count, "/etc/passwd", "file", 100);
	l->looks = 3;
	l->watched_ns = SECOND_NS / 2;
	says("fd-pile");
	l->watched_ns--;
	says("fd-unjudged");
	tells("too short a time");
	l->soft = 140;
	says("fd-high");
	KNOW(l, overview, 1);
	l->watched_ns = 5 * SECOND_NS - 1;
	says("fd-high");
	assert_true(verdict.brief);
	l->watched_ns++;
	says("fd-pile");
	/* what grows already is told */
	l = make_leak(50, 80);
	KNOW(l, overview, 1);
	l->watched_ns = SECOND_NS / 4;
	says("fd-leak");
}

/* a rate that first and last look contradict is not told, nor what would follow from it */
static void test_rate(void **state)
{
	struct fd_leak *l = make_leak(100, 108);

	(void)state;
	assert_int_equal(fd_rate(l), 8);
	l->growth_per_min = -1;
	assert_int_equal(fd_rate(l), 0);
	l->growth_per_min = 32;
	assert_int_equal(fd_rate(l), 32);
	l->growth_per_min = 33;
	assert_int_equal(fd_rate(l), 0);
	l->known.watched_ns = 0;
	assert_int_equal(fd_rate(l), 33);
	l->known.open_at_start = 0;
	assert_int_equal(fd_rate(l), 33);
	l = make_leak(116, 116);
	l->growth_per_min = 54;
	assert_int_equal(fd_rate(l), 0);
	says("fd-steady");
	tells_not("54");
	l->growth_per_min = -1683;
	assert_int_equal(fd_rate(l), 0);
	l = make_leak(116, 100);
	assert_int_equal(fd_rate(l), -16);
	l->growth_per_min = 16;
	assert_int_equal(fd_rate(l), 0);
	l->known.growth_per_min = 0;
	assert_int_equal(fd_rate(l), 0);
}

/* what came and was opened by no call of its own: by whom is a guess, and said to be one */
static void test_shared(void **state)
{
	struct fd_leak *l = make_leak(56, 188);

	(void)state;
	KNOW(l, outstanding, 0);
	KNOW(l, unseen, 132);
	says("fd-leak");
	tells("CLONE_FILES");
	l->unseen = 65;
	says("fd-leak");
	tells_not("CLONE_FILES");
	tells("is not known");
	l->unseen = 132;
	l->outstanding = 132;
	says("fd-leak");
	tells_not("CLONE_FILES");
	l->known.unseen = 0;
	l->outstanding = 0;
	says("fd-leak");
	tells_not("CLONE_FILES");
}

/* of one that ended that is said, and no time to its limit */
static void test_ended(void **state)
{
	struct fd_leak *l = make_leak(100, 200);

	(void)state;
	says("fd-leak");
	tells("is reached in");
	tells("prlimit");
	KNOW(l, ended, 1);
	says("fd-leak");
	tells("the process has ended");
	tells_not("is reached in");
	tells_not("prlimit");
	l->soft = 200;
	says("fd-at-limit");
	tells_not("prlimit");
	tells_not("next ones fail");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_close_wait_beside),
		cmocka_unit_test(test_close_wait_served),
		cmocka_unit_test(test_shared_wrapper),
		cmocka_unit_test(test_no_symbols),
		cmocka_unit_test(test_site_turns_over),
		cmocka_unit_test(test_pile_replaced),
		cmocka_unit_test(test_pile_replaced_many),
		cmocka_unit_test(test_glance),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
