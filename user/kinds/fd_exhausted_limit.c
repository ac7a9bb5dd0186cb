// SPDX-License-Identifier: BSD-2-Clause
/*
 * Which limit refused a call. Several give the same error, and the kernel does
 * not say which it was: what it said of the table decides, then the call.
 */
#include "fd_exhausted_kind.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "fd_stack.h"

/* calls with a limit of their own, that is reached while the table has room */
static const struct {
	const char *call;
	uint32_t error;
	enum fd_limit limit;
} own_limits[] = {
	{ "inotify_init", EMFILE, FD_LIMIT_INOTIFY_INSTANCES },
	{ "inotify_init1", EMFILE, FD_LIMIT_INOTIFY_INSTANCES },
	{ "inotify_add_watch", ENOSPC, FD_LIMIT_INOTIFY_WATCHES },
	{ "fanotify_init", EMFILE, FD_LIMIT_FANOTIFY_GROUPS },
	{ "mq_open", EMFILE, FD_LIMIT_MQUEUE_BYTES },
};

static bool host_is_full(const struct session *s)
{
	uint64_t open, max;

	return fd_sysctl(s, "sys/fs/file-nr", 0, &open) && fd_sysctl(s, "sys/fs/file-max", 0, &max) &&
	       open >= max - max / 16;
}

/* a limit that was lowered below that of the process, and is reached */
static bool nr_open_binds(const struct session *s, const struct fd_failure_event *e)
{
	uint64_t nr_open;

	return fd_sysctl(s, "sys/fs/nr_open", 0, &nr_open) && nr_open < e->failure.soft &&
	       (e->next_fd >= nr_open || (e->failure.known.open && e->failure.open >= nr_open));
}

enum fd_limit fd_exhausted_limit(const struct fd_exhausted_state *state, const struct fd_failure_event *e,
				 const char *syscall)
{
	const struct session *s = state->session;
	bool pipe = strcmp(syscall, "pipe") == 0 || strcmp(syscall, "pipe2") == 0;

	for (size_t i = 0; i < sizeof(own_limits) / sizeof(*own_limits); i++)
		if (own_limits[i].error == e->key.error && strcmp(own_limits[i].call, syscall) == 0 &&
		    (e->key.error == ENOSPC || !e->key.full))
			return own_limits[i].limit;
	if (e->key.error == ENFILE)
		return host_is_full(s) ? FD_LIMIT_FILE_MAX : pipe ? FD_LIMIT_PIPE_PAGES : fd_limit_unknown;
	if (nr_open_binds(s, e))
		return FD_LIMIT_NR_OPEN;
	/* F_DUPFD looks only above the number it is given */
	if (e->key.full || e->key.error == EBADF || strcmp(syscall, "fcntl") == 0 || strcmp(syscall, "fcntl64") == 0)
		return FD_LIMIT_RLIMIT_SOFT;
	/* another thread closed one since */
	if (e->failure.known.open && e->failure.open + e->failure.open / 8 >= e->failure.soft)
		return FD_LIMIT_RLIMIT_SOFT;
	return e->max_fds >= e->failure.soft || !e->failure.known.open ? FD_LIMIT_RLIMIT_SOFT : fd_limit_unknown;
}

/* the value of the limit is that of one file, but for those of the process itself */
static const char *const files[] = {
	[FD_LIMIT_NR_OPEN] = "sys/fs/nr_open",
	[FD_LIMIT_FILE_MAX] = "sys/fs/file-max",
	[FD_LIMIT_INOTIFY_INSTANCES] = "sys/fs/inotify/max_user_instances",
	[FD_LIMIT_INOTIFY_WATCHES] = "sys/fs/inotify/max_user_watches",
	[FD_LIMIT_FANOTIFY_GROUPS] = "sys/fs/fanotify/max_user_groups",
	[FD_LIMIT_PIPE_PAGES] = "sys/fs/pipe-user-pages-hard",
};

/* limits on a user's own are per user namespace, and the files tell of ours */
static bool is_per_user(enum fd_limit limit)
{
	return limit == FD_LIMIT_INOTIFY_INSTANCES || limit == FD_LIMIT_INOTIFY_WATCHES ||
	       limit == FD_LIMIT_FANOTIFY_GROUPS;
}

static bool is_our_user_namespace(const struct session *s, uint32_t inode)
{
	struct stat own;

	return fstatat(s->procfs.fd, "self/ns/user", &own, 0) == 0 && own.st_ino == inode;
}

void fd_exhausted_limits(const struct fd_exhausted_state *state, uint32_t user_ns, struct fd_exhausted *x)
{
	const struct session *s = state->session;
	const char *file = x->known.limit_kind && x->limit_kind < sizeof(files) / sizeof(*files) ? files[x->limit_kind] :
												      NULL;

	x->known.nr_open = fd_sysctl(s, "sys/fs/nr_open", 0, &x->nr_open);
	x->known.file_max = fd_sysctl(s, "sys/fs/file-max", 0, &x->file_max);
	x->known.host_open = fd_sysctl(s, "sys/fs/file-nr", 0, &x->host_open);
	if (user_ns && !is_our_user_namespace(s, user_ns))
		KNOW(x, other_user_ns, 1);
	if (!x->known.limit)
		x->known.limit = file && (!is_per_user(x->limit_kind) || is_our_user_namespace(s, user_ns)) &&
				 fd_sysctl(s, file, 0, &x->limit);
}
