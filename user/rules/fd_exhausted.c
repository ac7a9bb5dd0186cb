// SPDX-License-Identifier: BSD-2-Clause
/*
 * Why a process got no descriptor. Which limit bound is measured: first those
 * that are not the process's own, then what its descriptors are, which was seen
 * just after and says why the limit was reached. The last claims nothing.
 */
#include "diagnosis.h"

#include <string.h>

#include "fd_refused.h"
#include "fd_words.h"
#include "say.h"

static const struct fd_exhausted *exhausted(const struct observation *observation)
{
	return &observation->fd_exhausted;
}

/* ---- the limit itself ----------------------------------------------------- */

static bool file_max_matches(const struct observation *observation)
{
	return fd_is_refused_by(observation, FD_LIMIT_FILE_MAX);
}

static bool inotify_instances_matches(const struct observation *observation)
{
	return fd_is_refused_by(observation, FD_LIMIT_INOTIFY_INSTANCES);
}

static bool inotify_watches_matches(const struct observation *observation)
{
	return fd_is_refused_by(observation, FD_LIMIT_INOTIFY_WATCHES);
}

static bool fanotify_groups_matches(const struct observation *observation)
{
	return fd_is_refused_by(observation, FD_LIMIT_FANOTIFY_GROUPS);
}

static bool msgqueue_matches(const struct observation *observation)
{
	return fd_is_refused_by(observation, FD_LIMIT_MQUEUE_BYTES);
}

static bool pipe_pages_matches(const struct observation *observation)
{
	return fd_is_refused_by(observation, FD_LIMIT_PIPE_PAGES);
}

static bool nr_open_matches(const struct observation *observation)
{
	return fd_is_refused_by(observation, FD_LIMIT_NR_OPEN);
}

static void nr_open_explain(const struct observation *observation, struct verdict *ret)
{
	const struct fd_exhausted *x = exhausted(observation);
	struct text text = say_cause(ret);

	fd_say_holder(&text, observation);
	text_add(&text, " may have ");
	if (x->known.soft)
		text_format(&text, "%llu descriptors by its own limit", (unsigned long long)x->soft);
	else
		text_add(&text, "more by its own limit");
	text_add(&text, ", but fs.nr_open, lowered since, ends them");
	if (x->known.nr_open)
		text_format(&text, " at %llu", (unsigned long long)x->nr_open);
	text_add(&text, ": raising ulimit -n does not help");
	fd_say_spin(&text, x);
	text = say_advice(ret);
	text_add(&text, "raise it at once: sysctl -w fs.nr_open=");
	text_number(&text, x->known.soft && x->soft > 1048576 && x->soft < 1ULL << 31 ? x->soft : 1048576);
	text_add(&text, " (1048576 is the kernel's default); to keep it, look who lowers it in /etc/sysctl.d/");
	fd_advise_look(observation, ret);
	text = say_verify(ret);
	text_add(&text, "sysctl fs.nr_open   (must be above the limits of all processes)");
	fd_verify_limit(observation, ret);
	fd_conclude_refused(observation, BASIS_MEASURED, "fs.nr_open is below its limit of descriptors", ret);
}

static bool dup_target_matches(const struct observation *observation)
{
	return exhausted(observation)->known.error && exhausted(observation)->error == FD_ERROR_EBADF;
}

static void dup_target_explain(const struct observation *observation, struct verdict *ret)
{
	const struct fd_exhausted *x = exhausted(observation);
	struct text text = say_cause(ret);

	fd_say_holder(&text, observation);
	text_format(&text, " asked by %s for a descriptor number that its limit forbids", fd_syscall(x));
	if (x->known.soft)
		text_format(&text, ": with a soft limit of %llu they end at %llu", (unsigned long long)x->soft,
			    (unsigned long long)(x->soft ? x->soft - 1 : 0));
	text_add(&text, ". The kernel says EBADF for that, as if the descriptor to copy were bad; how many are open does not matter");
	fd_advise(ret, "let it take the lowest free number instead of a fixed high one: dup(), or fcntl(F_DUPFD_CLOEXEC, MINIMUM)");
	fd_advise_raise(observation, fd_wanted(observation), "if the number is meant, and is below this", ret);
	fd_verify_limit(observation, ret);
	fd_conclude_refused(observation, BASIS_MEASURED, "the number asked for is above the limit of descriptors", ret);
}

