// SPDX-License-Identifier: BSD-2-Clause
#include "fd_calls.h"

#include <seccomp.h>

#include "kernel.h"

static const struct {
	const char *name;
	enum fd_call_meaning meaning;
} rows[] = {
	{ "open", FD_CALL_FD },
	{ "openat", FD_CALL_FD },
	{ "openat2", FD_CALL_FD },
	{ "creat", FD_CALL_FD },
	{ "open_by_handle_at", FD_CALL_FD },
	{ "open_tree", FD_CALL_FD },
	{ "fsopen", FD_CALL_FD },
	{ "fspick", FD_CALL_FD },
	{ "fsmount", FD_CALL_FD },
	{ "socket", FD_CALL_FD },
	{ "accept", FD_CALL_FD },
	{ "accept4", FD_CALL_FD },
	{ "dup", FD_CALL_FD },
	{ "eventfd", FD_CALL_FD },
	{ "eventfd2", FD_CALL_FD },
	{ "epoll_create", FD_CALL_FD },
	{ "epoll_create1", FD_CALL_FD },
	{ "timerfd_create", FD_CALL_FD },
	{ "signalfd", FD_CALL_FD },
	{ "signalfd4", FD_CALL_FD },
	{ "inotify_init", FD_CALL_FD },
	{ "inotify_init1", FD_CALL_FD },
	{ "fanotify_init", FD_CALL_FD },
	{ "memfd_create", FD_CALL_FD },
	{ "memfd_secret", FD_CALL_FD },
	{ "pidfd_open", FD_CALL_FD },
	{ "pidfd_getfd", FD_CALL_FD },
	{ "mq_open", FD_CALL_FD },
	{ "userfaultfd", FD_CALL_FD },
	{ "perf_event_open", FD_CALL_FD },
	{ "io_uring_setup", FD_CALL_FD },
	{ "landlock_create_ruleset", FD_CALL_FD },
	{ "dup2", FD_CALL_DUP },
	{ "dup3", FD_CALL_DUP },
	{ "fcntl", FD_CALL_FCNTL },
	{ "fcntl64", FD_CALL_FCNTL },
	{ "pipe", FD_CALL_PIPE },
	{ "pipe2", FD_CALL_PIPE },
	{ "socketpair", FD_CALL_SOCKETPAIR },
	{ "recvmsg", FD_CALL_RECVMSG },
	{ "recvmmsg", FD_CALL_RECVMMSG },
	{ "clone", FD_CALL_CLONE },
	{ "clone3", FD_CALL_CLONE3 },
	{ "bpf", FD_CALL_BPF },
	{ "inotify_add_watch", FD_CALL_WATCH },
};

#if defined(__x86_64__)
#define COMPAT_ARCHITECTURE SCMP_ARCH_X86
#else
#define COMPAT_ARCHITECTURE SCMP_ARCH_ARM
#endif

void fd_calls_fill(uint8_t ret[2][FD_CALLS])
{
	const uint32_t architectures[2] = { seccomp_arch_native(), COMPAT_ARCHITECTURE };

	for (int table = 0; table < 2; table++) {
		for (unsigned int i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
			/* negative: none there, or a part of another call */
			int number = seccomp_syscall_resolve_name_arch(architectures[table], rows[i].name);

			if (number >= 0 && number < FD_CALLS)
				ret[table][number] = rows[i].meaning;
		}
	}
}

/* 5.10: (ctx, user_data, res, flags); 6.1: (ctx, req, user_data, res, ...); 6.18: (ctx, req, completion) */
void fd_calls_ring(const struct kernel *kernel, uint32_t *ret_argument, bool *ret_completion)
{
	*ret_completion = kernel_tracepoint_pointer(kernel, "io_uring_complete", 2);
	*ret_argument = kernel_tracepoint_pointer(kernel, "io_uring_complete", 1) ? 3 : 2;
}
