// SPDX-License-Identifier: BSD-2-Clause
/* What a line about a full accept queue says: its bound, its owners, its group, what was accepted meanwhile. */
#include "accept_make.h"

#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static const struct accept_overflow *const x = &lines[0].accept_overflow;

/* the line of one overflow */
static void told(struct kernel_listener *l)
{
	overflows(l, 1, 0);
	until(kernel.now_ns + 10 * SECOND);
	check_counts(1);
	assert_int_equal(line_count, 1);
}

/* ---- what set the limit ------------------------------------------------------- */

static void test_bound(void **state)
{
	static const struct {
		uint32_t backlog, then, now;
		enum overflow_bound bound;
	} rows[] = {
		{ 128, 4096, 4096, OVERFLOW_BOUND_LISTEN },
		{ 128, 128, 4096, OVERFLOW_BOUND_LISTEN },
		{ 511, 128, 128, OVERFLOW_BOUND_SOMAXCONN_NOW },
		{ 511, 128, 4096, OVERFLOW_BOUND_SOMAXCONN_THEN },
		/* lowered since: what it was then still holds */
		{ 511, 256, 128, OVERFLOW_BOUND_SOMAXCONN_NOW },
		/* -1: as much as there may be */
		{ UINT32_MAX, 4096, 4096, OVERFLOW_BOUND_SOMAXCONN_NOW },
		{ 0, 4096, 4096, OVERFLOW_BOUND_LISTEN },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		uint32_t limit = rows[i].backlog < rows[i].then ? rows[i].backlog : rows[i].then;
		struct kernel_listener *l = listens(1, 80, limit);

		made(l, rows[i].backlog, rows[i].then);
		l->state.somaxconn = rows[i].now;
		told(l);
		assert_int_equal(x->bound_by, rows[i].bound);
		assert_false(x->bound_inferred);
		assert_int_equal(x->listen_backlog, (int64_t)(int32_t)rows[i].backlog);
		assert_int_equal(x->somaxconn_then, rows[i].then);
		assert_int_equal(x->somaxconn_now, rows[i].now);
		teardown(state);
		setup(state);
	}
}

/* listen() was called before the watching began, or again since it was seen */
static void test_bound_inferred(void **state)
{
	struct kernel_listener *l = listens(1, 80, 128);

	told(l);
	assert_true(x->bound_inferred);
	/* it asked for 128, or somaxconn was 128 then */
	assert_false(x->known.bound_by);
	assert_false(x->known.listen_backlog || x->known.somaxconn_then);
	teardown(state);
	setup(state);
	l = listens(1, 80, 4096);
	told(l);
	assert_int_equal(x->bound_by, OVERFLOW_BOUND_SOMAXCONN_NOW);
	teardown(state);
	setup(state);
	l = listens(1, 80, 128);
	made(l, 5, 4096);
	told(l);
	assert_true(x->bound_inferred);
	assert_false(x->known.listen_backlog || x->known.bound_by);
}

/* listen() was seen but not its argument */
static void test_bound_of_then(void **state)
{
	static const struct {
		uint32_t limit, then, now;
		enum overflow_bound bound;
	} rows[] = {
		{ 128, 4096, 4096, OVERFLOW_BOUND_LISTEN },
		{ 20, 20, 4096, OVERFLOW_BOUND_SOMAXCONN_THEN },
		{ 20, 20, 20, OVERFLOW_BOUND_SOMAXCONN_NOW },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct kernel_listener *l = listens(1, 80, rows[i].limit);

		made(l, rows[i].limit, rows[i].then);
		l->made.backlog_known = 0;
		l->state.somaxconn = rows[i].now;
		told(l);
		assert_true(x->bound_inferred);
		assert_int_equal(x->bound_by, rows[i].bound);
		assert_int_equal(x->somaxconn_then, rows[i].then);
		teardown(state);
		setup(state);
	}
}

/* ---- owners --------------------------------------------------------------------- */

static void test_owner(void **state)
{
	struct kernel_listener *l = listens(1, 80, 128);

	(void)state;
	made(l, 128, 4096);
	kernel_holds(2, SERVER + 1, SERVER_START);
	kernel_holds(1, SERVER, SERVER_START);
	told(l);
	assert_int_equal(lines[0].process.pid, SERVER);
	assert_string_equal(lines[0].process.comm, "server");
	assert_int_equal(x->owner_by, OWNER_HOLDER);
	assert_int_equal(x->sharing, 1);
	assert_int_equal(x->holders_count, 0);
	/* nobody is asked for any more */
	assert_int_equal(kernel.wanted_count, 0);
}

