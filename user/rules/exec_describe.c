// SPDX-License-Identifier: BSD-2-Clause
/* What every exec card says, whatever the cause: subject, errno, command, where, who. */
#include "exec_words.h"

#include <string.h>

#include "say.h"

static bool has_storm(const struct observation *observation)
{
	const struct exec *e = &observation->exec;

	return e->known.storm && e->storm.known.execs;
}

static void say_place(struct text *text, const struct observation *observation)
{
	const struct container *c = &observation->container;

	if (c->known.id)
		text_format(text, strlen(c->id) == 64 ? "  in container %.12s" : "  in container %s", c->id);
	else if (c->known.unit)
		text_format(text, "  in %s", c->unit);
}

static void say_subject(const struct observation *observation, struct verdict *ret)
{
	const struct process *p = &observation->process;
	const struct exec *e = &observation->exec;
	struct text title = say_title(ret);

	if (has_storm(observation)) {
		text_add(&title, "EXEC STORM  ");
		say_process(&title, e->storm.comm, e->storm.known.pid, e->storm.pid);
	} else if (exec_worked(observation)) {
		text_add(&title, "EXEC  ");
		say_process(&title, p->comm, p->known.pid, p->pid);
	} else {
		text_add(&title, exec_failed(observation) ? "EXEC FAILED  " : "EXEC  ");
		say_process(&title, p->comm, p->known.pid, p->pid);
		text_add(&title, exec_failed(observation) ? "  could not start " : "  ");
		exec_say_program(&title, observation);
	}
	say_place(&title, observation);
}

/* whose children they are; the rows below are of the last of them */
static void say_parent(const struct observation *observation, struct verdict *ret)
{
	const struct exec_storm *s = &observation->exec.storm;
	struct text text = say_evidence(ret, "parent", BASIS_MEASURED);

	say_process(&text, s->comm, s->known.pid, s->pid);
	if (s->known.start_ns && observation->boot_ns > s->start_ns) {
		text_add(&text, ", running for ");
		text_duration(&text, observation->boot_ns - s->start_ns);
	}
}

static void say_result(const struct observation *observation, struct verdict *ret)
{
	const struct exec *e = &observation->exec;
	const char *name;
	struct text text;

	if (!exec_failed(observation)) {
		if (exec_worked(observation))
			return;
		text = say_evidence(ret, "kernel", BASIS_UNKNOWN);
		text_add(&text, "whether it worked is not in this line");
		return;
	}
	name = exec_errno_name(-e->ret);
	text = say_evidence(ret, "kernel", BASIS_MEASURED);
	text_add(&text, e->known.fd ? "execveat() " : "execve() ");
	if (name)
		text_format(&text, "gave %s: %s", name, exec_errno_meaning(-e->ret));
	else
		text_format(&text, "gave errno %lld", -(long long)e->ret);
	if (e->known.attempts && e->attempts > 1)
		text_format(&text, "; %llu attempts, one after the other", (unsigned long long)e->attempts);
}

static void part(struct text *text, const char *name, bool known, uint64_t bytes)
{
	if (!known)
		return;
	text_format(text, "%s%s ", text->length ? "  " : "", name);
	text_bytes(text, bytes);
}

static void say_sizes(const struct exec *e, struct verdict *ret)
{
	struct text text;

	if (!e->known.longest_arg_bytes && !e->known.env_bytes && !e->known.limit_bytes)
		return;
	text = say_evidence(ret, "size", BASIS_MEASURED);
	part(&text, "arguments", e->known.args_bytes, e->args_bytes);
	part(&text, "environment", e->known.env_bytes, e->env_bytes);
	part(&text, "longest string", e->known.longest_arg_bytes, e->longest_arg_bytes);
	part(&text, "limit of all", e->known.limit_bytes, e->limit_bytes);
}

/* An argument for people: quoted where its end could not be seen, other alphabets as they are. */
static void say_word(struct text *text, const char *word)
{
	bool special = !*word || strpbrk(word, " \"$`\\|&;<>()*?[]{}#~!");

	for (const char *at = word; *at; at++) {
		if ((unsigned char)*at >= 0x20 && *at != 0x7f && *at != '\'')
			continue;
		text_shell(text, word, strlen(word));
		return;
	}
	text_format(text, special ? "'%s'" : "%s", word);
}

