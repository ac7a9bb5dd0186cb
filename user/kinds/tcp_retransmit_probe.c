// SPDX-License-Identifier: BSD-2-Clause
/* The hooks that see retransmits: the same on every kernel. */
#include <bpf/libbpf.h>
#include <errno.h>

#include "bpf/tcp.h"
#include "probe.h"
#include "tcp_owner.h"

#include "tcp_retransmit.skel.h"

static const struct hook_choice hooks[] = {
	{
		.name = "tracepoint",
		.remedy = "needs the tracepoints tcp:tcp_retransmit_skb and sock:inet_sock_set_state",
		.cost = "a look at each segment that is dropped, and at each connection that is made",
	},
};

/*
 * A segment that is freed for one of these has come where it should: TCP had it already, or has no use for it, or
 * nobody read it before the socket was closed, which is what ends many connections.
 */
static const char *const arrived[] = {
	"SKB_CONSUMED", "SKB_DROP_REASON_QUEUE_PURGE", "SKB_DROP_REASON_TCP_OLD_DATA", "SKB_DROP_REASON_TCP_OFOMERGE", "SKB_DROP_REASON_TCP_OLD_ACK",
	"SKB_DROP_REASON_TCP_TOO_OLD_ACK", "SKB_DROP_REASON_TCP_ACK_UNSENT_DATA", "SKB_DROP_REASON_TCP_OLD_SEQUENCE",
	"SKB_DROP_REASON_TCP_CLOSE", "SKB_DROP_REASON_TCP_RESET", "SKB_DROP_REASON_TCP_FLAGS",
	"SKB_DROP_REASON_TCP_OVERWINDOW", "SKB_DROP_REASON_TCP_INVALID_SEQUENCE", "SKB_DROP_REASON_TCP_INVALID_END_SEQUENCE",
};

static void fill_reasons(const struct kernel *kernel, volatile __u8 *no_drops, size_t size, volatile __u32 *ret_none)
{
	long value;

	for (size_t i = 0; i < sizeof(arrived) / sizeof(arrived[0]); i++) {
		value = kernel_enum_value(kernel, arrived[i]);
		if (value >= 0 && (size_t)value < size)
			no_drops[value] = 1;
	}
	value = kernel_enum_value(kernel, "SKB_DROP_REASON_NOT_SPECIFIED");
	*ret_none = value > 0 ? value : 0;
}

static int tcp_retransmit_probe_open(struct probe *probe, const struct kernel *kernel, const char *core_path)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .btf_custom_path = core_path);
	struct tcp_retransmit_bpf *skeleton = tcp_retransmit_bpf__open_opts(&options);
	int freed = kernel_tracepoint_args(kernel, "kfree_skb");
	int sent = kernel_tracepoint_args(kernel, "tcp_retransmit_skb");
	long value;

	if (!skeleton)
		return -errno;
	probe->wrapper = skeleton;
	probe->skeleton = skeleton->skeleton;
	if (sent < 0 || freed < 0)
		return sent < 0 ? sent : freed;
	skeleton->rodata->retransmit_arguments = sent;
	skeleton->rodata->kfree_arguments = freed;
	value = kernel_enum_value(kernel, "SKB_DROP_REASON_NO_SOCKET");
	skeleton->rodata->no_socket = value > 0 ? value : 0;
	fill_reasons(kernel, skeleton->rodata->no_drops, sizeof(skeleton->rodata->no_drops),
		     &skeleton->rodata->no_reason);
	bpf_program__set_autoload(skeleton->progs.find_sockets, kernel_knows_types());
	bpf_program__set_autoattach(skeleton->progs.look_at_flow, false);
	return 0;
}

const struct probe_type tcp_retransmit_probe = {
	.name = "tcp_retransmit",
	.kind = KIND_tcp_retransmit,
	.hooks = hooks,
	.hook_count = sizeof(hooks) / sizeof(hooks[0]),
	.event_programs = { "retransmit_segment", "retransmit_synack" },
	.open = tcp_retransmit_probe_open,
};
