/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where finished text goes: stdout and the --write file. A sink never blocks
 * the reader of the ring: what a slow pipe does not take waits in a bounded
 * buffer, and what does not fit there is refused whole, for the account.
 */
#ifndef KWHY_SINK_H
#define KWHY_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stat;

enum sink_type { SINK_NONE, SINK_STREAM, SINK_FILE };

enum { SINK_BUFFER = 1024 * 1024, SINK_MARKS = 2048 };

struct sink {
	enum sink_type type;
	int fd;
	const char *path;	/* of a file */
	char *buffer;		/* SINK_BUFFER bytes that the stream did not take yet */
	size_t held;
	/* where in the buffer the lines of events end, and of which kind they are */
	struct sink_mark {
		uint32_t end;
		uint32_t kind;
	} *marks;
	unsigned int mark_count;
	bool torn;		/* file: ends inside a line that could not be written */
	int error;		/* last -errno, 0 after a success */
	int failed;		/* last -errno that was not a slow or absent reader, for good */
};

/* stdout. -EBADF when it is closed. */
int sink_open_stdout(struct sink *ret);
/*
 * A file to append to: created 0600; -ELOOP a symlink, -ENXIO a FIFO, socket
 * or device, -EPERM another owner's or a file with other links. A torn last
 * line is ended first.
 */
int sink_open_file(struct sink *ret, const char *path);
/* Why a file may not be written to, by its status: as above, and -EISDIR; 0 when it may. */
int sink_refuse_file(const struct stat *status);
/* Opens the path again (SIGHUP). The old file stays in use when that fails. */
int sink_reopen(struct sink *sink);
void sink_close(struct sink *sink);

/*
 * Takes a whole number of lines or nothing: -EPIPE the reader is gone,
 * -ENOBUFS the buffer is full, else the error of write(2). kind is of the
 * event, 0 for a line of the stream itself.
 */
int sink_write(struct sink *sink, const char *data, size_t length, unsigned int kind);
/*
 * Takes the first lines, all when it can: their number, with sink->error when
 * it is less. The lines of events end at ends; what follows one that is
 * refused is refused, so that a gap line can stand before what comes next.
 */
unsigned int sink_write_lines(struct sink *sink, const char *data, const size_t *ends, const unsigned int *kinds,
			      unsigned int count);
/* Events of a kind that were taken and never written, once writing is over. */
uint64_t sink_unwritten(const struct sink *sink, unsigned int kind);
/* Writes what waits; true when nothing waits any more. Waits up to timeout_ms for the reader. */
bool sink_flush(struct sink *sink, int timeout_ms);

#endif
