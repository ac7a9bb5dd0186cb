// SPDX-License-Identifier: BSD-2-Clause
/* Passes over zombies: what a probe would write goes in, lines and losses come out. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "kinds/zombie_kind.h"
#include "lines.h"

#define PASS_NS 5000000000ULL

static struct session session;
static struct zombie_state *zombies;

static int setup(void **state)
{
	(void)state;
	memset(&session, 0, sizeof(session));
	lines_open(&session);
	lines_add_kind(&session, &zombie_kind);
	zombies = session.kinds[0].state;
	zombies->now_ns = 1000 * PASS_NS;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	lines_close(&session);
	return 0;
}

static void begin(void)
{
	zombies->now_ns += PASS_NS;
	zombie_begin(zombies);
}

static void owner(uint64_t pid)
{
	struct zombie_entry entry = {};

	KNOW(&entry.owner.process, pid, pid);
	KNOW(&entry.owner.process, start_ns, pid);
	zombie_take(zombies, &entry);
}

/* of the owner before, with these pids */
static void dead(uint64_t from, uint64_t count)
{
	struct zombie_entry entry = { .dead = { .start_ns = 1, .comm = "child" } };

	for (entry.pid = from; entry.pid < from + count; entry.pid++)
		zombie_take(zombies, &entry);
}

static uint64_t lost(void)
{
	session_account(&session, false);
	return session.kinds[0].losses[GAP_CAUSE_MAP_FULL].count;
}

/* told in the third pass, when it is dead for two of them */
static void test_threshold(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		assert_int_equal(session.kinds[0].delivered, i > 2);
		begin();
		owner(100);
		dead(200, 3);
		zombie_end(zombies);
		session_flush(&session);
	}
	assert_int_equal(lines_read(), 1);
	assert_int_equal(lines[0].zombie.count, 3);
	assert_int_equal(lines[0].zombie.oldest_ns, 2 * PASS_NS);
	assert_int_equal(zombies->generated, 1);
	assert_int_equal(lost(), 0);
}

static void test_too_many_parents(void **state)
{
	(void)state;
	for (int i = 1; i <= 2; i++) {
		begin();
		for (uint64_t n = 0; n < ZOMBIE_HOLDERS + 3; n++) {
			owner(100 + n);
			dead(100000 + n, 1);
		}
		zombie_end(zombies);
		assert_int_equal(zombies->generated, 3 * i);
		assert_int_equal(lost(), 3 * i);
	}
	/* it stays so when nobody adds to it */
	assert_int_equal(lost(), 6);
}

/* the first takes all places: its line says it is not all, of the second there is none */
static void test_too_many_zombies(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		begin();
		owner(100);
		dead(100000, ZOMBIE_BODIES + 1);
		owner(101);
		dead(200000, 1);
		zombie_end(zombies);
	}
	session_flush(&session);
	assert_int_equal(session.kinds[0].delivered, 1);
	assert_int_equal(lost(), 3);
	assert_int_equal(zombies->generated, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_threshold, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_many_parents, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_many_zombies, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
