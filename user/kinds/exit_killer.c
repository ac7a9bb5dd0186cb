// SPDX-License-Identifier: BSD-2-Clause
/*
 * Who sent the signal. The note of a signal says in whose context it was sent;
 * that is the sender only where it called kill(2) or the like. Everything else
 * the kernel sent, for a reason that follows from how it did.
 */
#include "exit_kind.h"

#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

#include "ancestors.h"
#include "names.h"

void signal_name(char *to, size_t size, uint64_t signal)
{
	static const char *const names[] = {
		NULL, "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
		"PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU",
		"XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
	};
	struct text text = { .data = to, .size = size };

	/* what glibc leaves of the kernel's 32 to 64 */
	if (signal > 0 && signal < 32)
		text_format(&text, "SIG%s", names[signal]);
	else if (signal == 34)
		text_add(&text, "SIGRTMIN");
	else if (signal > 34 && signal <= 64)
		text_format(&text, "SIGRTMIN+%d", (int)signal - 34);
	else
		text_format(&text, "signal %d", (int)signal);
}

/* system calls that end processes, and writes to files that do */
static const struct {
	long number;
	const char *name;
} calls[] = {
	{ SYS_kill, "kill" },
	{ SYS_tkill, "tkill" },
	{ SYS_tgkill, "tgkill" },
	{ SYS_rt_sigqueueinfo, "rt_sigqueueinfo" },
	{ SYS_rt_tgsigqueueinfo, "rt_tgsigqueueinfo" },
	{ 424, "pidfd_send_signal" },
	{ SYS_write, "write" },
	{ SYS_writev, "writev" },
	{ SYS_pwrite64, "pwrite64" },
	{ SYS_sendfile, "sendfile" },
	{ SYS_splice, "splice" },
	{ SYS_exit, "exit" },
	{ SYS_exit_group, "exit_group" },
};

static const char *call_name(int number)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (calls[i].number == number)
			return calls[i].name;
	return NULL;
}

static bool sends_signals(int number)
{
	return number == SYS_kill || number == SYS_tkill || number == SYS_tgkill || number == SYS_rt_sigqueueinfo ||
	       number == SYS_rt_tgsigqueueinfo || number == 424;
}

static bool is_fault(uint32_t signal)
{
	return signal == SIGILL || signal == SIGTRAP || signal == SIGBUS || signal == SIGFPE || signal == SIGSEGV;
}

static bool is_timer(uint32_t signal)
{
	return signal == SIGALRM || signal == SIGVTALRM || signal == SIGPROF;
}

/* sent by the kernel to the task that was running */
static enum killer_source source_in_self(const struct signal_note *n)
{
	if (is_fault(n->signal) && n->code > 0)
		return KILLER_SOURCE_FAULT;
	if (n->signal == SIGXCPU || n->signal == SIGXFSZ || n->signal == SIGKILL)
		return KILLER_SOURCE_RLIMIT;
	if (n->signal == SIGSYS)
		return KILLER_SOURCE_SECCOMP;
	return is_timer(n->signal) ? KILLER_SOURCE_TIMER : KILLER_SOURCE_KERNEL;
}

/* SEND_SIG_PRIV, or a code above zero */
static enum killer_source source_of_kernel(const struct signal_note *n, bool self)
{
	const uint32_t dying_init = SIGNAL_NOTE_SENDER_EXITING | SIGNAL_NOTE_SENDER_INIT;

	if (n->signal == SIGKILL && n->flags & SIGNAL_NOTE_OOM && !(n->flags & SIGNAL_NOTE_SENDER_EXITING))
		return KILLER_SOURCE_OOM;
	if (n->signal == SIGKILL && (n->flags & dying_init) == dying_init && !self)
		return KILLER_SOURCE_PIDNS_EXIT;
	if (is_timer(n->signal))
		return KILLER_SOURCE_TIMER;
	/* the terminal's driver; a hang-up has taken the terminal away already */
	if (n->signal == SIGHUP || ((n->signal == SIGINT || n->signal == SIGQUIT) && n->flags & SIGNAL_NOTE_HAS_TTY))
		return KILLER_SOURCE_TTY;
	return self ? source_in_self(n) : KILLER_SOURCE_KERNEL;
}

static enum killer_source source_of(const struct signal_note *n, uint64_t pid)
{
	bool self = n->sender_pid == pid;

