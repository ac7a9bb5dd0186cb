// SPDX-License-Identifier: BSD-2-Clause
/* Processes that ended by themselves: what their status says. */
#include "exit_rules.h"

#include <signal.h>
#include <string.h>

#include "exit_advice.h"
#include "exit_view.h"
#include "exit_words.h"
#include "say.h"

/* ---- copied --------------------------------------------------------- */

static bool copies_signal(const struct observation *observation)
{
	const struct exit *e = &observation->exit;
	const struct copied_from *c = &e->copied_from;

	return e->known.copied_from && c->known.signal && c->signal && c->signal <= 64 && e->code == 128 + (int64_t)c->signal;
}

bool exit_copied_status_matches(const struct observation *observation)
{
	const struct exit *e = &observation->exit;
	int64_t code;

	return exit_code(observation, &code) && e->known.copied_from &&
	       (copies_signal(observation) ||
		(e->copied_from.known.code && e->copied_from.code == code && code != 0));
}

static void say_child_line(const struct observation *observation, struct verdict *ret)
{
	const struct copied_from *c = &observation->exit.copied_from;
	struct text text = say_advice(ret);

	text_add(&text, "look at the end of the child, ");
	say_process(&text, c->known.comm ? c->comm : "", c->known.pid, c->pid);
	if (c->known.id)
		text_format(&text, ": the line with id %s tells of it", c->id);
	if (c->known.id && strlen(c->id) == sizeof(c->id) - 1)
		text_add(&text, " (id cut)");
}

void exit_copied_status_explain(const struct observation *observation, struct verdict *ret)
{
	const struct exit *e = &observation->exit;
	const struct copied_from *c = &e->copied_from;
	bool by_signal = copies_signal(observation);
	bool harmless = by_signal && c->known.source && c->source == KILLER_SOURCE_TTY;
	char why[160];
	struct text text = say_cause(ret);

	text_add(&text, by_signal ? "it was not killed: it " : "it ");
	text_format(&text, "passed the end of a child on with status %lld: ", (long long)e->code);
	say_process(&text, c->known.comm ? c->comm : "", c->known.pid, c->pid);
	if (by_signal) {
		text_add(&text, " died of ");
		exit_say_signal(&text, false, "", c->signal);
	} else {
		text_format(&text, " had ended with the same");
	}
	if (c->known.age_ns) {
		text_add(&text, " ");
		text_duration(&text, c->age_ns);
		text_add(&text, " before");
	}
	if (c->known.killer_pid || c->known.killer_comm) {
		text_add(&text, c->known.source && c->source == KILLER_SOURCE_CGROUP_KILL ? ", by cgroup.kill of " :
				", sent by ");
		say_process(&text, c->known.killer_comm ? c->killer_comm : "", c->known.killer_pid, c->killer_pid);
	} else if (c->known.source) {
		text_format(&text, ", because of %s", exit_source_words(c->source));
	}
	/* that the one status is there because of the other is not measured */
	KNOW(&ret->diagnosis, confidence, BASIS_INFERRED);
	say_child_line(observation, ret);
	text = (struct text)TEXT_ON(why);
	text_add(&text, by_signal ? "not killed: a copy of the death of " : "the status of its child ");
	say_process(&text, c->known.comm ? c->comm : "", c->known.pid, c->pid);
	if (c->known.source)
		text_format(&text, " by %s", exit_source_words(c->source));
	exit_conclude(observation, harmless || !by_signal ? SEVERITY_NOTICE : SEVERITY_WARNING, why, ret);
	if (c->known.source && c->source == KILLER_SOURCE_OOM && c->known.pid) {
		text = say_verify(ret);
		text_format(&text, "journalctl -k --grep 'Killed process %llu '", (unsigned long long)c->pid);
	}
}

/* ---- 126 and 127 ---------------------------------------------------- */

static void say_failed_exec(const struct observation *observation, struct text *text)
{
	const struct failed_exec *f = &observation->exit.failed_exec;

	text_add(text, "the exec of ");
	if (f->known.filename)
		say_path(text, f->filename);
	else
		text_add(text, "a program");
	text_add(text, " failed: ");
	exit_say_exec_failure(text, f);
}

static void conclude_exec(const struct observation *observation, struct verdict *ret)
{
	char why[256];
	struct text text = TEXT_ON(why);

	say_failed_exec(observation, &text);
	exit_conclude(observation, SEVERITY_WARNING, why, ret);
}

