// SPDX-License-Identifier: BSD-2-Clause
/*
 * A server that does not accept() and its client, in a network namespace of
 * their own: accept [-t SECONDS] [-k] [-n COMM] STEP...
 *
 *   accept listen=4 fill sleep=500 drop=12
 *
 * fills the queue of listen(4) with five connections, and half a second later
 * tries twelve more. The server is a process of its own: "pid". -k keeps to the
 * namespace we are in. Times are those of CLOCK_BOOTTIME.
 *
 *   at=ADDRESS port=N device=NAME reuseport v6only defer multipath   of the next socket
 *   listen=N again=N take=N name=COMM cgroup=PROCS-FILE    the server does that
 *   on=CPU
 *   do=MANNER thread=MANNER                                instead of serving: accept_server.h
 *   prefork=MANNER,... group=BACKLOG,MANNER,...            "worker I PID"
 *   heir restart=N exit                                    who called listen() is gone; another one listens
 *   sysctl=NAME=VALUE                                      of the namespace, below /proc/sys/net
 *   to=ADDRESS cpu=N                                       where clients go, and where from
 *   fill                                                   connections until the queue is full
 *   keep=N drop=N[,MS]                                     attempts: kept, or given up at once; a pause between them
 *   data[=N] close                                         on all that were kept, on the first of them
 *   many=N,ROUNDS                                          that many ports with a full queue, one attempt at each a round
 *   load=PROCESSES,MS                                      attempts without end
 *   sleep=MS gate wake                                     gate: until SIGUSR1; wake: the server, from its manner
 *   freeze                                                 not a packet more; the counts are final
 *
 * At the end: "overflows N", "drops N", as the namespace counted them. Its inode
 * number is another one's as soon as it is gone: "begun", "ended".
 */
#include "accept_server.h"

#define CLIENTS 4096

static struct {
	int steps, server, fds[CLIENTS], gates;
	unsigned int count;
	unsigned long attempts, distinct;
	int owner;
} client;

static unsigned char port_used[65536];

/* A value of TcpExt, of this namespace. */
static unsigned long counter(const char *wanted)
{
	char names[8192], values[8192], *name, *value, *a = names, *b = values;
	FILE *file = fopen("/proc/thread-self/net/netstat", "re");
	unsigned long result = 0;

	if (!file || !fgets(names, sizeof(names), file) || !fgets(values, sizeof(values), file))
		quit(1, "/proc/net/netstat: %s", strerror(errno));
	fclose(file);
	while ((name = strsep(&a, " \n")) && (value = strsep(&b, " \n")))
		if (!strcmp(name, wanted))
			result = strtoul(value, NULL, 10);
	return result;
}

/* Sends a step to the server; prints its answer, of which VALUE is returned. */
static unsigned long ask(const char *step, const char *value, int silent)
{
	char text[512] = "", *at;
	size_t length = strlen(value);

	if (write(client.steps, step, strlen(step) + 1) < 0 || read(client.steps, text, sizeof(text) - 1) < 0)
		quit(1, "%s: the server is gone", step);
	if (*text == '!' || *text == '?')
		quit(*text == '!' ? 1 : EXIT_CANNOT, "%s: %s", step, text + 1);
	if (!silent)
		fputs(text, stdout);
	if ((at = strstr(text, "pid ")) && (at == text || at[-1] == '\n'))
		client.owner = strtoul(at + 4, NULL, 10);
	for (at = text; length && at && *at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
		if (!strncmp(at, value, length) && at[length] == ' ')
			return strtoul(at + length + 1, NULL, 10);
	return 0;
}

static void set_loopback(int up)
{
	struct ifreq request = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request))
		quit(EXIT_CANNOT, "lo: %s", strerror(errno));
	request.ifr_flags = up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP;
	if (ioctl(fd, SIOCSIFFLAGS, &request))
		quit(EXIT_CANNOT, "lo: %s", strerror(errno));
	close(fd);
}

/* --- attempts --- */

static void name_client(int fd, const char *key)
{
	union address address;
	socklen_t length = sizeof(address);
	char text[INET6_ADDRSTRLEN];

	if (getsockname(fd, &address.any, &length))
		return;
	if (address.any.sa_family == AF_INET)
		printf("%s %s:%u\n", key, inet_ntop(AF_INET, &address.v4.sin_addr, text, sizeof(text)),
		       ntohs(address.v4.sin_port));
	else
		printf("%s [%s]:%u\n", key, inet_ntop(AF_INET6, &address.v6.sin6_addr, text, sizeof(text)),
		       ntohs(address.v6.sin6_port));
}

