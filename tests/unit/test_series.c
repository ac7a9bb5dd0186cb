// SPDX-License-Identifier: BSD-2-Clause
/* A series keeps its beginning and its end, whatever its length. */
#include "user/series.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { GUARD = 0xdeadbeef };

/* points behind a guard: what is written outside is seen */
struct kept {
	struct series series;
	unsigned int width, half;
	uint32_t *points;
};

static void setup(struct kept *k, unsigned int width, unsigned int half)
{
	*k = (struct kept){ .width = width, .half = half };
	k->points = calloc(2 * half * width + 2, sizeof(uint32_t));
	k->points[0] = k->points[2 * half * width + 1] = GUARD;
	k->points++;
}

static void teardown(struct kept *k)
{
	assert_int_equal(k->points[-1], GUARD);
	assert_int_equal(k->points[2 * k->half * k->width], GUARD);
	free(k->points - 1);
}

static void push(struct kept *k, uint32_t time)
{
	uint32_t point[8];

	for (unsigned int i = 0; i < k->width; i++)
		point[i] = time + 1000000000 * (i > 0) + i;
	series_push(&k->series, k->points, k->width, k->half, point);
}

/* first and last kept, times strictly increasing, each point whole; count times, step apart, were pushed */
static void check(const struct kept *k, uint32_t count, uint32_t step)
{
	unsigned int n = series_count(&k->series), recent = count < k->half ? count : k->half;
	uint32_t before = 0;

	assert_true(n >= recent && n <= 2 * k->half && n <= count);
	for (unsigned int i = 0; i < n; i++) {
		const uint32_t *point = series_point(&k->series, k->points, k->width, k->half, i);

		assert_true(point >= k->points && point + k->width <= k->points + 2 * k->half * k->width);
		assert_true(i == 0 || point[0] > before);
		before = point[0];
		for (unsigned int w = 1; w < k->width; w++)
			assert_int_equal(point[w], before + 1000000000 + w);
		/* the newest at full resolution */
		if (i + recent >= n)
			assert_int_equal(before, (count - (n - i)) * step);
	}
	assert_int_equal(series_point(&k->series, k->points, k->width, k->half, 0)[0], 0);
	assert_int_equal(before, (count - 1) * step);
}

static void test_every_length(void **state)
{
	static const unsigned int halves[] = { 2, 3, 5, 6, 7, 12, 16, 100 };

	(void)state;
	for (size_t i = 0; i < sizeof(halves) / sizeof(halves[0]); i++) {
		for (unsigned int width = 1; width <= 5; width += 2) {
			struct kept k;

			setup(&k, width, halves[i]);
			assert_int_equal(series_count(&k.series), 0);
			for (uint32_t count = 1; count <= 3000; count++) {
				push(&k, (count - 1) * 7);
				check(&k, count, 7);
			}
			teardown(&k);
		}
	}
}

/* the past is never empty for long, and evenly thinned: no gap is more than twice another */
static void check_even(const struct kept *k)
{
	uint32_t least = UINT32_MAX, most = 0;

	assert_true(k->series.past_count >= k->half / 2);
	for (unsigned int i = 1; i < k->series.past_count; i++) {
		uint32_t gap = k->points[i * k->width] - k->points[(i - 1) * k->width];

		least = gap < least ? gap : least;
		most = gap > most ? gap : most;
	}
	assert_true(most <= 2 * least);
}

static void test_million(void **state)
{
	static const unsigned int halves[] = { 6, 12, 255 };

	(void)state;
	for (size_t i = 0; i < sizeof(halves) / sizeof(halves[0]); i++) {
		struct kept k;

		setup(&k, 2, halves[i]);
		for (uint32_t count = 1; count <= 1000000; count++) {
			push(&k, count - 1);
			if (count > 4 * halves[i] && count % 997 == 0) {
				check(&k, count, 1);
				check_even(&k);
			}
		}
		check(&k, 1000000, 1);
		teardown(&k);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_length),
		cmocka_unit_test(test_million),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