static bool scm_rights_matches(const struct observation *observation)
{
	return (fd_is_own(observation)) && fd_is_call(exhausted(observation), "recvmsg", "recvmmsg");
}

static void scm_rights_explain(const struct observation *observation, struct verdict *ret)
{
	struct fd_view v = fd_view_of(observation);
	struct text text = say_cause(ret);

	fd_say_holder(&text, observation);
	text_add(&text, " was sent descriptors over a unix socket (SCM_RIGHTS) and has no room for them: ");
	fd_say_limit(&text, exhausted(observation));
	text_add(&text, " is reached. The call succeeds, the kernel drops what does not fit, and only the flag MSG_CTRUNC tells the "
			"receiver; the sender learns nothing");
	fd_advise_raise(observation, fd_wanted(observation), NULL, ret);
	fd_advise(ret, "in the program: look at msg_flags after recvmsg, and treat MSG_CTRUNC as a failure, or the peer waits for an "
		       "answer that never comes");
	if (v.type_count)
		fd_advise_look(observation, ret);
	fd_verify_limit(observation, ret);
	fd_conclude_refused(observation, BASIS_MEASURED, "descriptors that it was sent are lost (MSG_CTRUNC)", ret);
}

/* ---- what the descriptors are ----------------------------------------------- */

/* of those listed; *ret is the largest such group */
static uint64_t close_wait_count(const struct fd_view *v, const struct fd_group **ret)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < v->group_count; i++) {
		const struct fd_group *g = &v->groups[i];

		if (!fd_is_close_wait(g) || !g->known.count || g->count > v->listed)
			continue;
		sum += g->count;
		*ret = !*ret || g->count > (*ret)->count ? g : *ret;
	}
	return sum;
}

static bool close_wait_matches(const struct observation *observation)
{
	struct fd_view v = fd_view_of(observation);
	const struct fd_group *group = NULL;
	uint64_t count = close_wait_count(&v, &group);

	return fd_is_own(observation) && count >= 16 && fd_is_share(count, v.listed, 1, 3);
}

static void close_wait_explain(const struct observation *observation, struct verdict *ret)
{
	struct fd_view v = fd_view_of(observation);
	const struct fd_group *group = NULL;
	uint64_t count = close_wait_count(&v, &group);
	char room[96];
	struct text text = say_cause(ret), why = TEXT_ON(room);

	text_format(&text, "%llu of %llu descriptors are connections that the peer has closed and ",
		    (unsigned long long)count, (unsigned long long)v.listed);
	fd_say_holder(&text, observation);
	text_add(&text, " has not (CLOSE_WAIT)");
	if (group->known.peer && *group->peer)
		text_format(&text, ", %s of them %s", group->count == count ? "all" : "most", group->peer);
	text_add(&text, ". The kernel never times these out: they stay until close() or the process's end");
	fd_say_spin(&text, exhausted(observation));
	fd_advise(ret, "fix it in the program: close() when read() gives 0, on the paths for errors and timeouts, too; in a pool, throw "
		       "away what the peer has closed. Keepalive does not help, and a higher limit lasts only so long");
	fd_advise_restart(observation, "to be rid of them now", ret);
	fd_advise_look(observation, ret);
	fd_verify_close_wait(observation, ret);
	fd_verify_watch(observation, "must tell of no refused call", ret);
	text_format(&why, "%llu of %llu are connections in CLOSE_WAIT, which it forgets to close", (unsigned long long)count,
		    (unsigned long long)v.listed);
	fd_conclude_refused(observation, BASIS_MEASURED, room, ret);
}

