// SPDX-License-Identifier: BSD-2-Clause
/* container_identify() on any bytes: whatever the path, four strings come back. */
#include "user/container.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* not assert(): NDEBUG must not silence it */
#define REQUIRE_STRING(ARRAY) ((void)(memchr(ARRAY, '\0', sizeof(ARRAY)) ? 0 : (abort(), 0)))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct container_identity identity;

	memset(&identity, 0x5a, sizeof(identity));
	container_identify((const char *)data, size, &identity);
	REQUIRE_STRING(identity.id);
	REQUIRE_STRING(identity.runtime);
	REQUIRE_STRING(identity.pod_uid);
	REQUIRE_STRING(identity.unit);
	return 0;
}