static void note_port(int fd)
{
	union address address;
	socklen_t length = sizeof(address);
	unsigned int port;

	if (getsockname(fd, &address.any, &length))
		return;
	port = ntohs(address.any.sa_family == AF_INET ? address.v4.sin_port : address.v6.sin6_port);
	client.distinct += !port_used[port];
	port_used[port] = 1;
}

/* One attempt, which waits for nothing. Closed, it sends a reset and leaves nothing behind. */
static int dial(void)
{
	struct linger linger = { 1, 0 };
	union address address;
	socklen_t length = make_address(next.to ? next.to : next.at, next.port, &address);
	int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		quit(1, "socket: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	if (connect(fd, &address.any, length) && errno != EINPROGRESS)
		quit(1, "connect: %s", strerror(errno));
	client.attempts++;
	return fd;
}

static void keep(unsigned int count, const char *key)
{
	while (count--) {
		if (client.count == CLIENTS)
			quit(EXIT_USAGE, "at most %d clients", CLIENTS);
		client.fds[client.count] = dial();
		if (key) {
			note_port(client.fds[client.count]);
			name_client(client.fds[client.count], key);
		}
		client.count++;
	}
}

static void step_fill(char *argument)
{
	unsigned int limit = ask("queue", "limit", 1), queue = ask("queue", "queue", 1);

	(void)argument;
	printf("queued_from %llu\n", now_ns());
	keep(limit + 1 - queue, NULL);
	/* the last ACK may be on its way */
	for (int i = 0; i < 2000 && (queue = ask("queue", "queue", 1)) != limit + 1; i++)
		sleep_ns(1000000);
	if (queue != limit + 1)
		quit(1, "fill: %u are queued, and not %u", queue, limit + 1);
	printf("queue %u\nqueued_to %llu\n", queue, now_ns());
}

static void step_keep(char *argument)
{
	printf("kept_from %llu\n", now_ns());
	keep(number(argument), "kept");
	printf("kept_to %llu\n", now_ns());
}

static void step_drop(char *argument)
{
	unsigned int count = number(strsep(&argument, ",")), pause_ms = argument ? number(argument) : 0;
	int fd;

	printf("refused_from %llu\n", now_ns());
	for (unsigned int i = 0; i < count; i++) {
		fd = dial();
		note_port(fd);
		if (i < 16)
			name_client(fd, "refused");
		close(fd);
		if (pause_ms)
			sleep_ns(pause_ms * 1000000L);
	}
	printf("refused_to %llu\ndistinct %lu\n", now_ns(), client.distinct);
}

static void step_data(char *argument)
{
	unsigned int sent = 0, most = argument ? number(argument) : CLIENTS;

	for (unsigned int i = 0; i < client.count && i < most; i++)
		sent += send(client.fds[i], "x", 1, MSG_NOSIGNAL) == 1;
	printf("sent %u\n", sent);
}

static void step_close(char *argument)
{
	unsigned int reset = 0, error;
	socklen_t length = sizeof(error);

	(void)argument;
	while (client.count) {
		error = 0;
		getsockopt(client.fds[--client.count], SOL_SOCKET, SO_ERROR, &error, &length);
		reset += error == ECONNRESET;
		close(client.fds[client.count]);
	}
	printf("reset %u\n", reset);
}

static void dial_until(unsigned long long end)
{
	int fds[4];

	while (now_ns() < end) {
		for (int i = 0; i < 4; i++)
			fds[i] = dial();
		for (int i = 0; i < 4; i++)
			close(fds[i]);
	}
	_exit(0);
}

/* Many clients at a time, so that ACKs and SYNs of several race for the queue. */
static void step_load(char *argument)
{
	unsigned int count = number(strsep(&argument, ","));
	unsigned long long end = now_ns() + number(argument) * 1000000ULL;

	for (unsigned int i = 0; i < count; i++) {
		int pid = fork();

		if (pid < 0)
			quit(1, "fork: %s", strerror(errno));
		if (!pid) {
			bind_life();
			dial_until(end);
		}
		printf("loader %d\n", pid);
	}
	fflush(stdout);
	for (unsigned int i = 0; i < count; i++)
		while (wait(NULL) < 0 && errno == EINTR)
			;
}

/* The server listens on this port and those after it. */
static void step_many(char *argument)
{
	unsigned int ports = number(strsep(&argument, ",")), rounds = number(argument), first = next.port ? next.port : 20000;
	char text[32];

	for (next.port = first; next.port < first + ports; next.port++) {
		snprintf(text, sizeof(text), "port=%u", next.port);
		ask(text, "", 1);
		ask("listen=0", "", 1);
		keep(1, NULL);
	}
	sleep_ns(50000000);
	for (unsigned int i = 0; i < rounds; i++)
		for (next.port = first; next.port < first + ports; next.port++)
			close(dial());
}

/* --- the rest --- */

static void step_sysctl(char *argument)
{
	char path[128], *value = argument;
	const char *name = strsep(&value, "=");
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		quit(EXIT_CANNOT, "%s: %s", path, strerror(errno));
	close(fd);
}

/* Segments of a client are dropped on the CPU it runs on. */
static void step_cpu(char *argument)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(number(argument), &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		quit(EXIT_CANNOT, "CPU %s: %s", argument, strerror(errno));
}

static void step_sleep(char *argument)
{
	fflush(stdout);
	sleep_ns(number(argument) * 1000000L);
}

static void step_gate(char *argument)
{
	sigset_t set;
	int taken;

	(void)argument;
	printf("gate %d\n", ++client.gates);
	fflush(stdout);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigwait(&set, &taken);
}

/* From whatever it does: the answer comes when it is back. */
static void step_wake(char *argument)
{
	(void)argument;
	kill(client.owner, SIGUSR2);
	kill(client.owner, SIGCONT);
}

static void tell_counts(void)
{
	printf("attempts %lu\noverflows %lu\ndrops %lu\n", client.attempts, counter("ListenOverflows"),
	       counter("ListenDrops"));
	fflush(stdout);
}

static void step_freeze(char *argument)
{
	(void)argument;
	/* what is on its way arrives */
	sleep_ns(50000000);
	set_loopback(0);
	sleep_ns(10000000);
	tell_counts();
}

static const struct step client_steps[] = {
	{ "fill", step_fill }, { "keep", step_keep }, { "drop", step_drop }, { "data", step_data },
	{ "close", step_close }, { "load", step_load }, { "many", step_many }, { "sysctl", step_sysctl },
	{ "cpu", step_cpu }, { "sleep", step_sleep }, { "gate", step_gate }, { "wake", step_wake }, { "freeze", step_freeze }, { 0 },
};

static void take_step(char *text)
{
	char whole[512], *argument = text;
	const char *name;
	const struct step *step;
	unsigned long port;

	snprintf(whole, sizeof(whole), "%s", text);
	name = strsep(&argument, "=");
	step = find_step(client_steps, name);
	if (step) {
		step->run(argument);
	} else if (!strcmp(name, "exit")) {
		(void)!write(client.steps, whole, strlen(whole) + 1);
		await_state(client.owner, 'Z');
	} else if (configure(name, argument) || find_step(server_steps, name)) {
		port = ask(whole, "port", 0);
		if (port)
			next.port = port;
		if (!strcmp(name, "do")) {
			await_state(client.owner, manners[find_manner(argument)].state);
			printf("began %llu\n", now_ns());
		}
	} else {
		quit(EXIT_USAGE, "no step '%s'", name);
	}
	fflush(stdout);
}

static void open_namespace(void)
{
	if (unshare(CLONE_NEWNET))
		quit(EXIT_CANNOT, "unshare: %s", strerror(errno));
	set_loopback(1);
}

static void name_namespace(void)
{
	char text[64];
	ssize_t length;

	length = readlink("/proc/thread-self/ns/net", text, sizeof(text) - 1);
	text[length > 0 ? length : 0] = '\0';
	printf("begun %llu\nnetns %lu\n", now_ns(), strtoul(strchr(text, '[') ? strchr(text, '[') + 1 : "", NULL, 10));
}

static void start_server(void)
{
	int ends[2];

	/* what our server started and left to its fate is ours */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		quit(1, "socketpair: %s", strerror(errno));
	client.owner = fork();
	if (client.owner < 0)
		quit(1, "fork: %s", strerror(errno));
	if (!client.owner) {
		close(ends[1]);
		server.steps = ends[0];
		serve();
	}
	close(ends[0]);
	client.steps = ends[1];
	printf("client %d\npid %d\n", getpid(), client.owner);
}

int main(int argc, char **argv)
{
	unsigned int seconds = 60;
	int option, alone = 1;
	sigset_t set;

	while ((option = getopt(argc, argv, "+t:n:k")) != -1) {
		switch (option) {
		case 't': seconds = number(optarg); break;
		case 'n': set_comm(optarg); break;
		case 'k': alone = 0; break;
		default: quit(EXIT_USAGE, "see accept.c");
		}
	}
	if (optind == argc)
		quit(EXIT_USAGE, "accept [OPTION...] STEP...");
	alarm(seconds);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (alone)
		open_namespace();
	name_namespace();
	fflush(stdout);
	start_server();
	for (; optind < argc; optind++)
		take_step(argv[optind]);
	tell_counts();
	printf("ended %llu\ndone\n", now_ns());
	return 0;
}
