// SPDX-License-Identifier: BSD-2-Clause
/* The parsers of /proc on any bytes: what they accept is a string or a number within bounds. */
#include "user/procfs.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* not assert(): NDEBUG must not silence it */
#define REQUIRE(CONDITION) ((void)((CONDITION) ? 0 : (abort(), 0)))
#define MAX_ARGS 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char args[MAX_ARGS][PROCESS_ARG_BYTES];
	const char *bytes = (const char *)data;
	struct process_stat stat;
	struct meminfo info;
	uint64_t count = 0;

	if (!process_stat_parse(bytes, size, &stat)) {
		REQUIRE(memchr(stat.comm, '\0', sizeof(stat.comm)));
		REQUIRE(stat.state != ' ');
	}
	memset(args, 0x5a, sizeof(args));
	REQUIRE(!args_parse(bytes, size, args, MAX_ARGS, &count));
	REQUIRE(count <= MAX_ARGS && (count > 0) == (size > 0));
	for (uint64_t i = 0; i < count; i++)
		REQUIRE(memchr(args[i], '\0', sizeof(args[i])));
	if (!meminfo_parse(bytes, size, &info))
		REQUIRE(info.known && info.known <= 0x3ff);
	return 0;
}
