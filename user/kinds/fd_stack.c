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

/*
 * Interpreters and their options of one letter, which may stand together: with
 * a value (the rest of the word, or the next one), with a value only in the same
 * word, and those after which there is no script but the program itself.
 */
struct interpreter {
	const char *name, *value, *attached, *code;
	const char *words;	/* long options whose value is the next word, each with a space before and behind */
};

static const struct interpreter interpreters[] = {
	{ "python", "WXQ", "", "c", " --check-hash-based-pycs " },
	{ "perl", "I", "ilCDFMmVx0", "eE", " " },
	{ "ruby", "CEIr", "iFKTWx0", "e", " --encoding --external-encoding --internal-encoding " },
	{ "node", "rC", "", "ep", " --require --import --loader --experimental-loader --env-file --conditions --title " },
	{ "nodejs", "rC", "", "ep", " --require --import --loader --experimental-loader --env-file --conditions --title " },
	{ "php", "cdzt", "", "rBRE", " " },
	{ "bash", "oO", "", "cs", " --rcfile --init-file " },
	{ "dash", "o", "", "cs", " " },
	{ "sh", "o", "", "cs", " --rcfile --init-file " },
};

static const struct interpreter *interpreter_of(const char *program)
{
	const char *slash = strrchr(program, '/'), *base = slash ? slash + 1 : program;

	for (size_t i = 0; i < sizeof(interpreters) / sizeof(*interpreters); i++) {
		size_t length = strlen(interpreters[i].name);

		/* python3.11 too */
		if (strncmp(base, interpreters[i].name, length) == 0 && !base[length + strspn(base + length, "0123456789.")])
			return &interpreters[i];
	}
	return NULL;
}

enum option_meaning { OPTION_PLAIN, OPTION_TAKES_NEXT, OPTION_CODE, OPTION_MODULE };

/* what a word of short options means for those behind it; *ret_value is the rest of the word, for a module */
static enum option_meaning read_options(const struct interpreter *by, const char *word, const char **ret_value)
{
	bool python = strcmp(by->name, "python") == 0;

	for (const char *letter = word + 1; *letter; letter++) {
		if (strchr(by->code, *letter))
			return OPTION_CODE;
		*ret_value = letter + 1;
		if (python && *letter == 'm')
			return OPTION_MODULE;
		if (strchr(by->value, *letter))
			return letter[1] ? OPTION_PLAIN : OPTION_TAKES_NEXT;
		if (strchr(by->attached, *letter))
			return OPTION_PLAIN;
	}
	return OPTION_PLAIN;
}

static bool takes_next(const struct interpreter *by, const char *word)
{
	const char *found = strstr(by->words, word);

	return found && found[-1] == ' ' && found[strlen(word)] == ' ';
}

/* the script among the words behind the interpreter's name; empty for none */
static void find_script(const struct interpreter *by, const struct process *p, struct text *ret)
{
	const char *value = "";

	for (uint64_t i = 1; i < p->args_count; i++) {
		const char *word = p->args[i], *next = i + 1 < p->args_count ? p->args[i + 1] : "";

		if (strcmp(word, "-") == 0)
			return;
		if (strcmp(word, "--") == 0 || *word != '-') {
			text_add(ret, *word == '-' ? next : word);
			return;
		}
		if (word[1] == '-') {
			i += takes_next(by, word);
			continue;
		}
		switch (read_options(by, word, &value)) {
		case OPTION_CODE:
			return;
		case OPTION_MODULE:
			if (*value || *next)
				text_add(ret, "-m ");
			text_add(ret, *value ? value : next);
			return;
		case OPTION_TAKES_NEXT:
			i++;
			break;
		case OPTION_PLAIN:
			break;
		}
	}
}

bool fd_script(const struct process *p, char *ret, size_t size)
{
	const struct interpreter *by = p->known.args && p->args_count ? interpreter_of(p->args[0]) : NULL;
	struct text text = { .data = ret, .size = size };

	if (!by && p->known.args && p->args_count && p->known.exe)
		by = interpreter_of(p->exe);
	if (!by)
		return false;
	*ret = '\0';
	find_script(by, p, &text);
	return text.length != 0;
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
