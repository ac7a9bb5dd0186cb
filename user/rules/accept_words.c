// SPDX-License-Identifier: BSD-2-Clause
#include "accept_words.h"

#include <string.h>

#include "say.h"

void accept_say_listener(struct text *text, const struct accept_overflow *x)
{
	struct tcp_end end = {
		.address = x->known.saddr ? x->saddr : NULL, .has_port = x->known.sport, .port = x->sport,
		.interface = x->known.interface ? x->interface : NULL,
	};

	tcp_say_end(text, &end);
}

void accept_say_group(struct text *text, const struct accept_overflow *x)
{
	const struct reuseport_member *full = accept_full_member(x);

	if (!x->known.group_size || x->group_size < 2)
		return;
	text_format(text, ". It is one of %llu SO_REUSEPORT sockets on that port", LLU(x->group_size));
	if (!accept_group_uneven(x))
		return;
	text_format(text, ": %llu full", LLU(x->group_full));
	if (full && full->known.overflows) {
		text_add(text, x->group_full == 1 ? " (this one)" : " (one is this one)");
	} else if (full && (full->known.comm || full->known.pid)) {
		text_add(text, x->group_full == 1 ? " (that of " : " (one is that of ");
		say_process(text, full->known.comm ? full->comm : "", full->known.pid, full->pid);
		text_add(text, ")");
	}
	text_add(text, ", the others not, and the kernel goes on giving each its share");
}

void accept_say_since(struct text *text, const struct accept_overflow *x)
{
	if (!x->known.since_accept_ns || !x->since_accept_ns)
		return;
	text_add(text, ". There was no accept() for at least ");
	text_duration(text, x->since_accept_ns);
}

/* where a server does not wait: its master does, and what inherited its socket */
bool accept_is_no_server_call(const char *call)
{
	static const char *const calls[] = { "wait4", "waitid", "pause", "nanosleep", "clock_nanosleep", "rt_sigsuspend" };

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (strcmp(call, calls[i]) == 0)
			return true;
	return false;
}

void accept_say_holders(struct text *text, const struct accept_overflow *x)
{
	uint64_t stopped = 0, blocked = 0, all = x->known.holders ? x->holders_count : 0;

	for (uint64_t i = 0; i < all; i++) {
		const struct tcp_holder *h = &x->holders[i];

		if (!h->known.state)
			continue;
		stopped += h->state == ACCEPTOR_STOPPED;
		blocked += h->state == ACCEPTOR_BLOCKED && !(h->known.syscall && accept_is_no_server_call(h->syscall));
	}
	if (all < 2 || (!stopped && !blocked))
		return;
	text_format(text, ". Of %llu processes that share the socket ", LLU(all));
	if (stopped)
		text_format(text, stopped == 1 ? "%llu is stopped" : "%llu are stopped", LLU(stopped));
	if (blocked)
		text_format(text, blocked == 1 ? "%s%llu is blocked in another call" : "%s%llu are blocked in another call",
			    stopped ? ", " : "", LLU(blocked));
}

bool accept_say_bound(struct text *text, const struct accept_overflow *x)
{
	enum overflow_bound bound;

	if (!accept_bound(x, &bound))
		return false;
	if (bound == OVERFLOW_BOUND_LISTEN) {
		if (x->known.listen_backlog)
			text_format(text, "listen(%lld)", (long long)x->listen_backlog);
		else
			text_add(text, "the argument of listen()");
	} else if (bound == OVERFLOW_BOUND_SOMAXCONN_NOW) {
		text_add(text, "net.core.somaxconn");
		if (x->known.somaxconn_now)
			text_format(text, " (%llu)", LLU(x->somaxconn_now));
	} else {
		text_add(text, "the net.core.somaxconn of the time it called listen()");
		if (x->known.somaxconn_then)
			text_format(text, " (%llu)", LLU(x->somaxconn_then));
	}
	return true;
}

/* ---- advice ------------------------------------------------------------- */

void accept_say_acceptor(struct text *text, const struct observation *observation)
{
	const struct tcp_holder *holder = accept_acceptor(&observation->accept_overflow);

	if (holder)
		say_process(text, holder->known.comm ? holder->comm : "", holder->known.pid, holder->pid);
	else
		tcp_say_process(text, observation);
}

