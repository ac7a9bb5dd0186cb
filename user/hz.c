// SPDX-License-Identifier: BSD-2-Clause
#include "hz.h"

#include <stddef.h>

/* by which jiffies may be late: nobody counted them while all CPUs slept or a guest stood still */
#define LATE_NS 100000000ULL

/*
 * Jiffies begin five minutes before they wrap (INITIAL_JIFFIES), at every rate: towards then another rate comes as near
 * as seconds, where the true one is hardly off.
 */
uint64_t jiffies_per_s(uint64_t jiffies_64, uint64_t monotonic_ns)
{
	static const uint32_t rates[] = { 100, 250, 300, 1000 };
	uint64_t found = 0, best = UINT64_MAX, second = UINT64_MAX;

	for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
		uint64_t since = jiffies_64 - (uint32_t)(-300 * (int64_t)rates[i]);
		uint64_t ns = since < 1ULL << 40 ? since * (1000000000ULL / rates[i]) : 0;
		uint64_t off = ns > monotonic_ns ? ns - monotonic_ns : monotonic_ns - ns;

		if (off >= best) {
			second = off < second ? off : second;
			continue;
		}
		second = best;
		best = off;
		found = rates[i];
	}
	if (best > monotonic_ns / 16 + 1000000000ULL || second / 4 < best + LATE_NS)
		return 0;
	return found;
}
