// SPDX-License-Identifier: BSD-2-Clause
/* Deaths by a signal that the kernel sent for a reason of its own. */
#include "exit_rules.h"

#include <signal.h>
#include <string.h>

#include "exit_advice.h"
#include "exit_view.h"
#include "exit_words.h"
#include "say.h"

static bool source_is(const struct observation *observation, enum killer_source source)
{
	return exit_signal(observation) && exit_source(observation) == source;
}

/* ---- memory --------------------------------------------------------- */

bool exit_oom_matches(const struct observation *observation)
{
	return source_is(observation, KILLER_SOURCE_OOM);
}

void exit_oom_explain(const struct observation *observation, struct verdict *ret)
{
	const struct process *p = &observation->process;
	const struct killer *k = &observation->exit.killer;
	struct text text = say_cause(ret);

	text_add(&text, "memory ran out and the kernel's OOM killer ended this process");
	KNOW(&ret->diagnosis, resource, RESOURCE_MEMORY);
	if (k->known.trigger_pid || k->known.trigger_comm) {
		text = say_evidence(ret, "trigger", BASIS_MEASURED);
		if (k->known.trigger_pid && p->known.pid && k->trigger_pid == p->pid) {
			text_add(&text, "it asked for the page that could not be had itself");
		} else {
			say_process(&text, k->known.trigger_comm ? k->trigger_comm : "", k->known.trigger_pid,
				    k->trigger_pid);
			text_add(&text, " asked for the page that could not be had: a bystander, it killed nobody");
		}
	}
	text = say_advice(ret);
	text_add(&text, "read the oom_kill card");
	if (p->known.pid)
		text_format(&text, " of pid %llu", (unsigned long long)p->pid);
	text_add(&text, " (oomwatch, kwhy watch): it says which limit was reached, who held the memory and how it grew");
	exit_conclude(observation, SEVERITY_ERROR, "the kernel's OOM killer", ret);
	text = say_verify(ret);
	if (p->known.pid)
		text_format(&text, "journalctl -k --grep 'Killed process %llu '", (unsigned long long)p->pid);
	else
		text_add(&text, "journalctl -k --grep 'Killed process'");
}

/* ---- the end of others ---------------------------------------------- */

static bool their_end_known(const struct killer *k)
{
	return k->known.sender_code || (k->known.sender_signal && k->sender_signal);
}

/* "PID 1 of its pid namespace, sh[6100], ended with status 1" */
static void say_their_end(struct text *text, const char *who, const struct killer *k)
{
	text_add(text, who);
	if (k->known.pid || k->known.comm) {
		text_add(text, ", ");
		say_process(text, k->known.comm ? k->comm : "", k->known.pid, k->pid);
		text_add(text, ",");
	}
	if (k->known.sender_signal && k->sender_signal) {
		text_add(text, " died of ");
		exit_say_signal(text, false, "", k->sender_signal);
	} else if (k->known.sender_code) {
		text_format(text, " ended with status %lld", (long long)k->sender_code);
	} else {
		text_add(text, " ended");
	}
}

bool exit_pidns_matches(const struct observation *observation)
{
	return source_is(observation, KILLER_SOURCE_PIDNS_EXIT);
}

void exit_pidns_explain(const struct observation *observation, struct verdict *ret)
{
	const struct killer *k = &observation->exit.killer;
	struct text text = say_cause(ret);

	text_add(&text, "only a consequence: ");
	say_their_end(&text, "PID 1 of its pid namespace", k);
	text_add(&text, "; then the kernel kills all that are left in it");
	text = say_advice(ret);
	text_add(&text, "look at the end of PID 1: why it ended is why this one did");
	text = say_advice(ret);
	text_add(&text, "if this one needs time to end well, PID 1 has to pass the request on and wait for it (tini -g, "
			"an init, or wait in the script)");
	exit_conclude(observation, SEVERITY_INFO, "PID 1 of its pid namespace ended", ret);
	exit_verify_log(observation, ret);
}

