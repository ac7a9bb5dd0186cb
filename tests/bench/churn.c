// SPDX-License-Identifier: BSD-2-Clause
/*
 * A loop that asks for its parent, opens /dev/null and closes it, at full speed:
 *
 *   churn
 *
 * For each line of its input, a number of milliseconds, it does so as long, and says how often and how long one took,
 * as one line of JSON:
 *
 *   {"turns":368640,"wall_ns":1000241310,"each_ns":2713}
 *
 * The same process every time: what is compared differs in who looks at it, and in nothing else.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define MILLISECOND 1000000ULL
#define BATCH	    32 /* turns between two looks at the clock */

static uint64_t now_ns(void)
{
	struct timespec now = {};

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 * MILLISECOND + now.tv_nsec;
}

static void turn(void)
{
	int fd;

	getppid();
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		perror("churn: /dev/null");
		exit(1);
	}
	close(fd);
}

static void slice(uint64_t length)
{
	uint64_t begin = now_ns(), took, turns = 0;

	do {
		for (int i = 0; i < BATCH; i++)
			turn();
		turns += BATCH;
		took = now_ns() - begin;
	} while (took < length);
	printf("{\"turns\":%llu,\"wall_ns\":%llu,\"each_ns\":%llu}\n", (unsigned long long)turns,
	       (unsigned long long)took, (unsigned long long)(took / turns));
	fflush(stdout);
}

int main(void)
{
	char line[32];

	while (fgets(line, sizeof(line), stdin))
		slice(strtoull(line, NULL, 10) * MILLISECOND);
	return 0;
}
