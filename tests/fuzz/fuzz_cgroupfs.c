// SPDX-License-Identifier: BSD-2-Clause
/* mountinfo and memory.stat on any bytes. */
#include "user/cgroupfs.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* not assert(): NDEBUG must not silence it */
#define REQUIRE(CONDITION) ((void)((CONDITION) ? 0 : (abort(), 0)))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	struct memory_classes classes;
	struct cgroup_mount mount;

	memset(&mount, 0x5a, sizeof(mount));
	if (!cgroup_mount_parse(bytes, size, &mount)) {
		REQUIRE(mount.version == 1 || mount.version == 2);
		REQUIRE(mount.path[0] == '/' && memchr(mount.path, '\0', sizeof(mount.path)));
		REQUIRE(!mount.memory || mount.version == 1);
	}
	if (!memory_stat_v1_parse(bytes, size, &classes))
		REQUIRE(classes.known && !(classes.known & ~7U));
	if (!memory_stat_v2_parse(bytes, size, &classes))
		REQUIRE(classes.known && !(classes.known & ~15U));
	return 0;
}
