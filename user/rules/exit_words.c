// SPDX-License-Identifier: BSD-2-Clause
#include "exit_words.h"

#include <signal.h>
#include <string.h>

#include "exit_view.h"
#include "say.h"

void exit_say_signal(struct text *text, bool has_name, const char *name, uint64_t number)
{
	static const char *const names[] = {
		[SIGHUP] = "SIGHUP", [SIGINT] = "SIGINT", [SIGQUIT] = "SIGQUIT", [SIGILL] = "SIGILL",
		[SIGTRAP] = "SIGTRAP", [SIGABRT] = "SIGABRT", [SIGBUS] = "SIGBUS", [SIGFPE] = "SIGFPE",
		[SIGKILL] = "SIGKILL", [SIGUSR1] = "SIGUSR1", [SIGSEGV] = "SIGSEGV", [SIGUSR2] = "SIGUSR2",
		[SIGPIPE] = "SIGPIPE", [SIGALRM] = "SIGALRM", [SIGTERM] = "SIGTERM", [SIGXCPU] = "SIGXCPU",
		[SIGXFSZ] = "SIGXFSZ", [SIGVTALRM] = "SIGVTALRM", [SIGPROF] = "SIGPROF", [SIGSYS] = "SIGSYS",
	};

	if (has_name)
		text_add(text, name);
	else if (number < sizeof(names) / sizeof(*names) && names[number])
		text_add(text, names[number]);
	else
		text_format(text, "signal %llu", (unsigned long long)number);
}

void exit_say_own_signal(struct text *text, const struct observation *observation)
{
	const struct exit *e = &observation->exit;

	exit_say_signal(text, e->known.signal_name, e->signal_name, e->signal);
}

void exit_say_sender(struct text *text, const struct observation *observation)
{
	const struct killer *k = &observation->exit.killer;
	const struct process *p = &observation->process;

	if (!k->known.pid && !k->known.comm) {
		text_add(text, "a process that is not known");
		return;
	}
	if (k->known.pid && p->known.ppid && k->pid == p->ppid)
		text_add(text, "its parent ");
	say_process(text, k->known.comm ? k->comm : "", k->known.pid, k->pid);
}

void exit_say_prior_sender(struct text *text, const struct prior_signal *signal)
{
	if (signal->known.sender_comm || signal->known.sender_pid)
		say_process(text, signal->known.sender_comm ? signal->sender_comm : "", signal->known.sender_pid,
			    signal->sender_pid);
	else
		text_add(text, "the kernel or an unknown process");
}

const char *exit_source_words(enum killer_source source)
{
	static const char *const words[] = {
		[KILLER_SOURCE_USER] = "another process",
		[KILLER_SOURCE_CGROUP_KILL] = "a write to cgroup.kill",
		[KILLER_SOURCE_OOM] = "the kernel's OOM killer",
		[KILLER_SOURCE_PIDNS_EXIT] = "the end of PID 1 of its pid namespace",
		[KILLER_SOURCE_PDEATHSIG] = "the end of its parent (PR_SET_PDEATHSIG)",
		[KILLER_SOURCE_RLIMIT] = "a resource limit",
		[KILLER_SOURCE_SECCOMP] = "a seccomp filter",
		[KILLER_SOURCE_TTY] = "the terminal",
		[KILLER_SOURCE_FAULT] = "a fault of its own",
		[KILLER_SOURCE_TIMER] = "a timer",
		[KILLER_SOURCE_KERNEL] = "the kernel",
		[KILLER_SOURCE_SELF] = "itself",
	};

	return source && source < sizeof(words) / sizeof(*words) ? words[source] : "a cause that is not known";
}

void exit_say_place(struct text *text, const struct fault *fault)
{
	bool mapping = fault->known.mapping && *fault->mapping;

	if (fault->known.symbol) {
		text_format(text, ", in %s", fault->symbol);
		if (fault->known.line)
			text_format(text, " (%s)", fault->line);
		if (mapping) {
			text_add(text, " of ");
			say_path(text, fault->mapping);
		}
	} else if (mapping) {
		text_add(text, ", in ");
		say_path(text, fault->mapping);
		if (fault->known.offset)
			text_format(text, " at offset %s", fault->offset);
	}
}

