/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The roads on which descriptors come by message, and the other limits: those
 * of inotify, fanotify, message queues and pipes, of the host, fs.nr_open; and
 * calls that fail with the same errors for reasons that are no limit.
 */
#ifndef ROADS_MORE_H
#define ROADS_MORE_H

#include <linux/capability.h>
#include <sched.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include "roads.h"

/* a user that nobody is, so that its counts are ours alone */
#define STRANGER (1000000 + getpid())

/* more than a tool may want to look at */
#define MESSAGES 10

union control {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

static void open_ends(void)
{
	need(socketpair(AF_UNIX, SOCK_DGRAM, 0, has.ends), "socketpair");
}

/* every message of a call is refused its descriptor */
static void open_many(void)
{
	open_ends();
	has.weight = MESSAGES;
}

/* A message, with a descriptor or without. */
static void send_fd(int with)
{
	union control control = { 0 };
	char byte = 0;
	struct iovec data = { &byte, 1 };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1,
				  .msg_control = with ? &control : NULL,
				  .msg_controllen = with ? sizeof(control) : 0 };
	struct cmsghdr *header = &control.align;

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &has.null, sizeof(int));
	if (sendmsg(has.ends[0], &message, 0) != 1)
		quit(1, "sendmsg: %s", strerror(errno));
}

/* room: for control data, in bytes. A call that succeeds, and drops what was sent. */
static int receive_fd(size_t room)
{
	union control control;
	char byte;
	struct iovec data = { &byte, 1 };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = room };

	send_fd(1);
	if (syscall(SYS_recvmsg, has.ends[1], &message, 0) != 1)
		quit(1, "recvmsg: %s", strerror(errno));
	return message.msg_flags & MSG_CTRUNC ? -EMFILE : 0;
}

static int road_scm(void)
{
	return receive_fd(sizeof(union control));
}

/* Many messages by one call, those from FIRST on with a descriptor. */
static int receive_many(int first)
{
	union control controls[MESSAGES];
	char bytes[MESSAGES];
	struct iovec data[MESSAGES];
	struct mmsghdr messages[MESSAGES] = { 0 };
	int cut = 0;

	for (int i = 0; i < MESSAGES; i++) {
		send_fd(i >= first);
		data[i] = (struct iovec){ bytes + i, 1 };
		messages[i].msg_hdr = (struct msghdr){
			.msg_iov = data + i, .msg_iovlen = 1,
			.msg_control = controls + i,
			.msg_controllen = sizeof(*controls) };
	}
	if (syscall(SYS_recvmmsg, has.ends[1], messages, MESSAGES, 0, NULL) !=
	    MESSAGES)
		quit(1, "recvmmsg: %s", strerror(errno));
	for (int i = 0; i < MESSAGES; i++)
		cut += !!(messages[i].msg_hdr.msg_flags & MSG_CTRUNC);
	return cut == MESSAGES - first ? -EMFILE : 0;
}

static int road_scm_many(void)
{
	return receive_many(0);
}

static int road_scm_last(void)
{
	return receive_many(MESSAGES - 1);
}

/* Another user, with all that root may do. */
static void become_stranger(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) ||
	    setresuid(STRANGER, STRANGER, STRANGER) ||
	    syscall(SYS_capget, &header, data))
		quit(EXIT_CANNOT, "another user: %s", strerror(errno));
	data[0].effective = data[0].permitted;
	data[1].effective = data[1].permitted;
	if (syscall(SYS_capset, &header, data))
		quit(EXIT_CANNOT, "capset: %s", strerror(errno));
	/* a change of user makes /proc/self root's, and that is how we count */
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

/* Whoever is no root, and may not what root may. */
static void become_nobody(void)
{
	if (setresgid(STRANGER, STRANGER, STRANGER) ||
	    setresuid(STRANGER, STRANGER, STRANGER))
		quit(EXIT_CANNOT, "another user: %s", strerror(errno));
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		quit(EXIT_CANNOT, "write '%s': %s", path, strerror(errno));
	close(fd);
}

/* A user namespace whose own limit is TEXT. */
static void unshare_user(const char *limit, const char *text)
{
	if (unshare(CLONE_NEWUSER))
		quit(EXIT_CANNOT, "unshare: %s", strerror(errno));
	write_file("/proc/self/uid_map", "0 0 1");
	write_file(limit, text);
}

/* A limit of the whole host, that the caller sets back. */
static void lower(const char *path, const char *text)
{
	if (!getenv("KWHY_GUEST"))
		quit(EXIT_CANNOT, "%s is lowered in guests only", path);
	write_file(path, text);
}

