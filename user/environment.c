// SPDX-License-Identifier: BSD-2-Clause
#include "environment.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cgroupfs.h"
#include "kernel.h"

struct look {
	const char *btf_path;
	uint64_t capabilities;	/* effective; all ones when unknown */
	unsigned long seccomp;	/* mode; 0 none or unknown */
	bool gvisor;
	int bpf_error;		/* of the system call itself; 0: works */
};

static bool read_small(const char *path, char *ret, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, ret, size - 1);
	close(fd);
	if (n < 0)
		return false;
	ret[n] = '\0';
	return true;
}

static uint64_t status_number(const char *status, const char *key, int base, uint64_t otherwise)
{
	const char *at = strstr(status, key);

	return at ? strtoull(at + strlen(key), NULL, base) : otherwise;
}

/*
 * A command that needs the capabilities but neither a kernel feature nor
 * locked memory: nonsense as BTF is refused as such when bpf() works.
 */
static int try_bpf(void)
{
	static const char nonsense[] = "kwhy";
	union bpf_attr attributes = { .btf = (uintptr_t)nonsense, .btf_size = sizeof(nonsense) };
	int fd = syscall(SYS_bpf, BPF_BTF_LOAD, &attributes, sizeof(attributes));

	if (fd >= 0)
		close(fd);
	return fd < 0 && (errno == EPERM || errno == EACCES || errno == ENOSYS) ? errno : 0;
}

/* the system call itself: libbpf would raise the memlock limit first and try again */
static int try_map(unsigned int entries)
{
	union bpf_attr attributes = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4096, .max_entries = entries,
	};
	int fd = syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof(attributes));

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static void look_around(struct look *look)
{
	char text[4096];

	look->capabilities = UINT64_MAX;
	if (read_small("/proc/self/status", text, sizeof(text))) {
		look->capabilities = status_number(text, "\nCapEff:", 16, UINT64_MAX);
		look->seccomp = status_number(text, "\nSeccomp:", 10, 0);
	}
	look->gvisor = read_small("/proc/version", text, sizeof(text)) && strstr(text, "gVisor");
	look->bpf_error = try_bpf();
}

static bool has(const struct look *look, int capability)
{
	return look->capabilities >> capability & 1;
}

static void set(struct finding *ret, enum finding_state state, const char *remedy, const char *what)
{
	ret->state = state;
	ret->remedy = remedy;
	snprintf(ret->what, sizeof(ret->what), "%s", what);
}

static void look_privileges(const struct look *look, struct finding *ret)
{
	bool all = has(look, CAP_SYS_ADMIN);

	if (all || (has(look, CAP_BPF) && has(look, CAP_PERFMON)))
		set(ret, FINDING_OK, NULL, "may load BPF programs (CAP_BPF and CAP_PERFMON)");
	else if (geteuid() != 0)
		set(ret, FINDING_BAD, "run it with sudo", "not root: loading BPF programs needs privileges");
	else
		set(ret, FINDING_BAD, "give the container or unit CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE "
		    "(docker: --cap-add, systemd: AmbientCapabilities=)",
		    has(look, CAP_BPF) ? "root without the capability CAP_PERFMON" :
					 "root without the capability CAP_BPF");
}

static void look_bpf(const struct look *look, struct finding *ret)
{
	if (!look->bpf_error)
		set(ret, FINDING_OK, NULL, "the bpf() system call works");
	else if (look->gvisor)
		set(ret, FINDING_BAD, "run it on the host, outside of gVisor", "this is gVisor's kernel: it has no BPF");
	else if (look->seccomp == 2)
		set(ret, FINDING_BAD, "allow bpf and perf_event_open in the seccomp profile "
		    "(docker: --security-opt seccomp=unconfined)",
		    "a seccomp filter refuses the bpf() system call");
	else if (look->bpf_error == ENOSYS)
		set(ret, FINDING_BAD, "use a kernel with CONFIG_BPF_SYSCALL=y",
		    "the kernel has no bpf() system call");
	else
		set(ret, FINDING_BAD, "look at the security module's log, and whether this is a user namespace "
		    "(cat /proc/self/uid_map)",
		    "bpf() is refused although the capabilities are there");
}

static void look_memlock(const struct look *look, struct finding *ret)
{
	struct rlimit limit = {};

	(void)look;
	getrlimit(RLIMIT_MEMLOCK, &limit);
	/* a megabyte of map: more than the limit's usual 64 KiB, counted against it before 5.11 only */
	if (!try_map(256)) {
		set(ret, FINDING_OK, NULL, "memlock does not limit BPF maps");
		return;
	}
	limit.rlim_cur = limit.rlim_max = RLIM_INFINITY;
	if (!setrlimit(RLIMIT_MEMLOCK, &limit) && !try_map(256))
		set(ret, FINDING_OK, NULL, "memlock limits BPF maps; it was raised");
	else
		set(ret, FINDING_BAD, "ulimit -l unlimited before, or LimitMEMLOCK=infinity in the unit",
		    "the memlock limit is too small for BPF maps and may not be raised (CAP_SYS_RESOURCE)");
}

