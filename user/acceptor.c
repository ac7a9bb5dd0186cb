// SPDX-License-Identifier: BSD-2-Clause
#include "acceptor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "syscall_name.h"

enum {
	PATH_BYTES = 96,	/* two numbers of 20 digits and words */
	NAME_BYTES = 32,
};

/* what a call is to somebody who ought to accept */
enum meaning {
	MEANING_WORK,
	MEANING_IDLE,
	MEANING_EVENTS,
	MEANING_ACCEPT,
};

static const struct {
	const char *name;
	enum meaning meaning;
} calls[] = {
	{ "accept", MEANING_ACCEPT }, { "accept4", MEANING_ACCEPT },
	{ "epoll_wait", MEANING_EVENTS }, { "epoll_pwait", MEANING_EVENTS }, { "epoll_pwait2", MEANING_EVENTS },
	{ "poll", MEANING_EVENTS }, { "ppoll", MEANING_EVENTS }, { "ppoll_time64", MEANING_EVENTS },
	{ "select", MEANING_EVENTS }, { "_newselect", MEANING_EVENTS }, { "pselect6", MEANING_EVENTS },
	{ "pselect6_time64", MEANING_EVENTS }, { "io_uring_enter", MEANING_EVENTS },
	{ "futex", MEANING_IDLE }, { "futex_time64", MEANING_IDLE }, { "futex_wait", MEANING_IDLE },
	{ "futex_waitv", MEANING_IDLE }, { "nanosleep", MEANING_IDLE }, { "clock_nanosleep", MEANING_IDLE },
	{ "clock_nanosleep_time64", MEANING_IDLE }, { "pause", MEANING_IDLE }, { "rt_sigsuspend", MEANING_IDLE },
	{ "sigsuspend", MEANING_IDLE }, { "rt_sigtimedwait", MEANING_IDLE }, { "rt_sigtimedwait_time64", MEANING_IDLE },
	{ "wait4", MEANING_IDLE }, { "waitid", MEANING_IDLE }, { "waitpid", MEANING_IDLE },
};

struct task {
	struct acceptor look;
	enum meaning meaning;
	bool first;
	bool deep;	/* asleep and not to be woken by a signal */
};

/* "232 0x5 0x7f.. 0x200 0xffffffff 0x0 0x8 SP PC", "-1 SP PC", "running" */
struct task_call {
	long number;
	uint64_t words[8];	/* six arguments, SP, PC */
};

static int task_read(const struct procfs *procfs, uint64_t pid, uint64_t tid, const char *name, char *ret, size_t size,
		     size_t *ret_length)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof(path), "%llu/task/%llu/%s", (unsigned long long)pid, (unsigned long long)tid, name);
	return file_read_at(procfs->fd, path, ret, size, ret_length);
}

/* false: it is in no call */
static bool call_parse(const char *data, size_t length, struct task_call *ret)
{
	uint64_t number;
	size_t digits = digits_parse(data, length, &number);
	char *end = (char *)data + digits;

	if (!digits || number > INT32_MAX)
		return false;
	ret->number = number;
	for (size_t i = 0; i < sizeof(ret->words) / sizeof(*ret->words); i++)
		ret->words[i] = strtoull(end, &end, 16);
	/* kernel threads have neither a stack nor a place in a program */
	return ret->words[6] || ret->words[7];
}

/* poll() and sleeps, once they were stopped and continued */
static enum meaning restarted_meaning(const struct procfs *procfs, uint64_t pid, uint64_t tid)
{
	char where[64];
	size_t length;

	if (task_read(procfs, pid, tid, "wchan", where, sizeof(where), &length))
		return MEANING_IDLE;
	return strstr(where, "poll") ? MEANING_EVENTS : MEANING_IDLE;
}

static enum meaning call_meaning(const struct procfs *procfs, uint64_t pid, const struct task *task,
				 const struct task_call *call)
{
	enum { SYS_ACCEPT = 5, SYS_ACCEPT4 = 18 };	/* linux/net.h */
	char name[NAME_BYTES];

	syscall_name(name, sizeof(name), call->number, task->look.compat);
	if (strcmp(name, "socketcall") == 0 && (call->words[0] == SYS_ACCEPT || call->words[0] == SYS_ACCEPT4))
		return MEANING_ACCEPT;
	if (strcmp(name, "restart_syscall") == 0)
		return restarted_meaning(procfs, pid, task->look.tid);
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		if (strcmp(calls[i].name, name) == 0)
			return calls[i].meaning;
	}
	return MEANING_WORK;
}

static void look_asleep(const struct procfs *procfs, uint64_t pid, struct task *task)
{
	struct task_call call;
	char data[256];
	size_t length;
	int err = task_read(procfs, pid, task->look.tid, "syscall", data, sizeof(data), &length);

	/* it was woken between the two files */
	if (!err && strncmp(data, "running", 7) == 0) {
		task->look.state = ACCEPTOR_RUNNING;
		return;
	}
	task->meaning = MEANING_WORK;
	task->look.state = ACCEPTOR_BLOCKED;
	if (err && !task->deep)
		task->look.state = acceptor_state_unknown;
	if (err || !call_parse(data, length, &call))
		return;
	task->look.syscall = call.number;
	task->look.compat = call.words[6] <= UINT32_MAX && call.words[7] <= UINT32_MAX;
	task->meaning = call_meaning(procfs, pid, task, &call);
	/* a file read from disk or memory freed for the call: not what it waits for by itself */
	if (task->deep)
		task->meaning = MEANING_WORK;
	task->look.idle = task->meaning == MEANING_IDLE;
	if (task->meaning == MEANING_ACCEPT || task->meaning == MEANING_EVENTS)
		task->look.state = ACCEPTOR_WAITING;
}