bool exit_pdeathsig_matches(const struct observation *observation)
{
	return source_is(observation, KILLER_SOURCE_PDEATHSIG);
}

void exit_pdeathsig_explain(const struct observation *observation, struct verdict *ret)
{
	const struct killer *k = &observation->exit.killer;
	struct text text = say_cause(ret);

	say_their_end(&text, "its parent", k);
	if (!their_end_known(k))
		text_add(&text, " (or only the thread of it that had forked this one)");
	text_add(&text, "; it had asked for ");
	exit_say_own_signal(&text, observation);
	text_add(&text, " at that moment (PR_SET_PDEATHSIG)");
	text = say_advice(ret);
	text_add(&text, "look at the end of the parent first");
	if (!their_end_known(k)) {
		text = say_advice(ret);
		text_add(&text, "if the parent lives on: it was only the thread that had forked it which ended; fork from "
				"a thread that stays");
	}
	exit_conclude(observation, SEVERITY_WARNING, "its parent ended, PR_SET_PDEATHSIG", ret);
	exit_verify_log(observation, ret);
}

/* ---- limits --------------------------------------------------------- */

/* by systemd's name of a limit, or the shell's letter */
static void verify_limit(const struct observation *observation, const char *name, char letter, struct verdict *ret)
{
	const char *service = exit_service(observation);
	struct text text = say_verify(ret);

	if (!service) {
		text_format(&text, "ulimit -%c; ulimit -H%c   (in the shell that starts it)", letter, letter);
		return;
	}
	text_format(&text, "systemctl show -p Limit%s -p Limit%sSoft ", name, name);
	text_shell(&text, service, strlen(service));
	say_whole(&text, &ret->diagnosis.verify_count);
}

bool exit_rlimit_cpu_matches(const struct observation *observation)
{
	return exit_is(observation, SIGXCPU, KILLER_SOURCE_RLIMIT) ||
	       exit_is(observation, SIGKILL, KILLER_SOURCE_RLIMIT);
}

void exit_rlimit_cpu_explain(const struct observation *observation, struct verdict *ret)
{
	const struct exit *e = &observation->exit;
	struct text text = say_cause(ret);

	text_format(&text, "it reached the %s limit of processor time", e->signal == SIGXCPU ? "soft" : "hard");
	if (e->killer.known.cpu_limit_ns) {
		text_add(&text, " of ");
		text_duration(&text, e->killer.cpu_limit_ns);
		text_add(&text, " (RLIMIT_CPU)");
	} else {
		text_add(&text, " (RLIMIT_CPU, or RLIMIT_RTTIME when it runs in real time)");
	}
	if (e->known.cpu_user_ns && e->known.cpu_system_ns) {
		text_add(&text, ": it had used ");
		text_duration(&text, e->cpu_user_ns + e->cpu_system_ns);
	}
	KNOW(&ret->diagnosis, resource, RESOURCE_CPU);
	text = say_advice(ret);
	text_add(&text, "find out whether it hung in a loop or had that much to do; then raise the limit where it is set "
			"(ulimit -t, LimitCPU=, limits.conf)");
	exit_conclude(observation, SEVERITY_WARNING, "limit of processor time", ret);
	verify_limit(observation, "CPU", 't', ret);
}

bool exit_rlimit_fsize_matches(const struct observation *observation)
{
	return exit_is(observation, SIGXFSZ, KILLER_SOURCE_RLIMIT);
}

void exit_rlimit_fsize_explain(const struct observation *observation, struct verdict *ret)
{
	const struct exit *e = &observation->exit;
	struct text text = say_cause(ret);

	text_add(&text, "it wrote beyond the largest file it may make");
	if (e->killer.known.size_limit_bytes) {
		text_add(&text, ", ");
		text_bytes(&text, e->killer.size_limit_bytes);
	}
	text_add(&text, " (RLIMIT_FSIZE)");
	text = say_advice(ret);
	text_add(&text, "look which file grew too large (a log?), or raise the limit where it is set (ulimit -f, "
			"LimitFSIZE=, limits.conf)");
	exit_conclude(observation, SEVERITY_WARNING, "limit of file size", ret);
	verify_limit(observation, "FSIZE", 'f', ret);
}

