// SPDX-License-Identifier: BSD-2-Clause
#include "fd_stack.h"

#include <errno.h>
#include <string.h>

void fd_stack_unwind(struct session *s, uint64_t pid, uint64_t start_ns, const struct user_stack *stack,
		     struct call_stack *ret)
{
	int err = s->unwinder ? 0 : unwinder_open(&s->unwinder);

	memset(ret, 0, sizeof(*ret));
	if (!err)
		err = unwinder_unwind(s->unwinder, pid, start_ns, stack, ret);
	if (!err || *ret->note)
		return;
	if (err == -ESRCH)
		text_copy(ret->note, sizeof(ret->note), "the process ended before its stack could be read", 48);
	else
		text_copy(ret->note, sizeof(ret->note), strerror(-err), strlen(strerror(-err)));
}

uint64_t fd_stack_words(struct session *s, uint64_t pid, uint64_t start_ns, const struct call_stack *stack, char *words,
			size_t word_size, uint64_t max)
{
	uint64_t count = 0;

	while (count < max && count < stack->count &&
	       unwinder_frame(s->unwinder, pid, start_ns, stack, count, words + count * word_size, word_size) == 0)
		count++;
	return count;
}

/* ---- scripts -------------------------------------------------------- */

/* interpreters, and their options that take a value as a word of its own */
static const struct {
	const char *name, *with_value;
} interpreters[] = {
	{ "python", "WXQ" }, { "perl", "" }, { "ruby", "EICFrT" }, { "node", "r" }, { "nodejs", "r" }, { "php", "cdz" },
	{ "bash", "oO" }, { "dash", "o" }, { "sh", "o" }, { "gunicorn", "" }, { "uwsgi", "" },
};

static const char *options_of(const char *program)
{
	const char *slash = strrchr(program, '/'), *base = slash ? slash + 1 : program;

	for (size_t i = 0; i < sizeof(interpreters) / sizeof(*interpreters); i++) {
		size_t length = strlen(interpreters[i].name);

		/* python3.11 too */
		if (strncmp(base, interpreters[i].name, length) == 0 && !base[length + strspn(base + length, "0123456789.")])
			return interpreters[i].with_value;
	}
	return NULL;
}

bool fd_script(const struct process *p, char *ret, size_t size)
{
	const char *with_value = p->known.args && p->args_count ? options_of(p->args[0]) : NULL;
	struct text text = { .data = ret, .size = size };

	if (!with_value && p->known.exe && p->known.args && p->args_count)
		with_value = options_of(p->exe);
	if (!with_value)
		return false;
	for (uint64_t i = 1; i < p->args_count; i++) {
		const char *arg = p->args[i];

		/* the program is in the command line itself, or comes from stdin */
		if (strcmp(arg, "-c") == 0 || strcmp(arg, "-e") == 0 || strcmp(arg, "-") == 0)
			return false;
		if (strcmp(arg, "-m") == 0 && i + 1 < p->args_count) {
			text_add(&text, "-m ");
			text_add(&text, p->args[i + 1]);
			return true;
		}
		if (*arg != '-') {
			text_add(&text, arg);
			return *arg != '\0';
		}
		i += arg[1] && !arg[2] && strchr(with_value, arg[1]);
	}
	return false;
}

/* ---- limits --------------------------------------------------------- */

bool fd_sysctl(const struct session *s, const char *path, unsigned int n, uint64_t *ret)
{
	char data[128];
	size_t length, at = 0;

	if (file_read_at(s->procfs.fd, path, data, sizeof(data), &length))
		return false;
	for (unsigned int i = 0; i < n; i++) {
		at += strcspn(data + at, " \t\n");
		at += strspn(data + at, " \t\n");
	}
	return digits_parse(data + at, length - at, ret) != 0;
}
