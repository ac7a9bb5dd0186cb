// SPDX-License-Identifier: BSD-2-Clause
/*
 * Why a program could not be started. The errno is measured; what stands behind
 * it was looked up in the file just after, and is inferred. The rules on the
 * file come first, then those the errno alone decides; the last claim nothing.
 */
#include "diagnosis.h"

#include <errno.h>
#include <string.h>

#include "exec_file_rules.h"
#include "exec_words.h"
#include "say.h"

/* the kernel's MAX_ARG_STRLEN, 32 pages, where a page has 4 KiB */
#define ONE_ARG_BYTES (128ULL * 1024)
/* three quarters of its default stack: more no stack limit gives */
#define MOST_ARGS_BYTES (6ULL * 1024 * 1024)

/* ---- storms --------------------------------------------------------- */

static bool storm_matches(const struct observation *observation)
{
	return observation->exec.known.storm && observation->exec.storm.known.execs;
}

static void say_storm(const struct exec_storm *s, struct text *text)
{
	say_process(text, s->comm, s->known.pid, s->pid);
	text_format(text, " starts programs without end: %llu", (unsigned long long)s->execs);
	if (!s->known.window_ns || !s->window_ns)
		return;
	text_add(text, " in ");
	text_duration(text, s->window_ns);
}

static void storm_explain(const struct observation *observation, struct verdict *ret)
{
	const struct exec *e = &observation->exec;
	const struct exec_storm *s = &e->storm;
	double per_second = s->known.window_ns && s->window_ns ? s->execs / (s->window_ns / 1e9) : 0;
	struct text text = say_cause(ret);

	say_storm(s, &text);
	if (per_second >= 1 && per_second < 1e9)
		text_format(&text, " (%.0f/s)", per_second);
	if (exec_failed(observation))
		text_add(&text, "; the one shown here failed");
	text = say_advice(ret);
	text_add(&text, "look at what repeats: a loop of a script that polls (let it sleep, wait for an event, use the "
			"shell's own words instead of programs), or a supervisor that restarts what ends at once (give "
			"it a delay: RestartSec=)");
	if (s->known.pid) {
		text = say_advice(ret);
		text_format(&text, "see what the parent is: tr '\\0' ' ' </proc/%llu/cmdline; ls -l /proc/%llu/cwd",
			    (unsigned long long)s->pid, (unsigned long long)s->pid);
		text = say_verify(ret);
		text_format(&text, "pgrep -a -P %llu   (what it runs now)", (unsigned long long)s->pid);
	}
	text = say_verify(ret);
	text_add(&text, "grep ^processes /proc/stat   (forks since boot: must rise more slowly)");
	KNOW(&ret->diagnosis, usage, s->execs);
	KNOW(&ret->diagnosis, confidence, BASIS_MEASURED);
	text = say_message(ret);
	say_storm(s, &text);
}

/* ---- arguments too long --------------------------------------------- */

/* by its reason, or where that is not known by the one size that decides */
static bool one_arg_matches(const struct observation *observation)
{
	const struct exec *e = &observation->exec;

	if (!exec_failed_with(observation, E2BIG))
		return false;
	if (e->known.reason)
		return e->reason == EXEC_FAILURE_ONE_ARG_TOO_LONG;
	return e->known.longest_arg_bytes && e->longest_arg_bytes > ONE_ARG_BYTES;
}

static void one_arg_explain(const struct observation *observation, struct verdict *ret)
{
	const struct exec *e = &observation->exec;
	/* the reason knows how large a page was, this rule does not */
	bool measured = e->known.reason && e->known.longest_arg_bytes;
	struct text text = say_cause(ret);

	text_add(&text, "a single argument or environment variable is too long: ");
	if (e->known.longest_arg_bytes) {
		text_bytes(&text, e->longest_arg_bytes);
		text_add(&text, ", and ");
		KNOW(&ret->diagnosis, usage, e->longest_arg_bytes);
	}
	text_add(&text, "the kernel takes no string above 32 pages (128 KiB where a page has 4 KiB), whatever ulimit says");
	text = say_advice(ret);
	text_add(&text, "pass the long value in a file or on standard input (curl --data @FILE, sh FILE instead of sh -c "
			"TEXT, a variable's value in a file): no setting raises this limit");
	text = say_verify(ret);
	text_add(&text, "echo $(($(getconf PAGESIZE) * 32))   (what one argument may take, in bytes)");
	exec_conclude(observation, ret, measured ? BASIS_MEASURED : BASIS_INFERRED,
		      "one argument or variable is too long");
}

static bool args_matches(const struct observation *observation)
{
	const struct exec *e = &observation->exec;

	if (!exec_failed_with(observation, E2BIG))
		return false;
	if (e->known.reason)
		return e->reason == EXEC_FAILURE_ARGS_TOO_LONG;
	/* there are but these two limits */
	return e->known.longest_arg_bytes && e->longest_arg_bytes && e->longest_arg_bytes <= ONE_ARG_BYTES;
}

