// SPDX-License-Identifier: BSD-2-Clause
/* The rules about refused descriptors: where each begins and ends, which frame is the code, and recordings of both kinds. */
#include "fd_make.h"

/* accept4 answers EMFILE at 1024 of 1024 (hard 524288) */
static struct fd_exhausted *make_exhausted(void)
{
	struct fd_exhausted *x = &o.fd_exhausted;

	make(KIND_fd_exhausted);
	KNOW(x, error, FD_ERROR_EMFILE);
	KNOW(x, limit_kind, FD_LIMIT_RLIMIT_SOFT);
	KNOW(x, limit, 1024);
	KNOW(x, soft, 1024);
	KNOW(x, hard, 524288);
	KNOW(x, open, 1024);
	KNOW(x, listed, 1024);
	KNOW_TEXT(x, syscall, "accept4");
	KNOW(x, count, 3);
	return x;
}

static struct fd_group *add_refused(const char *what, const char *type, uint64_t count)
{
	o.fd_exhausted.known.top = 1;
	return add_group(o.fd_exhausted.top, &o.fd_exhausted.top_count, what, type, count);
}

/* ---- refusals ------------------------------------------------------------------ */

static void test_limits(void **state)
{
	static const struct {
		enum fd_limit limit;
		const char *rule;
	} rows[] = {
		{ FD_LIMIT_FILE_MAX, "fd-file-max" }, { FD_LIMIT_INOTIFY_INSTANCES, "inotify-instances" },
		{ FD_LIMIT_INOTIFY_WATCHES, "inotify-watches" }, { FD_LIMIT_FANOTIFY_GROUPS, "fanotify-groups" },
		{ FD_LIMIT_MQUEUE_BYTES, "rlimit-msgqueue" }, { FD_LIMIT_PIPE_PAGES, "pipe-user-pages" },
		{ FD_LIMIT_NR_OPEN, "fd-nr-open" }, { FD_LIMIT_RLIMIT_SOFT, "fd-soft-low" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct fd_exhausted *x = make_exhausted();

		x->limit_kind = rows[i].limit;
		says(rows[i].rule);
		assert_int_equal(verdict.severity, rows[i].limit == FD_LIMIT_FILE_MAX ? SEVERITY_CRITICAL : SEVERITY_ERROR);
		/* an error alone does not tell the limit */
		x->known.limit_kind = 0;
		says("fd-unexplained");
		assert_int_equal(verdict.diagnosis.confidence, BASIS_UNKNOWN);
	}
}

static void test_errors_alone(void **state)
{
	struct fd_exhausted *x = make_exhausted();

	(void)state;
	x->error = FD_ERROR_EBADF;
	says("fd-dup-target");
	tells("1023");
	x->known.error = 0;
	says("fd-soft-low");
	x = make_exhausted();
	KNOW_TEXT(x, syscall, "recvmsg");
	says("fd-scm-rights");
	tells("MSG_CTRUNC");
	x->known.syscall = 0;
	says("fd-soft-low");
}

static void test_refused_close_wait(void **state)
{
	struct fd_group *g;

	(void)state;
	make_exhausted();
	g = add_refused("tcp to 10.0.3.7:5432", "tcp", 342);
	KNOW_TEXT(g, tcp_state, "CLOSE_WAIT");
	KNOW_TEXT(g, peer, "10.0.3.7:5432");
	says("fd-close-wait");
	tells("10.0.3.7:5432");
	g->count = 341;
	says("fd-soft-low");
	g->count = 342;
	o.fd_exhausted.known.listed = 0;
	says("fd-soft-low");
	KNOW(&o.fd_exhausted, listed, 40);
	g->count = 15;
	says("fd-soft-low");
	g->count = 16;
	says("fd-close-wait");
	/* more than there are: a contradiction is no evidence */
	g->count = 41;
	says("fd-soft-low");
	g->count = 16;
	g->known.tcp_state = 0;
	says("fd-soft-low");
}

static void test_refused_spin(void **state)
{
	struct fd_exhausted *x = make_exhausted();

	(void)state;
	KNOW(x, rate_per_s, 99);
	KNOW(x, spin_percent, 29);
	says("fd-soft-low");
	x->rate_per_s = 100;
	says("fd-accept-spin");
	tells("100 times a second");
	x->known.rate_per_s = 0;
	says("fd-soft-low");
	x->spin_percent = 30;
	says("fd-accept-spin");
	KNOW(x, spin_tid, 913);
	says("fd-accept-spin");
	tells("Thread 913");
	KNOW_TEXT(x, syscall, "openat");
	says("fd-soft-low");
}

static void test_refused_one_kind(void **state)
{
	struct fd_exhausted *x = make_exhausted();
	struct fd_group *g = add_refused("eventfd", "eventfd", 820);

	(void)state;
	says("fd-one-kind");
	g->count = 819;
	says("fd-soft-low");
	g->count = 820;
	/* many to one peer are load as well as a leak */
	KNOW_TEXT(g, type, "tcp");
	says("fd-one-peer");
	tells_not("likely a leak");
	KNOW(x, growth_per_min, 0);
	says("fd-one-peer");
	x->growth_per_min = 1;
	says("fd-leak-known");
	g->known.type = 0;
	x->known.growth_per_min = 0;
	says("fd-soft-low");
	KNOW_TEXT(g, type, "file");
	x->listed = 18;
	g->count = 15;
	says("fd-soft-low");
	g->count = 16;
	says("fd-one-kind");
}

static void test_refused_limits(void **state)
{
	struct fd_exhausted *x = make_exhausted();

	(void)state;
	x->soft = 4096;
	x->hard = 16383;
	says("fd-limit");
	x->hard = 16384;
	says("fd-soft-low");
	x->soft = x->hard = 1024;
	says("fd-limit");
	tells("only root");
	x->known.hard = 0;
	says("fd-limit");
	tells_not("only root");
	x->known.soft = 0;
	says("fd-limit");
	x->known.limit = 0;
	says("fd-unexplained");
}

/* a number in the advice: a power of two, within what is allowed */
static void test_advised_limit(void **state)
{
	struct fd_view v = { .has_soft = true, .soft = 1024, .has_hard = true, .hard = 524288 };

	(void)state;
	assert_int_equal(fd_next_limit(&v, 4096), 4096);
	assert_int_equal(fd_next_limit(&v, 1), 2048);
	assert_int_equal(fd_next_limit(&v, 600000), 524288);
	v.hard = 1500;
	assert_int_equal(fd_next_limit(&v, 4096), 1500);
	v.hard = 1024;
	assert_int_equal(fd_next_limit(&v, 4096), 4096);
	v.has_nr_open = true;
	v.nr_open = 2000;
	assert_int_equal(fd_next_limit(&v, 4096), 2000);
	v.nr_open = 1024;
	assert_int_equal(fd_next_limit(&v, 4096), 0);
	v.has_nr_open = v.has_soft = false;
	assert_int_equal(fd_next_limit(&v, 4096), 0);
	v.has_soft = true;
	v.soft = v.hard = ~0ULL;
	assert_int_equal(fd_next_limit(&v, ~0ULL), 0);
}

static void test_goes_on(void **state)
{
	struct fd_exhausted *x = make_exhausted();

	(void)state;
	says("fd-soft-low");
	tells_not("goes on");
	KNOW(x, total, 3);
	says("fd-soft-low");
	tells_not("goes on");
	x->total = 4;
	says("fd-soft-low");
	tells("goes on");
	x->known.count = 0;
	says("fd-soft-low");
	tells_not("goes on");
}

/* a process of which nothing was seen afterwards is not asked by its pid */
static void test_gone(void **state)
{
	(void)state;
	make_exhausted();
	says("fd-soft-low");
	tells_not("--pid 912");
	tells_not("/proc/912");
	tells("fdleak -c nginx");
	add_refused("/x", "file", 2);
	says("fd-soft-low");
	tells("prlimit --pid 912 --nofile=4096:");
}

/* ---- stacks ---------------------------------------------------------------------- */

static void test_code(void **state)
{
	static const struct {
		const char *frames[5];
		enum fd_code code;
		const char *frame;
	} rows[] = {
		{ { "openat64+0x52 [libc.so.6]", "fopen64+0x1b [libc.so.6]", "load+0x1 [app]" }, FD_CODE_PROGRAM, "load+0x1 [app]" },
		{ { "__open64_nocancel+0x4 (open64_nocancel.c:39)", "load+0x1 (a.c:3)" }, FD_CODE_PROGRAM, "load+0x1 (a.c:3)" },
		{ { "libc.so.6+0x11be51", "app+0x1234" }, FD_CODE_PROGRAM, "app+0x1234" },
		{ { "/lib/x86_64-linux-gnu/libc.so.6+0x11be51", "/opt/app+0x1234" }, FD_CODE_PROGRAM, "/opt/app+0x1234" },
		{ { "open64+0x52 [ld-musl-x86_64.so.1]" }, FD_CODE_NONE, NULL },
		{ { "accept4+0x1 [libc.so.6]", "sock_accept+0x1 [python3.11]", "main+0x1 [python3.11]" }, FD_CODE_RUNTIME,
		  "sock_accept+0x1 [python3.11]" },
		{ { "socket+0x1 [libc.so.6]", "connect+0x1 [node_exporter]" }, FD_CODE_PROGRAM, "connect+0x1 [node_exporter]" },
		{ { "syscall.Syscall6+0x1 (asm.s:1)", "os.OpenFile+0x1 (file.go:1)", "main.load+0x1 (main.go:7)" }, FD_CODE_PROGRAM,
		  "main.load+0x1 (main.go:7)" },
		{ { "uv__open_file+0x1 [libuv.so.1]", "node::Open+0x1 [node]", "addon_open+0x1 [addon.node]" }, FD_CODE_PROGRAM,
		  "addon_open+0x1 [addon.node]" },
		{ { "pipe2+0x1 [libc.so.6]", "os_pipe+0x1 (posixmodule.c:10311)", "cfunction_vectorcall_NOARGS+0x1 (methodobject.c:481)",
		    "_PyEval_EvalFrameDefault+0x1 (ceval.c:4769)" }, FD_CODE_RUNTIME, "os_pipe+0x1 (posixmodule.c:10311)" },
		{ { "os.Open+0x1 (file.go:1)", "main.load+0x1 (main.go:7)", "runtime.main+0x1 (proc.go:250)" }, FD_CODE_PROGRAM,
		  "main.load+0x1 (main.go:7)" },
		{ { "opener+0x1 [app]" }, FD_CODE_PROGRAM, "opener+0x1 [app]" },
		{ { "" }, FD_CODE_NONE, NULL },
		{ { "open64+0x52 [libc.so.6]", "[jit]", "[jit]" }, FD_CODE_RUNTIME, "[jit]" },
		{ { "[", "+", "[]" }, FD_CODE_PROGRAM, "+" },
	};
	char frames[5][96];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct fd_stack stack = { frames[0], sizeof(frames[0]), 0 };
		const char *frame = NULL;

		for (; stack.count < 5 && rows[i].frames[stack.count]; stack.count++)
			strcpy(frames[stack.count], rows[i].frames[stack.count]);
		assert_int_equal(fd_code_frame(&stack, &frame), rows[i].code);
		if (rows[i].frame)
			assert_string_equal(frame, rows[i].frame);
	}
}