/* 16 of one kind, and four fifths of all that was listed */
static const struct fd_group *one_kind(const struct fd_view *v, bool socket)
{
	const struct fd_group *g = fd_largest(v);

	if (!g || g->count < 16 || !fd_is_share(g->count, v->listed, 4, 5) || !g->known.type)
		return NULL;
	return fd_is_socket(g->type) == socket ? g : NULL;
}

static bool one_kind_matches(const struct observation *observation)
{
	struct fd_view v = fd_view_of(observation);

	return fd_is_own(observation) && one_kind(&v, false);
}

static void one_kind_explain(const struct observation *observation, struct verdict *ret)
{
	const struct fd_exhausted *x = exhausted(observation);
	struct fd_view v = fd_view_of(observation);
	const struct fd_group *g = one_kind(&v, false);
	char room[256];
	struct text text = say_cause(ret), why = TEXT_ON(room);

	text_format(&why, "%llu of %llu are ", (unsigned long long)g->count, (unsigned long long)v.listed);
	fd_say_group(&why, g);
	text_add(&text, room);
	text_add(&text, ": hardly any program needs that many alike, most likely it forgets to close them");
	if (x->known.growth_per_min && x->growth_per_min > 0)
		text_format(&text, ". They grew by %lld per minute before", (long long)x->growth_per_min);
	if (g->known.deleted && g->deleted)
		text_add(&text, ". The file is deleted: its space on the disk is free only when they are closed");
	fd_say_spin(&text, x);
	fd_advise_look(observation, ret);
	fd_advise_restart(observation, "to be rid of them now", ret);
	fd_advise_time(observation, fd_wanted(observation), ret);
	fd_verify_count(observation, ret);
	fd_verify_watch(observation, "must tell of no refused call", ret);
	text_add(&why, ", most likely a leak");
	fd_conclude_refused(observation, BASIS_INFERRED, room, ret);
}

static bool leak_known_matches(const struct observation *observation)
{
	const struct fd_exhausted *x = exhausted(observation);

	return fd_is_own(observation) && x->known.growth_per_min && x->growth_per_min > 0;
}

static void leak_known_explain(const struct observation *observation, struct verdict *ret)
{
	const struct fd_exhausted *x = exhausted(observation);
	struct fd_view v = fd_view_of(observation);
	const struct fd_group *most = fd_largest(&v);
	char room[128];
	struct text text = say_cause(ret), why = TEXT_ON(room);

	fd_say_holder(&text, observation);
	text_format(&text, " was watched: its descriptors grew by %lld per minute until ", (long long)x->growth_per_min);
	fd_say_limit(&text, x);
	text_add(&text, " was reached. It most likely forgets to close some");
	if (most && most->count > 1) {
		text_format(&text, ": %llu are ", (unsigned long long)most->count);
		fd_say_group(&text, most);
	}
	fd_say_spin(&text, x);
	fd_advise_look(observation, ret);
	fd_advise_restart(observation, "to be rid of them now", ret);
	fd_advise_time(observation, fd_wanted(observation), ret);
	fd_verify_count(observation, ret);
	fd_verify_watch(observation, "must tell of no refused call", ret);
	text_format(&why, "its descriptors grew by %lld per minute, most likely a leak", (long long)x->growth_per_min);
	fd_conclude_refused(observation, BASIS_INFERRED, room, ret);
}

static bool one_peer_matches(const struct observation *observation)
{
	struct fd_view v = fd_view_of(observation);

	return fd_is_own(observation) && one_kind(&v, true);
}

