// SPDX-License-Identifier: BSD-2-Clause
#include "fd_words.h"

#include <string.h>

#include "exit_view.h"
#include "say.h"

void fd_say_holder(struct text *text, const struct observation *observation)
{
	const struct process *p = &observation->process;

	say_process(text, p->known.comm ? p->comm : "", p->known.pid, p->pid);
}

void fd_say_home(struct text *text, const struct observation *observation)
{
	const struct container *c = &observation->container;

	if (c->known.id)
		text_format(text, strlen(c->id) == 64 ? "  in container %.12s" : "  in container %s", c->id);
	else if (c->known.unit)
		text_format(text, "  in %s", c->unit);
}

void fd_say_use(struct text *text, const struct fd_view *v)
{
	if (!v->has_open) {
		text_add(text, "its descriptors");
		return;
	}
	text_number(text, v->open);
	if (v->has_soft)
		text_format(text, " of %llu", (unsigned long long)v->soft);
	text_add(text, v->open == 1 && !v->has_soft ? " descriptor" : " descriptors");
	if (v->has_soft && fd_percent(v->open, v->soft))
		text_format(text, " (%llu %%)", (unsigned long long)fd_percent(v->open, v->soft));
}

const char *fd_type_words(const char *type)
{
	static const struct {
		const char *type, *words;
	} rows[] = {
		{ "file", "files" }, { "directory", "directories" }, { "device", "devices" }, { "terminal", "terminals" },
		{ "pipe", "pipe ends" }, { "fifo", "FIFOs" }, { "tcp", "TCP sockets" }, { "udp", "UDP sockets" },
		{ "unix", "unix sockets" }, { "netlink", "netlink sockets" }, { "socket", "sockets" }, { "eventfd", "eventfds" },
		{ "eventpoll", "epoll instances" }, { "timerfd", "timerfds" }, { "signalfd", "signalfds" },
		{ "inotify", "inotify instances" }, { "fanotify", "fanotify groups" }, { "pidfd", "pidfds" },
		{ "memfd", "memfds" }, { "io_uring", "io_uring instances" }, { "perf_event", "perf events" },
		{ "bpf", "BPF objects" }, { "proc", "files of /proc" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(type, rows[i].type) == 0)
			return rows[i].words;
	return type;
}

void fd_say_group(struct text *text, const struct fd_group *group)
{
	bool kind = group->known.type && group->known.what && strcmp(group->what, group->type) == 0;

	if (group->known.what && *group->what && !kind)
		say_path(text, group->what);
	else if (group->known.type && *group->type)
		text_add(text, fd_type_words(group->type));
	else
		text_add(text, "of one kind");
	if (group->known.tcp_state && *group->tcp_state)
		text_format(text, " in %s", group->tcp_state);
	/* what has no name any more says so itself, in the kernel's words */
	if (group->known.deleted && group->deleted && !(group->known.what && strstr(group->what, " (deleted)")))
		text_add(text, " (deleted)");
}

void fd_say_stack(struct text *text, const struct fd_stack *stack, uint64_t most)
{
	enum { ROOM = 300 };
	uint64_t said = 0;

	for (uint64_t i = 0; i < stack->count; i++) {
		const char *frame = fd_frame(stack, i);

		if (!*frame)
			continue;
		if (said == most || text->length + strlen(frame) > ROOM) {
			text_add(text, " <- …");
			return;
		}
		text_add(text, said++ ? " <- " : "");
		text_add(text, frame);
	}
}

void fd_say_code(struct text *text, const char *frame)
{
	const char *plus = strchr(frame, '+'), *rest = plus ? strchr(plus, ' ') : NULL;

	if (!rest) {
		text_add(text, frame);
		return;
	}
	text_append(text, frame, plus - frame);
	text_add(text, rest);
}

void fd_say_signed(struct text *text, int64_t value)
{
	text_add(text, value < 0 ? "" : "+");
	text_signed(text, value);
}

bool fd_was_there(const struct observation *observation)
{
	struct fd_view v = fd_view_of(observation);
	const struct fd_leak *l = &observation->fd_leak;

	if (!observation->process.known.pid)
		return false;
	if (observation->kind == KIND_fd_leak)
		return !(l->known.ended && l->ended);
	return v.type_count || v.group_count;
}

void fd_say_target(struct text *text, const struct observation *observation)
{
	const struct process *p = &observation->process;

	if (fd_was_there(observation)) {
		text_format(text, "-p %llu", (unsigned long long)p->pid);
	} else if (p->known.comm && *p->comm) {
		text_add(text, "-c ");
		text_shell(text, p->comm, strlen(p->comm));
	} else {
		text_add(text, "-p PID");
	}
}

void fd_advise(struct verdict *ret, const char *advice)
{
	struct text text = say_advice(ret);

	text_add(&text, advice);
}

/* ---- raising the limit -------------------------------------------------- */

/* programs that set or divide their limit themselves */
static const char *own_setting(const struct process *p)
{
	static const struct {
		const char *comm, *words;
	} rows[] = {
		{ "nginx", "worker_rlimit_nofile in nginx.conf, above worker_connections (twice as much where it is a proxy)" },
		{ "mysqld", "open_files_limit in my.cnf" }, { "mariadbd", "open_files_limit in my.cnf" },
		{ "redis-server", "maxclients in redis.conf, 32 below the limit" },
		{ "haproxy", "maxconn or ulimit-n in haproxy.cfg" },
		{ "postgres", "max_files_per_process in postgresql.conf, below the limit" },
		{ "memcached", "-c of memcached" }, { "squid", "max_filedescriptors in squid.conf" },
	};

	for (size_t i = 0; p->known.comm && i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(p->comm, rows[i].comm) == 0)
			return rows[i].words;
	return NULL;
}

/* "4096:524288"; the hard limit is left as it is where it is above */
static void say_limits(struct text *text, const struct fd_view *v, uint64_t limit)
{
	text_number(text, limit);
	if (v->has_hard && v->hard > limit)
		text_format(text, ":%llu", (unsigned long long)v->hard);
}

static void say_lasting(struct text *text, const struct observation *observation, const struct fd_view *v,
			uint64_t limit)
{
	const struct container *c = &observation->container;
	const char *service = exit_service(observation);
	bool docker = c->known.runtime && (!strcmp(c->runtime, "docker") || !strcmp(c->runtime, "podman"));

	if (c->known.pod_uid) {
		text_format(text, "Kubernetes has no field for it: ulimit -Sn %llu in the image's entrypoint, up to the hard "
			    "limit, which is the container runtime's (systemctl show containerd -p LimitNOFILE on the node)",
			    (unsigned long long)limit);
	} else if (c->known.id) {
		text_format(text, "%s run --ulimit nofile=", docker ? c->runtime : "docker");
		say_limits(text, v, limit);
		text_add(text, " ... (Compose: ulimits: nofile:); a container that exists has to be made anew");
	} else if (service) {
		text_add(text, "systemctl edit ");
		text_shell(text, service, strlen(service));
		text_add(text, ", there [Service] and LimitNOFILE=");
		say_limits(text, v, limit);
		text_add(text, "; then systemctl restart ");
		text_shell(text, service, strlen(service));
	} else {
		text_format(text, "ulimit -n %llu in the script that starts it, LimitNOFILE= in its unit, or nofile in "
			    "/etc/security/limits.conf for what a login starts", (unsigned long long)limit);
	}
}

static void advise_at_once(const struct observation *observation, const struct fd_view *v, uint64_t limit,
			   const char *what, struct verdict *ret)
{
	const struct process *p = &observation->process;
	bool within = v->has_hard && limit <= v->hard;
	struct text text;

	if (!fd_was_there(observation))
		return;
	text = say_advice(ret);
	/* "N:" is the soft limit alone */
	text_format(&text, "%s (%snot where the program made its tables by the old limit): prlimit --pid %llu --nofile=%llu%s",
		    what, within ? "" : "as root; ", (unsigned long long)p->pid, (unsigned long long)limit,
		    within ? ":" : "");
}

void fd_advise_time(const struct observation *observation, uint64_t wanted, struct verdict *ret)
{
	struct fd_view v = fd_view_of(observation);
	uint64_t limit = fd_next_limit(&v, wanted);

	if (limit)
		advise_at_once(observation, &v, limit, "a higher limit only gains time", ret);
}

void fd_advise_raise(const struct observation *observation, uint64_t wanted, const char *when, struct verdict *ret)
{
	struct fd_view v = fd_view_of(observation);
	uint64_t limit = fd_next_limit(&v, wanted);
	const char *own = own_setting(&observation->process);
	struct text text;

	if (!limit && v.has_soft && v.has_nr_open && v.soft >= v.nr_open) {
		text = say_advice(ret);
		text_format(&text, "the limit cannot be raised as it is: fs.nr_open is %llu (sysctl -w fs.nr_open=%llu first); a "
			    "process that needs so many is rare, so look at what they are", (unsigned long long)v.nr_open,
			    (unsigned long long)v.nr_open * 2);
		return;
	}
	if (!limit)
		return;
	advise_at_once(observation, &v, limit, "at once, until it ends", ret);
	text = say_advice(ret);
	text_format(&text, "for good%s%s: ", when ? ", " : "", when ? when : "");
	say_lasting(&text, observation, &v, limit);
	if (own)
		text_format(&text, "; and %s", own);
	say_whole(&text, &ret->diagnosis.advice_count);
}

void fd_advise_restart(const struct observation *observation, const char *why, struct verdict *ret)
{
	const struct process *p = &observation->process;
	const struct container *c = &observation->container;
	const char *service = exit_service(observation);
	struct text text;

	if (!fd_was_there(observation) && !service && !c->known.id)
		return;
	text = say_advice(ret);
	text_format(&text, "%s: ", why);
	if (service) {
		text_add(&text, "systemctl restart ");
		text_shell(&text, service, strlen(service));
	} else if (c->known.pod_uid) {
		text_format(&text, "restart the pod with the uid %s", c->pod_uid);
	} else if (c->known.id) {
		text_format(&text, strlen(c->id) == 64 ? "restart container %.12s" : "restart container %s", c->id);
	} else {
		text_format(&text, "restart it (pid %llu)", (unsigned long long)p->pid);
	}
	text_add(&text, "; that closes all it has");
}

/* ---- commands ------------------------------------------------------------ */

void fd_verify_count(const struct observation *observation, struct verdict *ret)
{
	const struct process *p = &observation->process;
	unsigned long long pid = p->known.pid ? p->pid : 0;
	struct text text;

	if (!fd_was_there(observation))
		return;
	text = say_verify(ret);
	text_format(&text, "ls /proc/%llu/fd | wc -l; sleep 60; ls /proc/%llu/fd | wc -l   (must not rise)", pid, pid);
}

void fd_verify_watch(const struct observation *observation, const char *must, struct verdict *ret)
{
	const struct process *p = &observation->process;
	struct text text = say_verify(ret);

	text_add(&text, "fdleak");
	if (observation->kind == KIND_fd_leak && fd_was_there(observation)) {
		text_format(&text, " -p %llu -d 60   (%s; after a restart its new pid)", (unsigned long long)p->pid, must);
		return;
	}
	if (p->known.comm && *p->comm) {
		text_add(&text, " -c ");
		text_shell(&text, p->comm, strlen(p->comm));
	}
	text_format(&text, " -d 60   (%s)", must);
}

void fd_verify_close_wait(const struct observation *observation, struct verdict *ret)
{
	const struct process *p = &observation->process;
	struct text text;

	if (!fd_was_there(observation))
		return;
	/* its own network namespace, which is this one's mostly: ss sees no sockets of others */
	text = say_verify(ret);
	text_format(&text, "nsenter -t %llu -n ss -Htnp state close-wait | grep -c pid=%llu,   (must fall to 0)",
		    (unsigned long long)p->pid, (unsigned long long)p->pid);
}
