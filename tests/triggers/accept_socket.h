/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The listening sockets of accept.c. The server answers each step with what the
 * client is to say of it, "!" and why where it went wrong, "?" where it cannot
 * be done here.
 */
#ifndef ACCEPT_SOCKET_H
#define ACCEPT_SOCKET_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include "trigger.h"

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_storage room;
};

/* What the next socket will be; at and port the client knows, too. */
static struct {
	const char *at, *to, *device;
	unsigned int port;
	int reuseport, v6only, defer, multipath;
} next = { .at = "127.0.0.1" };

static struct {
	int steps;	/* where they come from */
	int listener;	/* the last one */
	int tid;	/* of the other thread */
} server = { .listener = -1 };

static inline unsigned long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static inline socklen_t make_address(const char *text, unsigned int port, union address *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, text, &ret->v4.sin_addr) == 1) {
		ret->v4.sin_family = AF_INET;
		ret->v4.sin_port = htons(port);
		return sizeof(ret->v4);
	}
	if (inet_pton(AF_INET6, text, &ret->v6.sin6_addr) != 1)
		quit(EXIT_USAGE, "no address: '%s'", text);
	ret->v6.sin6_family = AF_INET6;
	ret->v6.sin6_port = htons(port);
	return sizeof(ret->v6);
}

/* Sets the next socket's properties; the client does the same. */
static inline int configure(const char *name, char *argument)
{
	if (!strcmp(name, "at"))
		next.at = next.to = argument;
	else if (!strcmp(name, "to"))
		next.to = argument;
	else if (!strcmp(name, "port"))
		next.port = number(argument);
	else if (!strcmp(name, "device"))
		next.device = argument;
	else if (!strcmp(name, "reuseport"))
		next.reuseport = 1;
	else if (!strcmp(name, "v6only"))
		next.v6only = 1;
	else if (!strcmp(name, "defer"))
		next.defer = 1;
	else if (!strcmp(name, "multipath"))
		next.multipath = 1;
	else
		return 0;
	return 1;
}

static inline void __attribute__((format(printf, 1, 2))) answer(const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (write(server.steps, text, strlen(text) + 1) < 0)
		_exit(1);
}

static inline void __attribute__((noreturn)) fail(const char *what)
{
	answer("%c%s: %s", errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL || errno == EPERM ? '?' : '!', what,
	       strerror(errno));
	_exit(1);
}

static inline void queue_of(int fd, unsigned int *ret_queue, unsigned int *ret_limit)
{
	struct tcp_info info;
	socklen_t length = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length))
		fail("TCP_INFO");
	*ret_queue = info.tcpi_unacked;
	*ret_limit = info.tcpi_sacked;
}

/* A socket that is bound to the port, which is chosen here when there is none. */
static inline int bind_socket(void)
{
	int one = 1, seconds = 20, only = next.v6only;
	union address address;
	socklen_t length = make_address(next.at, next.port, &address);
	int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, next.multipath ? IPPROTO_MPTCP : 0);

	if (fd < 0 && next.multipath)
		quit(EXIT_CANNOT, "Multipath TCP: %s", strerror(errno));
	if (fd < 0)
		fail("socket");
	if (address.any.sa_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only)))
		fail("IPV6_V6ONLY");
	if (next.reuseport && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)))
		fail("SO_REUSEPORT");
	if (next.device && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, next.device, strlen(next.device)))
		fail("SO_BINDTODEVICE");
	if (next.defer && setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds)))
		fail("TCP_DEFER_ACCEPT");
	if (bind(fd, &address.any, length))
		fail("bind");
	length = sizeof(address);
	getsockname(fd, &address.any, &length);
	next.port = ntohs(address.any.sa_family == AF_INET ? address.v4.sin_port : address.v6.sin6_port);
	return fd;
}

static inline void tell_listener(unsigned long long began)
{
	unsigned int queue, limit;

	queue_of(server.listener, &queue, &limit);
	answer("port %u\nlimit %u\nlistened %llu\n", next.port, limit, began);
}

static inline void serve_listen(char *argument)
{
	unsigned long long began = now_ns();

	server.listener = bind_socket();
	if (listen(server.listener, number(argument)))
		fail("listen");
	tell_listener(began);
}

static inline void serve_again(char *argument)
{
	unsigned long long began = now_ns();

	if (listen(server.listener, number(argument)))
		fail("listen");
	tell_listener(began);
}

static inline void serve_queue(char *argument)
{
	unsigned int queue, limit;

	(void)argument;
	queue_of(server.listener, &queue, &limit);
	answer("queue %u\nlimit %u\n", queue, limit);
}

static inline void serve_take(char *argument)
{
	unsigned int count = number(argument);
	unsigned long long last;

	for (unsigned int i = 0; i < count; i++) {
		int fd = accept4(server.listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			fail("accept");
		close(fd);
	}
	last = now_ns();
	answer("took %llu\n", last);
}

static inline void serve_name(char *argument)
{
	set_comm(argument);
	answer("%s", "");
}

static inline void serve_cgroup(char *argument)
{
	int fd = open(argument, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "0", 1) != 1)
		fail("cgroup");
	close(fd);
	answer("%s", "");
}

#endif
