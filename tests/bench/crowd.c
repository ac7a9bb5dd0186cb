// SPDX-License-Identifier: BSD-2-Clause
/*
 * A crowd of processes that sleep:
 *
 *   crowd COUNT PAGES SECONDS [DIR GROUPS]
 *
 * forks COUNT children that each touch PAGES pages of their own, says "ready COUNT", and ends with them all
 * at the end of its input, or after SECONDS. With DIR, which is of a cgroup hierarchy, they are spread over
 * GROUPS cgroups made in it, as those of a host are over its services; who gave DIR removes them.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *directory;
static unsigned int groups;
static unsigned int *settled; /* shared: children that have their pages */

static void enter(const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "0", 1) != 1)
		fprintf(stderr, "crowd: cannot enter '%s': %s\n", path, strerror(errno));
	if (fd >= 0)
		close(fd);
}

/* children are born where their parent is: one move for each group, not for each child */
static void next_group(unsigned int group)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%u", directory, group);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/%u/cgroup.procs", directory, group);
	enter(path);
}

static void __attribute__((noreturn)) sleep_on(size_t size)
{
	volatile char *own = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (size_t i = 0; own != MAP_FAILED && i < size; i += 4096)
		own[i] = 1;
	__atomic_add_fetch(settled, 1, __ATOMIC_RELAXED);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	struct pollfd input = {STDIN_FILENO, POLLIN, 0};
	unsigned int count, made = 0;
	char byte;
	pid_t *pids;

	if (argc != 4 && argc != 6)
		return 2;
	count = strtoul(argv[1], NULL, 10);
	pids = calloc(count, sizeof(*pids));
	settled = mmap(NULL, sizeof(*settled), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!pids || settled == MAP_FAILED)
		return 1;
	if (argc == 6) {
		directory = argv[4];
		groups = strtoul(argv[5], NULL, 10);
	}
	for (; made < count; made++) {
		if (groups && made % ((count + groups - 1) / groups) == 0)
			next_group(made / ((count + groups - 1) / groups));
		pids[made] = fork();
		if (pids[made] < 0)
			break;
		if (!pids[made])
			sleep_on(strtoul(argv[2], NULL, 10) * 4096);
	}
	for (int i = 0; i < 3000 && __atomic_load_n(settled, __ATOMIC_RELAXED) < made; i++)
		usleep(10000);
	printf("ready %u\n", made);
	fflush(stdout);
	do
		poll(&input, 1, strtoul(argv[3], NULL, 10) * 1000);
	while ((input.revents & POLLIN) && read(STDIN_FILENO, &byte, 1) > 0);
	for (unsigned int i = 0; i < made; i++)
		kill(pids[i], SIGKILL);
	for (unsigned int i = 0; i < made; i++)
		waitpid(pids[i], NULL, 0);
	return made < count;
}
