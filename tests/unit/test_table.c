// SPDX-License-Identifier: BSD-2-Clause
/* The hash table against a plain array that does the same slowly. */
#include "user/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "random.h"

enum { CAPACITY = 256, KEYS = 600 };

struct entry {
	uint64_t key, value, again[3];
};

/* what the table must hold: value by number of the key, 0 is not there */
struct model {
	uint64_t keys[KEYS], values[KEYS];
	uint32_t count;
};

/* consecutive as pids are, 0 among them, equal in one half, or random */
static void keys_make(struct model *m, unsigned int style, uint64_t *random)
{
	memset(m, 0, sizeof(*m));
	for (uint64_t i = 0; i < KEYS; i++)
		m->keys[i] = style == 0 ? i : style == 1 ? i << 32 : style == 2 ? i << 54 | 5 : random_next(random);
}

static void check(const struct table *table, const struct model *m)
{
	uint32_t seen = 0;

	assert_int_equal(table->count, m->count);
	for (uint32_t i = 0; i < KEYS; i++) {
		const struct entry *entry = table_find(table, m->keys[i]);

		assert_true((entry != NULL) == (m->values[i] != 0));
		if (!entry)
			continue;
		seen++;
		assert_int_equal(entry->key, m->keys[i]);
		assert_int_equal(entry->value, m->values[i]);
		assert_int_equal(entry->again[2], m->values[i]);
		assert_true(entry >= (struct entry *)table_entry(table, 0) &&
			    entry < (struct entry *)table_entry(table, table->count));
	}
	assert_int_equal(seen, m->count);
}

static void add(struct table *table, struct model *m, uint32_t i, uint64_t value)
{
	static const struct entry zero;
	struct entry *entry = table_add(table, m->keys[i]);

	if (!m->values[i] && m->count == CAPACITY) {
		assert_null(entry);
		return;
	}
	assert_non_null(entry);
	assert_int_equal(entry->key, m->keys[i]);
	if (!m->values[i]) {
		m->count++;
		/* zeroed also where another entry was before */
		assert_memory_equal(&entry->value, &zero.value, sizeof(zero) - sizeof(zero.key));
	}
	entry->value = entry->again[2] = m->values[i] = value;
}

static bool keep(const void *entry, uint64_t argument)
{
	return ((const struct entry *)entry)->value % argument != 0;
}

static void sweep(struct table *table, struct model *m, uint64_t argument)
{
	table_sweep(table, keep, argument);
	for (uint32_t i = 0; i < KEYS; i++) {
		if (m->values[i] && m->values[i] % argument == 0) {
			m->values[i] = 0;
			m->count--;
		}
	}
}

static void test_model(void **state)
{
	static struct model m;
	uint64_t random = 31;

	(void)state;
	for (unsigned int style = 0; style < 4; style++) {
		struct table table;

		keys_make(&m, style, &random);
		assert_int_equal(table_init(&table, sizeof(struct entry), CAPACITY), 0);
		check(&table, &m);
		for (unsigned int step = 0; step < 20000; step++) {
			uint64_t value = 1 + random_below(&random, 1000000);

			if (random_below(&random, 1000) == 0)
				sweep(&table, &m, 1 + random_below(&random, 5));
			else
				add(&table, &m, random_below(&random, KEYS), value);
			if (step % 97 == 0)
				check(&table, &m);
		}
		check(&table, &m);
		table_fini(&table);
		assert_null(table.entries);
		table_fini(&table);
	}
}

/* full and looked up for a key it does not have: it ends */
static void test_full(void **state)
{
	struct table table;

	(void)state;
	assert_int_equal(table_init(&table, sizeof(uint64_t), 1), 0);
	assert_non_null(table_add(&table, 0));
	assert_null(table_add(&table, 1));
	assert_null(table_find(&table, 1));
	assert_non_null(table_find(&table, 0));
	table_fini(&table);
	assert_int_equal(table_init(&table, sizeof(struct entry), CAPACITY), 0);
	for (uint64_t i = 0; i < CAPACITY; i++)
		assert_non_null(table_add(&table, i * i));
	assert_null(table_add(&table, UINT64_MAX));
	for (uint64_t i = 0; i < 100000; i++)
		assert_null(table_find(&table, UINT64_MAX - i));
	table_fini(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