void accept_advise_no_queue(const struct observation *observation, struct verdict *ret)
{
	const struct accept_overflow *x = &observation->accept_overflow;
	struct text text;

	if (x->known.since_accept_ns && x->since_accept_ns < 2 * SECOND_NS && !accept_goes_on(x) &&
	    !accept_is(x, ACCEPTOR_STOPPED) && !accept_is(x, ACCEPTOR_FD_EXHAUSTED)) {
		text = say_advice(ret);
		text_add(&text, "a longer queue helps against short pauses only; this one has lasted ");
		text_duration(&text, x->since_accept_ns);
		text_add(&text, " so far, and another line comes if it goes on");
		return;
	}
	tcp_advise(ret, "a larger queue or somaxconn does not help: it would be full a moment later, and more clients would wait in vain");
}

/* where a program takes its backlog from; the first whose name begins like this */
static const char *own_setting(const struct process *p)
{
	static const struct {
		const char *comm, *words;
	} rows[] = {
		{ "nginx", "listen ... backlog=N; in nginx.conf (its default is 511)" },
		{ "node", "server.listen({ port, backlog: N }) (the default is 511)" },
		{ "python", "listen(N); gunicorn and uvicorn --backlog N, request_queue_size of socketserver (5)" },
		{ "gunicorn", "gunicorn --backlog N" }, { "uvicorn", "uvicorn --backlog N" },
		{ "uwsgi", "listen = N in its ini file (its default is 100)" },
		{ "redis-server", "tcp-backlog N in redis.conf (its default is 511)" },
		{ "valkey-server", "tcp-backlog N in valkey.conf (its default is 511)" },
		{ "postgres", "PostgreSQL has no setting: it asks for twice max_connections; raise that, or put a pooler such as pgbouncer in front" },
		{ "mysqld", "back_log in my.cnf" }, { "mariadbd", "back_log in my.cnf" },
		{ "apache2", "ListenBacklog N in its configuration" }, { "httpd", "ListenBacklog N in its configuration" },
		{ "haproxy", "backlog N in the frontend (else its maxconn)" },
		{ "php-fpm", "listen.backlog = N in the pool's file" },
		{ "memcached", "memcached -b N (its default is 1024)" },
		{ "java", "new ServerSocket(port, N) (the default is 50); Tomcat acceptCount, Jetty acceptQueueSize" },
		{ "envoy", "tcp_backlog_size of the listener" },
		{ "puma", "?backlog=N in bind" }, { "ruby", "server.listen(N); puma ?backlog=N in bind" },
	};

	for (size_t i = 0; p->known.comm && i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strncmp(p->comm, rows[i].comm, strlen(rows[i].comm)) == 0)
			return rows[i].words;
	return NULL;
}

void accept_advise_backlog(const struct observation *observation, struct verdict *ret)
{
	const struct accept_overflow *x = &observation->accept_overflow;
	const char *own = own_setting(&observation->process);
	struct text text = say_advice(ret);

	if (!own || !strstr(own, "no setting"))
		text_format(&text, "have the program ask for more, N = %llu say: ", LLU(accept_wanted(x)));
	text_add(&text, own ? own : "the argument of its listen(), in its settings often called backlog");
	text_add(&text, "; then ");
	tcp_say_restart(&text, observation);
}

/* a container that starts again gets a new network namespace: what was set in the old one is lost */
static void advise_container(const struct observation *observation, struct verdict *ret)
{
	const struct container *c = &observation->container;
	unsigned long long want = accept_wanted(&observation->accept_overflow);
	struct text text = say_advice(ret);

	if (c->known.pod_uid)
		text_format(&text, "give the pod net.core.somaxconn=%llu in securityContext.sysctls (the kubelet has to allow it: "
			    "--allowed-unsafe-sysctls)", want);
	else
		text_format(&text, "make the container anew with docker run --sysctl net.core.somaxconn=%llu (Compose: sysctls:)", want);
	text_add(&text, "; what nsenter or the host's sysctl sets is lost or not seen, as its next start gets a network namespace of its own");
}

