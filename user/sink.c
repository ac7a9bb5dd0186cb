// SPDX-License-Identifier: BSD-2-Clause
#include "sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER_BYTES = SINK_BUFFER + SINK_MARKS * sizeof(struct sink_mark) };

/* /dev/null and its like: major 1 */
static bool is_memory_device(const struct stat *status)
{
	return S_ISCHR(status->st_mode) && major(status->st_rdev) == 1;
}

int sink_open_stdout(struct sink *ret)
{
	struct stat status;
	int fd = STDOUT_FILENO;

	if (fstat(fd, &status))
		return -errno;
	*ret = (struct sink){ .type = SINK_STREAM, .fd = fd };
	if (S_ISREG(status.st_mode)) {
		return 0;
	}
	/*
	 * O_NONBLOCK belongs to the open file and stdout's is shared with the
	 * shell: a pipe, a terminal and /dev/null can be opened anew, the rest is polled.
	 */
	if (S_ISFIFO(status.st_mode) || isatty(fd) || is_memory_device(&status)) {
		int own = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

		if (own >= 0)
			ret->fd = own;
	}
	ret->buffer = mmap(NULL, BUFFER_BYTES, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (ret->buffer == MAP_FAILED) {
		ret->buffer = NULL;
		return -ENOMEM;
	}
	ret->marks = (struct sink_mark *)(ret->buffer + SINK_BUFFER);
	return 0;
}

int sink_refuse_file(const struct stat *status)
{
	if (S_ISLNK(status->st_mode))
		return -ELOOP;
	if (S_ISDIR(status->st_mode))
		return -EISDIR;
	if (!S_ISREG(status->st_mode))
		return -ENXIO;
	return status->st_uid != geteuid() || status->st_nlink != 1 ? -EPERM : 0;
}

static int open_file(const char *path, struct stat *ret_status)
{
	/* O_NONBLOCK: a FIFO without reader must be refused, not waited for */
	int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0600);
	int err;

	if (fd < 0)
		return -errno;
	err = fstat(fd, ret_status) ? -errno : sink_refuse_file(ret_status);
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

/* does the file end inside a line: then ours begins with a newline */
static bool ends_torn(int fd, off_t size)
{
	char last;

	return size && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

int sink_open_file(struct sink *ret, const char *path)
{
	struct stat status;
	int fd = open_file(path, &status);

	if (fd < 0)
		return fd;
	*ret = (struct sink){ .type = SINK_FILE, .fd = fd, .path = path, .torn = ends_torn(fd, status.st_size) };
	return 0;
}

int sink_reopen(struct sink *sink)
{
	struct stat status;
	int fd;

	if (sink->type != SINK_FILE)
		return 0;
	fd = open_file(sink->path, &status);
	if (fd < 0)
		return fd;
	close(sink->fd);
	sink->fd = fd;
	sink->torn = ends_torn(fd, status.st_size);
	return 0;
}

void sink_close(struct sink *sink)
{
	if (sink->type != SINK_NONE && sink->fd != STDOUT_FILENO)
		close(sink->fd);
	if (sink->buffer)
		munmap(sink->buffer, BUFFER_BYTES);
	*sink = (struct sink){};
}

/* takes a partial line back, unless someone else has appended since */
static void cut_back(struct sink *sink, size_t done)
{
	off_t end = lseek(sink->fd, 0, SEEK_CUR);
	struct stat status;

	sink->torn = true;
	if (end < (off_t)done || fstat(sink->fd, &status) || status.st_size != end)
		return;
	if (ftruncate(sink->fd, end - done) == 0 && lseek(sink->fd, end - done, SEEK_SET) >= 0)
		sink->torn = false;
}

/* a regular file takes whole lines; what else went out is taken back */
static unsigned int write_file(struct sink *sink, const char *data, const size_t *ends, unsigned int count)
{
	size_t done = 0, length = ends[count - 1];
	unsigned int whole = 0;
	ssize_t n = 0;

	if (sink->torn && write(sink->fd, "\n", 1) != 1) {
		sink->error = -errno;
		return 0;
	}
	sink->torn = false;
	while (done < length && (n = write(sink->fd, data + done, length - done)) >= 0)
		done += n;
	if (done == length)
		return count;
	sink->error = -errno;
	while (ends[whole] <= done)
		whole++;
	if (done > (whole ? ends[whole - 1] : 0))
		cut_back(sink, done - (whole ? ends[whole - 1] : 0));
	return whole;
}

static bool writable(const struct sink *sink, int timeout_ms)
{
	struct pollfd poll_fd = { .fd = sink->fd, .events = POLLOUT };

	return poll(&poll_fd, 1, timeout_ms) > 0;
}

/* bytes that went out, or -errno; 0 when the reader is slow */
static ssize_t write_some(struct sink *sink, const char *data, size_t length)
{
	size_t done = 0;

	while (done < length) {
		/* without O_NONBLOCK of our own, at most what a writable pipe takes at once */
		size_t part = sink->fd == STDOUT_FILENO && sink->buffer && length - done > 4096 ? 4096
											       : length - done;
		ssize_t n;

		if (sink->fd == STDOUT_FILENO && sink->buffer && !writable(sink, 0))
			return done;
		n = write(sink->fd, data + done, part);
		if (n < 0 && errno == EINTR)
			continue;
		/* what went out before an error counts; the next try meets it again */
		if (n < 0)
			return done || errno == EAGAIN ? (ssize_t)done : -errno;
		done += n;
	}
	return done;
}

/* the first n bytes of the buffer went out */
static void drop_written(struct sink *sink, size_t n)
{
	unsigned int gone = 0;

	memmove(sink->buffer, sink->buffer + n, sink->held - n);
	sink->held -= n;
	while (gone < sink->mark_count && sink->marks[gone].end <= n)
		gone++;
	sink->mark_count -= gone;
	memmove(sink->marks, sink->marks + gone, sink->mark_count * sizeof(*sink->marks));
	for (unsigned int i = 0; i < sink->mark_count; i++)
		sink->marks[i].end -= n;
}

uint64_t sink_unwritten(const struct sink *sink, unsigned int kind)
{
	uint64_t n = 0;

	for (unsigned int i = 0; i < sink->mark_count; i++)
		n += sink->marks[i].kind == kind;
	return n;
}

bool sink_flush(struct sink *sink, int timeout_ms)
{
	struct timespec now;
	int64_t end, left = timeout_ms;

	clock_gettime(CLOCK_MONOTONIC, &now);
	end = now.tv_sec * 1000 + now.tv_nsec / 1000000 + timeout_ms;
	while (sink->held) {
		ssize_t n = write_some(sink, sink->buffer, sink->held);

		if (n < 0) {
			sink->error = n;
			return false;
		}
		drop_written(sink, n);
		clock_gettime(CLOCK_MONOTONIC, &now);
		left = end - (now.tv_sec * 1000 + now.tv_nsec / 1000000);
		if (sink->held && (left <= 0 || !writable(sink, left)))
			return false;
	}
	return true;
}

/* what the stream did not take of a line waits; false when there is no room */
static bool hold(struct sink *sink, const char *data, size_t length, unsigned int kind)
{
	if (length > SINK_BUFFER - sink->held || sink->mark_count == SINK_MARKS) {
		sink->error = -ENOBUFS;
		return false;
	}
	memcpy(sink->buffer + sink->held, data, length);
	sink->held += length;
	if (kind)
		sink->marks[sink->mark_count++] = (struct sink_mark){ .end = sink->held, .kind = kind };
	return true;
}

static unsigned int write_stream(struct sink *sink, const char *data, const size_t *ends, const unsigned int *kinds,
				 unsigned int count)
{
	unsigned int taken = 0;
	ssize_t done = 0;

	sink->error = 0;
	if (sink->held && !sink_flush(sink, 0) && sink->error)
		return 0;
	if (!sink->held)
		done = write_some(sink, data, ends[count - 1]);
	if (done < 0) {
		sink->error = done;
		return 0;
	}
	for (; taken < count; taken++) {
		size_t end = ends[taken];

		if (end <= (size_t)done)
			continue;
		if (!hold(sink, data + done, end - done, kinds[taken]))
			break;
		done = end;
	}
	return taken;
}

unsigned int sink_write_lines(struct sink *sink, const char *data, const size_t *ends, const unsigned int *kinds,
			      unsigned int count)
{
	unsigned int taken;

	if (sink->type == SINK_NONE || !ends[count - 1])
		return count;
	sink->error = 0;
	taken = sink->buffer ? write_stream(sink, data, ends, kinds, count) : write_file(sink, data, ends, count);
	if (sink->error && sink->error != -EPIPE && sink->error != -ENOBUFS)
		sink->failed = sink->error;
	return taken;
}

int sink_write(struct sink *sink, const char *data, size_t length, unsigned int kind)
{
	return sink_write_lines(sink, data, &length, &kind, 1) ? 0 : sink->error;
}