/* ---- recordings ------------------------------------------------------------------ */

/* a verdict of a recording, words it must have and words it must not have; what people asked for first */
static struct trap {
	const char *name, *rule, *right, *wrong;
	bool found;
} traps[] = {
	{ "fd_leak/leak-site-python", "fd-leak-site", "/srv/app/server.py", NULL, false },
	{ "fd_exhausted/soft-low/", "fd-soft-low", "worker_rlimit_nofile", "leak,", false },
	{ "fd_leak/high-stable-nginx", "fd-high-stable", "worker_rlimit_nofile", "FD LEAK", false },
	{ "fd_leak/leak-site/", "fd-leak-site", "job_wakeup_new (jobs.c:211)", "in cache_open", false },
	{ "fd_leak/close-wait-client", "fd-close-wait-pile", "10.0.7.5:80", NULL, false },
	{ "fd_leak/high-stable/", "fd-high-stable", "most likely needed", "FD LEAK", false },
	{ "fd_leak/high-stable-unix", "fd-high-stable", "no field for it", "FD LEAK", false },
	{ "fd_leak/leak-site-second", "fd-leak-site", "log_reopen", "look at pool_fill", false },
	{ "fd_leak/warming/", "fd-warming", "no leak", "FD LEAK", false },
	{ "fd_leak/close-wait-fresh", "fd-steady", "nothing to do", "CLOSE_WAIT", false },
	{ "fd_leak/leak-ended", "fd-leak-site", "it ended", "/proc/3107", false },
	{ "fd_exhausted/inotify-watches/", "inotify-watches", "disk is not full", "LimitNOFILE", false },
	{ "fd_exhausted/inotify-instances", "inotify-instances", "raising ulimit -n does not help", "LimitNOFILE", false },
	{ "fd_exhausted/file-max/", "fd-file-max", "root shell looks fine", "LimitNOFILE", false },
	{ "fd_exhausted/gone", "fd-limit", "fdleak -c job", "--pid 9001", false },
	{ "fd_exhausted/hostile/", "fd-one-kind", "-c '-rf;$(id)'\\'''", "-c -rf", false },
};

