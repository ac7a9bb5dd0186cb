// SPDX-License-Identifier: BSD-2-Clause
#include "path_walk.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

enum {
	MAX_LINKS = 40,		/* the kernel's own bound */
	MAX_NAMES = 4096,	/* links that expand to thousands of names are not worth the time */
};

struct walker {
	struct path_walk *walk;
	const struct path_user *user;
	int root_fd;
	char rest[PATH_MAX];	/* not yet resolved */
};

enum path_access path_access_of(const struct stat *stat, const struct path_user *user)
{
	mode_t mode = stat->st_mode;
	bool granted;

	if (user->uid == 0)
		granted = S_ISDIR(mode) || mode & 0111;
	else if (user->uid == stat->st_uid)
		granted = mode & 0100;
	else if (user->gid == stat->st_gid)
		granted = mode & 0010;
	else if (mode & 0010 && !(mode & 0001))
		return PATH_ACCESS_DOUBTFUL;
	else
		granted = mode & 0001;
	return granted ? PATH_ACCESS_GRANTED : PATH_ACCESS_DENIED;
}

/* Goes on from fd, which it takes. */
static int move_to(struct path_walk *w, int fd)
{
	if (fd < 0)
		return errno == EACCES ? -EPERM : -errno;
	if (w->fd >= 0)
		close(w->fd);
	w->fd = fd;
	return fstat(fd, &w->stat) == 0 ? 0 : -EPERM;
}

static int copy_of(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

static int name_push(struct path_walk *w, const char *name)
{
	size_t have = strlen(w->at), length = strlen(name);
	bool slash = have && w->at[have - 1] != '/';

	if (have + slash + length >= sizeof(w->at))
		return -ENAMETOOLONG;
	if (slash)
		w->at[have++] = '/';
	memcpy(w->at + have, name, length + 1);
	return 0;
}

/* "/a/b" to "/a", "/a" to "/", "a" to "", "" to ".." */
static int name_pop(struct path_walk *w)
{
	char *slash = strrchr(w->at, '/');
	const char *last = slash ? slash + 1 : w->at;

	if (*w->at != '/' && (!*last || strcmp(last, "..") == 0))
		return name_push(w, "..");
	if (slash == w->at)
		slash++;
	*(slash ? slash : w->at) = '\0';
	return 0;
}

static int go_up(struct walker *walker)
{
	struct path_walk *w = walker->walk;
	struct stat root;
	int err;

	if (fstat(walker->root_fd, &root))
		return -EPERM;
	if (root.st_dev == w->stat.st_dev && root.st_ino == w->stat.st_ino)
		return 0;
	err = move_to(w, openat(w->fd, "..", O_PATH | O_CLOEXEC));
	return err ? err : name_pop(w);
}

static int follow(struct walker *walker, int link_fd)
{
	struct path_walk *w = walker->walk;
	char target[PATH_MAX];
	struct statfs fs;
	size_t rest = strlen(walker->rest);
	ssize_t length;

	/* what a link of /proc leads to depends on who asks */
	if (fstatfs(link_fd, &fs) || fs.f_type == PROC_SUPER_MAGIC)
		return -EPERM;
	if (++w->links > MAX_LINKS)
		return -ELOOP;
	length = readlinkat(link_fd, "", target, sizeof(target));
	if (length < 0)
		return -EPERM;
	if (!length)
		return -ENOENT;
	if (length + rest >= sizeof(walker->rest))
		return -ENAMETOOLONG;
	w->linked = w->linked || !rest;
	memmove(walker->rest + length, walker->rest, rest + 1);
	memcpy(walker->rest, target, length);
	if (*target != '/')
		return name_pop(w);
	w->at[0] = '/';
	w->at[1] = '\0';
	return move_to(w, copy_of(walker->root_fd));
}

/* one name, of which at and fd are the directory */
static int step(struct walker *walker, const char *name)
{
	struct path_walk *w = walker->walk;
	struct stat found;
	int fd, err;

	if (strcmp(name, ".") == 0)
		return 0;
	if (strcmp(name, "..") == 0)
		return go_up(walker);
	fd = openat(w->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	err = fd < 0 ? (errno == EACCES ? -EPERM : -errno) : 0;
	if (name_push(w, name)) {
		err = -ENAMETOOLONG;
	} else if (err) {
		w->last = !w->linked && !*walker->rest;
	} else if (fstat(fd, &found)) {
		err = -EPERM;
	} else if (S_ISLNK(found.st_mode)) {
		err = follow(walker, fd);
	} else {
		return move_to(w, fd);
	}
	if (fd >= 0)
		close(fd);
	return err;
}

static int may_search(struct walker *walker)
{
	struct path_walk *w = walker->walk;
	enum path_access access;

	if (!S_ISDIR(w->stat.st_mode))
		return -ENOTDIR;
	if (!walker->user)
		return 0;
	access = path_access_of(&w->stat, walker->user);
	if (access == PATH_ACCESS_DOUBTFUL && !*w->doubtful)
		memcpy(w->doubtful, *w->at ? w->at : ".", strlen(*w->at ? w->at : ".") + 1);
	return access == PATH_ACCESS_DENIED ? -EACCES : 0;
}

static int walk_names(struct walker *walker)
{
	char name[NAME_MAX + 1];

	for (unsigned int i = 0; *walker->rest; i++) {
		size_t slashes = strspn(walker->rest, "/");
		size_t length = strcspn(walker->rest + slashes, "/");
		int err = may_search(walker);

		if (err)
			return err;
		if (i == MAX_NAMES)
			return -EPERM;
		if (length >= sizeof(name))
			return -ENAMETOOLONG;
		if (!length)
			return 0;
		memcpy(name, walker->rest + slashes, length);
		name[length] = '\0';
		memmove(walker->rest, walker->rest + slashes + length,
			strlen(walker->rest + slashes + length) + 1);
		err = step(walker, name);
		if (err)
			return err;
	}
	return 0;
}

int path_walk(struct path_walk *ret, int root_fd, int cwd_fd, const char *path,
	      const struct path_user *user)
{
	struct walker walker = { .walk = ret, .user = user, .root_fd = root_fd };
	size_t length = strlen(path);
	int err;

	memset(ret, 0, sizeof(*ret));
	ret->fd = -1;
	if (!length)
		return -ENOENT;
	if (length >= sizeof(walker.rest))
		return -ENAMETOOLONG;
	memcpy(walker.rest, path, length + 1);
	if (*path == '/')
		ret->at[0] = '/';
	err = move_to(ret, copy_of(*path == '/' ? root_fd : cwd_fd));
	return err ? err : walk_names(&walker);
}

void path_walk_close(struct path_walk *walk)
{
	if (walk->fd >= 0)
		close(walk->fd);
	walk->fd = -1;
}