/* Opens instances until the limit of the user is reached. */
static void open_until(int (*call)(void), int error)
{
	int fd, made = 0;

	while ((fd = call()) >= 0)
		made++;
	if (fd != -error)
		quit(EXIT_CANNOT, "after %d: %s", made, strerror(-fd));
	printf("made %d\n", made);
	has.failed++;
}

static void fill_instances(void)
{
	become_stranger();
	open_until(road_inotify_init1, EMFILE);
}

static void fill_instances_ns(void)
{
	unshare_user("/proc/sys/user/max_inotify_instances", "4");
	open_until(road_inotify_init1, EMFILE);
}

static void fill_groups(void)
{
	become_stranger();
	open_until(road_fanotify, EMFILE);
}

static const char *const watchable[] = { "/", "/proc", "/sys", "/dev", "/tmp",
					 "/usr", "/etc", "/run" };
static unsigned int watching;

static int road_watch(void)
{
	int result = answer(syscall(SYS_inotify_add_watch, has.self,
				    watchable[watching], IN_CREATE));

	watching += result >= 0;
	return result;
}

static void fill_watches(void)
{
	has.self = inotify_init1(IN_CLOEXEC);
	need(has.self, "inotify_init1");
	open_until(road_watch, ENOSPC);
}

static void fill_watches_ns(void)
{
	unshare_user("/proc/sys/user/max_inotify_watches", "4");
	fill_watches();
}

static void fill_watches_host(void)
{
	lower("/proc/sys/fs/inotify/max_user_watches", "4");
	become_stranger();
	fill_watches();
}

/* Two queues have room, or none at all where the limit is low. */
static int road_queue(void)
{
	static unsigned int made;
	char name[32];
	int result;

	snprintf(name, sizeof(name), "kwhy-exhaust-%d-%u", getpid(), made);
	result = answer(syscall(SYS_mq_open, name, O_RDWR | O_CREAT, 0600,
				NULL));
	if (result >= 0) {
		syscall(SYS_mq_unlink, name);
		made++;
	}
	return result;
}

static void fill_queues(void)
{
	struct rlimit limit = { 200000, 200000 };

	if (setrlimit(RLIMIT_MSGQUEUE, &limit))
		quit(1, "RLIMIT_MSGQUEUE: %s", strerror(errno));
	become_stranger();
	open_until(road_queue, EMFILE);
}

static void fill_files(void)
{
	lower("/proc/sys/fs/file-max", "1");
	become_nobody();
}

static void fill_pipes(void)
{
	lower("/proc/sys/fs/pipe-user-pages-hard", "64");
	become_nobody();
	open_until(road_pipe2, ENFILE);
}

/* Below the soft limit, which is set already. */
static void fill_numbers(void)
{
	lower("/proc/sys/fs/nr_open", "64");
	open_until(road_dup, EMFILE);
}

/* The highest numbers are taken, and there is room below them. */
static void fill_high(void)
{
	for (int i = 4; i; i--)
		fcntl(has.null, F_DUPFD, has.soft - i);
}

static int road_dupfd_high(void)
{
	return answer(syscall(SYS_fcntl, has.null, F_DUPFD,
			      (int)has.soft - 4));
}

/* Eight calls in turn; the first of them a second time, so that it leads. */
static int road_all(void)
{
	static int (*const calls[])(void) = {
		road_openat, road_socket, road_dup, road_pipe2, road_openat,
		road_eventfd2, road_epoll_create1, road_timerfd, road_memfd,
	};
	static unsigned int made;

	return calls[made++ % 9]();
}

/* --- errors that are no limit: to be told of by nobody --- */

static int fine_badfd(void)
{
	return answer(syscall(SYS_dup3, 9999, 5, 0));
}

/* no limit allows -1 */
static int fine_minus(void)
{
	return answer(syscall(SYS_dup3, has.null, -1, 0));
}

static int fine_close(void)
{
	return answer(syscall(SYS_close, 9999));
}

static int fine_missing(void)
{
	return answer(syscall(SYS_openat, AT_FDCWD, "/nonexistent", O_RDONLY));
}

/* the control buffer is too small, and that is all */
static int fine_scm_small(void)
{
	return receive_fd(sizeof(struct cmsghdr)) ? 0 : -EIO;
}

static int fine_watch(void)
{
	return answer(syscall(SYS_inotify_add_watch, has.self, "/nonexistent",
			      IN_CREATE));
}

static void open_inotify(void)
{
	has.self = inotify_init1(IN_CLOEXEC);
	need(has.self, "inotify_init1");
}

/* /dev/full has no space left, as a watch may have none */
static void open_full(void)
{
	has.self = open("/dev/full", O_WRONLY | O_CLOEXEC);
	need(has.self, "/dev/full");
}

static int fine_full(void)
{
	return answer(syscall(SYS_write, has.self, "x", 1));
}

static void fill_none(void)
{
}

#endif
