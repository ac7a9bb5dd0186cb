// SPDX-License-Identifier: BSD-2-Clause
/* What the descriptors of a process are, counted and in groups, and the words for them. */
#include "fd_list_make.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fd_summary.h"
#include "random.h"

static struct fd_summary summary;
/* of a process that nobody has */
static const struct procfs nowhere = { .fd = -1 };
static struct fd_type types[FD_SUMMARY_TYPES];
static struct fd_group groups[16];
static uint32_t next_fd;

static int setup(void **state)
{
	(void)state;
	next_fd = 3;
	return fd_summary_open(&summary);
}

static int teardown(void **state)
{
	(void)state;
	fd_summary_close(&summary);
	return 0;
}

static void add(struct fd_file f, unsigned int count)
{
	while (count--)
		fd_summary_add(&summary, next_fd++, &f);
}

/* from one port after the other */
static void add_clients(const char *local, uint16_t port, const char *peer, uint16_t from, unsigned int count, uint8_t tcp_state)
{
	for (unsigned int i = 0; i < count; i++)
		add(fd_tcp(local, port, peer, from + i, tcp_state), 1);
}

static uint64_t tell(uint64_t max)
{
	return fd_summary_groups(&summary, &nowhere, 1, 1000 * SECOND, groups, max);
}

/* ---- types ---------------------------------------------------------------- */

static void test_types(void **state)
{
	(void)state;
	assert_int_equal(fd_summary_types(&summary, types, COUNT(types)), 0);
	add(fd_regular(1), 2);
	add(fd_anonymous("[eventfd]"), 5);
	add(fd_socket(AF_UNIX, 0), 2);
	add(fd_tcp("10.0.0.1", 1, "10.0.3.7", 2, FD_TCP_CLOSE_WAIT), 1);
	assert_int_equal(fd_summary_types(&summary, types, COUNT(types)), 4);
	assert_string_equal(types[0].type, "eventfd");
	assert_int_equal(types[0].count, 5);
	/* equal ones by name: the same at each look */
	assert_string_equal(types[1].type, "file");
	assert_string_equal(types[2].type, "unix");
	assert_string_equal(types[3].type, "tcp");
	assert_true(types[3].known.type && types[3].known.count && !types[3].known.grown);
	assert_int_equal(summary.count, 10);
	assert_int_equal(summary.close_wait, 1);
	memset(types, 0, sizeof(types));
	assert_int_equal(fd_summary_types(&summary, types, 2), 2);
	assert_int_equal(types[2].count, 0);
	fd_summary_clear(&summary);
	assert_int_equal(summary.count + summary.close_wait + summary.ungrouped, 0);
	assert_int_equal(fd_summary_types(&summary, types, COUNT(types)), 0);
	assert_int_equal(tell(COUNT(groups)), 0);
}

static void add_kinds(unsigned int from, unsigned int end)
{
	char name[32];

	for (unsigned int i = from; i < end; i++) {
		snprintf(name, sizeof(name), "[driver%u]", i);
		add(fd_anonymous(name), i + 1);
	}
}

static uint64_t sum_of_types(uint64_t count)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < count; i++)
		sum += types[i].count;
	return sum;
}

static unsigned int rows_called(const char *type, uint64_t count)
{
	unsigned int found = 0;

	for (uint64_t i = 0; i < count; i++)
		found += strcmp(types[i].type, type) == 0;
	return found;
}

/* more than there are rows: nothing is forgotten, the last row stands for many */
static void test_many_types(void **state)
{
	(void)state;
	add_kinds(0, FD_SUMMARY_TYPES);
	assert_int_equal(fd_summary_types(&summary, types, COUNT(types)), FD_SUMMARY_TYPES);
	assert_int_equal(rows_called("other", FD_SUMMARY_TYPES), 0);
	assert_int_equal(sum_of_types(FD_SUMMARY_TYPES), summary.count);
	add_kinds(FD_SUMMARY_TYPES - 1, 40);
	assert_int_equal(fd_summary_types(&summary, types, COUNT(types)), FD_SUMMARY_TYPES);
	assert_string_equal(types[0].type, "other");
	assert_int_equal(sum_of_types(FD_SUMMARY_TYPES), summary.count);
	assert_int_equal(types[0].count, summary.count - 23 * 24 / 2);
}

