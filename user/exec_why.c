// SPDX-License-Identifier: BSD-2-Clause
#include "exec_why.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/statvfs.h>

#include "exec_file.h"
#include "path_walk.h"
#include "text.h"

/* scripts whose interpreters are scripts, that the kernel allows */
enum { MAX_SCRIPTS = 5 };

/* One exec that is looked at: the file, then what it asks for, then what that asks for. */
struct look {
	struct exec_why *ret;
	int err;
	int root_fd, cwd_fd;
	struct path_user user;
	unsigned int depth;		/* 0: the file itself */
	enum exec_file_kind asked_by;	/* kind of the file one level up */
	enum exec_failure doubtful;	/* the reason when nothing better is found */
	char doubtful_culprit[256];
	char path[256];			/* of depth 1 and more */
};

/* A path too long keeps its end, behind "/...": no file has that name by accident. */
static void path_copy(char *ret, size_t size, const char *path)
{
	static const char mark[] = "/...";
	size_t length = strlen(path);
	const char *tail;

	if (length < size) {
		memcpy(ret, path, length + 1);
		return;
	}
	tail = strchr(path + length + sizeof(mark) - size, '/');
	memcpy(ret, mark, sizeof(mark));
	if (tail)
		memcpy(ret + sizeof(mark) - 1, tail, path + length + 1 - tail);
	else
		text_copy(ret, size, path, length);
}

static void blame(struct look *look, enum exec_failure reason, const char *culprit)
{
	look->ret->reason = reason;
	if (culprit)
		path_copy(look->ret->culprit, sizeof(look->ret->culprit), culprit);
}

static void doubt(struct look *look, enum exec_failure reason, const char *culprit)
{
	if (look->doubtful)
		return;
	look->doubtful = look->depth ? EXEC_FAILURE_INTERPRETER_DENIED : reason;
	if (culprit)
		path_copy(look->doubtful_culprit, sizeof(look->doubtful_culprit), culprit);
}

static bool ends_in_return(const char *path)
{
	size_t length = strlen(path);

	return length && path[length - 1] == '\r';
}

/* The way to path ended with err, which is what the kernel had said. */
static void blame_path(struct look *look, const struct path_walk *walk, const char *path)
{
	/* where the last name is missing "at" says nothing that path does not */
	const char *culprit = !walk->last ? (*walk->at ? walk->at : ".") : look->depth ? path : NULL;

	switch (look->err) {
	case ENOENT:
	case ENOTDIR:
		if (look->asked_by == EXEC_FILE_NATIVE || look->asked_by == EXEC_FILE_LESSER)
			blame(look, EXEC_FAILURE_LOADER_MISSING, culprit);
		else if (ends_in_return(path))
			blame(look, EXEC_FAILURE_CARRIAGE_RETURN, culprit);
		else
			blame(look, look->depth ? EXEC_FAILURE_INTERPRETER_MISSING : EXEC_FAILURE_NO_FILE,
			      culprit);
		break;
	case EACCES:
		blame(look, look->depth ? EXEC_FAILURE_INTERPRETER_DENIED : EXEC_FAILURE_SEARCH_DENIED, culprit);
		break;
	case ELOOP:
		blame(look, EXEC_FAILURE_SYMLINK_LOOP, culprit);
		break;
	}
}

/* EACCES of a file that was found, in the order the kernel asks. False: it has nothing against it. */
static bool blame_file(struct look *look, const struct path_walk *walk, const char *path)
{
	enum path_access access = path_access_of(&walk->stat, &look->user);
	const char *culprit = look->depth ? path : walk->linked ? walk->at : NULL;
	enum exec_failure reason = 0;
	struct statvfs mount;

	if (!S_ISREG(walk->stat.st_mode))
		reason = EXEC_FAILURE_NOT_A_FILE;
	else if (fstatvfs(walk->fd, &mount) == 0 && mount.f_flag & ST_NOEXEC)
		reason = EXEC_FAILURE_NOEXEC_MOUNT;
	else if (access == PATH_ACCESS_DENIED)
		reason = EXEC_FAILURE_NOT_EXECUTABLE;
	else if (access == PATH_ACCESS_DOUBTFUL)
		doubt(look, EXEC_FAILURE_NOT_EXECUTABLE, culprit);
	if (reason)
		blame(look, look->depth ? EXEC_FAILURE_INTERPRETER_DENIED : reason, culprit);
	return reason;
}

