// SPDX-License-Identifier: BSD-2-Clause
#include "exec_words.h"

#include <errno.h>
#include <string.h>

#include "say.h"

/* what execve() gives; the words of strerror(), which keeps state */
static const struct {
	int err;
	const char *name;
	const char *meaning;
} errors[] = {
	{ EPERM, "EPERM", "operation not permitted" },
	{ ENOENT, "ENOENT", "no such file or directory" },
	{ EINTR, "EINTR", "interrupted by a signal" },
	{ EIO, "EIO", "input/output error" },
	{ ENXIO, "ENXIO", "no such device or address" },
	{ E2BIG, "E2BIG", "argument list too long" },
	{ ENOEXEC, "ENOEXEC", "exec format error" },
	{ EBADF, "EBADF", "bad file descriptor" },
	{ EAGAIN, "EAGAIN", "resource temporarily unavailable" },
	{ ENOMEM, "ENOMEM", "cannot allocate memory" },
	{ EACCES, "EACCES", "permission denied" },
	{ EFAULT, "EFAULT", "bad address" },
	{ EBUSY, "EBUSY", "device or resource busy" },
	{ ENODEV, "ENODEV", "no such device" },
	{ ENOTDIR, "ENOTDIR", "not a directory" },
	{ EISDIR, "EISDIR", "is a directory" },
	{ EINVAL, "EINVAL", "invalid argument" },
	{ ENFILE, "ENFILE", "too many open files in system" },
	{ EMFILE, "EMFILE", "too many open files" },
	{ ETXTBSY, "ETXTBSY", "text file busy" },
	{ EFBIG, "EFBIG", "file too large" },
	{ ENOSPC, "ENOSPC", "no space left on device" },
	{ EROFS, "EROFS", "read-only file system" },
	{ ENAMETOOLONG, "ENAMETOOLONG", "file name too long" },
	{ ENOSYS, "ENOSYS", "function not implemented" },
	{ ELOOP, "ELOOP", "too many levels of symbolic links" },
	{ ELIBBAD, "ELIBBAD", "accessing a corrupted shared library" },
	{ EOVERFLOW, "EOVERFLOW", "value too large" },
	{ ENOTCONN, "ENOTCONN", "the file system's server is not connected" },
	{ ETIMEDOUT, "ETIMEDOUT", "timed out" },
	{ ESTALE, "ESTALE", "stale file handle" },
	{ EKEYREJECTED, "EKEYREJECTED", "key was rejected" },
};

static size_t error_find(int64_t err)
{
	size_t i = 0;

	while (i < sizeof(errors) / sizeof(errors[0]) && errors[i].err != err)
		i++;
	return i;
}

const char *exec_errno_name(int64_t err)
{
	size_t i = error_find(err);

	return i < sizeof(errors) / sizeof(errors[0]) ? errors[i].name : NULL;
}

const char *exec_errno_meaning(int64_t err)
{
	size_t i = error_find(err);

	return i < sizeof(errors) / sizeof(errors[0]) ? errors[i].meaning : NULL;
}

bool exec_worked(const struct observation *observation)
{
	return observation->exec.known.ret && observation->exec.ret == 0;
}

/* errno values end at 4095: what is below is no answer of the kernel */
bool exec_failed(const struct observation *observation)
{
	const struct exec *e = &observation->exec;

	return e->known.ret && e->ret < 0 && e->ret >= -4095;
}

bool exec_failed_with(const struct observation *observation, int err)
{
	return exec_failed(observation) && observation->exec.ret == -err;
}

bool exec_failed_for(const struct observation *observation, enum exec_failure reason)
{
	const struct exec *e = &observation->exec;

	return exec_failed(observation) && e->known.reason && e->reason == reason;
}

bool exec_is_search(const struct observation *observation)
{
	const struct exec *e = &observation->exec;

	return e->known.attempts && e->attempts > 1 && e->known.reason &&
	       (e->reason == EXEC_FAILURE_NO_FILE || e->reason == EXEC_FAILURE_CARRIAGE_RETURN);
}

void exec_say_program(struct text *text, const struct observation *observation)
{
	const struct exec *e = &observation->exec;
	const char *slash = strrchr(e->filename, '/');

	if (e->known.filename && slash && slash[1] && exec_is_search(observation))
		text_add(text, slash + 1);
	else if (e->known.filename && *e->filename)
		say_path(text, e->filename);
	else if (e->known.fd && e->fd >= 0)
		text_format(text, "the file of descriptor %lld", (long long)e->fd);
	else
		text_add(text, "a program");
}

void exec_say_user(struct text *text, const struct observation *observation)
{
	const struct process *p = &observation->process;

	if (p->known.uid)
		text_format(text, "uid %llu", (unsigned long long)p->uid);
	else
		text_add(text, "the user");
}

const char *exec_culprit(const struct observation *observation)
{
	const struct exec *e = &observation->exec;

	return e->known.culprit && *e->culprit ? e->culprit : NULL;
}