bool exit_seccomp_matches(const struct observation *observation)
{
	return source_is(observation, KILLER_SOURCE_SECCOMP);
}

void exit_seccomp_explain(const struct observation *observation, struct verdict *ret)
{
	const struct killer *k = &observation->exit.killer;
	struct text text = say_cause(ret);

	if (k->known.syscall)
		text_format(&text, "it made system call %llu, which its seccomp filter forbids on pain of death",
			    (unsigned long long)k->syscall);
	else
		text_add(&text, "it made a system call that its seccomp filter forbids on pain of death");
	text = say_advice(ret);
	text_add(&text, "if the call is harmless, allow it where the filter is set: systemd SystemCallFilter=, docker "
			"--security-opt seccomp=, the pod's seccompProfile, or the program's own sandbox");
	text = say_advice(ret);
	text_add(&text, "an upgrade of the program or its C library that began to use a newer call is the usual reason");
	exit_conclude(observation, SEVERITY_WARNING, "a system call its seccomp filter forbids", ret);
	if (k->known.syscall) {
		text = say_verify(ret);
		text_format(&text, "ausyscall %llu   (its name)", (unsigned long long)k->syscall);
	}
	text = say_verify(ret);
	text_add(&text, "journalctl -k --grep type=1326   (the audit of seccomp, where it is on)");
}

/* ---- terminals ------------------------------------------------------ */

bool exit_tty_matches(const struct observation *observation)
{
	return exit_is(observation, SIGINT, KILLER_SOURCE_TTY) || exit_is(observation, SIGQUIT, KILLER_SOURCE_TTY);
}

void exit_tty_explain(const struct observation *observation, struct verdict *ret)
{
	struct text text = say_cause(ret);

	text_format(&text, "somebody at its terminal interrupted it (%s)",
		    observation->exit.signal == SIGINT ? "^C" : "^\\");
	text = say_advice(ret);
	text_add(&text, "nothing, if that was meant; else run it apart from the terminal (systemd-run, setsid, tmux)");
	exit_conclude(observation, SEVERITY_NOTICE, "a key at its terminal", ret);
}

bool exit_hangup_matches(const struct observation *observation)
{
	return exit_is(observation, SIGHUP, KILLER_SOURCE_TTY);
}

void exit_hangup_explain(const struct observation *observation, struct verdict *ret)
{
	struct text text = say_cause(ret);

	text_add(&text, "its terminal went away, or the shell that led its session ended (an ssh connection that broke, "
			"a window closed): it was hung up");
	text = say_advice(ret);
	text_add(&text, "start what has to outlive a login with systemd-run --user, tmux, nohup or setsid");
	exit_conclude(observation, SEVERITY_NOTICE, "its terminal went away", ret);
	exit_verify_log(observation, ret);
}

/* ---- its own doing -------------------------------------------------- */

bool exit_sigpipe_matches(const struct observation *observation)
{
	return exit_is(observation, SIGPIPE, KILLER_SOURCE_KERNEL);
}

void exit_sigpipe_explain(const struct observation *observation, struct verdict *ret)
{
	struct text text = say_cause(ret);

	text_add(&text, "it wrote into a pipe or a socket whose other end was closed, and had no handler for SIGPIPE");
	text = say_advice(ret);
	text_add(&text, "normal for the left side of a pipeline (| head); else ignore SIGPIPE or send with MSG_NOSIGNAL, "
			"and handle EPIPE");
	text = say_advice(ret);
	text_add(&text, "find who was to read: what ended or closed the connection just before");
	exit_conclude(observation, SEVERITY_NOTICE, "nobody read what it wrote", ret);
	exit_verify_log(observation, ret);
}

bool exit_timer_matches(const struct observation *observation)
{
	return source_is(observation, KILLER_SOURCE_TIMER);
}

