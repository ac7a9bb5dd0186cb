// SPDX-License-Identifier: BSD-2-Clause
/* Where descriptors were opened: stacks come as records, become places, and places become sites of a line. */
#include "fd_look.h"

static struct fd_stack_event taken;

/* ---- places ------------------------------------------------------------------ */

static uint64_t our_start(void)
{
	struct process_stat stat;

	assert_int_equal(procfs_stat(&session.procfs, getpid(), &stat), 0);
	return stat.start_ticks * (SECOND / sysconf(_SC_CLK_TCK));
}

/* a stack of one frame, of this very process */
static void take_stack(uint64_t site, const void *code)
{
	struct user_stack *s = &taken.stack;
	uint64_t registers[2] = { (uintptr_t)__builtin_frame_address(0), (uintptr_t)code };

	memset(&taken, 0, offsetof(struct fd_stack_event, stack.data));
	if (session.procfs.fd < 0)
		assert_int_equal(procfs_open(&session.procfs, NULL), 0);
	taken.start_ns = our_start();
	taken.site = site;
	taken.tgid = getpid();
#if defined(__x86_64__)
	s->registers[7] = registers[0];
	s->registers[16] = registers[1];
#else
	s->registers[31] = registers[0];
	s->registers[32] = registers[1];
#endif
	assert_int_equal(fd_leak_kind.event(&session, leak, &taken, offsetof(struct fd_stack_event, stack.data)), 0);
}

static void we_have(uint64_t site, unsigned int count, uint64_t other_site, unsigned int others)
{
	kernel.entry_count = 0;
	kernel_process(getpid(), 1);
	kernel_opens(opened(site, 10), count);
	kernel_opens(opened(other_site, 5), others);
}

/* two numbers, one stack: loops call from one place, and the kernel's number has more in it */
static void test_places_merge(void **state)
{
	const struct fd_place *p;

	(void)state;
	take_stack(5, &fd_leak_look);
	take_stack(6, &fd_leak_look);
	take_stack(7, &fd_leak_tell);
	assert_int_equal(leak->places.count, 2);
	we_have(5, 3, 6, 4);
	kernel_opens(opened(7, 4), 1);
	look(getpid());
	p = fd_leak_place(leak, 5);
	assert_true(p->has_stack);
	assert_ptr_equal(p, fd_leak_place(leak, 6));
	assert_ptr_not_equal(p, fd_leak_place(leak, 7));
	assert_int_equal(p->outstanding, 7);
	/* the oldest of both */
	assert_int_equal(p->oldest_ns, 5);
	assert_int_equal(p->oldest_fd, 3);
	assert_false(p->mixed);
	assert_null(fd_leak_place(leak, 8));
}

/* one number, two stacks: what it counts is of neither, and stays so */
static void test_places_ambiguous(void **state)
{
	(void)state;
	take_stack(5, &fd_leak_look);
	assert_true(fd_leak_place(leak, 5)->has_stack);
	take_stack(5, &fd_leak_look);
	assert_true(fd_leak_place(leak, 5)->has_stack);
	take_stack(5, &fd_leak_tell);
	we_have(5, 3, 6, 4);
	look(getpid());
	assert_false(fd_leak_place(leak, 5)->has_stack);
	assert_int_equal(fd_leak_place(leak, 5)->outstanding, 3);
	take_stack(5, &fd_leak_look);
	assert_false(fd_leak_place(leak, 5)->has_stack);
}

/* looked at before its stack came: it moves to the stack's place */
static void test_places_late(void **state)
{
	(void)state;
	we_have(5, 3, 6, 4);
	look(getpid());
	assert_false(fd_leak_place(leak, 5)->has_stack);
	assert_int_equal(fd_leak_place(leak, 5)->outstanding, 3);
	take_stack(5, &fd_leak_look);
	look(getpid());
	assert_true(fd_leak_place(leak, 5)->has_stack);
	assert_int_equal(fd_leak_place(leak, 5)->outstanding, 3);
	assert_int_equal(fd_leak_place(leak, 6)->outstanding, 4);
}

static void test_places_move(void **state)
{
	static const unsigned int counts[] = { 1, 1, 3, 2, 5 };
	const struct fd_place *p;
	struct fd_file f;

	(void)state;
	for (size_t i = 0; i < COUNT(counts); i++) {
		we_have(5, counts[i], 6, 1);
		look(getpid());
	}
	p = fd_leak_place(leak, 5);
	/* from none to the first look, too */
	assert_int_equal(p->rises, 3);
	assert_int_equal(p->falls, 1);
	assert_int_equal(p->outstanding - p->first, 5);
	f = opened(5, 3);
	strcpy(f.name, "[timerfd]");
	kernel_opens(f, 1);
	look(getpid());
	assert_true(p->mixed);
	we_have(5, 2, 6, 1);
	look(getpid());
	assert_false(p->mixed);
}