/* it called listen(), and nobody has the socket open: who it was is still said */
static void test_owner_gone(void **state)
{
	struct kernel_listener *l = listens(1, 80, 128);

	(void)state;
	made(l, 128, 4096);
	told(l);
	assert_int_equal(lines[0].process.pid, SERVER);
	assert_int_equal(x->owner_by, OWNER_LISTEN);
	assert_int_equal(x->acceptor_state, ACCEPTOR_GONE);
}

/* a pass that fails says nothing of who holds it */
static void test_pass_fails(void **state)
{
	struct kernel_listener *l = listens(1, 80, 128);

	(void)state;
	kernel_holds(1, SERVER, SERVER_START);
	kernel.pass_error = EIO;
	told(l);
	assert_false(x->known.owner_by || lines[0].process.known.pid);
	assert_int_equal(kernel.wanted_count, 0);
}

/* the one that listened is named, even where another is older; a child with two descriptors is one process */
static void test_sharing(void **state)
{
	struct kernel_listener *l = listens(1, 80, 128);

	(void)state;
	made(l, 128, 4096);
	kernel_holds(1, SERVER + 1, SERVER_START - SECOND);
	kernel_holds(1, SERVER, SERVER_START)->owner.ppid = SERVER + 1;
	kernel_holds(1, SERVER + 2, SERVER_START + SECOND)->owner.ppid = SERVER;
	kernel_holds(1, SERVER + 2, SERVER_START + SECOND)->owner.ppid = SERVER;
	told(l);
	assert_int_equal(lines[0].process.pid, SERVER);
	assert_int_equal(x->sharing, 3);
	assert_int_equal(x->holders_count, 3);
}

/* ---- what they do ------------------------------------------------------------------ */

static char tree[32];