void accept_advise_somaxconn(const struct observation *observation, struct verdict *ret)
{
	unsigned long long want = accept_wanted(&observation->accept_overflow);
	struct text text;

	if (observation->container.known.id) {
		advise_container(observation, ret);
		return;
	}
	text = say_advice(ret);
	text_format(&text, "raise the sysctl: sysctl -w net.core.somaxconn=%llu; for good: the same in /etc/sysctl.d/", want);
}

void accept_advise_listen_again(const struct observation *observation, struct verdict *ret)
{
	struct text text;

	/* its limit comes with its next start */
	if (observation->container.known.id)
		return;
	text = say_advice(ret);
	text_add(&text, "the socket takes it over only when it listens again: ");
	tcp_say_restart(&text, observation);
}

/* of several that share the socket: who accepts, and how often */
static void advise_trace(const struct accept_overflow *x, struct verdict *ret)
{
	bool any = false;
	struct text text;

	for (uint64_t i = 0; x->known.holders && i < x->holders_count; i++)
		any |= x->holders[i].known.pid;
	if (!any)
		return;
	text = say_advice(ret);
	text_add(&text, "see which of them accept: strace -f -e trace=accept,accept4");
	for (uint64_t i = 0; i < x->holders_count; i++)
		if (x->holders[i].known.pid)
			text_format(&text, " -p %llu", LLU(x->holders[i].pid));
}

void accept_advise_stack(const struct observation *observation, struct verdict *ret)
{
	const struct accept_overflow *x = &observation->accept_overflow;
	uint64_t pid, tid;
	struct text text;

	if (accept_anonymous(x)) {
		advise_trace(x, ret);
		return;
	}
	if (!accept_acceptor_pid(observation, &pid) || (x->known.acceptor_state && x->acceptor_state == ACCEPTOR_WAITING))
		return;
	tid = x->known.acceptor_tid ? x->acceptor_tid : pid;
	text = say_advice(ret);
	if (x->known.acceptor_state && x->acceptor_state == ACCEPTOR_RUNNING)
		text_format(&text, "see what it computes: perf top -t %llu, or gdb -p %llu -batch -ex 'thread apply all bt'", LLU(tid),
			    LLU(pid));
	else
		text_format(&text, "see where it hangs: cat /proc/%llu/task/%llu/stack; gdb -p %llu -batch -ex 'thread apply all bt'",
			    LLU(pid), LLU(tid), LLU(pid));
}

/* ---- the end of every rule ----------------------------------------------- */

static void verify_queue(const struct observation *observation, struct verdict *ret)
{
	const struct accept_overflow *x = &observation->accept_overflow;
	struct text text;

	if (x->known.sport) {
		text = say_verify(ret);
		tcp_say_enter(&text, observation);
		text_format(&text, "ss -lntp 'sport = :%llu'   (Recv-Q is the queue, Send-Q the limit: must stay below)", LLU(x->sport));
	}
	text = say_verify(ret);
	tcp_say_enter(&text, observation);
	text_add(&text, "nstat -az TcpExtListenOverflows TcpExtListenDrops   (must not rise)");
}

static void say_hurt(struct text *text, const struct accept_overflow *x)
{
	text_add(text, accept_goes_on(x) ? " goes on to turn away" : " turned away");
	if (x->known.clients && x->clients.known.distinct && x->clients.distinct) {
		text_add(text, " ");
		tcp_say_count(text, x->clients.distinct, "client", "clients");
	} else {
		text_add(text, " clients");
	}
	if (x->known.count && x->count) {
		text_add(text, ", ");
		tcp_say_count(text, x->count, "drop", "drops");
		tcp_say_in(text, x->known.window_ns, x->window_ns);
	}
}

void accept_conclude(const struct observation *observation, enum basis basis, const char *why, struct verdict *ret)
{
	const struct accept_overflow *x = &observation->accept_overflow;
	struct text text;

	verify_queue(observation, ret);
	KNOW(&ret->diagnosis, confidence, basis);
	text = say_message(ret);
	tcp_say_owner(&text, observation);
	text_add(&text, " on ");
	accept_say_listener(&text, x);
	say_hurt(&text, x);
	if (why && *why)
		text_format(&text, ": %s", why);
}