	if (n->flags & SIGNAL_NOTE_KERNEL)
		return source_of_kernel(n, self);
	/* posix timers carry SI_TIMER; nobody else does, but one who queues it by hand */
	if (n->code == -2 && !sends_signals(n->via))
		return KILLER_SOURCE_TIMER;
	if (n->flags & SIGNAL_NOTE_NO_INFO && !sends_signals(n->via)) {
		if (n->flags & SIGNAL_NOTE_SENDER_EXITING)
			return n->flags & SIGNAL_NOTE_PDEATHSIG && !self ? KILLER_SOURCE_PDEATHSIG :
									   KILLER_SOURCE_KERNEL;
		if (self)
			return source_in_self(n);
		/* cgroup.kill: send_sig(SIGKILL, task, 0), 5.14 "cgroup: introduce cgroup.kill" */
		return n->signal == SIGKILL ? KILLER_SOURCE_CGROUP_KILL : KILLER_SOURCE_KERNEL;
	}
	return self ? KILLER_SOURCE_SELF : KILLER_SOURCE_USER;
}

/* sources whose sender is a process, the one in whose context it was sent */
static bool has_sender(enum killer_source source)
{
	return source == KILLER_SOURCE_USER || source == KILLER_SOURCE_SELF ||
	       source == KILLER_SOURCE_CGROUP_KILL || source == KILLER_SOURCE_PIDNS_EXIT ||
	       source == KILLER_SOURCE_PDEATHSIG;
}

/* no signal was sent, the kernel ended the process in the system call */
static enum killer_source source_without_note(const struct exit_event *event, uint64_t signal)
{
	if (signal == SIGSYS && event->seccomp_mode)
		return KILLER_SOURCE_SECCOMP;
	/* SECCOMP_MODE_STRICT, or since 5.17 the mode in which it ends a task, SECCOMP_MODE_DEAD */
	return signal == SIGKILL && (event->seccomp_mode == 1 || event->seccomp_mode == 3) ? KILLER_SOURCE_SECCOMP : 0;
}

/* The note of the signal that ended it: the one with which it began to die, else the last of that number. */
static int find_killing(const struct exit_event *event, const struct signal_note *notes, uint64_t signal)
{
	int found = -1;

	for (int i = 0; i < (int)event->note_count; i++) {
		const struct signal_note *n = &notes[i];

		if (n->signal != signal || n->result == 1 || n->action == SIGNAL_ACTION_HANDLER)
			continue;
		if (n->flags & SIGNAL_NOTE_FATAL)
			return i;
		if (found < 0 || n->boot_ns > notes[found].boot_ns)
			found = i;
	}
	return found;
}

static void add_sender_place(struct session *s, struct observation *o, struct killer *k, uint64_t id)
{
	const struct cgroup_path *path = cgroup_paths_find(&s->cgroup_paths, id);

	if (!path)
		return;
	if (text_copy(k->cgroup, sizeof(k->cgroup), path->cgroup.path, strlen(path->cgroup.path)))
		observation_truncated(o, "exit.killer.cgroup");
	k->known.cgroup = path->cgroup.known.path;
	if (path->container.known.id)
		KNOW_TEXT(k, container, path->container.id);
	if (path->container.known.unit)
		KNOW_TEXT(k, unit, path->container.unit);
}

static void add_sender_exe(struct killer *k, const struct signal_note *n)
{
	struct text exe = { .data = k->exe, .size = sizeof(k->exe) };

	if (!n->sender_exe_bytes || n->sender_exe_bytes > sizeof(n->sender_exe))
		return;
	if (n->sender_exe_plain)
		text_append(&exe, n->sender_exe, strnlen(n->sender_exe, n->sender_exe_bytes));
	else
		names_path(&exe, n->sender_exe, n->sender_exe_bytes, 0, false);
	k->known.exe = 1;
}

static void add_sender(struct session *s, struct observation *o, const struct signal_note *n)
{
	struct killer *k = &o->exit.killer;

	KNOW(k, pid, n->sender_pid);
	if (n->sender_tid != n->sender_pid)
		KNOW(k, tid, n->sender_tid);
	KNOW(k, start_ns, n->sender_start_ns);
	KNOW(k, uid, n->sender_uid);
	text_copy(k->comm, sizeof(k->comm), n->sender_comm, strnlen(n->sender_comm, sizeof(n->sender_comm)));
	k->known.comm = 1;
	k->parents_count = ancestors_fill(k->parents, n->parents, sizeof(n->parents) / sizeof(n->parents[0]));
	k->known.parents = 1;
	KNOW(k, other_pidns, !!(n->flags & SIGNAL_NOTE_OTHER_PIDNS));
	add_sender_exe(k, n);
	add_sender_place(s, o, k, n->sender_cgroup_id);
	if (n->flags & SIGNAL_NOTE_FORGED)
		KNOW(k, forged_pid, n->forged_pid);
	if (call_name(n->via) && k->source != KILLER_SOURCE_PIDNS_EXIT && k->source != KILLER_SOURCE_PDEATHSIG)
		KNOW_TEXT(k, via, call_name(n->via));
	/* a thread that ends alone has not ended its process */
	if (k->source != KILLER_SOURCE_PIDNS_EXIT && k->source != KILLER_SOURCE_PDEATHSIG)
		return;
	if (n->sender_exit_code & 0x7f)
		KNOW(k, sender_signal, n->sender_exit_code & 0x7f);
	else
		KNOW(k, sender_code, n->sender_exit_code >> 8 & 0xff);
}

