/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The options every tool has, as one table: parsing, --help and the README's
 * table come from it.
 */
#ifndef KWHY_OPTIONS_H
#define KWHY_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "events.h"
#include "process.h"

struct observation;
struct tool;

struct options {
	uint64_t pid;		/* 0: any */
	bool children;		/* and what descends from it */
	const char *comm;	/* NULL: any */
	const char *cgroup;	/* path below the hierarchy's root, without trailing slash; NULL: any */
	char cgroup_path[1024];	/* where it lies when it had to be changed */
	bool has_uid;
	uint64_t uid;
	uint64_t count;		/* 0: no end */
	uint64_t duration_ns;	/* 0: no end */
	const char *format;	/* NULL: by the kind of stdout */
	const char *write_path;
	const char *root;	/* of /proc and /sys, for tests */
	const char *btf_path;
	const char *folded_path, *svg_path;	/* NULL: not wanted */
	const char *hooks[KIND_COUNT];	/* forced alternative per kind */
	uint64_t ring_kib;
	uint64_t tick_ns;	/* 0: the recorder's own choice */
	bool all;		/* also what is normal */
	bool strict, no_args, no_redact, utc, quiet;
	unsigned int verbose;
	bool help, version;
	char **argv;		/* the whole command line */
	int argc;
	/* what was not an option */
	char **arguments;
	int argument_count;
};

/* 0, or -EINVAL after one line on stderr that says what is wrong and what to do. */
int options_parse(struct options *ret, const struct tool *tool, int argc, char **argv);
/* What --pid, --comm, --uid and --cgroup leave; a subject that is not known is left out. */
bool observation_wanted(const struct observation *observation, const struct options *options);
/* What of them the kernel side asks first. A cgroup is not among it: its id changes when a service starts anew. */
struct process_filter options_filter(const struct options *options);
void options_help(FILE *file, const struct tool *tool);

#endif
