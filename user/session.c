// SPDX-License-Identifier: BSD-2-Clause
#include "session.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cannot.h"
#include "unwind.h"

/* what a session opens at most, for itself and for each kind: programs, maps, links, rings, timers */
enum { FILES_OWN = 16, FILES_PER_KIND = 26 };

#define COALESCE_NS 10000000ULL

/* ---- opening -------------------------------------------------------- */

static int open_outputs(struct session *s)
{
	const struct options *o = &s->options;
	const char *format = o->format ? o->format : isatty(STDOUT_FILENO) ? "card" : "json";
	int err;

	s->renderer = renderer_find(format);
	s->style = style_for_stdout(o->utc);
	err = sink_open_stdout(&s->outputs[0]);
	if (err) {
		tool_error(s->tool, "cannot write to stdout: %s; redirect it to a file or a pipe", strerror(-err));
		return EXIT_FAILED;
	}
	if (!o->write_path)
		return EXIT_OK;
	err = sink_open_file(&s->outputs[1], o->write_path);
	if (err) {
		tool_error(s->tool, "cannot write to '%s': %s", o->write_path, sink_reason(err));
		return EXIT_FAILED;
	}
	return EXIT_OK;
}

static bool has_cgroup(const struct cgroupfs *fs, const char *path)
{
	path = path[1] ? path + 1 : ".";
	return (fs->memory_fd >= 0 && faccessat(fs->memory_fd, path, F_OK, 0) == 0) ||
	       (fs->unified_fd >= 0 && faccessat(fs->unified_fd, path, F_OK, 0) == 0);
}

/* what would be watched in silence: a filter that nothing can meet, or nothing yet */
static void warn_of_filters(const struct session *s)
{
	const struct options *options = &s->options;

	if (options->comm && strlen(options->comm) > 15)
		tool_error(s->tool, "--comm: '%s' is longer than a name can be, 15 bytes: nothing will match (ps -eo comm has the names)",
			   options->comm);
	if (options->cgroup && s->cgroupfs.layout != CGROUP_LAYOUT_NONE && !has_cgroup(&s->cgroupfs, options->cgroup))
		tool_error(s->tool, "--cgroup: there is no '%s' now: nothing will match before it is made (see /proc/PID/cgroup)",
			   options->cgroup);
}

/*
 * The kernel reports pids of the initial pid namespace; a pid as a container
 * sees it would match a stranger. That namespace's inode number is fixed
 * (PROC_PID_INIT_INO, include/linux/proc_ns.h, since 3.8).
 */
static int check_pid(const struct session *s)
{
	struct process_stat process;
	struct stat own;
	uint64_t tgid;

	if (!s->options.pid)
		return EXIT_OK;
	if (stat("/proc/self/ns/pid", &own) == 0 && own.st_ino != 0xeffffffcU) {
		tool_error(s->tool, "--pid: '%llu' is a pid of this container, the kernel reports those of the host; "
			   "run it in the host's pid namespace, or use --comm or --cgroup",
			   (unsigned long long)s->options.pid);
		return EXIT_USAGE;
	}
	if (procfs_tgid(&s->procfs, s->options.pid, &tgid) == 0 && tgid != s->options.pid) {
		tool_error(s->tool, "--pid: '%llu' is a thread of process %llu: give that one",
			   (unsigned long long)s->options.pid, (unsigned long long)tgid);
		return EXIT_USAGE;
	}
	if (procfs_stat(&s->procfs, s->options.pid, &process) == 0)
		return EXIT_OK;
	tool_error(s->tool, "--pid: there is no process '%llu'", (unsigned long long)s->options.pid);
	return EXIT_FAILED;
}

static void read_identity(struct session *s)
{
	struct utsname name;

	uname(&name);
	text_copy(s->host, sizeof(s->host), name.nodename, strlen(name.nodename));
	text_copy(s->release, sizeof(s->release), name.release, strlen(name.release));
	procfs_boot_id(&s->procfs, s->boot_id, sizeof(s->boot_id));
	snprintf(s->id_prefix, sizeof(s->id_prefix), "%.8s-%llx", s->boot_id, (unsigned long long)session_now());
}

static void say_hooks(const struct session *s)
{
	for (unsigned int i = 0; i < s->kind_count; i++) {
		const struct probe *probe = &s->kinds[i].probe;

		for (unsigned int n = 0; n < probe->refused_count; n++)
			tool_error(s->tool, "%s: hook '%s' passed over: %s", kind_names[probe->type->kind],
				   probe->refused[n].hook, strerror(-probe->refused[n].error));
		tool_error(s->tool, "%s: hook '%s'", kind_names[probe->type->kind], probe->hook->name);
	}
}

static int on_record(void *context, void *data, size_t size);

static int watch_fd(struct session *s, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };

	if (fd < 0)
		return -errno;
	return epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static int add_ring(struct session *s, struct kind_run *run)
{
	if (run->probe.ring_fd < 0)
		return 0;
	if (s->ring)
		return ring_buffer__add(s->ring, run->probe.ring_fd, on_record, run);
	s->ring = ring_buffer__new(run->probe.ring_fd, on_record, run, NULL);
	return s->ring ? 0 : -errno;
}

