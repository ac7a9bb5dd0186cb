// SPDX-License-Identifier: BSD-2-Clause
#include "explain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "diagnosis.h"
#include "recording.h"
#include "render.h"

struct explainer {
	const struct tool *tool;
	const struct options *options;
	const struct renderer *renderer;
	struct style style;
	bool json;		/* stream lines are passed on as they are */
	uint64_t count, max;
	unsigned int bad;
	char held[256 * 1024];	/* what goes to stdout at once */
	size_t length;
};

static int write_whole(const char *data, size_t length)
{
	size_t done = 0;

	while (done < length) {
		ssize_t n = write(STDOUT_FILENO, data + done, length - done);

		if (n < 0 && errno != EINTR)
			return -errno;
		done += n > 0 ? n : 0;
	}
	return 0;
}

/* length 0 writes what is held. 0, or -errno of the write */
static int put(struct explainer *e, const char *data, size_t length)
{
	int err = 0;

	if (e->length + length > sizeof(e->held) || !length) {
		err = write_whole(e->held, e->length);
		e->length = 0;
	}
	if (err || !length)
		return err;
	/* a line of someone else's may have any length */
	if (length > sizeof(e->held))
		return write_whole(data, length);
	memcpy(e->held + e->length, data, length);
	e->length += length;
	return 0;
}

static void complain(struct explainer *e, const char *file, unsigned long number, const char *reason)
{
	/* a file that is no recording would fill the terminal */
	if (++e->bad <= 10)
		tool_error(e->tool, "'%s' line %lu is left out: %s", file, number, reason);
}

static int explain_line(struct explainer *e, const char *file, unsigned long number, const char *line,
			size_t length)
{
	static struct observation observation;
	static struct verdict verdict;
	static char out[LINE_BYTES + 8192];
	struct text text = TEXT_ON(out);
	const char *reason;
	int err;

	switch (recording_read(line, length, &observation, &reason)) {
	case RECORDING_OBSERVATION:
		if (!observation_wanted(&observation, e->options))
			return 0;
		diagnose(&observation, &verdict);
		e->renderer->observation(&text, &e->style, &observation, &verdict);
		e->count++;
		return put(e, out, text.length);
	case RECORDING_STREAM:
	case RECORDING_UNKNOWN:
		if (!e->json)
			return 0;
		err = put(e, line, length);
		return err ? err : put(e, "\n", 1);
	case RECORDING_BAD:
		complain(e, file, number, reason);
		return 0;
	}
	return 0;
}

static int explain_file(struct explainer *e, const char *file)
{
	FILE *input = strcmp(file, "-") == 0 ? stdin : fopen(file, "re");
	unsigned long number = 0;
	char *line = NULL;
	size_t size = 0;
	ssize_t length;
	int err = 0;

	if (!input)
		return -errno;
	while (!err && (!e->max || e->count < e->max) && (length = getline(&line, &size, input)) > 0) {
		number++;
		/* a last line without newline may be whole; what was cut does not parse */
		if (line[length - 1] == '\n')
			length--;
		if (length)
			err = explain_line(e, file, number, line, length);
	}
	if (!err && ferror(input))
		err = errno ? -errno : -EIO;
	free(line);
	if (input != stdin)
		fclose(input);
	return err;
}

int explain(const struct tool *tool, const struct options *options)
{
	const char *format = options->format ? options->format : isatty(STDOUT_FILENO) ? "card" : "json";
	static char dash[] = "-", *standard[] = { dash };
	char **files = options->argument_count ? options->arguments : standard;
	int count = options->argument_count ? options->argument_count : 1, err = 0, status = EXIT_OK;
	struct explainer *e = calloc(1, sizeof(*e));

	if (!e) {
		tool_error(tool, "out of memory");
		return EXIT_FAILED;
	}
	e->tool = tool;
	e->options = options;
	e->renderer = renderer_find(format);
	e->json = strcmp(format, "json") == 0;
	e->max = options->count;
	e->style = style_for_stdout(options->utc);
	for (int i = 0; i < count && !err; i++) {
		err = explain_file(e, files[i]);
		if (err && err != -EPIPE) {
			tool_error(tool, "cannot read '%s': %s", files[i], strerror(-err));
			status = EXIT_FAILED;
			err = 0;
		}
	}
	if (!err)
		err = put(e, NULL, 0);
	if (err && err != -EPIPE) {
		tool_error(tool, "cannot write to stdout: %s", strerror(-err));
		status = EXIT_FAILED;
	}
	if (e->bad > 10)
		tool_error(tool, "%u lines were left out, the first 10 are named above", e->bad);
	if (e->bad)
		status = EXIT_FAILED;
	free(e);
	return status;
}