static void say_command(const struct exec *e, const char *label, struct verdict *ret)
{
	enum { ROOM = 200 };
	char word[4 * sizeof(e->args[0])];
	struct text text;
	uint64_t i = 0;

	if (!e->known.args || !e->args_count)
		return;
	text = say_evidence(ret, label, BASIS_MEASURED);
	for (; i < e->args_count; i++) {
		struct text one = TEXT_ON(word);

		say_word(&one, e->args[i]);
		if (text.length + one.length + 1 > ROOM && i)
			break;
		text_add(&text, i ? " " : "");
		text_append(&text, word, one.length < ROOM ? one.length : ROOM);
	}
	if (i < e->args_count || (e->known.truncated && e->truncated)) {
		text_add(&text, " …");
		if (e->known.argc)
			text_format(&text, "  %llu arguments", (unsigned long long)e->argc);
		if (e->known.args_bytes) {
			text_add(&text, e->known.argc ? ", " : "  ");
			text_bytes(&text, e->args_bytes);
		}
	}
	if (e->known.args_redacted && e->args_redacted)
		text_format(&text, "  (%llu redacted)", (unsigned long long)e->args_redacted);
}

static void say_where(const struct observation *observation, struct verdict *ret)
{
	const struct exec *e = &observation->exec;
	bool worked = exec_worked(observation);
	struct text text;

	if (e->known.cwd) {
		text = say_evidence(ret, "where", BASIS_MEASURED);
		text_add(&text, "in ");
		say_path(&text, e->cwd);
	}
	if (!e->known.interpreter)
		return;
	/* a failed exec has not come so far that the kernel would tell */
	text = say_evidence(ret, e->known.cwd ? "" : "where", worked ? BASIS_MEASURED : BASIS_INFERRED);
	text_add(&text, worked ? "by the interpreter " : "the file asks for ");
	say_path(&text, e->interpreter);
}

static void say_who(const struct observation *observation, struct verdict *ret)
{
	const struct process *p = &observation->process;
	const struct exec *e = &observation->exec;
	struct text text;

	if (!p->known.comm && !p->known.pid)
		return;
	text = say_evidence(ret, "who", BASIS_MEASURED);
	say_process(&text, p->comm, p->known.pid, p->pid);
	for (uint64_t i = 0; e->known.parents && i < e->parents_count; i++) {
		const struct ancestor *a = &e->parents[i];

		text_add(&text, " <- ");
		say_process(&text, a->comm, a->known.pid, a->pid);
	}
	if ((!e->known.parents || !e->parents_count) && (p->known.ppid || p->known.parent_comm)) {
		text_add(&text, " <- ");
		say_process(&text, p->parent_comm, p->known.ppid, p->ppid);
	}
	if (e->known.kernel_helper && e->kernel_helper)
		text_add(&text, "; the kernel itself starts it (user mode helper)");
	if (e->known.by_thread && e->by_thread)
		text_add(&text, exec_worked(observation) ? "; a thread called it, the others ended" :
							   "; a thread called it");
}

static void say_uid(const struct process *p, struct verdict *ret)
{
	struct text text;

	if (!p->known.uid)
		return;
	text = say_evidence(ret, "uid", BASIS_MEASURED);
	text_format(&text, "%llu%s", (unsigned long long)p->uid, p->uid ? "" : " (root)");
}

void exec_describe(const struct observation *observation, struct verdict *ret)
{
	struct diagnosis *d = &ret->diagnosis;

	ret->severity = has_storm(observation) ? SEVERITY_WARNING :
			exec_failed(observation) ? SEVERITY_ERROR : SEVERITY_INFO;
	KNOW(d, resource, RESOURCE_PROCESS);
	say_subject(observation, ret);
	if (has_storm(observation))
		say_parent(observation, ret);
	if (!has_storm(observation) || observation->exec.known.ret)
		say_result(observation, ret);
	say_sizes(&observation->exec, ret);
	say_command(&observation->exec, has_storm(observation) ? "example" : "command", ret);
	say_where(observation, ret);
	say_who(observation, ret);
	say_uid(&observation->process, ret);
}