static void proc_file(const char *name, const char *content)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/proc/%s", tree, name);
	for (char *slash = strchr(path + 6, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(content, file);
	fclose(file);
}

/* a process of one thread in a call */
static void proc_process(uint32_t pid, char what, long call)
{
	char name[64], content[160];

	snprintf(content, sizeof(content), "%u (server) %c 1 1 1 0 -1 1 1 1 1 1 10 20 1 1 20 0 1 0 %llu 1 1\n", pid, what,
		 SERVER_START / (SECOND / sysconf(_SC_CLK_TCK)));
	snprintf(name, sizeof(name), "%u/stat", pid);
	proc_file(name, content);
	snprintf(name, sizeof(name), "%u/task/%u/stat", pid, pid);
	proc_file(name, content);
	snprintf(content, sizeof(content), "%ld 0x3 0x0 0x0 0x0 0x0 0x0 0x7ffe00001000 0x7f0000001000\n", call);
	snprintf(name, sizeof(name), "%u/task/%u/syscall", pid, pid);
	proc_file(name, content);
}

static int setup_proc(void **state)
{
	setup(state);
	strcpy(tree, "/tmp/kwhy-accept.XXXXXX");
	if (!mkdtemp(tree))
		return -1;
	proc_file("version", "");
	return procfs_open(&session.procfs, tree);
}

static int teardown_proc(void **state)
{
	char command[64];

	teardown(state);
	snprintf(command, sizeof(command), "rm -rf %s", tree);
	return system(command);
}

static void test_blocked(void **state)
{
	struct kernel_listener *l = listens(1, 80, 128);

	(void)state;
	proc_process(SERVER, 'S', SYS_flock);
	kernel_holds(1, SERVER, SERVER_START);
	told(l);
	assert_int_equal(x->acceptor_state, ACCEPTOR_BLOCKED);
	assert_string_equal(x->acceptor_syscall, "flock");
	assert_false(x->known.acceptor_tid || x->known.fd_soft);
}

/* a parent that waits for its workers is not who ought to accept; of these the one that explains most */
static void test_workers(void **state)
{
	struct kernel_listener *l = listens(1, 80, 128);

	(void)state;
	proc_process(SERVER, 'S', SYS_rt_sigsuspend);
	proc_process(SERVER + 1, 'S', SYS_epoll_pwait);
	proc_process(SERVER + 2, 'S', SYS_connect);
	made(l, 128, 4096);
	kernel_holds(1, SERVER, SERVER_START);
	for (unsigned int i = 1; i < 3; i++)
		kernel_holds(1, SERVER + i, SERVER_START)->owner.ppid = SERVER;
	told(l);
	assert_int_equal(lines[0].process.pid, SERVER);
	assert_int_equal(x->holders_count, 3);
	assert_int_equal(x->acceptor_state, ACCEPTOR_BLOCKED);
	assert_string_equal(x->acceptor_syscall, "connect");
}

static void test_descriptors(void **state)
{
	struct kernel_listener *l = listens(1, 80, 128);
	char name[32];

	(void)state;
	proc_process(SERVER, 'R', -1);
	/* no less than one, whether it is counted or the directory's size */
	snprintf(name, sizeof(name), "%d/fd/0", SERVER);
	proc_file(name, "");
	kernel_holds(1, SERVER, SERVER_START)->soft = 1;
	told(l);
	assert_int_equal(x->acceptor_state, ACCEPTOR_FD_EXHAUSTED);
	assert_int_equal(x->fd_soft, 1);
	assert_true(x->fd_open >= 1);
}

/* ---- groups --------------------------------------------------------------------------- */

static void test_group(void **state)
{
	struct kernel_listener *l[4];

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		l[i] = listens(1 + i, 80, 128);
		kernel_holds(1 + i, SERVER + i, SERVER_START + i);
	}
	l[0]->state.queue = 3;
	l[2]->state.queue = 4;
	/* on another address */
	l[3]->state.address[12] = 127;
	overflows(l[1], 2, 1);
	until(kernel.now_ns + 10 * SECOND);
	check_counts(3);
	assert_int_equal(lines[0].process.pid, SERVER + 1);
	assert_int_equal(x->group_size, 3);
	assert_int_equal(x->group_full, 1);
	assert_int_equal(x->group_count, 3);
	assert_int_equal(x->group[0].pid, SERVER + 1);
	assert_int_equal(x->group[0].queue, 129);
	assert_int_equal(x->group[0].overflows, 3);
	/* its own queue is known; those who came are counted by port */
	assert_true(x->known.queue_after && x->queue_after == 129 && x->known.observed_ns);
	assert_false(x->known.accepted || x->known.arrived);
	assert_false(x->group[1].known.overflows);
	assert_true(x->group[1].queue < 5 && x->group[2].queue < 5);
}

/* more of them than a line has room for */
static void test_large_group(void **state)
{
	struct kernel_listener *l = NULL;

	(void)state;
	for (unsigned int i = 0; i < LISTENERS_PER_PORT; i++) {
		l = listens(1 + i, 80, 128);
		kernel_holds(1 + i, SERVER + i, SERVER_START);
	}
	told(l);
	assert_int_equal(x->group_size, LISTENERS_PER_PORT);
	assert_int_equal(x->group_full, LISTENERS_PER_PORT);
	assert_in_range(x->group_count, 2, 8);
}

/* ---- what was accepted -------------------------------------------------------------------- */

/* nothing: the same connections, so that none has left since the newest came */
static void test_stalled(void **state)
{
	struct kernel_listener *l = listens(1, 80, 128);

	(void)state;
	l->state.head = 11;
	l->state.head_jiffies = 9 * 250;
	l->state.tail_jiffies = 2 * 250;
	told(l);
	assert_int_equal(x->accepted, 0);
	assert_in_range(x->since_accept_ns, 2 * SECOND, 3 * SECOND);
	assert_in_range(x->oldest_wait_ns, 9 * SECOND, 10 * SECOND);
}

/* its newest has just come: nothing has left since then, as the oldest is the same */
static void test_stalled_just_now(void **state)
{
	struct kernel_listener *l = listens(1, 80, 128);

	l->state.head = 11;
	l->state.head_jiffies = 9 * 250;
	told(l);
	assert_in_range(x->since_accept_ns, SECOND / 4, 3 * SECOND);
	teardown(state);
	setup(state);
	/* at the same place in memory, but it has not waited that long: another one */
	l = listens(1, 80, 128);
	l->state.head = 11;
	told(l);
	assert_false(x->known.since_accept_ns);
}