static int open_loop(struct session *s)
{
	sigset_t signals;
	int err = 0;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll_fd < 0)
		return -errno;
	for (unsigned int i = 0; !err && i < s->kind_count; i++)
		err = add_ring(s, &s->kinds[i]);
	s->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	s->tick_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	s->due_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (!err && s->ring)
		err = watch_fd(s, ring_buffer__epoll_fd(s->ring), EPOLLIN);
	if (!err)
		err = watch_fd(s, s->signal_fd, EPOLLIN);
	if (!err)
		err = watch_fd(s, s->tick_fd, EPOLLIN);
	if (!err)
		err = watch_fd(s, s->due_fd, EPOLLIN);
	/* no events asked for: EPOLLERR comes by itself when the reader goes, also while idle */
	if (!err && s->outputs[0].buffer)
		watch_fd(s, s->outputs[0].fd, 0);
	return err;
}

static void arm(int fd, uint64_t ns, int flags)
{
	struct itimerspec when = { .it_value = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 } };

	timerfd_settime(fd, flags, &when, NULL);
}

/* libbpf reports a lack of files as whatever its own trials then find missing: so ask first */
static bool enough_files(const struct tool *tool)
{
	int fds[FILES_OWN + KIND_COUNT * FILES_PER_KIND], needed = FILES_OWN, n = 0;

	for (int i = 0; tool->kinds[i]; i++)
		needed += FILES_PER_KIND;
	while (n < needed && (fds[n] = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)) >= 0)
		n++;
	for (int i = 0; i < n; i++)
		close(fds[i]);
	return n == needed;
}

int session_open(struct session *s, const struct tool *tool, const struct options *options)
{
	const char *root = options->root ? options->root : "/";
	int status, err;

	/* glibc would keep the megabytes of BTF for later and put our tables into them */
	mallopt(M_MMAP_THRESHOLD, 128 * 1024);
	memset(s, 0, sizeof(*s));
	s->tool = tool;
	s->options = *options;
	if (options->cgroup == options->cgroup_path)
		s->options.cgroup = s->options.cgroup_path;
	s->epoll_fd = s->signal_fd = s->tick_fd = s->due_fd = -1;
	for (int i = 0; i < ITERATORS; i++)
		s->iterators.numbers[i] = -1;
	status = open_outputs(s);
	if (status)
		return status;
	if (!enough_files(tool)) {
		tool_error(tool, "cannot start: %s%s", strerror(EMFILE), error_remedy(-EMFILE));
		return EXIT_FAILED;
	}
	status = cannot_run(tool, options);
	if (status)
		return status;
	err = procfs_open(&s->procfs, root);
	/* the directory may be there without a proc file system on it */
	if (!err && !options->root && access("/proc/self/fd", R_OK))
		err = -errno;
	if (err) {
		tool_error(tool, "cannot read '/proc': %s; mount it: mount -t proc proc /proc", strerror(-err));
		return EXIT_CANNOT;
	}
	cgroupfs_open(&s->cgroupfs, root);
	read_identity(s);
	status = check_pid(s);
	if (status)
		return status;
	err = kernel_open(&s->kernel, options->btf_path);
	if (err)
		return cannot_btf(tool, options, err);
	iterators_register(&s->iterators, &s->kernel);
	status = session_arm(s);
	if (status)
		return status;
	if (!options->quiet)
		warn_of_filters(s);
	if (options->verbose && !options->quiet)
		say_hooks(s);
	err = open_loop(s);
	if (err) {
		tool_error(tool, "cannot start: %s%s", strerror(-err), error_remedy(err));
		return EXIT_FAILED;
	}
	return EXIT_OK;
}

