// SPDX-License-Identifier: BSD-2-Clause
/*
 * Runs a command that is refused something, so that tests can see whether a tool
 * tells one refusal from another. Needs root. The command ends after -t seconds.
 */
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include "trigger.h"

#define NOBODY 65534
#define ARGUMENTS 64

static void __attribute__((noreturn)) run_command(char **argv)
{
	execvp(argv[0], argv);
	quit(EXIT_CANNOT, "run '%s': %s", argv[0], strerror(errno));
}

/* The system call bpf() fails with this error, whoever asks. */
static void run_bpf(int argc, char **argv)
{
	unsigned int error = strcmp(argv[1], "ENOSYS") ? EPERM : ENOSYS;
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_bpf, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { 4, filter };

	(void)argc;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		quit(EXIT_CANNOT, "seccomp: %s", strerror(errno));
	run_command(argv + 2);
}

static const struct {
	const char *name;
	int number;
} capabilities[] = {
	{ "dac_override", CAP_DAC_OVERRIDE },
	{ "dac_read_search", CAP_DAC_READ_SEARCH },
	{ "sys_admin", CAP_SYS_ADMIN },
	{ "sys_resource", CAP_SYS_RESOURCE },
	{ "perfmon", 38 },
	{ "bpf", 39 },
	{ 0 },
};

/* What leaves the bounding set is gone when root runs the command. */
static void run_capability(int argc, char **argv)
{
	char *name = strtok(argv[1], ",");
	int i;

	(void)argc;
	for (; name; name = strtok(NULL, ",")) {
		for (i = 0; capabilities[i].name; i++)
			if (!strcmp(name, capabilities[i].name))
				break;
		if (!capabilities[i].name)
			quit(EXIT_USAGE, "no such capability: '%s'", name);
		if (prctl(PR_CAPBSET_DROP, capabilities[i].number, 0, 0, 0))
			quit(EXIT_CANNOT, "drop %s: %s", name, strerror(errno));
	}
	run_command(argv + 2);
}

static void run_root(int argc, char **argv)
{
	(void)argc;
	if (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY))
		quit(EXIT_CANNOT, "become nobody: %s", strerror(errno));
	run_command(argv + 1);
}

/* Without sys_resource the command cannot raise it again. */
static void run_memlock(int argc, char **argv)
{
	struct rlimit limit;

	(void)argc;
	limit.rlim_cur = limit.rlim_max = (rlim_t)number(argv[1]) * 1024;
	if (setrlimit(RLIMIT_MEMLOCK, &limit))
		quit(EXIT_CANNOT, "memlock: %s", strerror(errno));
	run_command(argv + 2);
}

static const struct mode modes[] = {
	{ "bpf", 2, ARGUMENTS, run_bpf, "EPERM|ENOSYS COMMAND..." },
	{ "capability", 2, ARGUMENTS, run_capability, "NAME[,...] COMMAND..." },
	{ "root", 1, ARGUMENTS, run_root, "COMMAND..." },
	{ "memlock", 2, ARGUMENTS, run_memlock, "KIB COMMAND..." },
	{ 0 },
};

int main(int argc, char **argv)
{
	return trigger_main(modes, argc, argv);
}
