/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Resolves a path as another process would, one name at a time, and says at
 * which name it ends. openat2(RESOLVE_IN_ROOT) would resolve it too, but says
 * neither where it failed nor what "../x" is from a working directory below
 * another root; and it is no older than Linux 5.6.
 *
 * Only O_PATH descriptors are opened: nothing here wakes a device, waits for a
 * FIFO or triggers an automount. A network file system whose server is gone
 * makes it wait like everybody else.
 */
#ifndef KWHY_PATH_WALK_H
#define KWHY_PATH_WALK_H

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

enum path_access {
	PATH_ACCESS_GRANTED,
	PATH_ACCESS_DOUBTFUL,	/* granted to a group the user may be in besides its first */
	PATH_ACCESS_DENIED,
};

struct path_user {
	uid_t uid;
	gid_t gid;
};

struct path_walk {
	int fd;			/* O_PATH of where it ended; -1 when not even a start was found */
	struct stat stat;	/* of fd */
	unsigned int links;	/* symbolic links followed */
	bool linked;		/* the last name of the path is a link */
	bool last;		/* failed: at the last name of the path itself, no link of it */
	char at[PATH_MAX];	/* as far as it came, links resolved; the name at fault when it failed */
	char doubtful[PATH_MAX];	/* the first directory with PATH_ACCESS_DOUBTFUL */
};

/*
 * user NULL: permissions are not looked at. 0, or what the kernel would have
 * said: -ENOENT, -ENOTDIR, -ELOOP, -EACCES (a directory without search
 * permission). -EPERM: cannot be told, or only by being that process, as a link
 * of /proc. Close with path_walk_close(), also after a failure.
 */
int path_walk(struct path_walk *ret, int root_fd, int cwd_fd, const char *path,
	      const struct path_user *user);
void path_walk_close(struct path_walk *walk);

/* Execute, or for a directory search permission, as far as the mode tells. */
enum path_access path_access_of(const struct stat *stat, const struct path_user *user);

#endif
