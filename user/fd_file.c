// SPDX-License-Identifier: BSD-2-Clause
#include "fd_file.h"

#include <linux/magic.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "address.h"
#include "table.h"

#ifndef PID_FS_MAGIC	/* linux/magic.h of 6.9 */
#define PID_FS_MAGIC 0x50494446
#endif
#define MQUEUE_MAGIC 0x19800202

/* names of files that hang below nothing, as the kernel gives them */
static const struct {
	const char *name, *type;
} anonymous[] = {
	{ "[eventfd]", "eventfd" }, { "[eventpoll]", "eventpoll" }, { "[timerfd]", "timerfd" },
	{ "[signalfd]", "signalfd" }, { "inotify", "inotify" }, { "[fanotify]", "fanotify" }, { "[pidfd]", "pidfd" },
	{ "[io_uring]", "io_uring" }, { "[perf_event]", "perf_event" }, { "[userfaultfd]", "userfaultfd" },
	{ "bpf-map", "bpf" }, { "bpf-prog", "bpf" }, { "bpf_link", "bpf" }, { "bpf-link", "bpf" }, { "btf", "bpf" },
	{ "bpf_iter", "bpf" }, { "iter", "bpf" },
};

static const char *const tcp_states[] = {
	[1] = "ESTABLISHED", [2] = "SYN_SENT", [3] = "SYN_RECV", [4] = "FIN_WAIT1", [5] = "FIN_WAIT2", [6] = "TIME_WAIT",
	[7] = "CLOSED", [FD_TCP_CLOSE_WAIT] = "CLOSE_WAIT", [9] = "LAST_ACK", [FD_TCP_LISTEN] = "LISTEN", [11] = "CLOSING",
};

const char *tcp_state_word(unsigned int state)
{
	return state < sizeof(tcp_states) / sizeof(*tcp_states) ? tcp_states[state] : NULL;
}

static bool is_inet(const struct fd_file *f)
{
	return S_ISSOCK(f->mode) && (f->family == AF_INET || f->family == AF_INET6);
}

static bool is_tcp(const struct fd_file *f)
{
	return is_inet(f) && f->protocol == IPPROTO_TCP;
}

static const char *socket_type(const struct fd_file *f)
{
	if (is_inet(f))
		return f->protocol == IPPROTO_TCP ? "tcp" : f->protocol == IPPROTO_UDP ? "udp" : "raw";
	switch (f->family) {
	case AF_UNIX:
		return "unix";
	case AF_NETLINK:
		return "netlink";
	case AF_PACKET:
		return "packet";
	case AF_VSOCK:
		return "vsock";
	}
	return "socket";
}

static const char *anonymous_type(const struct fd_file *f, char room[24])
{
	struct text text = { .data = room, .size = 24 };
	size_t length = strnlen(f->name, sizeof(f->name));

	*room = '\0';
	for (size_t i = 0; i < sizeof(anonymous) / sizeof(*anonymous); i++)
		if (strncmp(f->name, anonymous[i].name, sizeof(f->name)) == 0)
			return anonymous[i].type;
	/* a driver's own: "kvm-vcpu:3", "[fscontext]" */
	for (size_t i = 0; i < length && f->name[i] != ':'; i++)
		if (f->name[i] != '[' && f->name[i] != ']')
			text_format(&text, "%c", f->name[i]);
	return *room ? room : "anonymous";
}

static bool is_terminal(const struct fd_file *f)
{
	unsigned int major = f->rdev >> 20;

	return S_ISCHR(f->mode) && (major == 4 || major == 5 || (major >= 136 && major <= 143));
}

const char *fd_file_type(const struct fd_file *f, char room[24])
{
	if (S_ISSOCK(f->mode))
		return socket_type(f);
	switch (f->magic) {
	case ANON_INODE_FS_MAGIC:
		return anonymous_type(f, room);
	case PIPEFS_MAGIC:
		return "pipe";
	case PID_FS_MAGIC:
		return "pidfd";
	case PROC_SUPER_MAGIC:
		return "proc";
	case NSFS_MAGIC:
		return "namespace";
	case MQUEUE_MAGIC:
		return "mqueue";
	case DMA_BUF_MAGIC:
		return "dmabuf";
	}
	if (S_ISREG(f->mode) && !f->links && strncmp(f->name, "memfd:", 6) == 0)
		return "memfd";
	if (is_terminal(f))
		return "terminal";
	return S_ISREG(f->mode) ? "file" : S_ISDIR(f->mode) ? "directory" : S_ISFIFO(f->mode) ? "fifo" :
	       S_ISCHR(f->mode) || S_ISBLK(f->mode) ? "device" : "other";
}

const char *fd_file_tcp_state(const struct fd_file *f)
{
	return is_tcp(f) ? tcp_state_word(f->state) : NULL;
}

bool fd_file_has_peer(const struct fd_file *f)
{
	return is_inet(f) && f->peer_port;
}

bool fd_file_deleted(const struct fd_file *f)
{
	return S_ISREG(f->mode) && !f->links && f->magic != ANON_INODE_FS_MAGIC && f->magic != PID_FS_MAGIC &&
	       f->magic != DMA_BUF_MAGIC && strncmp(f->name, "memfd:", 6) != 0;
}

static uint64_t mix_bytes(uint64_t number, const void *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		number = table_mix(number, ((const uint8_t *)data)[i]);
	return number;
}

uint64_t fd_file_group(const struct fd_file *f)
{
	char room[24];
	const char *type = fd_file_type(f, room);
	uint64_t number = mix_bytes(1, type, strlen(type));

	if (is_inet(f)) {
		number = table_mix(mix_bytes(number, f->peer, sizeof(f->peer)), f->state);
		if (f->peer_port && f->state != FD_TCP_LISTEN)
			return number;
		return table_mix(mix_bytes(number, f->local, sizeof(f->local)), f->local_port);
	}
	if (fd_file_deleted(f))
		return table_mix(table_mix(number, f->device), 1);
	/* these are all alike, whatever their inode */
	if (f->magic == ANON_INODE_FS_MAGIC || f->magic == PIPEFS_MAGIC || f->magic == PID_FS_MAGIC ||
	    S_ISSOCK(f->mode) || !f->links)
		return number;
	return table_mix(table_mix(number, f->inode), f->device);
}

void fd_file_address(struct text *text, const struct fd_file *f, const uint8_t address[16], uint16_t port)
{
	uint8_t v4[16];
	char name[56];

	if (f->family == AF_INET)
		address_of_v4(v4, address);
	endpoint_text(name, f->family == AF_INET ? v4 : address, port);
	text_add(text, name);
}
