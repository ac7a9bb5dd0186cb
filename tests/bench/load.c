// SPDX-License-Identifier: BSD-2-Clause
/*
 * Requests over a connection of their own each, where there is no wrk:
 *
 *   load PORT CLIENTS MILLISECONDS
 *
 * CLIENTS processes connect to 127.0.0.1, ask for "/", read until the server closes, and do it again. What they
 * came to, as one line of JSON:
 *
 *   {"turns":21877,"wall_ns":1000241310,"each_ns":45721}
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MILLISECOND 1000000ULL

static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

static uint64_t now_ns(void)
{
	struct timespec now = {};

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 * MILLISECOND + now.tv_nsec;
}

/* 1 when it was answered */
static uint64_t ask(const struct sockaddr_in *address)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ssize_t n = -1, sum = 0;
	char data[4096];

	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 &&
	    send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) > 0) {
		while ((n = recv(fd, data, sizeof(data), 0)) > 0)
			sum += n;
	}
	close(fd);
	return n == 0 && sum > 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	uint64_t *turns = mmap(NULL, sizeof(*turns), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t begin = now_ns(), end, took;

	if (argc != 4 || turns == MAP_FAILED)
		return 2;
	address.sin_port = htons(strtoul(argv[1], NULL, 10));
	end = begin + strtoull(argv[3], NULL, 10) * MILLISECOND;
	for (unsigned long i = 0; i < strtoul(argv[2], NULL, 10); i++) {
		if (fork() == 0) {
			while (now_ns() < end)
				__atomic_add_fetch(turns, ask(&address), __ATOMIC_RELAXED);
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	took = now_ns() - begin;
	if (!*turns) {
		fputs("load: nothing was answered\n", stderr);
		return 1;
	}
	printf("{\"turns\":%llu,\"wall_ns\":%llu,\"each_ns\":%llu}\n", (unsigned long long)*turns,
	       (unsigned long long)took, (unsigned long long)(took / *turns));
	return 0;
}
