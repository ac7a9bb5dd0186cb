// SPDX-License-Identifier: BSD-2-Clause
/*
 * Connections that send again, and whose they are is not the process that ran
 * at that moment, nor always the one that made them: accepted by a child,
 * passed on, shared, left behind. Says the facts as retransmit.c does.
 */
#include <pthread.h>
#include "retransmit_flow.h"

#define CHUNK	 1000
#define HOGS_MAX 8

static unsigned int loss_ms;

/* Runs work in a child, to its end or until it stays. */
static pid_t child(void (*work)(void *), void *context)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		quit(1, "fork: %s", strerror(errno));
	if (pid)
		return pid;
	alarm(60);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	work(context);
	fflush(stdout);
	_exit(0);
}

static void await(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) < 0 || status)
		quit(1, "a child ended with %x", status);
}

static void begin(int argc, char **argv)
{
	(void)argc;
	loss_ms = number(argv[1]);
	net_new();
	sysctl_set("tcp_early_retrans", "0");
}

/* What the owner writes is lost; says what became of it, then ends it. */
static void lose(const char *name, int fd)
{
	send_bytes(fd, CHUNK);
	sleep_ms(loss_ms);
	said_info(name, fd);
	abort_flow(fd);
}

/* prefork: children accept from a listening socket that their parent made. */
struct worker {
	int listener;
	const char *name;
};

static void prefork_child(void *context)
{
	const struct worker *worker = context;
	int fd = accept_one(worker->listener);

	prctl(PR_SET_NAME, worker->name);
	said_flow(worker->name, fd);
	/* until the client loses what arrives */
	sleep_ms(300);
	lose(worker->name, fd);
}

static void run_prefork(int argc, char **argv)
{
	static const char *const names[] = {"worker1", "worker2", "worker3"};
	struct worker worker;
	pid_t workers[3];

	begin(argc, argv);
	worker.listener = listen_at(loopback(V4, 0), 16);
	for (int i = 0; i < 3; i++) {
		worker.name = names[i];
		workers[i] = child(prefork_child, &worker);
	}
	for (int i = 0; i < 3; i++)
		drop_all(connect_to(bound_to(worker.listener)));
	for (int i = 0; i < 3; i++)
		await(workers[i]);
	done();
}

/* early: accepted by a child before SIGUSR2; the loss begins then. */
static void early_child(void *context)
{
	int fd = accept_one(*(int *)context), caught;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	said_flow("server", fd);
	ready(NULL);
	sigwait(&set, &caught);
	lose("server", fd);
}

static void run_early(int argc, char **argv)
{
	sigset_t set;
	int listener, caught;
	pid_t server;

	begin(argc, argv);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	listener = listen_at(loopback(V4, 0), 16);
	server = child(early_child, &listener);
	drop_all(connect_to(bound_to(listener)));
	sigwait(&set, &caught);
	kill(server, SIGUSR2);
	await(server);
	done();
}

/* passed: one process connects and gives the socket away by SCM_RIGHTS. */
static void fd_send(int channel, int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = "";
	struct iovec data = {&byte, 1};
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	if (sendmsg(channel, &message, 0) != 1)
		quit(1, "sendmsg: %s", strerror(errno));
}

static int fd_receive(int channel)
{
	char byte, control[CMSG_SPACE(sizeof(int))] = "";
	struct iovec data = {&byte, 1};
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	int fd;

	if (recvmsg(channel, &message, MSG_CMSG_CLOEXEC) != 1 || !CMSG_FIRSTHDR(&message))
		quit(1, "recvmsg: %s", strerror(errno));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

static void passed_child(void *context)
{
	int fd = fd_receive(*(int *)context);

	prctl(PR_SET_NAME, "receiver");
	said_flow("client", fd);
	lose("client", fd);
}

static void run_passed(int argc, char **argv)
{
	int channel[2];
	struct pair pair;
	pid_t receiver;

	begin(argc, argv);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel))
		quit(1, "socketpair: %s", strerror(errno));
	receiver = child(passed_child, &channel[1]);
	pair = pair_new(V4, 0);
	drop_all(pair.server);
	fd_send(channel[0], pair.client);
	close(pair.client);
	await(receiver);
	done();
}