/* ENOEXEC. A sound file of this machine must have been changed since: unknown. */
static void blame_format(struct look *look, const char *path, enum exec_file_kind kind)
{
	static const enum exec_failure reasons[] = {
		[EXEC_FILE_EMPTY] = EXEC_FAILURE_EMPTY_FILE,
		[EXEC_FILE_LESSER] = EXEC_FAILURE_OTHER_MACHINE,
		[EXEC_FILE_FOREIGN] = EXEC_FAILURE_OTHER_MACHINE,
		[EXEC_FILE_BROKEN] = EXEC_FAILURE_WRONG_FORMAT,
		[EXEC_FILE_TEXT] = EXEC_FAILURE_NO_SHEBANG,
	};

	if (kind < sizeof(reasons) / sizeof(reasons[0]) && reasons[kind])
		blame(look, reasons[kind], look->depth ? path : NULL);
}

/* The file is there: true when what it asks for is to be looked at next. */
static bool look_into(struct look *look, const struct path_walk *walk, const char *path)
{
	struct exec_file file;

	if (look->err == EACCES && blame_file(look, walk, path))
		return false;
	if (!S_ISREG(walk->stat.st_mode))
		return false;
	exec_file_read(&file, walk->fd);
	if (look->depth == 0 && *file.asks_for)
		memcpy(look->ret->interpreter, file.asks_for, sizeof(file.asks_for));
	if (look->err == ENOEXEC && file.kind != EXEC_FILE_SCRIPT) {
		blame_format(look, path, file.kind);
		return false;
	}
	/* what a foreign ELF file lacks may be the emulator that binfmt_misc names */
	if (!*file.asks_for)
		return false;
	memcpy(look->path, file.asks_for, sizeof(file.asks_for));
	look->asked_by = file.kind;
	return true;
}

static bool look_at(struct look *look, const char *path)
{
	struct path_walk walk;
	bool ask_more = false;
	int err;

	err = path_walk(&walk, look->root_fd, look->cwd_fd, path, look->err == EACCES ? &look->user : NULL);
	if (*walk.doubtful)
		doubt(look, EXEC_FAILURE_SEARCH_DENIED, walk.doubtful);
	if (err == -look->err)
		blame_path(look, &walk, path);
	else if (!err)
		ask_more = look_into(look, &walk, path);
	path_walk_close(&walk);
	return ask_more;
}

void exec_why(struct exec_why *ret, int root_fd, int cwd_fd, const char *path, int err, uid_t uid,
	      gid_t gid)
{
	struct look look = {
		.ret = ret, .err = err, .root_fd = root_fd, .cwd_fd = cwd_fd, .user = { uid, gid },
	};

	memset(ret, 0, sizeof(*ret));
	switch (err) {
	case ETXTBSY:
		ret->reason = EXEC_FAILURE_TEXT_BUSY;
		return;
	case EAGAIN:
		ret->reason = EXEC_FAILURE_PROCESS_LIMIT;
		return;
	case ENOENT:
	case ENOTDIR:
	case EACCES:
	case ENOEXEC:
	case ELOOP:
		break;
	default:
		return;
	}
	if (!look_at(&look, path))
		goto out;
	do {
		/* the name of one level is scratch of the next */
		char asked_for[sizeof(look.path)];

		if (look.depth++ == MAX_SCRIPTS) {
			if (err == ELOOP && look.asked_by == EXEC_FILE_SCRIPT)
				blame(&look, EXEC_FAILURE_INTERPRETER_LOOP, look.path);
			return;
		}
		memcpy(asked_for, look.path, sizeof(asked_for));
		if (!look_at(&look, asked_for))
			break;
	} while (!ret->reason);
out:
	if (!ret->reason && look.doubtful) {
		ret->reason = look.doubtful;
		memcpy(ret->culprit, look.doubtful_culprit, sizeof(ret->culprit));
	}
}
