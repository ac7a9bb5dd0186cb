// SPDX-License-Identifier: BSD-2-Clause
/* The hooks that see refused descriptors. */
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "fd_calls.h"
#include "fd_exhausted.skel.h"
#include "probe.h"

static int fexit_available(const struct kernel *kernel)
{
	return kernel_fentry(kernel, "alloc_fd");
}

static int kretprobe_available(const struct kernel *kernel)
{
	(void)kernel;
	return kernel_kprobe("alloc_fd");
}

static const struct hook_choice hooks[] = {
	{
		.name = "fexit",
		.programs = { "alloc_fd_fexit", "alloc_file_fexit", "inotify_init_fexit", "inotify_init1_fexit",
			      "inotify_add_watch_fexit", "fanotify_init_fexit", "mq_open_fexit", "dup2_fexit",
			      "dup3_fexit", "pipe_fexit", "pipe2_fexit" },
		.available = fexit_available,
		.remedy = REMEDY_FENTRY,
	}, {
		.name = "kretprobe",
		.programs = { "alloc_fd_kretprobe", "alloc_file_kretprobe", "inotify_init_kretprobe",
			      "inotify_init1_kretprobe", "inotify_add_watch_kretprobe", "fanotify_init_kretprobe",
			      "mq_open_kretprobe", "dup2_kretprobe", "dup3_kretprobe", "pipe_kretprobe",
			      "pipe2_kretprobe" },
		.available = kretprobe_available,
		.remedy = REMEDY_KPROBE,
	}, {
		.name = "tracepoint",
		.programs = { "fd_sys_exit", "fd_sys_exit_untyped", "fd_ring_complete" },
		.fields_lost = { "count (not SCM_RIGHTS by io_uring, fanotify)" },
		.remedy = "a kernel where fexit or kretprobe can be used sees these, too",
		.cost = "a look at the return of every system call on the host, for those that are refused",
	},
};

/* "inotify_init1_fexit" is on __x64_sys_inotify_init1, which not every kernel is built with */
static bool has_call(const struct kernel *kernel, const char *program)
{
#if defined(__x86_64__)
	char function[96] = "__x64_sys_";
#else
	char function[96] = "__arm64_sys_";
#endif
	size_t length = strlen(function), name = strrchr(program, '_') - program;

	if (name >= sizeof(function) - length)
		return false;
	memcpy(function + length, program, name);
	function[length + name] = '\0';
	return kernel_has_function(kernel, function);
}

static int fd_exhausted_probe_open(struct probe *probe, const struct kernel *kernel, const char *core_path)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .btf_custom_path = core_path);
	struct fd_exhausted_bpf *skeleton = fd_exhausted_bpf__open_opts(&options);
	struct bpf_program *program;
	uint32_t argument;
	bool completion;

	if (!skeleton)
		return -errno;
	probe->wrapper = skeleton;
	probe->skeleton = skeleton->skeleton;
	skeleton->rodata->page_size = sysconf(_SC_PAGESIZE);
	skeleton->rodata->filter = probe->options->filter;
	fd_calls_fill((uint8_t (*)[FD_CALLS])skeleton->rodata->calls);
	fd_calls_ring(kernel, &argument, &completion);
	skeleton->rodata->ring_result = argument;
	skeleton->rodata->ring_completion = completion;
	bpf_object__for_each_program(program, skeleton->obj) {
		const char *name = bpf_program__name(program);

		if (strncmp(name, "alloc_", 6) != 0 && strncmp(name, "fd_", 3) != 0 && !has_call(kernel, name))
			bpf_program__set_autoload(program, false);
	}
	bpf_program__set_autoload(kernel_knows_types() ? skeleton->progs.fd_sys_exit_untyped :
							 skeleton->progs.fd_sys_exit, false);
	bpf_program__set_autoload(skeleton->progs.fd_ring_complete,
				  kernel_tracepoint_args(kernel, "io_uring_complete") > 0);
	/* a failure comes with its stack, and many processes may fail at the same moment */
	return bpf_map__set_max_entries(skeleton->maps.events, 2 * 1024 * 1024);
}

const struct probe_type fd_exhausted_probe = {
	.name = "fd_exhausted",
	.kind = KIND_fd_exhausted,
	.hooks = hooks,
	.hook_count = sizeof(hooks) / sizeof(hooks[0]),
	.event_programs = { "alloc_fd_fexit", "alloc_file_fexit", "fd_ring_complete" },
	.open = fd_exhausted_probe_open,
};