/* shared: three processes have it open. */
static void shared_child(void *context)
{
	(void)context;
	idle();
}

static void run_shared(int argc, char **argv)
{
	struct pair pair;
	pid_t first, second;

	begin(argc, argv);
	pair = pair_new(V4, 0);
	drop_all(pair.server);
	said_flow("client", pair.client);
	first = child(shared_child, NULL);
	second = child(shared_child, NULL);
	printf("first %d\nsecond %d\n", first, second);
	send_bytes(pair.client, CHUNK);
	sleep_ms(loss_ms);
	said_info("client", pair.client);
	kill(first, SIGKILL);
	kill(second, SIGKILL);
	waitpid(first, NULL, 0);
	waitpid(second, NULL, 0);
	abort_flow(pair.client);
	done();
}

/* inherit: a child gets it by fork and keeps it when its parent closes it. */
static void inherit_child(void *context)
{
	prctl(PR_SET_NAME, "heir");
	said_owner("client", 0);
	lose("client", *(int *)context);
}

static void run_inherit(int argc, char **argv)
{
	struct place here, there;
	struct pair pair;
	pid_t heir;

	begin(argc, argv);
	pair = pair_new(V4, 0);
	drop_all(pair.server);
	here = bound_to(pair.client);
	there = bound_to(pair.server);
	said_places("client", &here, &there);
	heir = child(inherit_child, &pair.client);
	close(pair.client);
	await(heir);
	done();
}

/* orphan: it has written, closed and is gone; the kernel goes on alone. */
static void orphan_child(void *context)
{
	int fd = connect_to(bound_to(*(int *)context));

	prctl(PR_SET_NAME, "departed");
	said_flow("client", fd);
	/* until the other side loses what arrives */
	sleep_ms(300);
	send_bytes(fd, CHUNK);
}

static void run_orphan(int argc, char **argv)
{
	int listener, server;
	pid_t departed;

	begin(argc, argv);
	listener = listen_at(loopback(V4, 0), 16);
	departed = child(orphan_child, &listener);
	server = accept_one(listener);
	drop_all(server);
	await(departed);
	sleep_ms(loss_ms);
	abort_flow(server);
	done();
}

/* unaccepted: the listener has not accepted, the handshake is not over. */
static void unaccepted_child(void *context)
{
	prctl(PR_SET_NAME, "listener");
	said_owner("server", 0);
	fflush(stdout);
	(void)context;
	idle();
}

static void run_unaccepted(int argc, char **argv)
{
	struct place here, there;
	int listener, client;
	pid_t keeper;

	begin(argc, argv);
	listener = listen_at(loopback(V4, 0), 16);
	drop_no_syn(listener);
	here = bound_to(listener);
	keeper = child(unaccepted_child, NULL);
	close(listener);
	client = connect_begin(here);
	there = bound_to(client);
	said_places("server", &here, &there);
	sleep_ms(loss_ms);
	abort_flow(client);
	kill(keeper, SIGKILL);
	waitpid(keeper, NULL, 0);
	done();
}

/* user: a socket that another user made. */
static void user_child(void *context)
{
	if (setuid(23456))
		quit(EXIT_CANNOT, "setuid: %s", strerror(errno));
	orphan_child(context);
	sleep_ms(loss_ms);
}

static void run_user(int argc, char **argv)
{
	int listener, server;
	pid_t user;

	begin(argc, argv);
	listener = listen_at(loopback(V4, 0), 16);
	user = child(user_child, &listener);
	server = accept_one(listener);
	drop_all(server);
	await(user);
	abort_flow(server);
	done();
}

/* thread: accepted by a thread that is not the first. */
static void *thread_main(void *context)
{
	int fd = accept_one(*(int *)context);

	said_flow("server", fd);
	printf("tid %d\n", gettid());
	sleep_ms(300);
	lose("server", fd);
	return NULL;
}

static void run_thread(int argc, char **argv)
{
	int listener, client;
	pthread_t thread;

	begin(argc, argv);
	listener = listen_at(loopback(V4, 0), 16);
	if (pthread_create(&thread, NULL, thread_main, &listener))
		quit(1, "pthread_create failed");
	client = connect_to(bound_to(listener));
	drop_all(client);
	pthread_join(thread, NULL);
	done();
}

