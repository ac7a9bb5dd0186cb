// SPDX-License-Identifier: BSD-2-Clause
/* Call stacks of living processes: children of this very program, which sleep at the end of a known chain. */
#include "stack.h"

#include <time.h>

#include "stack_child.h"

static struct unwinder *unwinder;
static struct user_stack stack;
static struct call_stack calls;
static char frames[CALL_STACK_FRAMES][256];
static char directory[64], self[4096], other[128];

static int setup(void **state)
{
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	(void)state;
	strcpy(directory, "/tmp/kwhy-unwind-XXXXXX");
	if (n < 0 || !mkdtemp(directory))
		return -1;
	self[n] = '\0';
	snprintf(other, sizeof(other), "%s/other", directory);
	alarm(120);
	return unwinder_open(&unwinder);
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	unwinder_close(unwinder);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

static struct child start(const char *path, const char *mode)
{
	char *arguments[] = { (char *)path, (char *)"child", (char *)mode, other, NULL };

	return start_program(path, arguments);
}

static void unwind(struct child child)
{
	assert_int_equal(unwinder_unwind(unwinder, child.pid, child.start_ns, &stack, &calls), 0);
	assert_true(calls.count <= CALL_STACK_FRAMES);
	for (uint32_t n = 0; n < calls.count; n++)
		assert_int_equal(unwinder_frame(unwinder, child.pid, child.start_ns, &calls, n, frames[n],
						sizeof(frames[n])), 0);
}

static void show(void)
{
	for (uint32_t n = 0; n < calls.count; n++)
		fprintf(stderr, "# %2u %s\n", n, frames[n]);
	fprintf(stderr, "# truncated %d note \"%s\"\n", calls.truncated, calls.note);
}

/* the frame that begins so, from n on; the test fails without */
static uint32_t find(uint32_t n, const char *beginning)
{
	for (; n < calls.count; n++) {
		if (!strncmp(frames[n], beginning, strlen(beginning)))
			return n;
	}
	show();
	fail_msg("no frame %s", beginning);
	return 0;
}

/* the known chain without a gap; what is outside of it */
static uint32_t find_chain(void)
{
	uint32_t n = find(0, "chain_inner+0x");

	assert_int_equal(find(n, "chain_middle+0x"), n + 1);
	assert_int_equal(find(n, "chain_outer+0x"), n + 2);
	return n + 3;
}

static void test_chain(void **state)
{
	struct child child = start(self, "chain");
	uint32_t n;

	(void)state;
	take_stack(child, &stack);
	unwind(child);
	n = find_chain();
#ifndef __clang__
	/* clang writes no .debug_aranges, without which libdw 0.188 finds no line */
	assert_non_null(strstr(frames[n - 1], " (stack_child.h:"));
#endif
	/* pause() itself, and what a sanitizer may put around it */
	assert_true(n == 4 || n == 5);
	assert_non_null(strstr(frames[0], "pause+0x"));
	find(n, "main+0x");
	find(n, "_start+0x");
	assert_int_equal(find(n, "_start+0x"), calls.count - 1);
	assert_false(calls.truncated);
	assert_string_equal(calls.note, "");
	assert_int_equal(calls.exact, 1);
	stop_child(child);
}

static int run(const char *format, const char *first, const char *second)
{
	char command[5000];

	assert_true(snprintf(command, sizeof(command), "%s %s %s 2>/dev/null", format, first, second) > 0);
	return system(command);
}

/* a stripped program gives its name and offsets, and no exported neighbour's name */
static void test_stripped(void **state)
{
	struct child child;
	uint32_t n;

	(void)state;
	if (run("strip -o", other, self))
		skip();
	child = start(other, "chain");
	take_stack(child, &stack);
	unwind(child);
	n = find(0, "other+0x");
	for (int i = 1; i <= 3; i++)
		assert_int_equal(find(n + i, "other+0x"), n + i);
	assert_int_equal(find(n + 4, "other+0x"), calls.count - 1);
	assert_false(calls.truncated);
	stop_child(child);
}

/* what the process runs, although the path leads to nothing or to something else */
static void test_gone_file(void **state)
{
	char expected[256];

	(void)state;
	if (geteuid())
		skip();
	for (int replaced = 0; replaced < 2; replaced++) {
		struct child child;

		assert_int_equal(run("cp", self, other), 0);
		child = start(other, "chain");
		take_stack(child, &stack);
		unlink(other);
		if (replaced)
			assert_int_equal(run("cp", "/bin/sh", other), 0);
		unwind(child);
		find_chain();
		snprintf(expected, sizeof(expected), "%s was replaced or deleted since it was started", other);
		assert_string_equal(calls.note, expected);
		assert_false(calls.truncated);
		stop_child(child);
		unlink(other);
	}
}

/* names too long for the note, and for any */
static void test_gone_long(void **state)
{
	char path[400];
	static const char *const names[] = { "a-name-of-fifty-characters-for-a-program-to-run-it", "%0220d" };
	static const char *const notes[] = {
		"a-name-of-fifty-characters-for-a-program-to-run-it was replaced or deleted since it was started",
		"a file was replaced or deleted since it was started",
	};

	(void)state;
	if (geteuid())
		skip();
	for (int i = 0; i < 2; i++) {
		struct child child;
		int n = snprintf(path, sizeof(path), "%s/%0*d", directory, i ? 220 : 1, 0);

		if (!i)
			snprintf(path + n - 1, sizeof(path) - n, "%s", names[0]);
		assert_int_equal(run("cp", self, path), 0);
		child = start(path, "chain");
		take_stack(child, &stack);
		unlink(path);
		unwind(child);
		assert_string_equal(calls.note, notes[i]);
		stop_child(child);
	}
}

/* what was not copied is not made up: fewer frames, and those there are right */
static void test_cut(void **state)
{
	static const uint32_t sizes[] = { 0, 4, 8, 15, 64, 256 };
	struct child child = start(self, "deep");
	struct call_stack whole;

	(void)state;
	take_stack(child, &stack);
	unwind(child);
	assert_false(calls.truncated);
	find(find(0, "chain_inner+0x") + 20, "recurse+0x");
	whole = calls;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		stack.bytes = sizes[i];
		unwind(child);
		assert_true(calls.truncated);
		assert_true(calls.count >= 1 && calls.count < whole.count);
		assert_memory_equal(calls.pcs, whole.pcs, calls.count * sizeof(calls.pcs[0]));
	}
	stop_child(child);
}

