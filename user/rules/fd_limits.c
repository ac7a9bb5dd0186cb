// SPDX-License-Identifier: BSD-2-Clause
/* Refusals whose limit is not the process's number of descriptors, though their errors sound like it. */
#include <string.h>

#include "fd_words.h"
#include "say.h"

bool fd_is_refused_by(const struct observation *observation, enum fd_limit limit)
{
	return observation->fd_exhausted.known.limit_kind && observation->fd_exhausted.limit_kind == limit;
}

bool fd_is_file_max(const struct fd_exhausted *x)
{
	return x->known.limit_kind && x->limit_kind == FD_LIMIT_FILE_MAX;
}

const char *fd_error_name(enum fd_error error)
{
	static const char *const names[] = {
		[FD_ERROR_EMFILE] = "EMFILE", [FD_ERROR_ENFILE] = "ENFILE", [FD_ERROR_ENOSPC] = "ENOSPC",
		[FD_ERROR_EBADF] = "EBADF",
	};

	return error < sizeof(names) / sizeof(names[0]) && names[error] ? names[error] : "error";
}

const char *fd_syscall(const struct fd_exhausted *x)
{
	if (x->known.syscall && *x->syscall)
		return x->syscall;
	if (x->known.calls && x->calls_count && x->calls[0].known.syscall && *x->calls[0].syscall)
		return x->calls[0].syscall;
	return "a call";
}

/* how often the call failed that fd_syscall() names */
static uint64_t named_count(const struct fd_exhausted *x)
{
	if (!x->known.calls || x->calls_count < 2 || !x->calls[0].known.count || x->calls[0].count > x->count)
		return x->count;
	return x->calls[0].count;
}

void fd_say_spin(struct text *text, const struct fd_exhausted *x)
{
	if (!x->known.spin_percent || x->spin_percent < 30)
		return;
	if (x->known.spin_tid)
		text_format(text, ". Thread %llu", (unsigned long long)x->spin_tid);
	else
		text_add(text, ". A thread");
	text_format(text, " spends %llu %% of a CPU on trying again", (unsigned long long)x->spin_percent);
}

void fd_conclude_refused(const struct observation *observation, enum basis basis, const char *why, struct verdict *ret)
{
	const struct fd_exhausted *x = &observation->fd_exhausted;
	bool dropped = x->known.syscall && strncmp(x->syscall, "recvm", 5) == 0;
	bool later = x->known.total && x->known.count && x->total > x->count;
	struct text text = say_message(ret);

	KNOW(&ret->diagnosis, confidence, basis);
	fd_say_holder(&text, observation);
	text_format(&text, "%s: %s %s", later ? " goes on" : "", fd_syscall(x), dropped ? "dropped descriptors" : "failed");
	if (x->known.count && x->count > 1) {
		uint64_t named = named_count(x);

		text_format(&text, named == 1 ? " once" : " %llu times", (unsigned long long)named);
		if (named < x->count)
			text_format(&text, ", other calls %llu", (unsigned long long)(x->count - named));
		if (x->known.window_ns && x->window_ns) {
			text_add(&text, " in ");
			text_duration(&text, x->window_ns);
		}
	}
	if (x->known.error)
		text_format(&text, " (%s)", fd_error_name(x->error));
	if (why && *why)
		text_format(&text, ": %s", why);
}

/* ---- the host's open files ---------------------------------------------- */

static void advise_file_max(const struct fd_exhausted *x, struct verdict *ret)
{
	uint64_t more = x->known.file_max && x->file_max < 1ULL << 40 ? x->file_max * 2 : 0;
	struct text text = say_advice(ret);

	if (x->known.host_open && x->host_open < 1ULL << 40 && more && x->host_open * 2 > more)
		more = x->host_open * 2;
	text_add(&text, "raise it at once: sysctl -w fs.file-max=");
	if (more)
		text_number(&text, more);
	else
		text_add(&text, "NUMBER");
	text_add(&text, "; to keep it, the same in /etc/sysctl.d/");
	text = say_advice(ret);
	text_add(&text, "find who holds them (descriptors, pid): find /proc/[0-9]*/fd -mindepth 1 2>/dev/null | cut -d/ -f3 | "
			"sort | uniq -c | sort -rn | head");
	text = say_advice(ret);
	text_add(&text, "then watch the first of these: fdleak -p PID -d 60; the process that was refused is often not the one "
			"that holds them");
}

