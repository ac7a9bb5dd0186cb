// SPDX-License-Identifier: BSD-2-Clause
/* The hooks that see accept queues overflow: the same on every kernel. */
#include <bpf/libbpf.h>
#include <errno.h>

#include "bpf/tcp.h"
#include "probe.h"

#include "accept_overflow.skel.h"

static const struct hook_choice hooks[] = {
	{
		.name = "tracepoint",
		.remedy = "needs the tracepoints skb:consume_skb and skb:kfree_skb",
		.cost = "a look at each segment that is freed when it was sent or has no use: some tens of ns",
	},
};

static int accept_overflow_probe_open(struct probe *probe, const struct kernel *kernel, const char *core_path)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .btf_custom_path = core_path);
	struct accept_overflow_bpf *skeleton = accept_overflow_bpf__open_opts(&options);
	long index = kernel_enum_value(kernel, "LINUX_MIB_LISTENOVERFLOWS");
	int arguments = kernel_tracepoint_args(kernel, "kfree_skb");

	if (!skeleton)
		return -errno;
	probe->wrapper = skeleton;
	probe->skeleton = skeleton->skeleton;
	if (index < 0)
		return index;
	if (arguments < 0)
		return arguments;
	skeleton->rodata->overflow_index = index;
	skeleton->rodata->kfree_arguments = arguments;
	skeleton->rodata->possible_cpus = libbpf_num_possible_cpus();
	bpf_program__set_autoload(kernel_knows_types() ? skeleton->progs.overflow_consume_untyped :
							 skeleton->progs.overflow_consume, false);
	bpf_program__set_autoload(skeleton->progs.find_listeners, kernel_knows_types());
	bpf_program__set_autoattach(skeleton->progs.learn_cpu, false);
	bpf_program__set_autoattach(skeleton->progs.look_at_listener, false);
	return 0;
}

const struct probe_type accept_overflow_probe = {
	.name = "accept_overflow",
	.kind = KIND_accept_overflow,
	.hooks = hooks,
	.hook_count = sizeof(hooks) / sizeof(hooks[0]),
	.event_programs = { "overflow_consume", "overflow_kfree" },
	.open = accept_overflow_probe_open,
};
