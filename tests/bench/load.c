// SPDX-License-Identifier: BSD-2-Clause
/*
 * Requests to a web server, where there is no wrk:
 *
 *   load PORT CLIENTS MILLISECONDS [keep]
 *
 * CLIENTS processes ask 127.0.0.1 for "/" again and again: over a connection of its own each, from connect() until the
 * server closes, or, keep, over one connection. What they came to, as one line of JSON:
 *
 *   {"turns":21877,"wall_ns":1000241310,"each_ns":45721,"errors":0,"p50_ns":163840,"p99_ns":458752}
 *
 * Percentiles are rounded up by an eighth at most.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MILLISECOND 1000000ULL

/* of every power of two eight parts */
enum { BUCKETS = 64 * 8 };

struct counts {
	uint64_t turns, errors;
	uint64_t took[BUCKETS];
};

static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
static const char request_keep[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

static uint64_t now_ns(void)
{
	struct timespec now = {};

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 * MILLISECOND + now.tv_nsec;
}

static unsigned int bucket_of(uint64_t ns)
{
	unsigned int top = 63 - __builtin_clzll(ns | 8);

	return top * 8 + (ns >> (top - 3) & 7);
}

static uint64_t bucket_end(unsigned int bucket)
{
	return (8ULL + bucket % 8 + 1) << (bucket / 8 - 3);
}

static uint64_t percentile(const struct counts *counts, double part)
{
	uint64_t sum = 0;

	for (unsigned int i = 3 * 8; i < BUCKETS; i++) {
		sum += counts->took[i];
		if (sum >= counts->turns * part)
			return bucket_end(i);
	}
	return 0;
}

static int connect_to(const struct sockaddr_in *address)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool ask(const struct sockaddr_in *address)
{
	int fd = connect_to(address);
	ssize_t n = -1, sum = 0;
	char data[4096];

	if (fd < 0)
		return false;
	if (send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) > 0) {
		while ((n = recv(fd, data, sizeof(data), 0)) > 0)
			sum += n;
	}
	close(fd);
	return n == 0 && sum > 0;
}

/* one answer, which says how long it is */
static bool ask_again(int fd)
{
	char data[4096] = "";
	size_t length = 0;

	if (send(fd, request_keep, sizeof(request_keep) - 1, MSG_NOSIGNAL) <= 0)
		return false;
	while (length < sizeof(data) - 1) {
		ssize_t n = recv(fd, data + length, sizeof(data) - 1 - length, 0);
		const char *end, *size;

		if (n <= 0)
			return false;
		length += n;
		end = strstr(data, "\r\n\r\n");
		size = strstr(data, "Content-Length: ");
		if (end && size && length >= end + 4 - data + strtoul(size + 16, NULL, 10))
			return true;
	}
	return false;
}

static void count(struct counts *counts, bool answered, uint64_t took)
{
	__atomic_add_fetch(answered ? &counts->turns : &counts->errors, 1, __ATOMIC_RELAXED);
	if (answered)
		__atomic_add_fetch(&counts->took[bucket_of(took)], 1, __ATOMIC_RELAXED);
}

static void client(const struct sockaddr_in *address, uint64_t end, bool keep, struct counts *counts)
{
	int fd = keep ? connect_to(address) : -1;
	uint64_t now = now_ns();

	while (now < end) {
		uint64_t began = now;
		bool answered = keep ? ask_again(fd) : ask(address);

		now = now_ns();
		count(counts, answered, now - began);
		if (keep && !answered) {
			close(fd);
			fd = connect_to(address);
		}
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct counts *counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t begin = now_ns(), end, took;

	if (argc < 4 || argc > 5 || counts == MAP_FAILED)
		return 2;
	address.sin_port = htons(strtoul(argv[1], NULL, 10));
	end = begin + strtoull(argv[3], NULL, 10) * MILLISECOND;
	for (unsigned long i = 0; i < strtoul(argv[2], NULL, 10); i++) {
		if (fork() == 0) {
			client(&address, end, argc == 5, counts);
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	took = now_ns() - begin;
	if (!counts->turns) {
		fputs("load: nothing was answered\n", stderr);
		return 1;
	}
	printf("{\"turns\":%llu,\"wall_ns\":%llu,\"each_ns\":%llu,\"errors\":%llu,\"p50_ns\":%llu,\"p99_ns\":%llu}\n",
	       (unsigned long long)counts->turns, (unsigned long long)took, (unsigned long long)(took / counts->turns),
	       (unsigned long long)counts->errors, (unsigned long long)percentile(counts, 0.5),
	       (unsigned long long)percentile(counts, 0.99));
	return 0;
}
