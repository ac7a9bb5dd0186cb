// SPDX-License-Identifier: BSD-2-Clause
/* Lines about descriptors whose texts are as long and as odd as can be: they fit, and say what was cut. */
#include "fd_list_make.h"

#include <errno.h>

#include "fd_kernel.h"
#include "kinds.h"
#include "kinds/fd_exhausted_kind.h"
#include "kinds/fd_leak_kind.h"
#include "lines.h"
#include "user/ndjson.h"

/* its fit() is nobody else's: this takes the place of the library's */
#include "user/kinds/fd_leak_tell.c"

static struct observation o;
static struct verdict verdict;

/* as it goes out: a whole line that fits, is read again, and says that it was cut */
static void check_line(bool is_cut)
{
	static char out[LINE_BYTES + 1024];
	static struct observation read;
	struct text text = TEXT_ON(out);
	const char *reason = "";

	diagnose(&o, &verdict);
	ndjson_observation(&text, &o, &verdict);
	assert_false(text.cut);
	assert_true(text.length <= LINE_BYTES);
	assert_int_equal(out[text.length - 1], '\n');
	assert_int_equal(recording_read(out, text.length - 1, &read, &reason), RECORDING_OBSERVATION);
	assert_true(!is_cut || read.truncated_count);
}

static bool says(const char *what)
{
	for (uint64_t i = 0; i < o.truncated_count; i++)
		if (strcmp(o.truncated[i], what) == 0)
			return true;
	return false;
}

/* ---- refused -------------------------------------------------------------------- */

static void test_exhausted_longest(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed < 40; seed++) {
		struct fill fill = { .random = seed, .all = true };

		fill_parts(&fill, &o, KIND_fd_exhausted);
		assert_true(ndjson_observation_bytes(&o) > LINE_BYTES);
		fd_exhausted_fit(&o);
		assert_true(says("process.args") && says("fd_exhausted.stack"));
		/* what is cut last: which calls failed, of what there is most */
		assert_true(o.fd_exhausted.calls_count == 6);
		assert_true(o.fd_exhausted.by_type_count >= 6);
		check_line(true);
	}
}

/* each byte of each text takes six in the line */
static void test_exhausted_worst(void **state)
{
	struct fill fill = { .random = 1, .all = true };
	struct fd_exhausted *x = &o.fd_exhausted;

	(void)state;
	fill_parts(&fill, &o, KIND_fd_exhausted);
	memset(o.process.exe, 1, sizeof(o.process.exe) - 1);
	memset(o.cgroup.path, 1, sizeof(o.cgroup.path) - 1);
	memset(o.container.unit, 1, sizeof(o.container.unit) - 1);
	memset(x->script, 1, sizeof(x->script) - 1);
	memset(x->stack_note, 1, sizeof(x->stack_note) - 1);
	for (int i = 0; i < 20; i++)
		memset(x->stack[i], 1, sizeof(x->stack[i]) - 1);
	for (int i = 0; i < 6; i++)
		memset(x->top[i].what, 1, sizeof(x->top[i].what) - 1);
	for (int i = 0; i < 16; i++)
		memset(o.process.args[i], 1, sizeof(o.process.args[i]) - 1);
	fd_exhausted_fit(&o);
	assert_true(says("process.args") && says("fd_exhausted.stack") && says("fd_exhausted.top") && says("cgroup.path"));
	check_line(true);
}

static void test_exhausted_random(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed < 200; seed++) {
		struct fill fill = { .random = seed };
		size_t before;

		fill_parts(&fill, &o, KIND_fd_exhausted);
		before = ndjson_observation_bytes(&o);
		fd_exhausted_fit(&o);
		/* what fits stays as it is */
		assert_int_equal(before != ndjson_observation_bytes(&o), o.truncated_count != 0);
		check_line(false);
	}
}

/* ---- held ------------------------------------------------------------------------ */

static struct session session;
static struct fd_leak_state *leak;