/* the process's own, in order of growth, with all that is outstanding accounted for */
static void test_sites_told(void **state)
{
	const struct fd_leak *x;
	unsigned int count;

	(void)state;
	take_stack(5, &fd_leak_look);
	take_stack(6, &fd_leak_tell);
	we_have(5, 3, 6, 4);
	kernel_opens(opened(7, 4), 2);
	kernel_opens(marked(), 1);
	kernel.entries[0].owner.start_ns = our_start();
	kernel.sites[0] = 5;
	kernel.site_counts[0] = (struct fd_site_count){ .opened = 13, .tgid = getpid() };
	kernel.sites[1] = 6;
	kernel.site_counts[1] = (struct fd_site_count){ .opened = 100, .tgid = 1 };
	kernel.site_count = 2;
	look(getpid());
	session.options.pid = 0;
	assert_true(fd_leak_tell(leak, table_find(&leak->processes, getpid()), false));
	count = lines_read();
	assert_int_equal(count, 1);
	x = &lines[0].fd_leak;
	assert_int_equal(x->sites_count, 2);
	assert_int_equal(x->site_total, 2);
	assert_int_equal(x->unattributed, 2);
	assert_int_equal(x->sites[0].outstanding, 4);
	assert_int_equal(x->sites[0].grown, 4);
	assert_int_equal(x->sites[1].outstanding, 3);
	assert_int_equal(x->sites[1].opened, 13);
	assert_int_equal(x->sites[1].closed, 10);
	assert_string_equal(x->sites[1].type, "eventfd");
	assert_non_null(strstr(x->sites[1].stack[0], "fd_leak_look"));
	assert_int_equal(x->opened, 13);
	assert_int_equal(x->closed, 4);
	assert_true(lines[0].process.known.exe);
}

/* it is gone: told is what it had at the last look, with what and where */
static void test_ended(void **state)
{
	const struct fd_leak *x = &lines[0].fd_leak;

	(void)state;
	session.options.pid = getpid();
	take_stack(5, &fd_leak_look);
	we_have(5, 3, 6, 4);
	kernel.now_ns += SECOND;
	fd_leak_kind.expire(&session, leak, kernel.now_ns);
	kernel.entry_count = 0;
	kernel.now_ns += SECOND;
	fd_leak_kind.expire(&session, leak, kernel.now_ns);
	assert_true(session.stop);
	fd_leak_kind.finish(&session, leak);
	assert_int_equal(lines_read(), 1);
	assert_true(x->ended);
	assert_int_equal(x->open, 7);
	assert_int_equal(x->outstanding, 7);
	assert_int_equal(x->by_type_count, 1);
	assert_int_equal(x->top_count, 1);
	assert_int_equal(x->sites_count, 1);
	assert_int_equal(x->sites[0].outstanding, 3);
	assert_int_equal(x->unattributed, 4);
}

/* ---- records ------------------------------------------------------------------- */

static void test_stack_sizes(void **state)
{
	const size_t head = offsetof(struct fd_stack_event, stack.data);
	static const uint32_t bytes[] = { 1, 100, USER_STACK_BYTES, USER_STACK_BYTES + 1, 0x80000000, UINT32_MAX };

	(void)state;
	memset(&taken, 0, sizeof(taken));
	for (size_t size = sizeof(struct event_header); size < head; size++)
		assert_int_equal(fd_leak_kind.event(&session, leak, &taken, size), -EBADMSG);
	for (size_t i = 0; i < COUNT(bytes); i++) {
		taken.stack.bytes = bytes[i];
		assert_int_equal(fd_leak_kind.event(&session, leak, &taken, head), -EBADMSG);
		if (bytes[i] <= USER_STACK_BYTES)
			assert_int_equal(fd_leak_kind.event(&session, leak, &taken, head + bytes[i] - 1), -EBADMSG);
	}
	taken.stack.bytes = 100;
	assert_int_equal(fd_leak_kind.event(&session, leak, &taken, head + 100), 0);
	/* of nobody: no place comes of it */
	assert_int_equal(leak->places.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ALL(test_places_merge), ALL(test_places_ambiguous), ALL(test_places_late), ALL(test_places_move),
		ALL(test_sites_told), ONE(test_stack_sizes), ONE(test_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
