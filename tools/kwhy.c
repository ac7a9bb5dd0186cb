// SPDX-License-Identifier: BSD-2-Clause
#include <stdio.h>
#include <string.h>

#include "doctor.h"
#include "explain.h"
#include "options.h"
#include "record.h"
#include "schema.h"
#include "tool.h"

static int watch_main(const struct tool *tool, int argc, char **argv)
{
	return tool_watch(tool, argc, argv);
}

static int doctor_main(const struct tool *tool, int argc, char **argv)
{
	struct options options;
	int status = tool_begin(tool, &options, argc, argv);

	return status ? (status < 0 ? EXIT_OK : status) : doctor(tool, &options);
}

static int explain_main(const struct tool *tool, int argc, char **argv)
{
	struct options options;
	int status = tool_begin(tool, &options, argc, argv);

	return status ? (status < 0 ? EXIT_OK : status) : explain(tool, &options);
}

static int schema_main(const struct tool *tool, int argc, char **argv)
{
	struct options options;
	int status = tool_begin(tool, &options, argc, argv);

	if (status)
		return status < 0 ? EXIT_OK : status;
	if (options.format && strcmp(options.format, "json") == 0)
		schema_json(stdout);
	else
		schema_markdown(stdout);
	return EXIT_OK;
}

static const struct command {
	const char *word;
	int (*main)(const struct tool *tool, int argc, char **argv);
	struct tool tool;
} commands[] = {
	{
		"watch", watch_main,
		{
			.name = "kwhy watch",
			.summary = "Every kind of event in one process: cards on a terminal, NDJSON into a pipe.\n"
				   "fd_leak only where it is named: it looks at each descriptor that is opened.",
			.usage = "[OPTION...] [KIND...]",
			.examples = "  kwhy watch                         # everything, until Ctrl-C\n"
				    "  kwhy watch oom_kill | jq .message  # one kind, into a pipeline\n"
				    "  kwhy watch -w /var/log/kwhy.ndjson # cards here, NDJSON there\n",
			.kinds = { KIND_oom_kill, KIND_exec, KIND_exit, KIND_zombie, KIND_fd_exhausted,
				   KIND_accept_overflow, KIND_tcp_retransmit },
			.takes_arguments = true,
		},
	}, {
		"doctor", doctor_main,
		{
			.name = "kwhy doctor",
			.summary = "What this kernel offers: the hook chosen per kind, what is lost with it, what to do.\n"
				   "Exit status 0 full, 1 degraded, 77 unavailable.",
			.usage = "[--json] [--btf FILE] [--hook KIND=NAME]",
			.examples = "  kwhy doctor\n  kwhy doctor --json | jq .verdict\n",
		},
	}, {
		"explain", explain_main,
		{
			.name = "kwhy explain",
			.summary = "Reads recorded NDJSON and judges it again: no kernel, no root.",
			.usage = "[OPTION...] [FILE...]",
			.examples = "  kwhy explain incident.ndjson       # as cards\n"
				    "  journalctl ... | kwhy explain -j   # as NDJSON, with today's rules\n",
			.takes_arguments = true,
		},
	}, {
		"schema", schema_main,
		{
			.name = "kwhy schema",
			.summary = "Every field of every line: Markdown, or with -j a JSON Schema.",
			.usage = "[-j]",
			.examples = "  kwhy schema | less\n  kwhy schema -j > kwhy.schema.json\n",
		},
	},
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static void help(FILE *file)
{
	fprintf(file, "Usage: kwhy COMMAND [OPTION...]\n\nSays why the kernel killed, refused or dropped something.\n\n"
		      "Commands:\n");
	for (int i = 0; i < COMMANDS; i++)
		fprintf(file, "  %-8s %.*s\n", commands[i].word, (int)strcspn(commands[i].tool.summary, "\n"),
			commands[i].tool.summary);
	fprintf(file, "\nkwhy COMMAND --help says more.\n");
}

int main(int argc, char **argv)
{
	static const struct tool kwhy = { .name = "kwhy" };
	const char *word = argc > 1 ? argv[1] : "";

	for (int i = 0; i < COMMANDS; i++)
		if (strcmp(word, commands[i].word) == 0)
			return commands[i].main(&commands[i].tool, argc - 1, argv + 1);
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
		help(stdout);
		return EXIT_OK;
	}
	if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
		printf("kwhy %s\n", KWHY_VERSION);
		return EXIT_OK;
	}
	if (!*word)
		help(stderr);
	else
		tool_error(&kwhy, "there is no command '%s'; there are watch, doctor, explain, schema (see kwhy --help)", word);
	return EXIT_USAGE;
}