const char *exec_filename(const struct observation *observation)
{
	return observation->exec.known.filename ? observation->exec.filename : NULL;
}

const char *exec_interpreter(const struct observation *observation)
{
	const struct exec *e = &observation->exec;

	return e->known.interpreter && *e->interpreter ? e->interpreter : NULL;
}

/* the interpreter the file asks for, "its interpreter" where that is not known */
void exec_say_interpreter(struct text *text, const struct observation *observation)
{
	const char *path = exec_interpreter(observation);

	if (path)
		say_path(text, path);
	else
		text_add(text, "its interpreter");
}

void exec_say_shown(struct text *text, const char *path)
{
	if (*path != '/' && *path != '.')
		text_add(text, "./");
	say_path(text, path);
}

/* a directory of the path as it is written, not one that a link leads to */
bool exec_is_above(const char *directory, const char *path)
{
	size_t length = strlen(directory);

	if (path && strncmp(path, "./", 2) == 0)
		path += 2;
	return path && strncmp(path, directory, length) == 0 && path[length] == '/';
}

void exec_suggest(struct verdict *ret, const char *advice)
{
	struct text text = say_advice(ret);

	text_add(&text, advice);
}

/* A field this full may have been cut on a character's boundary, whether the line says so or not. */
static bool is_whole(const struct observation *observation, const char *text, size_t size, const char *field)
{
	for (uint64_t i = 0; i < observation->truncated_count; i++)
		if (strcmp(observation->truncated[i], field) == 0)
			return false;
	return *text && strlen(text) + 4 < size && say_path_is_whole(text);
}

bool exec_path_is_known(const struct observation *observation, const char *path)
{
	const struct exec *e = &observation->exec;
	bool own = path == e->filename;

	return path && is_whole(observation, path, own ? sizeof(e->filename) : sizeof(e->culprit),
				own ? "exec.filename" : path == e->culprit ? "exec.culprit" : "exec.interpreter");
}

bool exec_say_path(struct text *text, const struct observation *observation, const char *path)
{
	const struct exec *e = &observation->exec;
	char raw[1200];
	struct text whole = TEXT_ON(raw);

	if (!exec_path_is_known(observation, path))
		return false;
	if (*path != '/') {
		/* "(unreachable)/x" and what is relative to a descriptor have no name here */
		if (e->known.fd || !e->known.cwd || *e->cwd != '/' ||
		    !is_whole(observation, e->cwd, sizeof(e->cwd), "exec.cwd"))
			return false;
		text_add(&whole, e->cwd);
		if (e->cwd[1])
			text_add(&whole, "/");
	}
	text_add(&whole, strncmp(path, "./", 2) == 0 ? path + 2 : path);
	text_shell(text, raw, whole.length);
	return true;
}

const char *exec_fault(const struct observation *observation)
{
	const struct exec *e = &observation->exec;

	if (e->known.culprit && *e->culprit)
		return e->culprit;
	return e->known.filename ? e->filename : NULL;
}

/* False when the path cannot be named or the whole does not fit. */
static bool around_path(struct text *text, const struct observation *observation, const char *before,
			const char *path, const char *after)
{
	bool named;

	text_add(text, before);
	named = exec_say_path(text, observation, path);
	text_add(text, after);
	if (observation->container.known.id)
		text_add(text, "   (inside the container)");
	return named && !text->cut;
}

void exec_advise(const struct observation *observation, struct verdict *ret, const char *before,
		 const char *path, const char *after)
{
	uint64_t *count = &ret->diagnosis.advice_count, had = *count;
	struct text text = say_advice(ret);

	if (around_path(&text, observation, before, path, after) || *count == had)
		return;
	text.data[0] = '\0';
	*count = had;
}

void exec_verify(const struct observation *observation, struct verdict *ret, const char *before,
		 const char *path, const char *after)
{
	uint64_t *count = &ret->diagnosis.verify_count, had = *count;
	struct text text = say_verify(ret);

	if (around_path(&text, observation, before, path, after) || *count == had)
		return;
	text.data[0] = '\0';
	*count = had;
}

void exec_conclude(const struct observation *observation, struct verdict *ret, enum basis basis,
		   const char *why)
{
	const struct process *p = &observation->process;
	struct text text = say_message(ret);

	say_process(&text, p->comm, p->known.pid, p->pid);
	text_add(&text, " could not start ");
	exec_say_program(&text, observation);
	text_format(&text, ": %s", why);
	KNOW(&ret->diagnosis, confidence, basis);
	if (ret->diagnosis.verify_count)
		return;
	text = say_verify(ret);
	text_add(&text, "exitwatch");
	if (p->known.comm && *p->comm) {
		text_add(&text, " -c ");
		text_shell(&text, p->comm, strlen(p->comm));
	}
	text_add(&text, "   (must tell of no such exec)");
}