/* a symbolic link opened with O_PATH is of a type "other": that row and the one for the rest are one */
static void test_other_twice(void **state)
{
	struct fd_file link = fd_regular(9);

	(void)state;
	link.mode = S_IFLNK | 0777;
	add(link, 3);
	add_kinds(0, 40);
	assert_int_equal(fd_summary_types(&summary, types, COUNT(types)), FD_SUMMARY_TYPES);
	assert_int_equal(rows_called("other", FD_SUMMARY_TYPES), 1);
	assert_int_equal(sum_of_types(FD_SUMMARY_TYPES), summary.count);
}

/* ---- order ---------------------------------------------------------------- */

static void test_order(void **state)
{
	(void)state;
	add(fd_socket(AF_UNIX, 0), 3);
	add(fd_anonymous("[eventfd]"), 1);
	add(fd_anonymous("[timerfd]"), 7);
	add(fd_anonymous("[signalfd]"), 3);
	add(fd_socket(AF_NETLINK, 0), 1);
	assert_int_equal(tell(COUNT(groups)), 5);
	assert_string_equal(groups[0].what, "timerfd");
	/* of equal ones that with the lowest descriptor */
	assert_string_equal(groups[1].what, "unix");
	assert_string_equal(groups[2].what, "signalfd");
	assert_string_equal(groups[3].what, "eventfd");
	assert_string_equal(groups[4].what, "netlink");
	memset(groups, 0, sizeof(groups));
	assert_int_equal(tell(2), 2);
	assert_string_equal(groups[1].what, "unix");
	assert_int_equal(groups[2].count, 0);
	assert_int_equal(tell(0), 0);
}

/* as sorting all of them would have it, whatever their order in the list */
static void test_order_random(void **state)
{
	uint64_t random = 1;

	(void)state;
	for (int round = 0; round < 200; round++) {
		uint64_t count, all = 0, least = UINT64_MAX, max = 1 + random_below(&random, 16);

		fd_summary_clear(&summary);
		for (uint64_t i = 1 + random_below(&random, 40); i; i--)
			add(fd_regular(i), 1 + random_below(&random, 9));
		count = tell(max);
		assert_int_equal(count, summary.groups.count < max ? summary.groups.count : max);
		for (uint64_t i = 0; i < count; i++) {
			assert_true(groups[i].count <= least);
			least = groups[i].count;
		}
		for (uint32_t i = 0; i < summary.groups.count; i++) {
			const struct fd_alike *g = table_entry(&summary.groups, i);

			all += g->count > least;
		}
		assert_true(all < count);
	}
}

/* ---- words ------------------------------------------------------------------ */

static void test_tcp_to(void **state)
{
	(void)state;
	for (uint16_t port = 40000; port < 40005; port++)
		add(fd_tcp("10.0.0.1", port, "10.0.3.7", 5432, 1), 1);
	assert_int_equal(tell(COUNT(groups)), 1);
	assert_string_equal(groups[0].what, "tcp to 10.0.3.7:5432");
	assert_string_equal(groups[0].peer, "10.0.3.7:5432");
	assert_string_equal(groups[0].type, "tcp");
	assert_string_equal(groups[0].tcp_state, "ESTABLISHED");
	assert_int_equal(groups[0].count, 5);
	assert_false(groups[0].known.deleted || groups[0].known.oldest_ns || groups[0].known.quiet_ns);
}

static void test_tcp_from(void **state)
{
	(void)state;
	add_clients("10.0.0.1", 8080, "10.0.3.7", 50000, 3, 1);
	add_clients("fd00::1", 8080, "fd00::7", 50000, 2, 1);
	assert_int_equal(tell(COUNT(groups)), 2);
	assert_string_equal(groups[0].what, "tcp from 10.0.3.7 on port 8080");
	assert_string_equal(groups[0].peer, "10.0.3.7");
	assert_string_equal(groups[1].what, "tcp from fd00::7 on port 8080");
	assert_string_equal(groups[1].peer, "fd00::7");
}

/* ports differ on both sides: neither can be named */
static void test_tcp_both(void **state)
{
	(void)state;
	add_clients("10.0.0.1", 8080, "10.0.3.7", 50000, 2, 1);
	add_clients("10.0.0.1", 8081, "10.0.3.7", 50002, 2, 1);
	assert_int_equal(tell(COUNT(groups)), 1);
	assert_string_equal(groups[0].what, "tcp to 10.0.3.7");
	assert_string_equal(groups[0].peer, "10.0.3.7");
}