static void test_many_frames(void **state)
{
	struct child child = start(self, "deeper");

	(void)state;
	take_stack(child, &stack);
	unwind(child);
	assert_int_equal(calls.count, CALL_STACK_FRAMES);
	assert_true(calls.truncated);
	find(CALL_STACK_FRAMES - 1, "recurse+0x");
	stop_child(child);
}

static void test_handler(void **state)
{
	static const char *const modes[] = { "handler", "own stack" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct child child = start(self, modes[i]);
		uint32_t n;

		take_stack(child, &stack);
		unwind(child);
		n = find(find_chain(), "on_signal+0x");
		n = find(find(n, "interrupted+0x"), "main+0x");
		assert_int_equal(find(n, "_start+0x"), calls.count - 1);
		assert_false(calls.truncated);
		/* the interrupted frame stopped where it stands, beside the innermost */
		assert_true(calls.exact & ~1ULL);
		stop_child(child);
	}
}

static void test_generated(void **state)
{
	struct child child = start(self, "generated");
	uint32_t n;

	(void)state;
	take_stack(child, &stack);
	unwind(child);
	n = find_chain();
	assert_string_equal(frames[n], "[jit]");
	assert_int_equal(find(n, "run_generated+0x"), n + 1);
	find(n, "main+0x");
	stop_child(child);
}

/* wakes it, and waits until the maps may be read again */
static void go_on(struct child child)
{
	kill(child.pid, SIGUSR2);
	usleep(200 * 1000);
	wait_asleep(child.pid);
	take_stack(child, &stack);
	unwind(child);
}

/* code that was mapped after the maps were read */
static void test_later(void **state)
{
	struct child child = start(self, "mapped");
	uint32_t n;

	(void)state;
	take_stack(child, &stack);
	unwind(child);
	find(0, "run_mapped+0x");
	go_on(child);
	n = find_chain();
	assert_int_equal(find(n, "anywhere+0x"), n);
	assert_int_equal(find(n, "run_mapped+0x"), n + 1);
	assert_false(calls.truncated);
	stop_child(child);
}

/* the same process, another program */
static void test_exec(void **state)
{
	struct child child;

	(void)state;
	assert_int_equal(run("cp", self, other), 0);
	child = start(self, "exec");
	take_stack(child, &stack);
	unwind(child);
	find(0, "run_exec+0x");
	go_on(child);
	find_chain();
	assert_int_equal(find(0, "_start+0x"), calls.count - 1);
	assert_string_equal(frames[calls.count - 1] + strcspn(frames[calls.count - 1], "["), "[other]");
	stop_child(child);
}

static void test_gone_process(void **state)
{
	struct child child = start(self, "chain");
	char text[64];

	(void)state;
	take_stack(child, &stack);
	assert_int_equal(unwinder_unwind(unwinder, child.pid, child.start_ns + 1000000000, &stack, &calls), -ESRCH);
	assert_int_equal(unwinder_unwind(unwinder, 0, 0, &stack, &calls), -ESRCH);
	unwind(child);
	stop_child(child);
	/* names while it is remembered */
	assert_int_equal(unwinder_frame(unwinder, child.pid, child.start_ns, &calls, 0, text, sizeof(text)), 0);
	assert_int_equal(unwinder_frame(unwinder, child.pid, child.start_ns, &calls, calls.count, text, sizeof(text)),
			 -ERANGE);
	assert_int_equal(unwinder_unwind(unwinder, child.pid, child.start_ns, &stack, &calls), -ESRCH);
	assert_int_equal(unwinder_frame(unwinder, child.pid, child.start_ns, &calls, 0, text, sizeof(text)), -ESRCH);
}