static void args_explain(const struct observation *observation, struct verdict *ret)
{
	const struct exec *e = &observation->exec;
	uint64_t total = e->args_bytes + e->env_bytes;
	bool sizes = e->known.args_bytes && e->known.env_bytes && total >= e->args_bytes;
	struct text text = say_cause(ret);

	text_add(&text, "arguments and environment are too long together");
	if (sizes) {
		text_format(&text, ": %llu bytes, and 8 more for each of them", (unsigned long long)total);
		KNOW(&ret->diagnosis, usage, total);
	}
	if (e->known.limit_bytes) {
		text_add(&text, sizes ? ", where " : ": ");
		text_format(&text, "%llu bytes are the limit (a quarter of the stack limit, at most 6 MiB)",
			    (unsigned long long)e->limit_bytes);
		KNOW(&ret->diagnosis, limit, e->limit_bytes);
	}
	text = say_advice(ret);
	text_add(&text, "do not put them all on one command line: find ... -exec CMD {} +, or xargs -0, which start the "
			"program as often as needed; many programs read a list from a file");
	if (sizes && e->env_bytes > e->args_bytes) {
		text = say_advice(ret);
		text_add(&text, "most of it is the environment: see who fills it (env | wc -c), and unset what is large");
	} else if (!e->known.limit_bytes || e->limit_bytes < MOST_ARGS_BYTES) {
		text = say_advice(ret);
		text_add(&text, "for a while, a larger stack limit of the caller helps: ulimit -s 24576 (6 MiB of "
				"arguments, the most there is)");
	}
	text = say_verify(ret);
	text_add(&text, "getconf ARG_MAX; ulimit -s   (in the caller's shell: bytes, and KiB of stack)");
	exec_conclude(observation, ret,
		      sizes && e->known.limit_bytes && total > e->limit_bytes ? BASIS_MEASURED : BASIS_INFERRED,
		      "arguments and environment are too long");
}

/* ---- what the errno alone decides ----------------------------------- */

static bool busy_matches(const struct observation *observation)
{
	return exec_failed_with(observation, ETXTBSY);
}

static void busy_explain(const struct observation *observation, struct verdict *ret)
{
	const char *path = exec_fault(observation);
	struct text text = say_cause(ret);

	exec_say_program(&text, observation);
	text_add(&text, " is open for writing in some process: the kernel executes nothing that may still change");
	text = say_advice(ret);
	text_add(&text, "replace a program by renaming a new file over it (install, mv), never by writing into it; "
			"close it before it is started");
	exec_advise(observation, ret, "find who writes: fuser -v ", path,
		    " (a child forked while it was open holds it, too, until its own exec: then try again a moment "
		    "later)");
	exec_verify(observation, ret, "fuser -v ", path, "   (no F in the column ACCESS)");
	exec_conclude(observation, ret, BASIS_MEASURED, "the file is open for writing");
}

static bool limit_matches(const struct observation *observation)
{
	return exec_failed_with(observation, EAGAIN);
}

static void limit_explain(const struct observation *observation, struct verdict *ret)
{
	const struct process *p = &observation->process;
	struct text text = say_cause(ret);

	exec_say_user(&text, observation);
	text_add(&text, " has more processes and threads than its limit allows (RLIMIT_NPROC): the process changed to "
			"that user above the limit, and the kernel refuses at the exec");
	text = say_advice(ret);
	text_add(&text, "see what the user runs, and end what should not be there: ps -L -U ");
	text_add(&text, p->known.uid ? "" : "USER");
	if (p->known.uid)
		text_number(&text, p->uid);
	text_add(&text, " -o pid,nlwp,lstart,args");
	text = say_advice(ret);
	text_add(&text, "or raise the limit: LimitNPROC= of the unit, nproc in /etc/security/limits.conf; it counts the "
			"user's threads on the whole host, containers included");
	if (p->known.uid) {
		text = say_verify(ret);
		text_format(&text, "ps --no-headers -L -U %llu | wc -l   (must stay below \"Max processes\" in "
			    "/proc/PID/limits)", (unsigned long long)p->uid);
	}
	exec_conclude(observation, ret, BASIS_INFERRED, "its user is above the limit of processes");
}

/* ---- the rest ------------------------------------------------------- */