static bool code_is(const struct observation *observation, int64_t wanted)
{
	int64_t code;

	return exit_code(observation, &code) && code == wanted;
}

bool exit_command_not_found_matches(const struct observation *observation)
{
	return code_is(observation, 127);
}

static void say_no_exec(const struct observation *observation, struct verdict *ret)
{
	const struct process *p = &observation->process;
	struct text text = say_cause(ret);

	KNOW(&ret->diagnosis, confidence, BASIS_INFERRED);
	if (p->known.comm && exit_is_shell(p->comm)) {
		text_add(&text, "the shell found no such command: it tried no exec before it ended with 127");
		text = say_advice(ret);
		text_add(&text, "look for a misspelt name, a package that is missing, or a PATH that differs (cron, systemd "
				"and sudo have a short one): its standard error has the name");
	} else {
		text_add(&text, "127 without a failed exec: the dynamic loader ends so when a shared library or a symbol of "
				"the program is missing; or the program chose this status itself");
		text = say_advice(ret);
		text_add(&text, "its standard error names the library or the symbol");
	}
}

void exit_command_not_found_explain(const struct observation *observation, struct verdict *ret)
{
	const struct process *p = &observation->process;
	struct text text;

	if (observation->exit.known.failed_exec) {
		text = say_cause(ret);
		say_failed_exec(observation, &text);
		exit_advise_exec(observation, ret);
		conclude_exec(observation, ret);
	} else {
		say_no_exec(observation, ret);
		exit_conclude(observation, SEVERITY_WARNING, "command or library not found", ret);
		if (p->known.exe && p->exe[0] == '/' && say_path_is_whole(p->exe) && !exit_is_shell(p->comm) &&
		    !observation->container.known.id) {
			text = say_verify(ret);
			text_add(&text, "ldd ");
			text_shell(&text, p->exe, strlen(p->exe));
			text_add(&text, " | grep 'not found'");
			say_whole(&text, &ret->diagnosis.verify_count);
		}
	}
	exit_verify_log(observation, ret);
}

bool exit_not_executable_matches(const struct observation *observation)
{
	return code_is(observation, 126);
}

void exit_not_executable_explain(const struct observation *observation, struct verdict *ret)
{
	struct text text = say_cause(ret);

	if (observation->exit.known.failed_exec) {
		say_failed_exec(observation, &text);
		exit_advise_exec(observation, ret);
		conclude_exec(observation, ret);
	} else {
		text_add(&text, "126 is how shells say that a command was found but could not be executed; no exec was seen "
				"to fail");
		KNOW(&ret->diagnosis, confidence, BASIS_INFERRED);
		text = say_advice(ret);
		text_add(&text, "its standard error names the command: look at its permissions, and whether it is a "
				"directory");
		exit_conclude(observation, SEVERITY_WARNING, "a command could not be executed", ret);
	}
	exit_verify_log(observation, ret);
}

/* ---- 128 + n -------------------------------------------------------- */

bool exit_status_128_matches(const struct observation *observation)
{
	int64_t code;

	return exit_code(observation, &code) && code > 128 && code <= 192;
}

void exit_status_128_explain(const struct observation *observation, struct verdict *ret)
{
	uint64_t signal = observation->exit.code - 128;
	const struct prior_signal *asked = exit_handled(observation, signal);
	struct text text = say_cause(ret);

	KNOW(&ret->diagnosis, confidence, BASIS_INFERRED);
	if (asked) {
		text_add(&text, "it was asked to end by ");
		exit_say_signal(&text, false, "", signal);
		text_add(&text, " from ");
		exit_say_prior_sender(&text, asked);
		text_format(&text, ", which it handled: it then ended by itself with 128 + %llu", (unsigned long long)signal);
		exit_conclude(observation, SEVERITY_NOTICE, "asked to end, and it did", ret);
		exit_verify_log(observation, ret);
		return;
	}
	text_add(&text, "it was not killed; its status is what shells give for ");
	exit_say_signal(&text, false, "", signal);
	text_add(&text, ", but no child was seen to die of that: it chose the status itself, or the child died before the "
			"watch began or out of its sight");
	text = say_advice(ret);
	text_add(&text, signal == SIGKILL ? "this process was not OOM killed, a child may have been: look in its log which one "
					    "ended" :
					    "look in its log which of its children ended, or where it ends so itself");
	exit_conclude(observation, SEVERITY_WARNING, "not killed itself", ret);
	if (signal == SIGKILL) {
		text = say_verify(ret);
		text_add(&text, "journalctl -k --grep 'Killed process'");
	}
	exit_verify_log(observation, ret);
}