void exit_timer_explain(const struct observation *observation, struct verdict *ret)
{
	struct text text = say_cause(ret);

	text_add(&text, "a timer set for it expired (alarm, setitimer, timer_create) and it had no handler for ");
	exit_say_own_signal(&text, observation);
	text = say_advice(ret);
	text_add(&text, "a time-out of the program, or of what started it, as alarm() and setitimer() survive exec: "
			"find what took too long");
	text = say_advice(ret);
	text_add(&text, "if no end was meant, install the handler before the timer is set");
	exit_conclude(observation, SEVERITY_NOTICE, "a timer expired, no handler", ret);
	exit_verify_log(observation, ret);
}

/* ---- the rest ------------------------------------------------------- */

bool exit_kernel_signal_matches(const struct observation *observation)
{
	return source_is(observation, KILLER_SOURCE_KERNEL) || source_is(observation, KILLER_SOURCE_RLIMIT) ||
	       source_is(observation, KILLER_SOURCE_TTY);
}

void exit_kernel_signal_explain(const struct observation *observation, struct verdict *ret)
{
	const struct exit *e = &observation->exit;
	bool hard = e->signal == SIGKILL || exit_signal_dumps(e->signal);
	struct text text = say_cause(ret);

	text_add(&text, "the kernel itself sent ");
	exit_say_own_signal(&text, observation);
	if (exit_source(observation) != KILLER_SOURCE_KERNEL)
		text_format(&text, " (because of %s)", exit_source_words(exit_source(observation)));
	text_add(&text, "; no process did");
	text = say_advice(ret);
	if (e->signal == SIGKILL || e->signal == SIGSEGV)
		text_add(&text, "an exec that failed when the old program was already gone, or a signal handler for which "
				"the stack had no room, are the usual reasons: look what the kernel says");
	else if (e->signal == SIGHUP)
		text_add(&text, "stopped jobs get it when the shell that started them ends: use nohup, setsid or "
				"systemd-run");
	else if (e->signal == SIGBUS)
		text_add(&text, "bad memory is a usual reason: look for hardware errors (mce, EDAC) in what the kernel says");
	else
		text_add(&text, "look what the kernel says at that time");
	exit_conclude(observation, hard ? SEVERITY_ERROR : SEVERITY_WARNING, "sent by the kernel itself", ret);
	text = say_verify(ret);
	if (observation->time_ns >= 60 * SECOND_NS)
		text_format(&text, "journalctl -k --since @%llu --until @%llu",
			    (unsigned long long)(observation->time_ns / SECOND_NS - 60),
			    (unsigned long long)(observation->time_ns / SECOND_NS + 5));
	else
		text_add(&text, "dmesg -T | tail -50");
}

/* known to have died of a signal, and nothing of where it came from */
bool exit_sender_unknown_matches(const struct observation *observation)
{
	return exit_signal(observation) && !exit_source(observation);
}

void exit_sender_unknown_explain(const struct observation *observation, struct verdict *ret)
{
	const struct exit *e = &observation->exit;
	bool hard = e->signal == SIGKILL || exit_signal_dumps(e->signal);
	struct text text = say_cause(ret);

	exit_say_own_signal(&text, observation);
	text_add(&text, " ended it; who sent it was not seen: that was before the watch began, or the record of it "
			"was lost");
	KNOW(&ret->diagnosis, confidence, BASIS_UNKNOWN);
	text = say_advice(ret);
	text_add(&text, e->signal == SIGKILL ?
		 "do not take it for the OOM killer without a line of the kernel that says so" :
		 exit_signal_dumps(e->signal) ? "such a signal comes most often from the program itself (a fault, abort)" :
		 "keep exitwatch running: the next one comes with its sender");
	if (exit_signal_dumps(e->signal))
		exit_advise_crash(observation, ret);
	exit_conclude(observation, hard ? SEVERITY_ERROR : SEVERITY_NOTICE, "sender not seen", ret);
	if (e->signal == SIGKILL) {
		text = say_verify(ret);
		text_add(&text, "journalctl -k --grep 'Killed process'");
	}
	exit_verify_log(observation, ret);
}