static void one_peer_explain(const struct observation *observation, struct verdict *ret)
{
	struct fd_view v = fd_view_of(observation);
	const struct fd_group *g = one_kind(&v, true);
	bool silent = g->known.quiet_ns && g->quiet_ns >= 600 * SECOND_NS;
	char room[256];
	struct text text = say_cause(ret), why = TEXT_ON(room);

	text_format(&why, "%llu of %llu are ", (unsigned long long)g->count, (unsigned long long)v.listed);
	fd_say_group(&why, g);
	text_add(&text, room);
	text_add(&text, ". That may be its load, a pool without bound, or connections it forgot: this line cannot tell");
	if (silent) {
		text_add(&text, "; one of them has been silent for ");
		text_duration(&text, g->quiet_ns);
	}
	fd_say_spin(&text, exhausted(observation));
	fd_advise_look(observation, ret);
	fd_advise(ret, "if it grows without end: bound the pool (maximum size, idle timeout), close what is idle; if it does not, the "
		       "limit is too small for the load");
	fd_advise_raise(observation, fd_wanted(observation), NULL, ret);
	fd_verify_limit(observation, ret);
	fd_conclude_refused(observation, BASIS_INFERRED, room, ret);
}

/* ---- the limit is small -------------------------------------------------------- */

static bool lowered_matches(const struct observation *observation)
{
	return fd_is_own(observation) && fd_is_lowered(exhausted(observation));
}

static void lowered_explain(const struct observation *observation, struct verdict *ret)
{
	const struct fd_exhausted *x = exhausted(observation);
	char room[128];
	struct text text = say_cause(ret), why = TEXT_ON(room);

	fd_say_holder(&text, observation);
	text_format(&text, " has %llu descriptors open and may have %llu: its soft limit was lowered after it had opened them. Nothing is "
		    "closed by that, but no call gets a new one until a number below %llu is free", (unsigned long long)x->open,
		    (unsigned long long)x->soft, (unsigned long long)x->soft);
	fd_say_spin(&text, x);
	fd_advise_raise(observation, fd_wanted(observation), NULL, ret);
	fd_advise(ret, "look who lowers it: prlimit, a supervisor, ulimit in a script, or the program's own setrlimit()");
	fd_advise_look(observation, ret);
	fd_verify_limit(observation, ret);
	text_format(&why, "its soft limit was lowered to %llu, below the %llu that are open", (unsigned long long)x->soft,
		    (unsigned long long)x->open);
	fd_conclude_refused(observation, BASIS_MEASURED, room, ret);
}

static bool soft_low_matches(const struct observation *observation)
{
	const struct fd_exhausted *x = exhausted(observation);

	return fd_is_own(observation) && x->known.soft && x->known.hard && x->soft < x->hard &&
	       (x->soft <= 1024 || x->hard / 4 >= x->soft);
}

static void soft_low_explain(const struct observation *observation, struct verdict *ret)
{
	const struct fd_exhausted *x = exhausted(observation);
	struct fd_view v = fd_view_of(observation);
	const struct fd_group *most = fd_largest(&v);
	bool mixed = most && v.listed && most->count < v.listed / 2;
	char room[160];
	struct text text = say_cause(ret), why = TEXT_ON(room);

	fd_say_holder(&text, observation);
	text_format(&text, " runs with a soft limit of %llu descriptors and has reached it; its hard limit is %llu, so it may have more "
		    "as soon as somebody asks for it", (unsigned long long)x->soft, (unsigned long long)x->hard);
	if (mixed)
		text_add(&text, ". No path and no peer has the larger part of them: most likely it simply needs more");
	fd_say_spin(&text, x);
	fd_advise_raise(observation, fd_wanted(observation), NULL, ret);
	fd_advise(ret, "or let the program do it at start: setrlimit(RLIMIT_NOFILE), soft up to hard; not where it uses select(), which "
		       "takes no descriptor above 1023");
	fd_advise_look(observation, ret);
	fd_verify_limit(observation, ret);
	text_format(&why, "its soft limit of %llu descriptors is reached, the hard one is %llu", (unsigned long long)x->soft,
		    (unsigned long long)x->hard);
	fd_conclude_refused(observation, mixed ? BASIS_INFERRED : BASIS_MEASURED, room, ret);
}

static bool limit_matches(const struct observation *observation)
{
	const struct fd_exhausted *x = exhausted(observation);

	return fd_is_own(observation) && (x->known.soft || x->known.limit);
}