void session_close(struct session *s)
{
	const int fds[] = { s->epoll_fd, s->signal_fd, s->tick_fd, s->due_fd };

	for (unsigned int i = 0; i < s->kind_count; i++) {
		if (s->kinds[i].state)
			s->kinds[i].type->close(s->kinds[i].state);
		probe_close(&s->kinds[i].probe);
	}
	if (s->has_recorder)
		recorder_close(&s->recorder);
	fd_list_close(&s->fd_list);
	unwinder_close(s->unwinder);
	iterators_unregister(&s->iterators);
	ring_buffer__free(s->ring);
	sink_close(&s->outputs[0]);
	sink_close(&s->outputs[1]);
	cgroup_paths_close(&s->cgroup_paths);
	cgroupfs_close(&s->cgroupfs);
	procfs_close(&s->procfs);
	for (int i = 0; i < 4; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

/* ---- running -------------------------------------------------------- */

static int on_record(void *context, void *data, size_t size)
{
	struct kind_run *run = context;

	/* a gap is told before the next event of its kind */
	session_account(run->session, false);
	if (size < sizeof(struct event_header) || run->type->event(run->session, run->state, data, size))
		session_lost(run->session, run->type->kind, GAP_CAUSE_DECODE, 1, "ring buffer");
	return 0;
}

static void take_signal(struct session *s)
{
	struct signalfd_siginfo info;

	while (read(s->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		int err;

		if (info.ssi_signo != SIGHUP) {
			s->stop = true;
			continue;
		}
		err = sink_reopen(&s->outputs[1]);
		if (err)
			tool_error(s->tool, "cannot reopen '%s': %s; writing goes on into the old file",
				   s->outputs[1].path, sink_reason(err));
	}
}

/* losses are told within a second, also where passes of the recorder are further apart */
static void arm_tick(struct session *s)
{
	uint64_t now = session_now(), ns = 1000000000;

	if (s->has_recorder && s->next_pass_ns < now + ns)
		ns = s->next_pass_ns > now ? s->next_pass_ns - now : 1;
	arm(s->tick_fd, ns, 0);
}

static void record(struct session *s)
{
	uint64_t now = session_now();

	recorder_tick(&s->recorder, now);
	s->next_pass_ns = now + s->recorder.tick_ns;
}

static void tick(struct session *s)
{
	uint64_t expirations;

	if (read(s->tick_fd, &expirations, sizeof(expirations)) < 0)
		return;
	if (s->has_recorder && session_now() + 10000000 >= s->next_pass_ns)
		record(s);
	session_account(s, true);
	arm_tick(s);
}

static uint64_t earliest_due(const struct session *s)
{
	uint64_t earliest = s->options.duration_ns ? s->started_ns + s->options.duration_ns : 0;

	for (unsigned int i = 0; i < s->kind_count; i++) {
		uint64_t due = s->kinds[i].type->due(s->kinds[i].state);

		if (due && (!earliest || due < earliest))
			earliest = due;
	}
	return earliest;
}

static void expire(struct session *s)
{
	uint64_t now = session_now();

	for (unsigned int i = 0; i < s->kind_count; i++) {
		uint64_t due = s->kinds[i].type->due(s->kinds[i].state);

		if (due && due <= now)
			s->kinds[i].type->expire(s, s->kinds[i].state, now);
	}
	if (s->options.duration_ns && now >= s->started_ns + s->options.duration_ns)
		s->stop = true;
}

static bool reader_gone(const struct session *s)
{
	return s->outputs[0].error == -EPIPE;
}

/*
 * Records are read at once after a pause, and in a flood at most every
 * COALESCE_NS: while some are unread the kernel does not wake us for more.
 */
static void read_records(struct session *s)
{
	uint64_t now = session_now();
	struct timespec pause = { .tv_nsec = COALESCE_NS };

	if (now - s->read_ns < COALESCE_NS)
		nanosleep(&pause, NULL);
	ring_buffer__consume(s->ring);
	s->read_ns = session_now();
}

/* 0, or -errno when waiting itself failed */
static int loop_once(struct session *s)
{
	struct epoll_event events[8];
	uint64_t due = earliest_due(s), expirations;
	int n;

	/* 0 disarms; a time in the past fires at once */
	arm(s->due_fd, due, TFD_TIMER_ABSTIME);
	n = epoll_wait(s->epoll_fd, events, 8, s->outputs[0].held ? 100 : -1);
	if (n < 0 && errno != EINTR)
		return -errno;
	if (s->outputs[0].held)
		sink_flush(&s->outputs[0], 0);
	for (int i = 0; i < n; i++) {
		int fd = events[i].data.fd;

		if (fd == s->signal_fd)
			take_signal(s);
		else if (fd == s->tick_fd)
			tick(s);
		else if (fd == s->due_fd)
			(void)!read(fd, &expirations, sizeof(expirations));
		else if (s->outputs[0].buffer && fd == s->outputs[0].fd)
			s->outputs[0].error = -EPIPE;
		else
			read_records(s);
	}
	expire(s);
	session_flush(s);
	session_account(s, false);
	return 0;
}

int session_run(struct session *s)
{
	int err = 0;

	s->started_ns = session_now();
	if (s->has_recorder)
		record(s);
	session_start_line(s);
	arm_tick(s);
	while (!s->stop && !err && !reader_gone(s))
		err = loop_once(s);
	/* what happens from here on would be in the account and in no line */
	for (unsigned int i = 0; i < s->kind_count; i++)
		probe_detach(&s->kinds[i].probe);
	if (s->ring)
		ring_buffer__consume(s->ring);
	for (unsigned int i = 0; i < s->kind_count; i++)
		s->kinds[i].type->finish(s, s->kinds[i].state);
	session_flush(s);
	/* a slow reader gets a second; what it has not read then is lost */
	if (!sink_flush(&s->outputs[0], 1000))
		session_unwritten(s);
	session_account(s, true);
	session_stop_line(s);
	sink_flush(&s->outputs[0], 0);
	if (err) {
		tool_error(s->tool, "stopped: %s", strerror(-err));
		return EXIT_FAILED;
	}
	return session_outcome(s);
}