void fd_file_max_explain(const struct observation *observation, struct verdict *ret)
{
	const struct fd_exhausted *x = &observation->fd_exhausted;
	struct text text = say_cause(ret);

	text_add(&text, "the whole host has no open file left");
	if (x->known.host_open && x->known.file_max)
		text_format(&text, ": %llu of %llu (fs.file-max)", (unsigned long long)x->host_open,
			    (unsigned long long)x->file_max);
	else if (x->known.file_max)
		text_format(&text, ": fs.file-max is %llu", (unsigned long long)x->file_max);
	text_add(&text, ". Root is not bound by it: a root shell looks fine while containers and ordinary users fail");
	if (x->known.open && x->known.host_open && fd_is_share(x->open, x->host_open, 1, 4))
		text_format(&text, ". %llu of them are this process's own", (unsigned long long)x->open);
	fd_say_spin(&text, x);
	advise_file_max(x, ret);
	text = say_verify(ret);
	text_add(&text, "sysctl fs.file-nr   (open, free, limit: the first must stay well below the last)");
	fd_verify_watch(observation, "must tell of no refused call", ret);
	fd_conclude_refused(observation, BASIS_MEASURED, "the host has no open file left (fs.file-max)", ret);
}

/* ---- limits of one user --------------------------------------------------- */

/* What the limits that count per user differ in. */
struct user_limit {
	const char *sysctl;
	const char *in_namespace;	/* the same of a user namespace, which may be lower */
	const char *things;	/* what is counted */
	const char *not_it;	/* what the error is taken for */
	const char *useless;	/* what therefore does not help */
	const char *who;	/* command: who has how many */
	uint64_t times;		/* how much more is sensible */
	uint64_t least;
};

static const struct user_limit inotify_instances = {
	"fs.inotify.max_user_instances", "user.max_inotify_instances", "inotify instances", "descriptors of the process are not short",
	"raising ulimit -n does not help",
	"find /proc/[0-9]*/fd -lname 'anon_inode:*inotify*' 2>/dev/null | cut -d/ -f3 | sort | uniq -c | sort -rn | head", 8, 1024,
};

static const struct user_limit inotify_watches = {
	"fs.inotify.max_user_watches", "user.max_inotify_watches", "inotify watches", "the disk is not full, whatever \"No space left on device\" says",
	"deleting files does not help",
	"grep -sc ^inotify /proc/[0-9]*/fdinfo/* | grep -v ':0$' | sort -t: -k2,2nr | head", 4, 524288,
};

static const struct user_limit fanotify_groups = {
	"fs.fanotify.max_user_groups", "user.max_fanotify_groups", "fanotify groups", "descriptors of the process are not short",
	"raising ulimit -n does not help",
	"find /proc/[0-9]*/fd -lname 'anon_inode:*fanotify*' 2>/dev/null | cut -d/ -f3 | sort | uniq -c | sort -rn | head", 4, 1024,
};

static void user_limit_explain(const struct observation *observation, const struct user_limit *u, struct verdict *ret)
{
	const struct fd_exhausted *x = &observation->fd_exhausted;
	const struct process *p = &observation->process;
	uint64_t more = x->known.limit && x->limit < 1ULL << 40 ? x->limit * u->times : 0;
	char room[96];
	struct text text = say_cause(ret), why = TEXT_ON(room);

	if (p->known.uid)
		text_format(&text, "user %llu", (unsigned long long)p->uid);
	else
		text_add(&text, "the process's user");
	text_format(&text, " has as many %s as one may have", u->things);
	if (x->known.limit)
		text_format(&text, ", %llu", (unsigned long long)x->limit);
	text_format(&text, " (%s", u->sysctl);
	if (x->known.other_user_ns && x->other_user_ns)
		text_format(&text, ", or %s of its user namespace, whichever is lower", u->in_namespace);
	text_format(&text, "; all processes of that user together). %c%s: %s", u->not_it[0] - 'a' + 'A', u->not_it + 1, u->useless);
	fd_say_spin(&text, x);
	text = say_advice(ret);
	text_format(&text, "raise it: sysctl -w %s=", u->sysctl);
	if (more || !x->known.limit)
		text_number(&text, more > u->least ? more : u->least);
	else
		text_add(&text, "NUMBER");
	text_add(&text, "; to keep it, the same in /etc/sysctl.d/");
	if (x->known.other_user_ns && x->other_user_ns && p->known.pid) {
		text = say_advice(ret);
		text_format(&text, "first look which of them it is: nsenter -U -t %llu sysctl %s", (unsigned long long)p->pid,
			    u->in_namespace);
	}
	text = say_advice(ret);
	text_format(&text, "see who has them (as root; %s): %s",
		    u == &inotify_watches ? "/proc/PID/fdinfo/FD:watches" : "how many, pid", u->who);
	fd_advise(ret, u == &inotify_watches ?
			       "an editor or bundler that watches node_modules or .git needs none of these: let it leave them out" :
			       "one that has dozens opens one for each thing it watches, or forgets to close them: fdleak -p PID -d 60");
	text = say_verify(ret);
	text_format(&text, "sysctl %s", u->sysctl);
	fd_verify_watch(observation, "must tell of no refused call", ret);
	text_format(&why, "the user's %s are used up (%s)", u->things, u->sysctl);
	fd_conclude_refused(observation, BASIS_MEASURED, room, ret);
}