static void look_btf(const struct look *look, struct finding *ret)
{
	struct stat status;

	if (look->btf_path)
		set(ret, FINDING_OK, NULL, "kernel types are taken from --btf");
	else if (stat("/sys/kernel/btf/vmlinux", &status) == 0)
		set(ret, FINDING_OK, NULL, "the kernel describes its types (/sys/kernel/btf/vmlinux)");
	else
		set(ret, FINDING_BAD, "use a kernel with CONFIG_DEBUG_INFO_BTF=y, mount /sys, or give --btf FILE",
		    "the kernel does not describe its types: /sys/kernel/btf/vmlinux is missing");
}

static void look_lockdown(const struct look *look, struct finding *ret)
{
	char text[128] = "";
	bool told = read_small("/sys/kernel/security/lockdown", text, sizeof(text));

	(void)look;
	if (told && strstr(text, "[confidentiality]"))
		set(ret, FINDING_BAD, "boot with lockdown=integrity, or without lockdown",
		    "kernel lockdown is at 'confidentiality': BPF programs may not read kernel memory");
	else if (told && strstr(text, "[integrity]"))
		set(ret, FINDING_OK, NULL, "kernel lockdown is at 'integrity': programs may still read");
	else
		set(ret, FINDING_OK, NULL, told ? "no kernel lockdown" : "kernel lockdown: not told (no securityfs)");
}

static void look_kprobes(const struct look *look, struct finding *ret)
{
	int err = kernel_kprobe("oom_kill_process");

	(void)look;
	if (!err)
		set(ret, FINDING_OK, NULL, "kprobes work");
	else if (err == -ENOENT && access("/sys/bus/event_source/devices/kprobe/type", F_OK))
		set(ret, FINDING_LESS, "only with another kernel (CONFIG_KPROBES); tracepoints are used",
		    "the kernel has no kprobes");
	else {
		set(ret, FINDING_LESS, "sysctl kernel.perf_event_paranoid, CAP_PERFMON; tracepoints are used", "");
		snprintf(ret->what, sizeof(ret->what), "kprobes are refused: %s", strerror(-err));
	}
}

static void look_fentry(const struct look *look, struct finding *ret)
{
	struct kernel kernel;
	int err = kernel_open(&kernel, look->btf_path);

	if (err) {
		set(ret, FINDING_LESS, NULL, "fentry was not tried: it needs the kernel's types");
		return;
	}
	err = kernel_fentry(&kernel, "oom_kill_process");
	kernel_close(&kernel);
	if (!err) {
		set(ret, FINDING_OK, NULL, "fentry programs work");
		return;
	}
	set(ret, FINDING_LESS, "only with another kernel or without its restriction; kprobes or tracepoints are used", "");
	snprintf(ret->what, sizeof(ret->what), "fentry programs are refused: %s",
		 err == -ENOTSUP ? "they load but do not attach here" : strerror(-err));
}

static void look_tracefs(const struct look *look, struct finding *ret)
{
	(void)look;
	if (!access("/sys/kernel/tracing/events", F_OK) || !access("/sys/kernel/debug/tracing/events", F_OK))
		set(ret, FINDING_OK, NULL, "tracefs is mounted (not needed)");
	else
		set(ret, FINDING_OK, NULL, "tracefs is not mounted, and not needed: hooks are found through BTF");
}

static void look_cgroups(const struct look *look, struct finding *ret)
{
	static const char *const layouts[] = {
		[CGROUP_LAYOUT_NONE] = "no cgroup hierarchy is mounted",
		[CGROUP_LAYOUT_V1] = "cgroup v1",
		[CGROUP_LAYOUT_V2] = "cgroup v2",
		[CGROUP_LAYOUT_HYBRID] = "cgroup hybrid: memory on v1 beside v2",
	};
	struct cgroupfs cgroupfs;

	(void)look;
	if (cgroupfs_open(&cgroupfs, NULL)) {
		set(ret, FINDING_LESS, "mount /proc", "cgroup hierarchies are unknown");
		return;
	}
	set(ret, cgroupfs.memory_version ? FINDING_OK : FINDING_LESS,
	    cgroupfs.memory_version ? NULL : "mount -t cgroup2 cgroup2 /sys/fs/cgroup; limits are known without, "
					     "what fills a cgroup is not",
	    layouts[cgroupfs.layout]);
	cgroupfs_close(&cgroupfs);
}

static const struct {
	const char *id;
	bool essential;
	void (*look)(const struct look *look, struct finding *ret);
} rows[FINDINGS] = {
	{ "privileges", true, look_privileges },
	{ "bpf", true, look_bpf },
	{ "memlock", true, look_memlock },
	{ "btf", true, look_btf },
	{ "lockdown", true, look_lockdown },
	{ "kprobes", false, look_kprobes },
	{ "fentry", false, look_fentry },
	{ "tracefs", false, look_tracefs },
	{ "cgroups", false, look_cgroups },
};

size_t environment_look(struct finding ret[FINDINGS], const char *btf_path, bool essential_only)
{
	struct look look = { .btf_path = btf_path };
	size_t n = 0;

	look_around(&look);
	for (size_t i = 0; i < FINDINGS; i++) {
		if (essential_only && !rows[i].essential)
			continue;
		ret[n] = (struct finding){ .id = rows[i].id };
		rows[i].look(&look, &ret[n]);
		/* without privileges the rest would only repeat it */
		if (ret[n++].state == FINDING_BAD)
			break;
	}
	return n;
}