/* more processes than are remembered, in turn */
static void test_many_processes(void **state)
{
	struct child children[12];

	(void)state;
	for (int i = 0; i < 12; i++)
		children[i] = start(self, "chain");
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 12; i++) {
			take_stack(children[i], &stack);
			unwind(children[i]);
			find_chain();
		}
	}
	for (int i = 0; i < 12; i++)
		stop_child(children[i]);
}

static void test_no_stack(void **state)
{
	char text[8] = "before";

	(void)state;
	stack.flags = USER_STACK_COMPAT;
	assert_int_equal(unwinder_unwind(unwinder, getpid(), start_of(getpid()), &stack, &calls), -ENOTSUP);
	assert_int_equal(calls.count, 0);
	assert_string_equal(calls.note, "a 32-bit program: its stack cannot be read");
	stack.flags = USER_STACK_NONE;
	assert_int_equal(unwinder_unwind(unwinder, getpid(), start_of(getpid()), &stack, &calls), 0);
	assert_int_equal(calls.count, 0);
	assert_string_equal(calls.note, "io_uring worker: no user stack");
	assert_int_equal(unwinder_frame(unwinder, getpid(), 0, &calls, 0, text, sizeof(text)), -ERANGE);
	assert_string_equal(text, "before");
	stack.flags = 0;
}

static uint64_t seed = 1;

static uint64_t next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}

/* any registers and any stack end soon; frames are code that is there */
static void test_garbage(void **state)
{
	struct child child = start(self, "deep");
	static struct user_stack good;

	(void)state;
	take_stack(child, &good);
	for (int round = 0; round < 3000; round++) {
		stack = good;
		for (uint64_t n = next_random() % 4; n > 0; n--) {
			uint64_t *place = next_random() % 2 ? (uint64_t *)&stack.registers[next_random() % 17]
							    : (uint64_t *)stack.data + next_random() % 128;
			uint64_t value = next_random();

			/* addresses of the stack itself are the worst: it refers to itself */
			*place = value % 3 == 0   ? stack_pointer(&good) + value / 3 % 1024
				 : value % 3 == 1 ? good.registers[16] + value / 3 % 4096
						  : value;
		}
		if (next_random() % 4 == 0)
			stack.bytes = next_random() % (2 * USER_STACK_BYTES);
		assert_int_equal(unwinder_unwind(unwinder, child.pid, child.start_ns, &stack, &calls), 0);
		assert_true(calls.count <= CALL_STACK_FRAMES);
		if (calls.count)
			assert_int_equal(unwinder_frame(unwinder, child.pid, child.start_ns, &calls, calls.count - 1,
							frames[0], sizeof(frames[0])), 0);
	}
	stop_child(child);
}

/* ---- other people's programs ----------------------------------------------- */

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static void say_times(const char *name, struct child child)
{
	uint64_t begin = now_ns(), first, later;

	unwinder_unwind(unwinder, child.pid, child.start_ns, &stack, &calls);
	first = now_ns() - begin;
	begin = now_ns();
	for (int i = 0; i < 100; i++)
		unwinder_unwind(unwinder, child.pid, child.start_ns, &stack, &calls);
	later = (now_ns() - begin) / 100;
	begin = now_ns();
	unwind(child);
	fprintf(stderr, "# %s: %u frames, first %llu us, later %llu us, names %llu us\n", name, calls.count,
		(unsigned long long)first / 1000, (unsigned long long)later / 1000,
		(unsigned long long)(now_ns() - begin) / 1000);
}

static void test_python(void **state)
{
	static const char program[] = "import os, time\n"
				      "def f(n):\n"
				      "  if n: return f(n - 1) + 1\n"
				      "  os.write(3, b'r'); time.sleep(100); return 0\n"
				      "print(sorted([1], key=lambda x: f(5)))\n";
	char *arguments[] = { (char *)"python3", (char *)"-c", (char *)program, NULL };
	struct child child;
	int own = 0;

	(void)state;
	if (access("/usr/bin/python3", X_OK))
		skip();
	child = start_program("/usr/bin/python3", arguments);
	take_stack(child, &stack);
	say_times("python3", child);
	assert_false(calls.truncated);
	for (uint32_t n = 0; n < calls.count; n++)
		own += strstr(frames[n], "Py") || !strncmp(frames[n], "python3", 7);
	if (own < 8 || calls.count < 12) {
		show();
		fail_msg("too few frames of Python");
	}
	assert_true(strstr(frames[calls.count - 1], "_start+0x") || strstr(frames[calls.count - 1], "python3"));
	stop_child(child);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(test_chain),	 TEST(test_stripped),	   TEST(test_gone_file), TEST(test_gone_long),
		TEST(test_cut),		 TEST(test_many_frames),   TEST(test_handler),	 TEST(test_generated),
		TEST(test_later),	 TEST(test_exec),	   TEST(test_no_stack),	 TEST(test_garbage),
		TEST(test_gone_process), TEST(test_many_processes), TEST(test_python),
	};

	if (argc >= 3 && !strcmp(argv[1], "child"))
		return run_child(argv[2], argc > 3 ? argv[3] : "");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