static void test_unconnected(void **state)
{
	struct fd_file udp = fd_tcp("10.0.0.1", 53, "0.0.0.0", 0, 7), fresh = fd_socket(AF_INET, IPPROTO_TCP);

	(void)state;
	udp.protocol = IPPROTO_UDP;
	fresh.state = 7;
	add(fd_tcp("0.0.0.0", 80, "0.0.0.0", 0, FD_TCP_LISTEN), 4);
	add(fd_tcp("::", 443, "::", 0, FD_TCP_LISTEN), 3);
	add(udp, 2);
	add(fresh, 1);
	assert_int_equal(tell(COUNT(groups)), 4);
	assert_string_equal(groups[0].what, "tcp listening on 0.0.0.0:80");
	assert_string_equal(groups[0].tcp_state, "LISTEN");
	assert_false(groups[0].known.peer || groups[0].known.quiet_ns);
	assert_string_equal(groups[1].what, "tcp listening on [::]:443");
	assert_string_equal(groups[2].what, "udp on 10.0.0.1:53");
	assert_false(groups[2].known.tcp_state);
	assert_string_equal(groups[3].what, "tcp");
	assert_string_equal(groups[3].tcp_state, "CLOSED");
}

static void test_times(void **state)
{
	struct fd_file f = fd_tcp("10.0.0.1", 1, "10.0.3.7", 5432, 1);

	(void)state;
	add(f, 1);
	assert_int_equal(tell(1), 1);
	assert_false(groups[0].known.oldest_ns || groups[0].known.quiet_ns);
	f.opened_ns = 900 * SECOND;
	f.quiet = 250;
	add(f, 1);
	f.opened_ns = 800 * SECOND;
	f.quiet = 30;
	add(f, 1);
	summary.jiffies_per_s = 250;
	assert_int_equal(tell(1), 1);
	assert_int_equal(groups[0].oldest_ns, 200 * SECOND);
	assert_int_equal(groups[0].quiet_ns, SECOND);
	/* 32 bits of jiffies, the slowest */
	f.quiet = UINT32_MAX;
	add(f, 1);
	summary.jiffies_per_s = 100;
	tell(1);
	assert_int_equal(groups[0].quiet_ns, UINT32_MAX * 10000000ULL);
	/* opened while the list was read */
	assert_int_equal(fd_summary_groups(&summary, &nowhere, 1, 800 * SECOND, groups, 1), 1);
	assert_false(groups[0].known.oldest_ns);
}

/* paths are those of /proc, of our own descriptors here */
static void test_paths(void **state)
{
	char path[] = "/tmp/kwhy-summary.XXXXXX";
	int fd = mkstemp(path), ends[2];
	struct fd_file f = fd_regular(7), end = fd_regular(8);
	char expected[96];
	struct procfs procfs;

	(void)state;
	assert_true(fd >= 0 && pipe(ends) == 0);
	assert_int_equal(procfs_open(&procfs, NULL), 0);
	fd_summary_add(&summary, fd, &f);
	fd_summary_add(&summary, fd, &f);
	end.magic = PIPEFS_MAGIC;
	end.mode = S_IFIFO;
	fd_summary_add(&summary, ends[0], &end);
	assert_int_equal(fd_summary_groups(&summary, &procfs, getpid(), 1, groups, COUNT(groups)), 2);
	assert_string_equal(groups[0].what, path);
	assert_string_equal(groups[1].what, "pipe");
	unlink(path);
	f.links = 0;
	fd_summary_clear(&summary);
	fd_summary_add(&summary, fd, &f);
	assert_int_equal(fd_summary_groups(&summary, &procfs, getpid(), 1, groups, COUNT(groups)), 1);
	snprintf(expected, sizeof(expected), "%s (deleted)", path);
	assert_string_equal(groups[0].what, expected);
	assert_true(groups[0].known.deleted && groups[0].deleted);
	fd_summary_add(&summary, fd, &f);
	fd_summary_groups(&summary, &procfs, getpid(), 1, groups, COUNT(groups));
	snprintf(expected, sizeof(expected), "deleted files, as %s (deleted)", path);
	assert_string_equal(groups[0].what, expected);
	close(fd);
	/* closed since: what is left is its type */
	fd_summary_groups(&summary, &procfs, getpid(), 1, groups, COUNT(groups));
	assert_string_equal(groups[0].what, "file");
	close(ends[0]);
	close(ends[1]);
	procfs_close(&procfs);
}

