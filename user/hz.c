// SPDX-License-Identifier: BSD-2-Clause
#include "hz.h"

#include <stddef.h>

uint64_t jiffies_per_s(uint64_t jiffies_64, uint64_t monotonic_ns)
{
	static const uint32_t rates[] = { 100, 250, 300, 1000 };
	uint64_t found = 0;

	/* they begin five minutes before they wrap: INITIAL_JIFFIES */
	for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
		uint64_t since = jiffies_64 - (uint32_t)(-300 * (int64_t)rates[i]);
		uint64_t ns = since < 1ULL << 40 ? since * (1000000000ULL / rates[i]) : 0;
		uint64_t off = ns > monotonic_ns ? ns - monotonic_ns : monotonic_ns - ns;

		if (off > monotonic_ns / 16 + 1000000000ULL)
			continue;
		if (found)
			return 0;
		found = rates[i];
	}
	return found;
}
