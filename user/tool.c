// SPDX-License-Identifier: BSD-2-Clause
#include "tool.h"

#include <bpf/libbpf.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "options.h"
#include "session.h"

/* the log level: libbpf's callback takes no argument */
static unsigned int log_level;

__attribute__((format(printf, 2, 0)))
static int log_libbpf(enum libbpf_print_level level, const char *format, va_list arguments)
{
	if (log_level < 2 || (level == LIBBPF_DEBUG && log_level < 3))
		return 0;
	return vfprintf(stderr, format, arguments);
}

/*
 * A closed descriptor would become one of our files, and what is meant for the
 * user would land in it.
 */
static int check_standard_files(const struct tool *tool)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd += 2)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			return EXIT_FAILED;
	if (fcntl(STDOUT_FILENO, F_GETFD) >= 0)
		return EXIT_OK;
	tool_error(tool, "cannot write to stdout: it is closed; redirect it to a file or a pipe");
	return EXIT_FAILED;
}

int tool_begin(const struct tool *tool, struct options *ret, int argc, char **argv)
{
	if (options_parse(ret, tool, argc, argv))
		return EXIT_USAGE;
	if (check_standard_files(tool))
		return EXIT_FAILED;
	if (ret->help) {
		options_help(stdout, tool);
		return -1;
	}
	if (ret->version) {
		printf("%s %s (libbpf %s)\n", tool->name, KWHY_VERSION, libbpf_version_string());
		return -1;
	}
	log_level = ret->verbose;
	libbpf_set_print(log_libbpf);
	/* files are 0600 whatever the shell's mask */
	umask(077);
	return EXIT_OK;
}

/* the kinds named on the command line, all of the tool's when there are none */
static int choose_kinds(const struct tool *tool, const struct options *options, struct tool *ret)
{
	unsigned int count = 0;

	*ret = *tool;
	if (!options->argument_count)
		return EXIT_OK;
	memset(ret->kinds, 0, sizeof(ret->kinds));
	for (int i = 0; i < options->argument_count; i++) {
		unsigned int kind = 1;

		while (kind < KIND_COUNT && strcmp(kind_names[kind], options->arguments[i]) != 0)
			kind++;
		if (kind == KIND_COUNT) {
			tool_error(tool, "there is no kind '%s'; see %s --help", options->arguments[i], tool->name);
			return EXIT_USAGE;
		}
		for (unsigned int n = 0; n < count; n++)
			if (ret->kinds[n] == kind)
				kind = KIND_NONE;
		if (kind)
			ret->kinds[count++] = kind;
	}
	return EXIT_OK;
}

int tool_watch(const struct tool *tool, int argc, char **argv)
{
	struct session *session;
	struct options options;
	struct tool chosen;
	int status;

	status = tool_begin(tool, &options, argc, argv);
	if (status)
		return status < 0 ? EXIT_OK : status;
	status = choose_kinds(tool, &options, &chosen);
	if (status)
		return status;
	session = calloc(1, sizeof(*session));
	if (!session) {
		tool_error(tool, "out of memory");
		return EXIT_FAILED;
	}
	status = session_open(session, &chosen, &options);
	if (!status)
		status = session_run(session);
	session_close(session);
	free(session);
	return status;
}