void fd_inotify_instances_explain(const struct observation *observation, struct verdict *ret)
{
	user_limit_explain(observation, &inotify_instances, ret);
}

void fd_inotify_watches_explain(const struct observation *observation, struct verdict *ret)
{
	user_limit_explain(observation, &inotify_watches, ret);
}

void fd_fanotify_groups_explain(const struct observation *observation, struct verdict *ret)
{
	user_limit_explain(observation, &fanotify_groups, ret);
}

/* ---- limits that are counted in something else ------------------------------ */

void fd_msgqueue_explain(const struct observation *observation, struct verdict *ret)
{
	const struct fd_exhausted *x = &observation->fd_exhausted;
	const struct process *p = &observation->process;
	struct text text = say_cause(ret);

	text_add(&text, "the POSIX message queues of ");
	if (p->known.uid)
		text_format(&text, "user %llu", (unsigned long long)p->uid);
	else
		text_add(&text, "the process's user");
	text_add(&text, " take as many bytes as RLIMIT_MSGQUEUE allows");
	if (x->known.limit) {
		text_add(&text, " (");
		text_bytes(&text, x->limit);
		text_add(&text, ")");
	}
	text_add(&text, ". Descriptors of the process are not short: raising ulimit -n does not help. The room a queue may take "
			"counts, not what is in it");
	fd_advise(ret, "remove queues that nobody uses any more: ls -l /dev/mqueue, then rm what is left over; or make them smaller "
		       "(mq_maxmsg, mq_msgsize)");
	fd_advise(ret, "or raise the limit: ulimit -q BYTES, LimitMSGQUEUE= in the unit, docker run --ulimit msgqueue=BYTES");
	if (p->known.pid) {
		text = say_verify(ret);
		text_format(&text, "prlimit --pid %llu --msgqueue", (unsigned long long)p->pid);
	}
	fd_verify_watch(observation, "must tell of no refused call", ret);
	fd_conclude_refused(observation, BASIS_MEASURED, "the user's message queues are too large (RLIMIT_MSGQUEUE)", ret);
}

void fd_pipe_pages_explain(const struct observation *observation, struct verdict *ret)
{
	const struct fd_exhausted *x = &observation->fd_exhausted;
	const struct process *p = &observation->process;
	struct text text = say_cause(ret);

	text_add(&text, "the pipes of ");
	if (p->known.uid)
		text_format(&text, "user %llu", (unsigned long long)p->uid);
	else
		text_add(&text, "the process's user");
	text_add(&text, " take as many pages as fs.pipe-user-pages-hard allows");
	if (x->known.limit)
		text_format(&text, " (%llu)", (unsigned long long)x->limit);
	text_add(&text, ". Neither the process's descriptors nor the host's open files are short, whatever ENFILE says");
	fd_advise(ret, "see who has pipes (as root; how many, pid): find /proc/[0-9]*/fd -lname 'pipe:*' 2>/dev/null | cut -d/ -f3 | "
		       "sort | uniq -c | sort -rn | head");
	fd_advise(ret, "or take the limit away, which is the kernel's default: sysctl -w fs.pipe-user-pages-hard=0");
	text = say_verify(ret);
	text_add(&text, "sysctl fs.pipe-user-pages-hard fs.pipe-user-pages-soft");
	fd_verify_watch(observation, "must tell of no refused call", ret);
	fd_conclude_refused(observation, BASIS_MEASURED, "the user's pipes are too large (fs.pipe-user-pages-hard)", ret);
}
