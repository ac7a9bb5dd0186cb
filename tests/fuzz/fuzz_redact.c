// SPDX-License-Identifier: BSD-2-Clause
/*
 * redact_args() on any arguments: bounded strings come back, and a secret in
 * its own argument behind a plain option goes whatever stands around it.
 */
#include "user/redact.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* not assert(): NDEBUG must not silence it */
#define REQUIRE(CONDITION) ((void)((CONDITION) ? 0 : (abort(), 0)))
#define MAX_ARGS 8
#define ARG_BYTES 160
#define SECRET "QzX9vK2"

static size_t args_split(const uint8_t *data, size_t size, char (*ret)[ARG_BYTES])
{
	size_t count = 0, at = 0;

	memset(ret, 0, MAX_ARGS * sizeof(*ret));
	for (size_t i = 0; i < size && count < MAX_ARGS; i++) {
		if (!data[i] || at == ARG_BYTES - 1) {
			count++;
			at = 0;
		} else {
			ret[count][at++] = data[i];
		}
	}
	return count;
}

/* Only zeroes behind the NUL: a record is copied whole. */
static void string_check(const char *string, size_t size)
{
	size_t length = strnlen(string, size);

	REQUIRE(length < size);
	while (length < size)
		REQUIRE(!string[length++]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const secrets[] = {
		"--password=" SECRET, "DB_PASSWORD=" SECRET, "x://joe:" SECRET "@host",
		"Authorization: Bearer " SECRET,
	};
	char args[MAX_ARGS][ARG_BYTES], *text = calloc(1, size + 1);
	size_t count = args_split(data, size, args);
	uint64_t redacted = 99;
	bool planted = count && size && !memmem(data, size, SECRET, strlen(SECRET));

	REQUIRE(text);
	if (planted)
		strcpy(args[count - 1], secrets[data[size - 1] % 4]);
	if (planted)
		memset(args[count - 1] + strlen(args[count - 1]), 0,
		       sizeof(*args) - strlen(args[count - 1]));
	REQUIRE(redact_args(args[0], sizeof(args[0]), count, &redacted) == (redacted > 0));
	REQUIRE(redacted <= count);
	for (size_t i = 0; i < count; i++)
		string_check(args[i], sizeof(args[i]));
	REQUIRE(!planted || !memmem(args, sizeof(args), SECRET, strlen(SECRET)));
	if (size)
		memcpy(text, data, strnlen((const char *)data, size));
	redact_text(text, size + 1);
	string_check(text, size + 1);
	free(text);
	return 0;
}