static void test_describe(void **state)
{
	struct fd_file f = fd_tcp("10.0.0.1", 8080, "10.0.3.7", 50000, 1);
	char room[160];
	struct text text = TEXT_ON(room);

	(void)state;
	assert_true(fd_describe(&text, &nowhere, 1, 3, &f));
	assert_string_equal(room, "tcp to 10.0.3.7:50000");
	text.length = 0;
	f = fd_anonymous("[eventpoll]");
	assert_true(fd_describe(&text, &nowhere, 1, 3, &f));
	assert_string_equal(room, "eventpoll");
}

/* ---- the peer has closed ------------------------------------------------------ */

static void test_close_wait(void **state)
{
	struct fd_close_wait rows[4];
	uint64_t sites[4] = { 9, 9, 9, 9 };
	struct fd_file f = fd_tcp("10.0.0.1", 40000, "10.0.3.8", 443, FD_TCP_CLOSE_WAIT);

	(void)state;
	assert_int_equal(fd_summary_close_wait(&summary, rows, sites, 4), 0);
	add_clients("10.0.0.1", 8080, "10.0.3.7", 50000, 5, FD_TCP_CLOSE_WAIT);
	add_clients("10.0.0.1", 8080, "10.0.3.7", 60000, 50, 1);
	f.opened_ns = 20;
	f.site = 0x22;
	add(f, 1);
	f.opened_ns = 10;
	f.site = 0x11;
	f.quiet = 100;
	add(f, 1);
	/* a file's bytes may look like it */
	f = fd_regular(1);
	f.state = FD_TCP_CLOSE_WAIT;
	add(f, 30);
	summary.jiffies_per_s = 100;
	assert_int_equal(summary.close_wait, 7);
	assert_int_equal(fd_summary_close_wait(&summary, rows, sites, 4), 2);
	assert_string_equal(rows[0].peer, "10.0.3.7");
	assert_string_equal(rows[0].local, "10.0.0.1:8080");
	assert_int_equal(rows[0].count, 5);
	assert_int_equal(sites[0], 0);
	assert_string_equal(rows[1].peer, "10.0.3.8:443");
	assert_string_equal(rows[1].local, "10.0.0.1:40000");
	assert_int_equal(rows[1].oldest_ns, SECOND);
	assert_int_equal(sites[1], 0x11);
	assert_int_equal(sites[2], 9);
	summary.jiffies_per_s = 0;
	assert_int_equal(fd_summary_close_wait(&summary, rows, sites, 1), 1);
	assert_false(rows[0].known.oldest_ns);
}

/* ---- more than fits ----------------------------------------------------------- */

/* nothing that was counted before is touched by what finds no place */
static void test_full(void **state)
{
	uint64_t sum = 0;

	(void)state;
	for (uint64_t i = 0; i < FD_SUMMARY_GROUPS + 100; i++)
		add(fd_regular(i), 1);
	add(fd_regular(5), 3);
	assert_int_equal(summary.ungrouped, 100);
	assert_int_equal(summary.count, FD_SUMMARY_GROUPS + 103);
	for (uint32_t i = 0; i < summary.groups.count; i++)
		sum += ((const struct fd_alike *)table_entry(&summary.groups, i))->count;
	assert_int_equal(sum + summary.ungrouped, summary.count);
	assert_int_equal(tell(COUNT(groups)), 16);
	assert_int_equal(groups[0].count, 4);
	fd_summary_types(&summary, types, 1);
	assert_int_equal(types[0].count, summary.count);
	fd_summary_clear(&summary);
	assert_int_equal(summary.ungrouped, 0);
	add(fd_regular(1), 1);
	assert_int_equal(tell(COUNT(groups)), 1);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_types), TEST(test_many_types), TEST(test_other_twice), TEST(test_order), TEST(test_order_random),
		TEST(test_tcp_to), TEST(test_tcp_from), TEST(test_tcp_both), TEST(test_unconnected), TEST(test_times),
		TEST(test_paths), TEST(test_describe), TEST(test_close_wait), TEST(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
