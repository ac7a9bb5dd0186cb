// SPDX-License-Identifier: BSD-2-Clause
/*
 * Processes that are older than the watch: the probe keeps executable and
 * arguments of those it saw fork and exec; of the others it is told here, once,
 * after it is armed.
 */
#include "exit_kind.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { SEED_SLICE = 64 };	/* processes looked at before events have their turn again */

static void append(struct identity *id, uint32_t *used, const char *string, size_t length)
{
	if (*used + length > sizeof(id->data)) {
		id->args_cut = 1;
		length = sizeof(id->data) - *used;
	}
	memcpy(id->data + *used, string, length);
	*used += length;
}

/*
 * Whether the process that started then is over. The kernel marks it before the
 * probe hears of it, and in /proc it stays until it is reaped.
 */
static bool has_ended(const struct procfs *procfs, uint32_t pid, uint64_t start_ticks)
{
	struct process_stat stat;

	return procfs_stat(procfs, pid, &stat) || stat.start_ticks != start_ticks || stat.exiting;
}

/* ours only: the next process with that pid may have one by now */
static void forget(int map_fd, uint32_t pid)
{
	struct identity now;

	if (bpf_map_lookup_elem(map_fd, &pid, &now) == 0 && !now.start_ns)
		bpf_map_delete_elem(map_fd, &pid);
}

static void seed_one(const struct procfs *procfs, int map_fd, uint32_t pid)
{
	static char args[16][PROCESS_ARG_BYTES];
	struct identity id = {};
	struct process_stat stat;
	uint32_t used = 0;
	uint64_t count = 0;
	char exe[256];

	if (procfs_stat(procfs, pid, &stat) || procfs_exe(procfs, pid, exe, sizeof(exe)))
		return;
	id.threads = stat.threads;
	id.ppid = stat.ppid;
	id.exe_plain = 1;
	append(&id, &used, exe, strlen(exe));
	id.exe_bytes = used;
	if (procfs_args(procfs, pid, args, 16, &count))
		count = 0;
	for (uint64_t i = 0; i < count; i++)
		append(&id, &used, args[i], strlen(args[i]) + 1);
	id.args_bytes = used - id.exe_bytes;
	/* what the probe learned meanwhile is newer */
	if (bpf_map_update_elem(map_fd, &pid, &id, BPF_NOEXIST))
		return;
	/* the probe took its entry away before this one came */
	if (has_ended(procfs, pid, stat.start_ticks))
		forget(map_fd, pid);
}

int exit_seed_begin(struct session *s, struct exit_state *state)
{
	int fd = openat(s->procfs.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	state->seed = fd < 0 ? NULL : fdopendir(fd);
	if (!state->seed && fd >= 0)
		close(fd);
	return state->seed ? 0 : -errno;
}

void exit_seed(struct session *s, struct exit_state *state)
{
	const struct probe *probe = &session_kind(s, KIND_exit)->probe;
	struct bpf_map *map = bpf_object__find_map_by_name(*probe->skeleton->obj, "identities");
	const struct dirent *entry = NULL;
	uint64_t pid;

	for (int n = 0; map && n < SEED_SLICE && (entry = readdir(state->seed)); n++)
		if (digits_parse(entry->d_name, strlen(entry->d_name), &pid))
			seed_one(&s->procfs, bpf_map__fd(map), pid);
	if (entry)
		return;
	closedir(state->seed);
	state->seed = NULL;
}
