// SPDX-License-Identifier: BSD-2-Clause
/*
 * A loop that starts /bin/true and waits for it:
 *
 *   storm COUNT RATE SECONDS [PID...]
 *
 * COUNT times, RATE per second (0: as fast as it goes), for SECONDS at most, and says what one took and what the
 * processes PID (0: its parent) used meanwhile and half a second after, as one line of JSON:
 *
 *   {"spawned":2000,"wall_ns":1529318110,"each_ns":763213,"cpu_ns":38120911,"peak_kib":13900}
 */
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000ULL

extern char **environ;

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now = {};

	clock_gettime(clock, &now);
	return now.tv_sec * SECOND + now.tv_nsec;
}

static pid_t pid_of(const char *word)
{
	pid_t pid = strtol(word, NULL, 10);

	return pid ? pid : getppid();
}

static uint64_t cpu_ns(char **words)
{
	uint64_t sum = 0;
	clockid_t clock;

	for (; *words; words++)
		if (clock_getcpuclockid(pid_of(*words), &clock) == 0)
			sum += clock_ns(clock);
	return sum;
}

static uint64_t peak_kib(char **words)
{
	uint64_t sum = 0;

	for (; *words; words++) {
		char path[64], line[256];
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%d/status", pid_of(*words));
		file = fopen(path, "re");
		while (file && fgets(line, sizeof(line), file))
			if (strncmp(line, "VmHWM:", 6) == 0)
				sum += strtoull(line + 6, NULL, 10);
		if (file)
			fclose(file);
	}
	return sum;
}

static void spawn(void)
{
	char *command[] = {"/bin/true", "-x", "hello", NULL};
	pid_t pid;

	if (posix_spawn(&pid, command[0], NULL, NULL, command, environ)) {
		fputs("storm: cannot start /bin/true\n", stderr);
		exit(1);
	}
	waitpid(pid, NULL, 0);
}

int main(int argc, char **argv)
{
	uint64_t count, rate, end, begin, cpu, busy = 0, spawned = 0;

	if (argc < 4)
		return 2;
	count = strtoull(argv[1], NULL, 10);
	rate = strtoull(argv[2], NULL, 10);
	cpu = cpu_ns(argv + 4);
	begin = clock_ns(CLOCK_MONOTONIC);
	end = begin + strtoull(argv[3], NULL, 10) * SECOND;
	while (spawned < count && clock_ns(CLOCK_MONOTONIC) < end) {
		uint64_t before = clock_ns(CLOCK_MONOTONIC), after, next;

		spawn();
		spawned++;
		after = clock_ns(CLOCK_MONOTONIC);
		busy += after - before;
		next = rate ? begin + spawned * SECOND / rate : 0;
		if (next > after)
			usleep((next - after) / 1000);
	}
	end = clock_ns(CLOCK_MONOTONIC);
	/* what is watched at intervals is read by then */
	usleep(500000);
	printf("{\"spawned\":%llu,\"wall_ns\":%llu,\"each_ns\":%llu,\"cpu_ns\":%llu,\"peak_kib\":%llu}\n",
	       (unsigned long long)spawned, (unsigned long long)(end - begin),
	       (unsigned long long)(spawned ? busy / spawned : 0), (unsigned long long)(cpu_ns(argv + 4) - cpu),
	       (unsigned long long)peak_kib(argv + 4));
	return 0;
}
