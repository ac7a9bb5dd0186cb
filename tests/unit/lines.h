/* SPDX-License-Identifier: BSD-2-Clause */
/* A session without a kernel: what its kinds deliver goes into a file and is read back. */
#ifndef KWHY_TESTS_LINES_H
#define KWHY_TESTS_LINES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "recording.h"
#include "session.h"

static struct observation lines[64];
static unsigned int line_count;
static struct session *lines_of;
static char lines_path[] = "/tmp/kwhy-lines.XXXXXX";

static inline void lines_add_kind(struct session *s, const struct kind_type *type)
{
	struct kind_run *run = &s->kinds[s->kind_count++];

	run->session = s;
	run->type = type;
	assert_int_equal(type->open(s, &run->state), 0);
}

/* The caller zeroed it. */
static inline void lines_open(struct session *s)
{
	int fd;

	strcpy(lines_path, "/tmp/kwhy-lines.XXXXXX");
	fd = mkstemp(lines_path);
	assert_true(fd >= 0);
	close(fd);
	/* no process is told of: none lives here */
	s->procfs.fd = -1;
	s->renderer = renderer_find("json");
	strcpy(s->id_prefix, "run");
	assert_int_equal(sink_open_file(&s->outputs[0], lines_path), 0);
	lines_of = s;
	line_count = 0;
}

static inline void lines_close(struct session *s)
{
	session_flush(s);
	for (unsigned int i = 0; i < s->kind_count; i++)
		s->kinds[i].type->close(s->kinds[i].state);
	sink_close(&s->outputs[0]);
	cgroup_paths_close(&s->cgroup_paths);
	unlink(lines_path);
}

/* All lines so far, as observations. */
static inline unsigned int lines_read(void)
{
	const char *reason = "";
	char *line = NULL;
	size_t size = 0;
	ssize_t length;
	FILE *file;

	session_flush(lines_of);
	file = fopen(lines_path, "re");
	assert_non_null(file);
	for (line_count = 0; (length = getline(&line, &size, file)) > 0; line_count++) {
		assert_true(line_count < sizeof(lines) / sizeof(lines[0]));
		if (recording_read(line, length - 1, &lines[line_count], &reason) != RECORDING_OBSERVATION)
			fail_msg("%s: %s", reason, line);
	}
	free(line);
	fclose(file);
	return line_count;
}

#endif