static void task_look(const struct procfs *procfs, uint64_t pid, uint64_t tid, struct task *ret)
{
	struct process_stat stat;
	char data[1024];
	size_t length;

	*ret = (struct task){ .look = { .state = ACCEPTOR_GONE, .tid = tid, .syscall = -1 }, .first = tid == pid };
	if (task_read(procfs, pid, tid, "stat", data, sizeof(data), &length) || process_stat_parse(data, length, &stat))
		return;
	switch (stat.state) {
	case 'Z':
	case 'X':
	case 'x':
		return;
	case 'T':
	case 't':
		ret->look.state = ACCEPTOR_STOPPED;
		return;
	case 'R':
		ret->look.state = ACCEPTOR_RUNNING;
		return;
	}
	ret->deep = stat.state == 'D';
	look_asleep(procfs, pid, ret);
}

/* the order in the header */
static unsigned int task_rank(const struct task *task)
{
	switch (task->look.state) {
	case ACCEPTOR_RUNNING:
	case ACCEPTOR_STOPPED:
		return task->first ? 9 : 6;
	case ACCEPTOR_BLOCKED:
		if (task->look.idle)
			return task->first ? 3 : 2;
		return task->first ? 9 : 4;
	case ACCEPTOR_WAITING:
		return task->meaning == MEANING_ACCEPT ? 8 : task->first ? 7 : 5;
	case ACCEPTOR_GONE:
		return 0;
	default:
		return 1;
	}
}

/*
 * A frozen process has the state and call it will return to. It stands where
 * signals are taken, or, frozen by version 1, in some waits: those that a
 * signal could end before.
 */
static bool is_frozen(const struct procfs *procfs, uint64_t pid, const struct task *task)
{
	static const char *const places[] = { "do_freezer_trap", "get_signal", "__refrigerator" };
	static const char *const waits[] = { "nanosleep", "sigtimedwait", "poll", "futex", "unix_stream_read" };
	char where[64];
	size_t length;

	if (task_read(procfs, pid, task->look.tid, "wchan", where, sizeof(where), &length))
		return false;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		if (strcmp(where, places[i]) == 0)
			return true;
	}
	for (size_t i = 0; task->deep && i < sizeof(waits) / sizeof(*waits); i++) {
		if (strstr(where, waits[i]))
			return true;
	}
	return false;
}

static DIR *open_tasks(const struct procfs *procfs, uint64_t pid)
{
	char path[PATH_BYTES];
	DIR *tasks;
	int fd;

	snprintf(path, sizeof(path), "%llu/task", (unsigned long long)pid);
	fd = openat(procfs->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	tasks = fd < 0 ? NULL : fdopendir(fd);
	if (fd >= 0 && !tasks)
		close(fd);
	return tasks;
}

static int look_at_tasks(const struct procfs *procfs, uint64_t pid, struct task *best)
{
	const struct dirent *entry;
	unsigned int seen = 0;
	DIR *tasks = open_tasks(procfs, pid);

	if (!tasks)
		return -errno;
	while (seen < ACCEPTOR_THREADS && (entry = readdir(tasks))) {
		size_t length = strlen(entry->d_name);
		struct task task;
		uint64_t tid;

		if (digits_parse(entry->d_name, length, &tid) != length)
			continue;
		seen++;
		task_look(procfs, pid, tid, &task);
		if (task_rank(&task) > task_rank(best))
			*best = task;
	}
	closedir(tasks);
	return 0;
}

int acceptor_look(const struct procfs *procfs, uint64_t pid, struct acceptor *ret)
{
	struct task best = { .look = { .state = ACCEPTOR_GONE, .syscall = -1 } };
	long per_second = sysconf(_SC_CLK_TCK);
	struct process_stat stat = { 0 };
	int err;

	err = procfs_stat(procfs, pid, &stat);
	if (!err)
		err = look_at_tasks(procfs, pid, &best);
	if (err && err != -ENOENT && err != -ESRCH)
		return err;
	if ((best.look.state == ACCEPTOR_WAITING || best.look.state == ACCEPTOR_BLOCKED) &&
	    is_frozen(procfs, pid, &best))
		best.look = (struct acceptor){ .state = ACCEPTOR_STOPPED, .tid = best.look.tid, .syscall = -1 };
	if (per_second > 0)
		best.look.cpu_ns = stat.cpu_ticks * (1000000000 / per_second);
	best.look.threads = stat.threads;
	*ret = best.look;
	return 0;
}

unsigned int acceptor_weight(const struct acceptor *acceptor)
{
	switch (acceptor->state) {
	case ACCEPTOR_FD_EXHAUSTED:
		return 6;
	case ACCEPTOR_STOPPED:
		return 5;
	case ACCEPTOR_RUNNING:
		return 4;
	case ACCEPTOR_BLOCKED:
		return acceptor->idle ? 1 : 3;
	case ACCEPTOR_WAITING:
		return 2;
	default:
		return 0;
	}
}