/* executed: the program that made it has been replaced by another. */
static void run_executed(int argc, char **argv)
{
	char fd[16];
	struct pair pair;

	begin(argc, argv);
	pair = pair_new(V4, 0);
	drop_all(pair.server);
	said_flow("client", pair.client);
	fflush(stdout);
	fcntl(pair.client, F_SETFD, 0);
	snprintf(fd, sizeof(fd), "%d", pair.client);
	/* the drop at the peer must last */
	fcntl(pair.server, F_SETFD, 0);
	execl("/proc/self/exe", "retransmit_owner", "executed-now", argv[1], fd, NULL);
	quit(1, "exec: %s", strerror(errno));
}

static void run_executed_now(int argc, char **argv)
{
	(void)argc;
	loss_ms = number(argv[1]);
	lose("client", number(argv[2]));
	done();
}

/* vanish: a namespace that is gone before anybody can look at it. */
static void vanish_child(void *context)
{
	struct pair pair;

	(void)context;
	prctl(PR_SET_NAME, "vanished");
	net_new();
	sysctl_set("tcp_early_retrans", "0");
	pair = pair_new(V4, 0);
	drop_all(pair.server);
	said_flow("client", pair.client);
	lose("client", pair.client);
	abort_flow(pair.server);
	said_counters();
}

static void run_vanish(int argc, char **argv)
{
	(void)argc;
	loss_ms = number(argv[1]);
	await(child(vanish_child, NULL));
	printf("done\n");
	fflush(stdout);
	idle();
}

/* reused: its memory belongs to a socket of another process by the time it is told. */
static void stranger_child(void *context)
{
	int listener = *(int *)context;

	prctl(PR_SET_NAME, "stranger");
	for (int i = 0; i < 200; i++) {
		connect_to(bound_to(listener));
		accept_one(listener);
	}
	idle();
}

static void run_reused(int argc, char **argv)
{
	struct pair pair;
	cpu_set_t first;

	/* what is freed on a CPU is what is handed out there next */
	CPU_ZERO(&first);
	CPU_SET(sched_getcpu(), &first);
	sched_setaffinity(0, sizeof(first), &first);
	begin(argc, argv);
	pair = pair_new(V4, 0);
	said_flow("client", pair.client);
	drop_all(pair.server);
	lose("client", pair.client);
	abort_flow(pair.server);
	child(stranger_child, &pair.listener);
	sleep_ms(3000);
	done();
}

/* hog: busy on every CPU, and no network at all. */
static void hog_child(void *context)
{
	volatile unsigned long spin = 0;

	(void)context;
	prctl(PR_SET_NAME, "retransmit-hog");
	for (;;)
		spin++;
}

static void run_hog(int argc, char **argv)
{
	long count = sysconf(_SC_NPROCESSORS_ONLN);

	(void)argc;
	(void)argv;
	for (long i = 0; i < count && i < HOGS_MAX; i++)
		child(hog_child, NULL);
	ready(NULL);
	idle();
}

static const struct mode modes[] = {{"prefork", 1, 1, run_prefork, "MS"},
				    {"early", 1, 1, run_early, "MS"},
				    {"passed", 1, 1, run_passed, "MS"},
				    {"shared", 1, 1, run_shared, "MS"},
				    {"inherit", 1, 1, run_inherit, "MS"},
				    {"orphan", 1, 1, run_orphan, "MS"},
				    {"unaccepted", 1, 1, run_unaccepted, "MS"},
				    {"user", 1, 1, run_user, "MS"},
				    {"thread", 1, 1, run_thread, "MS"},
				    {"executed", 1, 1, run_executed, "MS"},
				    {"executed-now", 2, 2, run_executed_now, "MS FD: what executed becomes"},
				    {"vanish", 1, 1, run_vanish, "MS"},
				    {"reused", 1, 1, run_reused, "MS"},
				    {"hog", 0, 0, run_hog, ""},
				    {0}};

int main(int argc, char **argv)
{
	return trigger_main(modes, argc, argv);
}