static void limit_explain(const struct observation *observation, struct verdict *ret)
{
	const struct fd_exhausted *x = exhausted(observation);
	bool top = x->known.soft && x->known.hard && x->soft == x->hard;
	char room[160];
	struct text text = say_cause(ret), why = TEXT_ON(room);

	fd_say_holder(&text, observation);
	text_add(&text, " has reached ");
	fd_say_limit(&text, x);
	text_add(&text, top ? ", soft and hard: only root can raise it" : " (RLIMIT_NOFILE)");
	if (!x->known.by_type)
		text_add(&text, ". Whether it needs that many or forgets to close them is not in this line");
	fd_say_spin(&text, x);
	fd_advise_raise(observation, fd_wanted(observation), "if it needs that many", ret);
	fd_advise_look(observation, ret);
	fd_verify_limit(observation, ret);
	fd_say_limit(&why, x);
	text_add(&why, " is reached");
	fd_conclude_refused(observation, BASIS_MEASURED, room, ret);
}

static bool always(const struct observation *observation)
{
	(void)observation;
	return true;
}

static void unexplained_explain(const struct observation *observation, struct verdict *ret)
{
	struct text text = say_cause(ret);

	fd_say_holder(&text, observation);
	text_add(&text, " got no descriptor; why is not in this line");
	fd_advise_look(observation, ret);
	fd_advise(ret, "compare use and limits: the process's (ls /proc/PID/fd | wc -l; grep 'open files' /proc/PID/limits), the host's "
		       "(sysctl fs.file-nr), the user's (sysctl fs.inotify)");
	fd_verify_limit(observation, ret);
	fd_conclude_refused(observation, BASIS_UNKNOWN, NULL, ret);
}

static const struct rule rules[] = {
	{ "fd-file-max", "the whole host has no open file left", file_max_matches, fd_file_max_explain },
	{ "inotify-instances", "the user's inotify instances are used up", inotify_instances_matches,
	  fd_inotify_instances_explain },
	{ "inotify-watches", "the user's inotify watches are used up: ENOSPC, and the disk is not full",
	  inotify_watches_matches, fd_inotify_watches_explain },
	{ "fanotify-groups", "the user's fanotify groups are used up", fanotify_groups_matches, fd_fanotify_groups_explain },
	{ "rlimit-msgqueue", "the user's POSIX message queues are too large", msgqueue_matches, fd_msgqueue_explain },
	{ "pipe-user-pages", "the user's pipes are too large", pipe_pages_matches, fd_pipe_pages_explain },
	{ "fd-nr-open", "fs.nr_open is below the process's limit", nr_open_matches, nr_open_explain },
	{ "fd-dup-target", "dup2 or dup3 to a number above the limit: EBADF", dup_target_matches, dup_target_explain },
	{ "fd-scm-rights", "descriptors that it was sent are lost", scm_rights_matches, scm_rights_explain },
	{ "fd-close-wait", "a third or more are connections that the peer closed", close_wait_matches, close_wait_explain },
	{ "fd-accept-spin", "accept fails in a loop: clients are connected and never served", fd_accept_spin_matches,
	  fd_accept_spin_explain },
	{ "fd-clients", "a server whose clients take all it may have", fd_clients_matches, fd_clients_explain },
	{ "fd-one-kind", "nearly all are alike, and no sockets", one_kind_matches, one_kind_explain },
	{ "fd-leak-known", "they were seen to grow before", leak_known_matches, leak_known_explain },
	{ "fd-one-peer", "nearly all are sockets of one peer", one_peer_matches, one_peer_explain },
	{ "fd-limit-lowered", "the soft limit was lowered below what is open", lowered_matches, lowered_explain },
	{ "fd-soft-low", "the soft limit is reached and far below the hard one", soft_low_matches, soft_low_explain },
	{ "fd-limit", "the limit is reached", limit_matches, limit_explain },
	{ "fd-unexplained", "none of the above", always, unexplained_explain },
};

const struct rule_table fd_exhausted_rules = { rules, sizeof(rules) / sizeof(*rules), fd_exhausted_describe };
