// SPDX-License-Identifier: BSD-2-Clause
/* Copies lines, each behind the time of CLOCK_BOOTTIME in nanoseconds at which it was read. */
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int main(void)
{
	static char data[65536];
	int inside = 0;
	ssize_t n;

	while ((n = read(STDIN_FILENO, data, sizeof(data))) > 0) {
		struct timespec now;

		clock_gettime(CLOCK_BOOTTIME, &now);
		for (ssize_t i = 0; i < n; i++) {
			if (!inside)
				printf("%llu ", now.tv_sec * 1000000000ULL + now.tv_nsec);
			inside = data[i] != '\n';
			putchar(data[i]);
		}
		fflush(stdout);
	}
	return 0;
}