static void test_accepting(void **state)
{
	struct kernel_listener *l = listens(1, 80, 128);

	(void)state;
	l->state.head = 11;
	l->state.tail_jiffies = 2 * 250;
	overflows(l, 1, 0);
	/* a moment later: 100 came, 4 more wait no longer */
	l->counts.established += 100;
	count_overflows(l, 6, 0);
	l->state.queue -= 4;
	l->state.head = 33;
	until(kernel.now_ns + 10 * SECOND);
	check_counts(7);
	assert_int_equal(x->accepted, 104);
	/* and the first that was turned away */
	assert_int_equal(x->arrived, 107);
	assert_true(x->known.observed_ns && x->observed_ns < 2 * SECOND);
	assert_false(x->known.since_accept_ns);
}

/* what was turned away in silence between two lines is of the second, in both counts */
static void test_arrived_goes_on(void **state)
{
	struct kernel_listener *l = listens(1, 80, 128);
	const struct accept_overflow *second = &lines[1].accept_overflow;
	const uint64_t begin = kernel.now_ns;

	(void)state;
	overflows(l, 1, 0);
	until(begin + 700 * MS);
	assert_int_equal(lines_read(), 1);
	assert_int_equal(x->arrived, 1);
	count_overflows(l, 20, 0);
	l->counts.established += 5;
	until(begin + 1100 * MS);
	overflows(l, 0, 3);
	until(begin + 60 * SECOND);
	check_counts(24);
	assert_int_equal(line_count, 2);
	assert_int_equal(second->count, 23);
	assert_int_equal(second->arrived, 28);
	assert_int_equal(second->accepted, 5);
}

/* two addresses of one port are counted as one: whose those were who came is not known */
static void test_arrived_two_addresses(void **state)
{
	struct kernel_listener *l = listens(1, 80, 128);

	(void)state;
	listens(2, 80, 128)->state.address[12] = 127;
	told(l);
	assert_false(x->known.group_size || x->known.accepted || x->known.arrived);
	assert_true(x->known.queue_after && x->known.observed_ns);
}

/* ---- clients ----------------------------------------------------------------------------- */

static void test_clients(void **state)
{
	struct kernel_listener *l = listens(1, 80, 128);
	const uint64_t begin = kernel.now_ns;

	(void)state;
	for (unsigned int i = 1; i <= 9; i++)
		from_client(l, i);
	overflows(l, 20, 0);
	until(begin + 10 * SECOND);
	from_client(l, 10);
	overflows(l, 3, 0);
	until(begin + 20 * SECOND);
	check_counts(23);
	assert_int_equal(x->clients.distinct, 9);
	assert_int_equal(x->clients.examples_count, OVERFLOW_EXAMPLES);
	assert_string_equal(x->clients.examples[0], "10.0.0.9:1009");
	assert_int_equal(lines[1].accept_overflow.clients.distinct, 1);
	assert_int_equal(lines[1].accept_overflow.clients.examples_count, 1);
}

/* an IPv6 socket, of an interface, that takes both families */
static void test_v6(void **state)
{
	struct kernel_listener *l = listens(1, 80, 128);

	(void)state;
	memset(l->state.address, 0, sizeof(l->state.address));
	l->state.family = AF_INET6;
	l->state.interface = 7;
	told(l);
	assert_int_equal(x->family, FAMILY_IPV6);
	assert_string_equal(x->saddr, "::");
	assert_string_equal(x->interface, "#7");
	assert_true(x->dual_stack);
}

#define PROC(NAME) cmocka_unit_test_setup_teardown(NAME, setup_proc, teardown_proc)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_bound), TEST(test_bound_inferred), TEST(test_bound_of_then), TEST(test_owner), TEST(test_owner_gone), TEST(test_pass_fails),
		TEST(test_sharing), PROC(test_blocked), PROC(test_workers), PROC(test_descriptors), TEST(test_group),
		TEST(test_large_group), TEST(test_stalled), TEST(test_stalled_just_now), TEST(test_accepting), TEST(test_arrived_goes_on), TEST(test_arrived_two_addresses), TEST(test_clients), TEST(test_v6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
