// SPDX-License-Identifier: BSD-2-Clause
#include "series.h"

#include <string.h>

static void past_append(struct series *s, uint32_t *points, unsigned int width, unsigned int half,
			const uint32_t *point)
{
	if (s->past_count == half) {
		for (unsigned int i = 1; 2 * i < half; i++)
			memcpy(points + i * width, points + 2 * i * width, width * sizeof(*points));
		s->past_count = (half + 1) / 2;
		s->stride = (s->stride ? s->stride : 1) * 2;
	}
	memcpy(points + s->past_count++ * width, point, width * sizeof(*points));
}

void series_push(struct series *s, uint32_t *points, unsigned int width, unsigned int half,
		 const uint32_t *point)
{
	uint32_t *slot = points + (half + s->recent_next) * width;

	if (s->recent_count < half) {
		s->recent_count++;
	} else if (s->skip) {
		s->skip--;
	} else {
		past_append(s, points, width, half, slot);
		s->skip = s->stride ? s->stride - 1 : 0;
	}
	memcpy(slot, point, width * sizeof(*points));
	s->recent_next = (s->recent_next + 1) % half;
}

unsigned int series_count(const struct series *s)
{
	return s->past_count + s->recent_count;
}

const uint32_t *series_point(const struct series *s, const uint32_t *points, unsigned int width,
			     unsigned int half, unsigned int n)
{
	unsigned int first;

	if (n < s->past_count)
		return points + n * width;
	first = s->recent_count < half ? 0 : s->recent_next;
	return points + (half + (first + n - s->past_count) % half) * width;
}