void exit_say_exec_failure(struct text *text, const struct failed_exec *failed)
{
	static const char *const words[] = {
		[EXEC_FAILURE_NO_FILE] = "there is no such file",
		[EXEC_FAILURE_INTERPRETER_MISSING] = "the interpreter its #! line names does not exist",
		[EXEC_FAILURE_LOADER_MISSING] = "the dynamic loader it was linked for does not exist (built for "
						"another C library or system)",
		[EXEC_FAILURE_CARRIAGE_RETURN] = "its #! line ends in a carriage return, so the interpreter's name is "
						 "wrong",
		[EXEC_FAILURE_NOT_EXECUTABLE] = "this user has no permission to execute it",
		[EXEC_FAILURE_NOEXEC_MOUNT] = "it is on a file system mounted noexec",
		[EXEC_FAILURE_NOT_A_FILE] = "it is not a regular file",
		[EXEC_FAILURE_SEARCH_DENIED] = "a directory on its path may not be searched by this user",
		[EXEC_FAILURE_INTERPRETER_DENIED] = "this user may not execute the interpreter of its #! line",
		[EXEC_FAILURE_WRONG_FORMAT] = "it is in no format that this kernel runs",
		[EXEC_FAILURE_OTHER_MACHINE] = "it was built for another processor",
		[EXEC_FAILURE_NO_SHEBANG] = "it is a text without a #! line",
		[EXEC_FAILURE_EMPTY_FILE] = "the file is empty",
		[EXEC_FAILURE_ONE_ARG_TOO_LONG] = "one argument is longer than the kernel takes (128 KiB)",
		[EXEC_FAILURE_ARGS_TOO_LONG] = "arguments and environment together are larger than allowed",
		[EXEC_FAILURE_SYMLINK_LOOP] = "its symbolic links go round in circles",
		[EXEC_FAILURE_INTERPRETER_LOOP] = "its interpreter is a script of a script too often",
		[EXEC_FAILURE_TEXT_BUSY] = "the file was open for writing",
		[EXEC_FAILURE_PROCESS_LIMIT] = "the user's process limit (RLIMIT_NPROC) was exceeded",
	};

	if (failed->known.reason && failed->reason < sizeof(words) / sizeof(*words) && words[failed->reason])
		text_add(text, words[failed->reason]);
	else if (failed->known.ret && failed->ret < 0)
		text_format(text, "errno %lld", -(long long)failed->ret);
	else
		text_add(text, "why is not known");
}

void exit_say_ordinal(struct text *text, uint64_t n)
{
	static const char *const suffixes[] = { "th", "st", "nd", "rd" };

	text_format(text, "%llu%s", (unsigned long long)n,
		    n % 10 < 4 && n % 100 / 10 != 1 ? suffixes[n % 10] : "th");
}

static void exit_message(const struct observation *observation, const char *why, struct verdict *ret)
{
	const struct process *p = &observation->process;
	const struct exit *e = &observation->exit;
	enum killer_source source = exit_source(observation);
	struct text text = say_message(ret);

	text_add(&text, exit_signal(observation) ? "DEATH: " : "EXIT: ");
	say_process(&text, p->known.comm ? p->comm : "", p->known.pid, p->pid);
	if (exit_signal(observation)) {
		text_add(&text, " ended by ");
		exit_say_own_signal(&text, observation);
		if (source == KILLER_SOURCE_USER || source == KILLER_SOURCE_CGROUP_KILL) {
			text_add(&text, " from ");
			exit_say_sender(&text, observation);
		}
	} else if (e->known.code) {
		text_format(&text, " ended with status %lld", (long long)e->code);
	} else {
		text_add(&text, " ended");
	}
	text_format(&text, " (%s)", why);
}

void exit_conclude(const struct observation *observation, enum severity severity, const char *why,
		   struct verdict *ret)
{
	const char *service = exit_service(observation);
	struct text text;

	ret->severity = severity;
	exit_message(observation, why, ret);
	if (!exit_loops(observation))
		return;
	if (severity < SEVERITY_WARNING)
		ret->severity = SEVERITY_WARNING;
	text = say_advice(ret);
	text_add(&text, "it dies again and again: stop what restarts it until the cause is found");
	if (service) {
		text_add(&text, ": systemctl stop ");
		text_shell(&text, service, strlen(service));
	}
}