static void check_trap(const char *path, const char *line, size_t length)
{
	for (struct trap *trap = traps; trap < traps + COUNT(traps); trap++) {
		char directory[80];

		snprintf(directory, sizeof(directory), "golden/%s", trap->name);
		if (!strstr(path, directory))
			continue;
		if (trap->name[strlen(trap->name) - 1] != '/' && strstr(path, directory)[strlen(directory)] != '/')
			continue;
		trap->found = true;
		judge(path, line, length);
		if (strcmp(verdict.diagnosis.rule, trap->rule) != 0)
			fail_msg("%s: %s", trap->name, verdict.diagnosis.rule);
		tells(trap->right);
		if (trap->wrong)
			tells_not(trap->wrong);
	}
}

static void test_recordings(void **state)
{
	(void)state;
	golden_each("in.ndjson", check_trap);
	for (size_t i = 0; i < COUNT(traps); i++)
		if (!traps[i].found)
			fail_msg("there is no case %s", traps[i].name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_errors_alone),
		cmocka_unit_test(test_refused_close_wait),
		cmocka_unit_test(test_refused_spin),
		cmocka_unit_test(test_refused_one_kind),
		cmocka_unit_test(test_refused_limits),
		cmocka_unit_test(test_advised_limit),
		cmocka_unit_test(test_goes_on),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_code),
		cmocka_unit_test(test_recordings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