/* one that came while the death was being told is no older than it */
static uint64_t age_of(const struct signal_note *n, const struct observation *o)
{
	return n->boot_ns < o->boot_ns ? o->boot_ns - n->boot_ns : 0;
}

static enum signal_result result_of(const struct signal_note *n)
{
	if (n->result == 1)
		return SIGNAL_RESULT_IGNORED;
	if (n->result == 2)
		return SIGNAL_RESULT_PENDING;
	/* blocked by the thread it was sent to; another may take it */
	if (n->blocked && n->signal != SIGKILL)
		return n->flags & SIGNAL_NOTE_THREADS ? 0 : SIGNAL_RESULT_BLOCKED;
	return SIGNAL_RESULT_DELIVERED;
}

static void add_prior(struct observation *o, const struct signal_note *n)
{
	struct exit *x = &o->exit;
	struct prior_signal *p = &x->prior_signals[x->prior_signals_count++];
	enum killer_source source = source_of(n, o->process.pid);
	enum signal_result result = result_of(n);

	KNOW(p, signal, n->signal);
	signal_name(p->signal_name, sizeof(p->signal_name), n->signal);
	p->known.signal_name = 1;
	KNOW(p, age_ns, age_of(n, o));
	if (n->program_ns)
		KNOW(p, uptime_ns, n->program_ns);
	if (result)
		KNOW(p, result, result);
	KNOW(p, action, n->action);
	KNOW(p, action_at_death, n->action_at_death);
	KNOW(p, count, n->count);
	KNOW(p, namespace_init, x->known.namespace_init && x->namespace_init);
	if (!has_sender(source))
		return;
	KNOW(p, sender_pid, n->sender_pid);
	text_copy(p->sender_comm, sizeof(p->sender_comm), n->sender_comm, strnlen(n->sender_comm, 16));
	p->known.sender_comm = 1;
}

/* newest first */
static void add_priors(struct observation *o, const struct exit_event *event, const struct signal_note *notes,
		       int killing)
{
	const uint64_t max = sizeof(o->exit.prior_signals) / sizeof(o->exit.prior_signals[0]);
	uint64_t end = killing < 0 ? UINT64_MAX : notes[killing].boot_ns;
	unsigned int left = (1U << event->note_count) - 1;

	if (killing >= 0)
		left &= ~(1U << killing);
	while (o->exit.prior_signals_count < max) {
		int newest = -1;

		for (int i = 0; i < (int)event->note_count; i++)
			if (left >> i & 1 && notes[i].boot_ns <= end &&
			    (newest < 0 || notes[i].boot_ns > notes[newest].boot_ns))
				newest = i;
		if (newest < 0)
			break;
		left &= ~(1U << newest);
		add_prior(o, &notes[newest]);
	}
	o->exit.known.prior_signals = o->exit.prior_signals_count > 0;
}

/*
 * Soft with SIGXCPU, hard with SIGKILL. With each SIGXCPU the kernel moves the
 * soft limit on by a second (check_process_timers(), kernel/time/posix-cpu-timers.c).
 */
static void add_limit(struct killer *k, const struct exit_event *event, uint64_t signal)
{
	uint64_t seconds = signal == SIGKILL ? event->cpu_limit_s[1] : event->cpu_limit_s[0] - 1;

	if (signal == SIGXFSZ)
		KNOW(k, size_limit_bytes, event->size_limit);
	else if (seconds < UINT64_MAX / 1000000000)
		KNOW(k, cpu_limit_ns, seconds * 1000000000);
}

void exit_killer(struct session *s, struct observation *o, const struct exit_event *event,
		 const struct exit_parts *parts)
{
	struct exit *x = &o->exit;
	struct killer *k = &x->killer;
	enum killer_source source;
	int killing = -1;

	if (x->known.signal) {
		killing = find_killing(event, parts->notes, x->signal);
		source = killing >= 0 ? source_of(&parts->notes[killing], o->process.pid) :
					source_without_note(event, x->signal);
		if (source) {
			KNOW(k, source, source);
			x->known.killer = 1;
		}
		if (source == KILLER_SOURCE_RLIMIT)
			add_limit(k, event, x->signal);
		if (source == KILLER_SOURCE_SECCOMP && event->syscall >= 0)
			KNOW(k, syscall, event->syscall);
	}
	if (killing >= 0) {
		const struct signal_note *n = &parts->notes[killing];

		KNOW(k, code, n->code);
		KNOW(k, age_ns, age_of(n, o));
		if (has_sender(k->source))
			add_sender(s, o, n);
	}
	add_priors(o, event, parts->notes, killing);
}