/* ---- other statuses ------------------------------------------------- */

/* what systemd's own child says when it cannot start a service (systemd.exec(5)) */
static const char *systemd_words(const struct observation *observation)
{
	static const struct {
		int64_t code;
		const char *words;
	} rows[] = {
		{ 200, "CHDIR: its WorkingDirectory= cannot be entered" },
		{ 203, "EXEC: what ExecStart= names cannot be executed" },
		{ 209, "STDOUT: its standard output cannot be opened" },
		{ 216, "GROUP: its Group= does not exist" },
		{ 217, "USER: its User= does not exist" },
		{ 226, "NAMESPACE: a path for its sandbox is missing (ReadWritePaths=, PrivateTmp=, ...)" },
	};
	const struct process *p = &observation->process;

	if (!p->known.comm || p->comm[0] != '(' || !p->known.parent_comm || strcmp(p->parent_comm, "systemd") != 0)
		return NULL;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (observation->exit.code == rows[i].code)
			return rows[i].words;
	return NULL;
}

/* TERM, INT and the like that it handled shortly before it ended */
static const struct prior_signal *asked_before(const struct observation *observation)
{
	const struct prior_signal *s = exit_handled(observation, SIGTERM);

	s = s ? s : exit_handled(observation, SIGINT);
	s = s ? s : exit_handled(observation, SIGQUIT);
	/* one that it lived on with for longer than it had to is no reason */
	return s && s->age_ns < 90 * SECOND_NS ? s : NULL;
}

static void say_asked(struct text *text, const struct prior_signal *s)
{
	exit_say_signal(text, s->known.signal_name, s->signal_name, s->signal);
	text_add(text, " from ");
	exit_say_prior_sender(text, s);
	text_add(text, " ");
	text_duration(text, s->age_ns);
	text_add(text, " before");
}

bool exit_failed_matches(const struct observation *observation)
{
	int64_t code;

	return exit_code(observation, &code) && code != 0;
}

void exit_failed_explain(const struct observation *observation, struct verdict *ret)
{
	const struct prior_signal *asked = asked_before(observation);
	const char *words = systemd_words(observation);
	struct text text = say_cause(ret);

	if (words) {
		text_format(&text, "systemd could not start it: status %lld, %s", (long long)observation->exit.code, words);
		KNOW(&ret->diagnosis, confidence, BASIS_INFERRED);
		if (observation->exit.known.failed_exec) {
			text_add(&text, "; ");
			say_failed_exec(observation, &text);
			exit_advise_exec(observation, ret);
		}
	} else {
		text_format(&text, "it ended by itself with status %lld", (long long)observation->exit.code);
		if (asked) {
			text_add(&text, ", after ");
			say_asked(&text, asked);
		}
		text_add(&text, "; what that means only the program knows");
		text = say_advice(ret);
		text_add(&text, "read the last lines it wrote");
	}
	exit_conclude(observation, words ? SEVERITY_WARNING : SEVERITY_NOTICE,
		      words ? "systemd could not start it" : "by itself", ret);
	exit_verify_log(observation, ret);
}

bool exit_normal_matches(const struct observation *observation)
{
	return code_is(observation, 0);
}

void exit_normal_explain(const struct observation *observation, struct verdict *ret)
{
	const struct prior_signal *asked = asked_before(observation);
	struct text text = say_cause(ret);

	text_add(&text, "it ended by itself and reports success (status 0)");
	if (asked) {
		text_add(&text, ", after ");
		say_asked(&text, asked);
	}
	exit_conclude(observation, SEVERITY_INFO, "success", ret);
}

bool exit_unrecognised_matches(const struct observation *observation)
{
	(void)observation;
	return true;
}

void exit_unrecognised_explain(const struct observation *observation, struct verdict *ret)
{
	struct text text = say_cause(ret);

	text_add(&text, "it ended; how and why is not known");
	KNOW(&ret->diagnosis, confidence, BASIS_UNKNOWN);
	exit_conclude(observation, SEVERITY_INFO, "cause not known", ret);
}
