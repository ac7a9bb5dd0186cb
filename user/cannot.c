// SPDX-License-Identifier: BSD-2-Clause
#include "cannot.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "environment.h"
#include "record.h"
#include "text.h"

void tool_error(const struct tool *tool, const char *format, ...)
{
	char raw[1024], safe[4096];
	struct text text = TEXT_ON(safe);
	va_list arguments;

	/* subjects are paths and names: nothing of them may reach the terminal raw */
	va_start(arguments, format);
	vsnprintf(raw, sizeof(raw), format, arguments);
	va_end(arguments);
	text_safe(&text, raw, strlen(raw));
	fprintf(stderr, "%s: %s\n", tool->name, safe);
}

int cannot_run(const struct tool *tool, const struct options *options)
{
	struct finding findings[FINDINGS];
	size_t n = environment_look(findings, options->btf_path, true);

	if (findings[n - 1].state != FINDING_BAD)
		return EXIT_OK;
	tool_error(tool, "cannot run here: %s; %s", findings[n - 1].what, findings[n - 1].remedy);
	return EXIT_CANNOT;
}

int cannot_btf(const struct tool *tool, const struct options *options, int err)
{
	if (!options->btf_path) {
		tool_error(tool, "cannot run here: kernel types cannot be read: %s; use --btf FILE", strerror(-err));
		return EXIT_CANNOT;
	}
	tool_error(tool, "--btf: '%s' %s; give the vmlinux BTF of the running kernel", options->btf_path,
		   btf_reason(err));
	return EXIT_FAILED;
}

const char *btf_reason(int err)
{
	switch (err) {
	case -ENOENT:
	case -EACCES:
	case -EISDIR:
	case -EPERM:
		return strerror(-err);
	case -ENXIO:
		return "is not a regular file";
	case -EINVAL:
		return "holds no kernel types";
	default:
		return "is not BTF";	/* libbpf has numbers of its own for the ways in which it is not */
	}
}

int cannot_watch(const struct tool *tool, const struct probe *probe, const struct probe_options *options,
		 int err)
{
	const char *kind = kind_names[probe->type->kind];
	char names[128] = "";
	struct text text = TEXT_ON(names);

	if (*error_remedy(err)) {
		tool_error(tool, "cannot watch '%s': %s%s", kind, strerror(-err), error_remedy(err));
		return EXIT_FAILED;
	}
	for (unsigned int i = 0; i < probe->type->hook_count; i++)
		text_format(&text, "%s%s", i ? ", " : "", probe->type->hooks[i].name);
	if (options->hook && !probe->refused_count) {
		tool_error(tool, "--hook: '%s=%s': there is no such hook; there are %s", kind, options->hook, names);
		return EXIT_USAGE;
	}
	if (options->hook)
		tool_error(tool, "--hook: '%s=%s' does not work on this kernel: %s; %s", kind, options->hook,
			   strerror(-err), probe->refused[0].remedy ? probe->refused[0].remedy : "see kwhy doctor");
	else
		tool_error(tool, "cannot watch '%s': every hook was refused (%s), the last with: %s; "
			   "see kwhy doctor", kind, names, strerror(-err));
	return EXIT_CANNOT;
}

const char *error_remedy(int err)
{
	switch (err) {
	case -EMFILE:
		return "; raise ulimit -n (256 is enough)";
	case -ENFILE:
		return "; the host is out of files: raise fs.file-max or find who holds them";
	case -ENOMEM:
		return "; give it more memory (16 MiB is enough)";
	default:
		return "";
	}
}

const char *sink_reason(int err)
{
	switch (err) {
	case -ELOOP:
		return "it is a symbolic link, which would be followed with root's rights; name the file itself";
	case -ENXIO:
		return "it is not a regular file; use shell redirection for pipes and devices";
	case -EPERM:
		return "it belongs to someone else or has other hard links; name a file of your own";
	case -EISDIR:
		return "it is a directory; name a file in it";
	default:
		return strerror(-err);
	}
}
