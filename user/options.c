// SPDX-License-Identifier: BSD-2-Clause
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <pwd.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "record.h"
#include "render.h"
#include "text.h"
#include "tool.h"

enum option_type {
	OPTION_FLAG,
	OPTION_TWICE,	/* counts */
	OPTION_TEXT,
	OPTION_NUMBER,	/* positive */
	OPTION_SECONDS,
	OPTION_UID,
	OPTION_HOOK,
	OPTION_CGROUP,
	OPTION_FORMAT,
	OPTION_JSON,
};

struct option_row {
	char letter;		/* 0: none */
	const char *name;
	enum option_type type;
	size_t offset;
	const char *value;	/* NULL: takes none */
	const char *help;
};

#define AT(MEMBER) offsetof(struct options, MEMBER)

static const struct option_row rows[] = {
	{ 'p', "pid", OPTION_NUMBER, AT(pid), "PID", "only this process (pid of the host)" },
	{ 0, "children", OPTION_FLAG, AT(children), NULL, "with --pid: and what descends from it" },
	{ 'c', "comm", OPTION_TEXT, AT(comm), "NAME", "only processes of this name" },
	{ 0, "uid", OPTION_UID, AT(uid), "UID", "only processes of this user (number or name)" },
	{ 0, "cgroup", OPTION_CGROUP, AT(cgroup), "PATH", "only this cgroup and those below it" },
	{ 0, "all", OPTION_FLAG, AT(all), NULL, "also what is normal: every exec and every exit" },
	{ 'n', "count", OPTION_NUMBER, AT(count), "N", "stop after N events" },
	{ 'd', "duration", OPTION_SECONDS, AT(duration_ns), "SECONDS", "stop after a time; fractions allowed" },
	{ 'o', "output", OPTION_FORMAT, AT(format), "FORMAT",
	  "card, line or json; default card on a terminal, json otherwise" },
	{ 'j', "json", OPTION_JSON, AT(format), NULL, "same as -o json" },
	{ 'w', "write", OPTION_TEXT, AT(write_path), "FILE",
	  "also append NDJSON to FILE; reopened on SIGHUP" },
	{ 0, "folded", OPTION_TEXT, AT(folded_path), "FILE", "at the end, descriptors by call stack: folded stacks" },
	{ 0, "svg", OPTION_TEXT, AT(svg_path), "FILE", "the same as a flame graph" },
	{ 0, "strict", OPTION_FLAG, AT(strict), NULL,
	  "refuse to start degraded; exit 1 when anything was lost" },
	{ 0, "no-args", OPTION_FLAG, AT(no_args), NULL, "leave out command lines" },
	{ 0, "no-redact", OPTION_FLAG, AT(no_redact), NULL, "show command lines as they are, secrets too" },
	{ 0, "utc", OPTION_FLAG, AT(utc), NULL, "times on cards in UTC (JSON always is)" },
	{ 0, "hook", OPTION_HOOK, AT(hooks), "KIND=NAME", "force a hook (see kwhy doctor)" },
	{ 0, "tick", OPTION_SECONDS, AT(tick_ns), "SECONDS",
	  "time between samples of memory, default 1, and looks for zombies and descriptors, default 5" },
	{ 0, "ring", OPTION_NUMBER, AT(ring_kib), "KIB", "size of the ring buffer, a power of two from 4" },
	{ 0, "btf", OPTION_TEXT, AT(btf_path), "FILE", "BTF of the kernel, where /sys/kernel/btf/vmlinux is missing" },
	{ 0, "root", OPTION_TEXT, AT(root), "DIR", "read /proc and /sys below DIR (for tests)" },
	{ 'v', "verbose", OPTION_TWICE, AT(verbose), NULL, "say more on stderr; twice: libbpf's messages" },
	{ 'q', "quiet", OPTION_FLAG, AT(quiet), NULL, "nothing on stderr but errors" },
	{ 'V', "version", OPTION_FLAG, AT(version), NULL, "print the version" },
	{ 'h', "help", OPTION_FLAG, AT(help), NULL, "print this" },
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static int refuse(const struct tool *tool, const struct option_row *row, const char *value, const char *reason)
{
	tool_error(tool, "--%s: '%s' %s", row->name, value, reason);
	return -EINVAL;
}

static int take_number(const struct tool *tool, const struct option_row *row, const char *value, uint64_t *to)
{
	unsigned long long number;
	char *end;

	errno = 0;
	number = strtoull(value, &end, 10);
	if (*value < '0' || *value > '9' || *end || errno || !number)
		return refuse(tool, row, value, "is not a positive whole number");
	*to = number;
	return 0;
}

static int take_seconds(const struct tool *tool, const struct option_row *row, const char *value, uint64_t *to)
{
	double seconds;
	char *end;

	seconds = strtod(value, &end);
	if (((*value < '0' || *value > '9') && *value != '.') || *end || !isfinite(seconds) || seconds <= 0 ||
	    seconds > 1e9 || seconds < 1e-9 || strpbrk(value, "xX"))
		return refuse(tool, row, value, "is not a number of seconds above 0 (example: 2.5)");
	*to = seconds * 1e9;
	return 0;
}

static int take_hook(const struct tool *tool, const struct option_row *row, const char *value, const char **to)
{
	const char *equals = strchr(value, '=');

	for (unsigned int kind = 1; equals && kind < KIND_COUNT; kind++) {
		size_t length = strlen(kind_names[kind]);

		if ((size_t)(equals - value) == length && strncmp(value, kind_names[kind], length) == 0) {
			to[kind] = equals + 1;
			return 0;
		}
	}
	return refuse(tool, row, value, "is not KIND=NAME (example: oom_kill=tracepoint; see kwhy doctor)");
}

static int take_uid(const struct tool *tool, const struct option_row *row, const char *value, struct options *to)
{
	const struct passwd *user;
	char *end;

	errno = 0;
	to->uid = strtoul(value, &end, 10);
	to->has_uid = *value >= '0' && *value <= '9' && !*end && !errno && to->uid < UINT32_MAX;
	if (to->has_uid)
		return 0;
	user = getpwnam(value);
	if (!user)
		return refuse(tool, row, value, "is no user of this system and no number (example: 1000)");
	to->uid = user->pw_uid;
	to->has_uid = true;
	return 0;
}

/* /sys/fs/cgroup/memory/a/b/ and /a/b mean the same */
static int take_cgroup(const struct tool *tool, const struct option_row *row, const char *value, const char **to,
		       char *room, size_t size)
{
	static const char *const mounts[] = { "/sys/fs/cgroup/memory", "/sys/fs/cgroup/unified", "/sys/fs/cgroup" };
	size_t length;

	if (*value != '/')
		return refuse(tool, row, value, "is not an absolute path (example: /system.slice/nginx.service)");
	for (size_t i = 0; i < sizeof(mounts) / sizeof(*mounts); i++) {
		length = strlen(mounts[i]);
		if (strncmp(value, mounts[i], length) == 0 && (value[length] == '/' || !value[length])) {
			value += length;
			break;
		}
	}
	length = strlen(value);
	while (length > 1 && value[length - 1] == '/')
		length--;
	if (length >= size)
		return refuse(tool, row, value, "is too long");
	memcpy(room, value, length);
	room[length] = '\0';
	*to = length ? room : "/";
	return 0;
}

static int take(struct options *options, const struct tool *tool, const struct option_row *row, char *value)
{
	void *to = (char *)options + row->offset;

	switch (row->type) {
	case OPTION_FLAG:
		*(bool *)to = true;
		return 0;
	case OPTION_TWICE:
		++*(unsigned int *)to;
		return 0;
	case OPTION_TEXT:
		if (!*value)
			return refuse(tool, row, value, "is empty");
		*(const char **)to = value;
		return 0;
	case OPTION_NUMBER:
		return take_number(tool, row, value, to);
	case OPTION_SECONDS:
		return take_seconds(tool, row, value, to);
	case OPTION_UID:
		return take_uid(tool, row, value, options);
	case OPTION_HOOK:
		return take_hook(tool, row, value, to);
	case OPTION_CGROUP:
		return take_cgroup(tool, row, value, to, options->cgroup_path, sizeof(options->cgroup_path));
	case OPTION_FORMAT:
		if (!renderer_find(value))
			return refuse(tool, row, value, "is not an output format; there are card, line, json");
		*(const char **)to = value;
		return 0;
	case OPTION_JSON:
		*(const char **)to = "json";
		return 0;
	}
	return 0;
}

static bool watches_descriptors(const struct tool *tool)
{
	for (int i = 0; tool->kinds[i]; i++)
		if (tool->kinds[i] == KIND_fd_leak)
			return true;
	return false;
}

static int check(const struct options *options, const struct tool *tool)
{
	uint64_t kib = options->ring_kib;

	if (kib && (kib < 4 || kib > 1024 * 1024 || (kib & (kib - 1)))) {
		tool_error(tool, "--ring: '%llu' is not a power of two from 4 to 1048576",
			   (unsigned long long)kib);
		return -EINVAL;
	}
	if (options->children && watches_descriptors(tool)) {
		tool_error(tool, "--children: %s follows one process; for several give --cgroup or --comm instead of --pid",
			   tool->name);
		return -EINVAL;
	}
	if (options->children && !options->pid) {
		tool_error(tool, "--children: whose? give --pid PID as well");
		return -EINVAL;
	}
	if ((options->folded_path || options->svg_path) && !watches_descriptors(tool)) {
		tool_error(tool, "--%s: only fdleak knows call stacks of descriptors", options->folded_path ? "folded" : "svg");
		return -EINVAL;
	}
	if (options->argument_count && !tool->takes_arguments) {
		tool_error(tool, "unexpected argument '%s' (see %s --help)", options->arguments[0], tool->name);
		return -EINVAL;
	}
	return 0;
}

static void unknown(const struct tool *tool, int argc, char **argv, int letter)
{
	/* optopt: 0 an unknown long option, 256 and more one of ours, else a letter */
	const char *word = optind > 0 && optind <= argc ? argv[optind - 1] : "";

	if (letter == ':' && optopt >= 256)
		tool_error(tool, "option '--%s' needs a value (see %s --help)", rows[optopt - 256].name, tool->name);
	else if (letter == ':')
		tool_error(tool, "option '-%c' needs a value (see %s --help)", optopt, tool->name);
	else if (optopt >= 256)
		tool_error(tool, "option '--%s' takes no value (see %s --help)", rows[optopt - 256].name, tool->name);
	else if (optopt)
		tool_error(tool, "unknown option '-%c' (see %s --help)", optopt, tool->name);
	else
		tool_error(tool, "unknown option '%s' (see %s --help)", word, tool->name);
}

int options_parse(struct options *ret, const struct tool *tool, int argc, char **argv)
{
	struct option longs[ROWS + 1] = {};
	char letters[2 * ROWS + 2] = ":", *end = letters + 1;
	struct options options = {};
	int found, err = 0;

	for (int i = 0; i < ROWS; i++) {
		longs[i] = (struct option){ rows[i].name, rows[i].value ? required_argument : no_argument,
					    NULL, 256 + i };
		if (rows[i].letter)
			*end++ = rows[i].letter;
		if (rows[i].letter && rows[i].value)
			*end++ = ':';
	}
	optind = 0;
	opterr = 0;
	while (!err && (found = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		int i = found - 256;

		if (found == '?' || found == ':') {
			unknown(tool, argc, argv, found);
			return -EINVAL;
		}
		for (i = i < 0 ? 0 : i; found < 256 && rows[i].letter != found; i++)
			;
		err = take(&options, tool, &rows[i], optarg);
	}
	if (err)
		return err;
	options.argv = argv;
	options.argc = argc;
	options.arguments = argv + optind;
	options.argument_count = argc - optind;
	if (!options.help && !options.version)
		err = check(&options, tool);
	if (err)
		return err;
	*ret = options;
	if (ret->cgroup == options.cgroup_path)
		ret->cgroup = ret->cgroup_path;
	return 0;
}

struct process_filter options_filter(const struct options *options)
{
	struct process_filter filter = {
		.all = options->all, .tgid = options->pid, .children = options->children,
		.has_uid = options->has_uid, .uid = options->uid, .has_comm = options->comm != NULL,
	};

	/* a longer name matches nobody, and user space says so */
	if (options->comm)
		text_copy(filter.comm, sizeof(filter.comm), options->comm, strlen(options->comm));
	return filter;
}

/* --children and --pid of fdleak exclude each other; call stacks of descriptors are its own */
static bool is_for(const struct tool *tool, const struct option_row *row)
{
	bool leak = watches_descriptors(tool);

	if (row->offset == AT(children))
		return !leak;
	return leak || (row->offset != AT(folded_path) && row->offset != AT(svg_path));
}

void options_help(FILE *file, const struct tool *tool)
{
	fprintf(file, "Usage: %s %s\n\n%s\n\nOptions:\n", tool->name, tool->usage, tool->summary);
	for (int i = 0; i < ROWS; i++) {
		char left[64];

		if (!is_for(tool, &rows[i]))
			continue;
		snprintf(left, sizeof(left), "%c%c%s--%s%s%s", rows[i].letter ? '-' : ' ',
			 rows[i].letter ? rows[i].letter : ' ', rows[i].letter ? ", " : "  ", rows[i].name,
			 rows[i].value ? " " : "", rows[i].value ? rows[i].value : "");
		fprintf(file, "  %-24s %s\n", left, rows[i].help);
	}
	fprintf(file, "\nExamples:\n%s\nExit status: 0 ok, 1 failed, 2 usage, 77 this system cannot run it.\n",
		tool->examples);
}
