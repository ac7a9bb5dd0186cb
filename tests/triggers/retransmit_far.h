/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A host at the other end of a cable, for the retransmission triggers: another
 * network namespace, whose process accepts whatever comes. Our end of the
 * cable is called near, with 192.168.77.1 and fe80::1; the other one is far,
 * with 192.168.77.2, fe80::2 and all of 10.0.0.0/8.
 */
#ifndef RETRANSMIT_FAR_H
#define RETRANSMIT_FAR_H

#include "retransmit_flow.h"

struct far {
	pid_t pid;
	int port;
};

static inline void __attribute__((noreturn))
far_main(const char *address, void (*accepted)(int fd), int go, int back)
{
	struct linger none = {.l_onoff = 1};
	int listener, port;
	char byte;

	if (unshare(CLONE_NEWNET))
		_exit(EXIT_CANNOT);
	/* the cable comes from our parent */
	if (write(back, "", 1) != 1 || read(go, &byte, 1) != 1)
		_exit(1);
	link_flags("lo", IFF_UP, 0);
	address_add("lo", "10.0.0.1", 8);
	link_up("far");
	address_add("far", "192.168.77.2", 24);
	address_add("far", "fe80::2", 64);
	link_await("far");
	listener = listen_at(place_at(address, 0), 1000);
	port = ntohs(bound_to(listener).v4.sin_port);
	if (write(back, &port, sizeof(port)) != sizeof(port))
		_exit(1);
	for (;;) {
		int fd = accept_one(listener);

		/* nothing of it is sent any more when we are killed */
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
		if (accepted)
			accepted(fd);
	}
}

/* It listens there; what it accepts is given to the function. */
static inline struct far far_start(const char *address, void (*accepted)(int fd))
{
	int go[2], back[2];
	struct far far;
	char byte;

	if (pipe2(go, O_CLOEXEC) || pipe2(back, O_CLOEXEC))
		quit(1, "pipe: %s", strerror(errno));
	fflush(stdout);
	far.pid = fork();
	if (!far.pid) {
		alarm(60);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		far_main(address, accepted, go[0], back[1]);
	}
	close(back[1]);
	if (far.pid < 0 || read(back[0], &byte, 1) != 1)
		quit(1, "the other namespace did not start");
	link_pair("near", "far", far.pid);
	link_up("near");
	address_add("near", "192.168.77.1", 24);
	if (write(go[1], "", 1) != 1 || read(back[0], &far.port, sizeof(far.port)) != sizeof(far.port))
		quit(1, "the other namespace did not come up");
	link_await("near");
	address_add("near", "fe80::1", 64);
	return far;
}

/* What its kernel counted. */
static inline void said_far(const struct far *far)
{
	char path[64];
	struct stat info;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", far->pid);
	printf("far.netns %lu\n", stat(path, &info) ? 0 : info.st_ino);
	printf("far.pid %d\n", far->pid);
	snprintf(path, sizeof(path), "/proc/%d/net/snmp", far->pid);
	printf("far.RetransSegs %lu\n", counter_in(path, "RetransSegs"));
}

#endif
