/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptors as the kernel's list has them, for tests without a kernel. */
#ifndef KWHY_TESTS_FD_LIST_MAKE_H
#define KWHY_TESTS_FD_LIST_MAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <linux/magic.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "fd_file.h"

#define COUNT(ARRAY) (sizeof(ARRAY) / sizeof((ARRAY)[0]))
#define SECOND 1000000000ULL

/* a regular file of a file system with nothing special, one name */
static inline struct fd_file fd_regular(uint64_t inode)
{
	struct fd_file f = { .inode = inode, .magic = EXT4_SUPER_MAGIC, .device = 0x800001, .links = 1, .mode = S_IFREG | 0644 };

	strcpy(f.name, "app.log");
	return f;
}

static inline struct fd_file fd_anonymous(const char *name)
{
	struct fd_file f = { .inode = 1024, .magic = ANON_INODE_FS_MAGIC, .links = 1, .mode = 0600 };

	memcpy(f.name, name, strnlen(name, sizeof(f.name)));
	return f;
}

static inline struct fd_file fd_socket(uint16_t family, uint16_t protocol)
{
	return (struct fd_file){ .magic = SOCKFS_MAGIC, .links = 1, .mode = S_IFSOCK | 0777, .family = family,
				 .protocol = protocol };
}

/* addresses in words of either family */
static inline struct fd_file fd_tcp(const char *local, uint16_t local_port, const char *peer, uint16_t peer_port,
				    uint8_t tcp_state)
{
	struct fd_file f = fd_socket(strchr(local, ':') ? AF_INET6 : AF_INET, IPPROTO_TCP);

	if (inet_pton(f.family, local, f.local) != 1 || inet_pton(f.family, peer, f.peer) != 1)
		abort();
	f.local_port = local_port;
	f.peer_port = peer_port;
	f.state = tcp_state;
	return f;
}

#endif