static int setup(void **state)
{
	(void)state;
	memset(&session, 0, sizeof(session));
	kernel_clear();
	lines_open(&session);
	session.started_ns = kernel.now_ns;
	lines_add_kind(&session, &fd_leak_kind);
	kernel_arm(&session);
	leak = session.kinds[0].state;
	assert_int_equal(procfs_open(&session.procfs, NULL), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	lines_close(&session);
	if (session.unwinder)
		unwinder_close(session.unwinder);
	procfs_close(&session.procfs);
	return 0;
}

/* names a driver might have, as long as they can be */
static void open_many(void)
{
	struct fd_file f = fd_anonymous("");

	kernel_process(getpid(), 1)->soft = 65536;
	for (unsigned int i = 0; i < 40; i++) {
		memset(f.name, 1 + i % 26, sizeof(f.name));
		f.seen = 1;
		f.site = i;
		f.opened_ns = 5;
		kernel_opens(f, 3 + i);
	}
	for (unsigned int i = 0; i < 100; i++) {
		char peer[48];

		snprintf(peer, sizeof(peer), "fd00:1111:2222:3333:4444:5555:6666:%x", i % 7);
		kernel_opens(fd_tcp("fd00:1111:2222:3333:4444:5555:6666:7777", i, peer, i, FD_TCP_CLOSE_WAIT), 2);
	}
}

/* one frame, of this process: the words of the stack are this program's names */
static void take_stack(uint64_t site, uintptr_t code)
{
	static struct fd_stack_event e;
	struct process_stat stat;

	assert_int_equal(procfs_stat(&session.procfs, getpid(), &stat), 0);
	memset(&e, 0, offsetof(struct fd_stack_event, stack.data));
	e.start_ns = stat.start_ticks * (SECOND / sysconf(_SC_CLK_TCK));
	e.site = site;
	e.tgid = getpid();
#if defined(__x86_64__)
	e.stack.registers[7] = (uintptr_t)__builtin_frame_address(0);
	e.stack.registers[16] = code;
#else
	e.stack.registers[31] = (uintptr_t)__builtin_frame_address(0);
	e.stack.registers[32] = code;
#endif
	assert_int_equal(fd_leak_kind.event(&session, leak, &e, offsetof(struct fd_stack_event, stack.data)), 0);
	kernel.entries[0].owner.start_ns = e.start_ns;
}

static void test_leak_longest(void **state)
{
	unsigned int looks = 0;

	(void)state;
	open_many();
	for (uint64_t site = 0; site < 40; site++)
		take_stack(site, (uintptr_t)&fd_leak_look + 4 * site);
	for (; looks < 29; looks++, kernel.now_ns += SECOND)
		assert_int_equal(fd_leak_look(leak, getpid()), 0);
	assert_true(fd_leak_tell(leak, getpid(), false));
	assert_int_equal(lines_read(), 1);
	o = lines[0];
	assert_true(o.fd_leak.sites_count > 0);
	assert_int_equal(o.fd_leak.history_count, 15);
	assert_true(o.truncated_count > 0);
	/* the sum of the types is not all: they are of more types than are told */
	assert_int_equal(o.fd_leak.open, 40 * 3 + 39 * 40 / 2 + 200);
	check_line(true);
}

/* the sum of what was cut is in the line, too, when all there is was as long as it can be */
static void test_leak_worst(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed < 40; seed++) {
		struct fill fill = { .random = seed, .all = true };

		fill_parts(&fill, &o, KIND_fd_leak);
		fit(&o);
		assert_true(says("process.args") && says("fd_leak.sites") && says("fd_leak.sites.stack"));
		assert_int_equal(o.fd_leak.history_count, 24);
		check_line(true);
	}
}

static void test_leak_random(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed < 200; seed++) {
		struct fill fill = { .random = seed };
		size_t before;

		fill_parts(&fill, &o, KIND_fd_leak);
		before = ndjson_observation_bytes(&o);
		fit(&o);
		assert_int_equal(before != ndjson_observation_bytes(&o), o.truncated_count != 0);
		check_line(false);
	}
}

/* a list that lost something is named */
static void test_exhausted_named(void **state)
{
	struct fd_exhausted *x = &o.fd_exhausted;
	int unnamed = 0;

	(void)state;
	for (uint64_t seed = 1; seed < 3000; seed++) {
		struct fill fill = { .random = seed };
		uint64_t stack, top, types, args;

		fill_parts(&fill, &o, KIND_fd_exhausted);
		stack = x->stack_count, top = x->top_count, types = x->by_type_count, args = o.process.args_count;
		fd_exhausted_fit(&o);
		unnamed += x->stack_count < stack && !says("fd_exhausted.stack");
		unnamed += x->top_count < top && !says("fd_exhausted.top");
		unnamed += x->by_type_count < types && !says("fd_exhausted.by_type");
		unnamed += o.process.args_count < args && !says("process.args");
	}
	assert_int_equal(unnamed, 0);
}

static void test_leak_named(void **state)
{
	struct fd_leak *x = &o.fd_leak;
	int unnamed = 0;

	(void)state;
	for (uint64_t seed = 1; seed < 3000; seed++) {
		struct fill fill = { .random = seed };
		uint64_t sites, top, types, args, waits;

		fill_parts(&fill, &o, KIND_fd_leak);
		sites = x->sites_count, top = x->top_count, types = x->by_type_count, args = o.process.args_count;
		waits = x->close_wait_count;
		fit(&o);
		unnamed += x->sites_count < sites && !says("fd_leak.sites");
		unnamed += x->top_count < top && !says("fd_leak.top");
		unnamed += x->by_type_count < types && !says("fd_leak.by_type");
		unnamed += x->close_wait_count < waits && !says("fd_leak.close_wait");
		unnamed += o.process.args_count < args && !says("process.args");
	}
	assert_int_equal(unnamed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exhausted_longest), cmocka_unit_test(test_exhausted_worst),
		cmocka_unit_test(test_exhausted_random),
		cmocka_unit_test_setup_teardown(test_leak_longest, setup, teardown), cmocka_unit_test(test_leak_worst),
		cmocka_unit_test(test_leak_random),
		cmocka_unit_test(test_exhausted_named), cmocka_unit_test(test_leak_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
