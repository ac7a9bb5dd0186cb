/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bounded series of samples: the last ones at full resolution, those before
 * thinned by halves for as long as it lasts. Fixed memory whatever the time.
 * A point is "width" 32-bit words, of which the first is its time; the caller
 * keeps 2 * half of them.
 */
#ifndef KWHY_SERIES_H
#define KWHY_SERIES_H

#include <stdint.h>

struct series {
	uint8_t past_count;	/* thinned points, oldest first, at [0, half) */
	uint8_t recent_count;	/* ring of the newest at [half, 2 * half) */
	uint8_t recent_next;
	uint8_t pad;
	uint32_t stride;	/* one in so many that leave the ring is kept; 0 is 1 */
	uint32_t skip;		/* until the next is kept */
};

void series_push(struct series *series, uint32_t *points, unsigned int width, unsigned int half,
		 const uint32_t *point);

/* Number of points, and the n-th of them from the oldest. */
unsigned int series_count(const struct series *series);
const uint32_t *series_point(const struct series *series, const uint32_t *points, unsigned int width,
			     unsigned int half, unsigned int n);

#endif
