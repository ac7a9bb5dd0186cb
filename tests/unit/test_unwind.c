// SPDX-License-Identifier: BSD-2-Clause
/* Call stacks of living processes: children of this very file, which sleep at the end of a known chain. */
#include "stack.h"

#include <dirent.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#define NOINLINE __attribute__((noinline, noclone))

/* what a call leaves to do keeps it from being a jump */
static volatile int sink;

/* ---- the child ------------------------------------------------------------- */

static void ready(void)
{
	if (write(3, "r", 1) != 1)
		_exit(3);
}

static NOINLINE void chain_inner(void)
{
	ready();
	for (;;) {
		pause();
		sink++;
	}
}

static NOINLINE void chain_middle(void)
{
	chain_inner();
	sink++;
}

static NOINLINE void chain_outer(void)
{
	chain_middle();
	sink++;
}

static NOINLINE void recurse(int depth)
{
	if (!depth)
		chain_inner();
	while (depth) {
		recurse(depth - 1);
		sink++;
	}
}

static void on_signal(int number)
{
	chain_outer();
	sink += number;
}

static NOINLINE void interrupted(void)
{
	raise(SIGUSR1);
	sink++;
}

static void run_handler(bool own_stack)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = own_stack ? SA_ONSTACK : 0 };
	stack_t stack = { .ss_size = 64 * 1024 };

	stack.ss_sp = mmap(NULL, stack.ss_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	sigaltstack(&stack, NULL);
	sigaction(SIGUSR1, &action, NULL);
	interrupted();
}

/* code that no file and no table knows, which calls what it gets; with a frame pointer, as V8's */
#if defined(__x86_64__)
static const unsigned char shim[] = { 0x55, 0x48, 0x89, 0xe5, 0xff, 0xd7, 0x5d, 0xc3 };
#elif defined(__aarch64__)
static const unsigned char shim[] = {
	0xfd, 0x7b, 0xbf, 0xa9, 0xfd, 0x03, 0x00, 0x91, 0x00, 0x00, 0x3f, 0xd6, 0xfd, 0x7b, 0xc1, 0xa8, 0xc0, 0x03, 0x5f, 0xd6,
};
#endif

static NOINLINE __attribute__((optimize("no-omit-frame-pointer"))) void run_generated(void)
{
	void *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memcpy(code, shim, sizeof(shim));
	mprotect(code, 4096, PROT_READ | PROT_EXEC);
	__builtin___clear_cache(code, (char *)code + 4096);
	((void (*)(void (*)(void)))code)(chain_outer);
	sink++;
}

/* calls by pointer only, so that it runs wherever it is mapped */
static NOINLINE __attribute__((no_sanitize("address", "undefined"))) void anywhere(void (*call)(void), volatile int *at)
{
	call();
	(*at)++;
}

/* the same file's code at a second place, as dlopen() would add it: after the first stack was taken */
static void run_mapped(void)
{
	uint64_t start, end, offset;
	char line[512], *copy;
	FILE *maps;
	int fd;

	ready();
	pause();
	maps = fopen("/proc/self/maps", "r");
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx r-xp %lx", &start, &end, &offset) == 3 && start <= (uintptr_t)anywhere &&
		    (uintptr_t)anywhere < end)
			break;
	}
	fclose(maps);
	fd = open("/proc/self/exe", O_RDONLY);
	/* with room for the segments around it */
	copy = mmap(NULL, 64 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	copy = mmap(copy + (32 << 20), end - start, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd, offset);
	((void (*)(void (*)(void), volatile int *))(copy + ((uintptr_t)anywhere - start)))(chain_outer, &sink);
}

static void nothing(int number)
{
	(void)number;
}

static int run_child(const char *mode, char **arguments)
{
	signal(SIGUSR2, nothing);
	if (!strcmp(mode, "chain"))
		chain_outer();
	else if (!strcmp(mode, "deep"))
		recurse(20);
	else if (!strcmp(mode, "deeper"))
		recurse(200);
	else if (!strcmp(mode, "handler"))
		run_handler(false);
	else if (!strcmp(mode, "own stack"))
		run_handler(true);
	else if (!strcmp(mode, "generated"))
		run_generated();
	else if (!strcmp(mode, "mapped"))
		run_mapped();
	else if (!strcmp(mode, "exec"))
		execv(arguments[2], arguments + 2);
	sink++;
	return 4;
}

/* ---- the tests ------------------------------------------------------------- */

static struct unwinder *unwinder;
static struct user_stack stack;
static struct call_stack calls;
static char frames[CALL_STACK_FRAMES][256];
static char directory[64], self[4096];

static int setup(void **state)
{
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	(void)state;
	strcpy(directory, "/tmp/kwhy-unwind-XXXXXX");
	if (n < 0 || !mkdtemp(directory))
		return -1;
	self[n] = '\0';
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
	char *arguments[] = { (char *)path, (char *)"child", (char *)mode, NULL };

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
	assert_non_null(strstr(frames[n - 1], " (test_unwind.c:"));
	/* pause() itself, and what a sanitizer may put around it */
	assert_true(n == 4 || n == 5);
	assert_non_null(strstr(frames[0], "pause+0x"));
	find(n, "main+0x");
	find(n, "_start+0x");
	assert_int_equal(find(n, "_start+0x"), calls.count - 1);
	assert_false(calls.truncated);
	assert_string_equal(calls.note, "");
	assert_int_equal(calls.exact, 1);
	show();
	stop_child(child);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(test_chain),
	};

	if (argc >= 3 && !strcmp(argv[1], "child"))
		return run_child(argv[2], argv + 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