static void failed_explain(const struct observation *observation, struct verdict *ret)
{
	int64_t err = -observation->exec.ret;
	const char *meaning = exec_errno_meaning(err);
	struct text text = say_cause(ret);

	text_add(&text, "the kernel refused it: ");
	if (meaning)
		text_format(&text, "%s (%s)", meaning, exec_errno_name(err));
	else
		text_format(&text, "errno %lld", (long long)err);
	text_add(&text, "; what is behind that is not known");
	text = say_advice(ret);
	if (err == EACCES || err == EPERM)
		text_add(&text, "where the modes allow it, a security module may have refused: ausearch -m AVC -ts recent; "
				"dmesg | grep -iE 'apparmor|selinux|audit|ima'");
	else
		text_format(&text, "man 2 execve has what %s may mean", exec_errno_name(err) ? exec_errno_name(err) : "it");
	if (err == EACCES || err == EPERM || err == ENOENT || err == ENOTDIR || err == ELOOP)
		exec_advise(observation, ret, "look at the way to it: namei -l ", exec_fault(observation), "");
	exec_conclude(observation, ret, BASIS_UNKNOWN, meaning ? meaning : "the kernel refused it");
}

static void worked_explain(const struct observation *observation, struct verdict *ret)
{
	const struct process *p = &observation->process;
	const struct exec *e = &observation->exec;
	struct text cause = say_cause(ret), message = say_message(ret);
	struct text *texts[] = { &cause, &message };

	for (unsigned int i = 0; i < 2; i++) {
		say_process(texts[i], *e->old_comm ? e->old_comm : p->comm, p->known.pid, p->pid);
		text_add(texts[i], " started ");
		if (!p->known.exe || !*p->exe || e->known.interpreter)
			exec_say_program(texts[i], observation);
		if (p->known.exe && *p->exe) {
			text_add(texts[i], e->known.interpreter ? ", run by " : "");
			say_path(texts[i], p->exe);
		}
	}
	KNOW(&ret->diagnosis, confidence, BASIS_MEASURED);
}

static bool always(const struct observation *observation)
{
	(void)observation;
	return true;
}

static void unrecognised_explain(const struct observation *observation, struct verdict *ret)
{
	struct text text = say_cause(ret);

	text_add(&text, "an exec of which this line does not say whether it worked");
	text = say_advice(ret);
	text_add(&text, "keep exitwatch running: a complete line has ret");
	text = say_verify(ret);
	text_add(&text, "exitwatch --all   (whether its lines have ret)");
	exec_conclude(observation, ret, BASIS_UNKNOWN, "");
	text = say_message(ret);
	say_process(&text, observation->process.comm, observation->process.known.pid, observation->process.pid);
	text_add(&text, " called exec of ");
	exec_say_program(&text, observation);
	text_add(&text, ", and whether it worked is unknown");
}

static const struct rule rules[] = {
	{ "exec-storm", "one parent starts programs without end", storm_matches, storm_explain },
	{ "exec-no-such-file", "the file, or a directory on the way to it, is missing",
	  exec_no_file_matches, exec_no_file_explain },
	{ "exec-interpreter-missing", "a script's interpreter is missing",
	  exec_interpreter_matches, exec_interpreter_explain },
	{ "exec-loader-missing", "the loader that an ELF file asks for is missing",
	  exec_loader_matches, exec_loader_explain },
	{ "exec-carriage-return", "a script saved with Windows line ends", exec_return_matches, exec_return_explain },
	{ "exec-not-executable", "no execute permission", exec_mode_matches, exec_mode_explain },
	{ "exec-noexec-mount", "on a file system mounted noexec", exec_mount_matches, exec_mount_explain },
	{ "exec-not-a-file", "a directory, device or FIFO", exec_type_matches, exec_type_explain },
	{ "exec-search-denied", "a directory on the way is closed to the user",
	  exec_search_matches, exec_search_explain },
	{ "exec-interpreter-denied", "the interpreter or loader may not be executed",
	  exec_denied_matches, exec_denied_explain },
	{ "exec-wrong-format", "no sound ELF file and no script", exec_format_matches, exec_format_explain },
	{ "exec-other-machine", "built for another machine", exec_machine_matches, exec_machine_explain },
	{ "exec-no-shebang", "text without #!", exec_text_matches, exec_text_explain },
	{ "exec-empty-file", "an empty file", exec_empty_matches, exec_empty_explain },
	{ "exec-arg-too-long", "one argument or variable is too long", one_arg_matches, one_arg_explain },
	{ "exec-args-too-long", "arguments and environment are too long together", args_matches, args_explain },
	{ "exec-symlink-loop", "symbolic links that lead to each other", exec_links_matches, exec_links_explain },
	{ "exec-interpreter-loop", "a script whose interpreter is a script, too often",
	  exec_scripts_matches, exec_scripts_explain },
	{ "exec-text-busy", "somebody has the file open for writing", busy_matches, busy_explain },
	{ "exec-process-limit", "the user has more processes than RLIMIT_NPROC", limit_matches, limit_explain },
	{ "exec-failed", "another errno, or one whose reason is not known", exec_failed, failed_explain },
	{ "exec-ok", "it worked", exec_worked, worked_explain },
	{ "exec-unrecognised", "whether it worked is not known", always, unrecognised_explain },
};

const struct rule_table exec_rules = {
	.rules = rules,
	.count = sizeof(rules) / sizeof(rules[0]),
	.describe = exec_describe,
};
