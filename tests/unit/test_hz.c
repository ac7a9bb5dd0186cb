// SPDX-License-Identifier: BSD-2-Clause
/* The kernel's rate of jiffies from two clocks: right or not known. */
#include "user/hz.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "random.h"

#define COUNT(ARRAY) (sizeof(ARRAY) / sizeof((ARRAY)[0]))

static const uint64_t rates[] = { 100, 250, 300, 1000 };

static uint64_t rate_after(uint64_t hz, uint64_t uptime_ms, uint64_t off)
{
	/* INITIAL_JIFFIES */
	return jiffies_per_s((uint32_t)-(300 * hz) + uptime_ms * hz / 1000 + off, uptime_ms * 1000000);
}

static void test_jiffies(void **state)
{
	static const uint64_t seconds[] = { 5, 60, 200, 250, 295, 305, 350, 600, 3600, 86400, 31536000, 10ULL * 31536000 };

	(void)state;
	for (size_t r = 0; r < COUNT(rates); r++) {
		for (size_t i = 0; i < COUNT(seconds); i++) {
			assert_int_equal(rate_after(rates[r], seconds[i] * 1000, 0), rates[r]);
			assert_int_equal(rate_after(rates[r], seconds[i] * 1000, -1), rates[r]);
			assert_int_equal(rate_after(rates[r], seconds[i] * 1000, -(rates[r] / 20)), rates[r]);
		}
		/* when they wrap all rates look alike: not known is better than wrong */
		assert_int_equal(rate_after(rates[r], 300000, 0), 0);
	}
	/* none that is built for these architectures */
	assert_int_equal(rate_after(64, 86400000, 0), 0);
	assert_int_equal(rate_after(1200, 86400000, 0), 0);
}

/* whatever the time, and a jiffy of jitter: a rate that is said is the right one */
static void test_jiffies_random(void **state)
{
	uint64_t random = 1;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		uint64_t hz = rates[random_below(&random, COUNT(rates))], found;

		found = rate_after(hz, random_number(&random, 38), random_below(&random, 3) - 1);
		assert_true(!found || found == hz);
	}
}

/* values that nothing counts in */
static void test_jiffies_hostile(void **state)
{
	uint64_t random = 2;

	(void)state;
	assert_int_equal(jiffies_per_s(0, 0), 0);
	assert_int_equal(jiffies_per_s(UINT64_MAX, UINT64_MAX), 0);
	for (int i = 0; i < 100000; i++)
		jiffies_per_s(random_number(&random, 64), random_number(&random, 64));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_jiffies),
		cmocka_unit_test(test_jiffies_random),
		cmocka_unit_test(test_jiffies_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
