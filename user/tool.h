/* SPDX-License-Identifier: BSD-2-Clause */
/* What a command is: a table that tools/NAME.c fills, and its main. */
#ifndef KWHY_TOOL_H
#define KWHY_TOOL_H

#include <stdbool.h>

#include "events.h"

enum exit_status {
	EXIT_OK = 0,
	EXIT_FAILED = 1,	/* or degraded, or lost something, under --strict */
	EXIT_USAGE = 2,
	EXIT_CANNOT = 77,	/* this system cannot run it */
};

struct tool {
	const char *name;
	const char *summary;	/* one line */
	const char *usage;	/* after the name: "[OPTION...] [KIND...]" */
	const char *examples;	/* lines of "  command   # what it does" */
	enum event_kind kinds[KIND_COUNT];	/* watched; KIND_NONE ends it */
	bool takes_arguments;
};

struct options;

/*
 * What every command begins with: options, logging. EXIT_OK to go on, -1 when
 * --help or --version was all, else an exit status.
 */
int tool_begin(const struct tool *tool, struct options *ret, int argc, char **argv);

/* Parses, watches, reports. Returns an exit status. */
int tool_watch(const struct tool *tool, int argc, char **argv);

/* One line on stderr: "name: what: 'subject': reason; remedy". */
void tool_error(const struct tool *tool, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
