// SPDX-License-Identifier: BSD-2-Clause
/* Every form of cgroup path the runtimes make, and paths nobody should make. */
#include "user/container.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(ARRAY) (sizeof(ARRAY) / sizeof((ARRAY)[0]))

#define A "b43d92bf1e5c6f78bb9b7bc6f40721280299855ba692092716e3a1b6c0b86f3f"
#define B "95cbe853416f52d927ec41dce45cb1e1234567890abcdef1234567890abc7ac8"
#define UPPER "B43D92BF1E5C6F78BB9B7BC6F40721280299855BA692092716E3A1B6C0B86F3F"
#define UID "8833712d-6e69-4f5c-95f3-aebd020ce2e7"
#define UID_ "8833712d_6e69_4f5c_95f3_aebd020ce2e7"
#define HASH "9729a196c4723b60ab401eaff722982d"
#define BEST_EFFORT "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod"
#define BURSTABLE "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod"
#define USER "/user.slice/user-1000.slice/user@1000.service"
#define TEN "abcdefghij"
#define SIXTY TEN TEN TEN TEN TEN TEN
#define NAME_255 SIXTY SIXTY SIXTY SIXTY TEN "abcde"
#define NAME_247 SIXTY SIXTY SIXTY SIXTY "abcdefg"

/* a member left out is expected empty */
struct row {
	const char *name, *path;
	const char *id, *runtime, *pod_uid, *unit;
};

static const struct row rows[] = {
	{ "docker, cgroupfs", .path = "/docker/" A, .id = A, .runtime = "docker" },
	{ "docker, cgroupfs, below a parent", .path = "/docker-ce/docker/" A, .id = A,
	  .runtime = "docker" },
	{ "docker, cgroupfs, child", .path = "/docker/" A "/worker", .id = A,
	  .runtime = "docker" },
	{ "docker, systemd", .path = "/system.slice/docker-" A ".scope", .id = A,
	  .runtime = "docker", .unit = "docker-" A ".scope" },
	{ "docker, own slice", .path = "/docker.slice/docker-" A ".scope", .id = A,
	  .runtime = "docker", .unit = "docker-" A ".scope" },
	{ "docker, rootless", .path = USER "/user.slice/docker-" A ".scope", .id = A,
	  .runtime = "docker", .unit = "docker-" A ".scope" },
	{ "docker, slice without systemd", .path = "/system.slice:docker:" A, .id = A,
	  .runtime = "docker" },
	{ "nerdctl, slice without systemd", .path = "/system.slice:nerdctl:" A, .id = A,
	  .runtime = "containerd" },
	{ "podman, slice without systemd", .path = "/machine.slice:libpod:" A, .id = A,
	  .runtime = "podman" },
	{ "docker, own cgroup parent", .path = "/actions_job/" A, .id = A },
	{ "docker's daemon", .path = "/system.slice/docker.service",
	  .unit = "docker.service" },
	{ "nerdctl", .path = "/system.slice/nerdctl-" A ".scope", .id = A,
	  .runtime = "containerd", .unit = "nerdctl-" A ".scope" },
	{ "other runtime by runc", .path = "/system.slice/other-" A ".scope", .id = A,
	  .unit = "other-" A ".scope" },

	{ "kubernetes, cgroupfs", .path = "/kubepods/burstable/pod" UID "/" A, .id = A,
	  .pod_uid = UID },
	{ "kubernetes, cgroupfs, guaranteed", .path = "/kubepods/pod" UID "/" A, .id = A,
	  .pod_uid = UID },
	{ "kubernetes, cgroupfs, child",
	  .path = "/kubepods/besteffort/pod" UID "/" A "/kube-proxy", .id = A,
	  .pod_uid = UID },
	{ "kubernetes, cgroupfs, static pod", .path = "/kubepods/burstable/pod" HASH "/" A,
	  .id = A, .pod_uid = HASH },
	{ "kubernetes, cgroupfs, pod alone", .path = "/kubepods/pod" UID, .pod_uid = UID },
	{ "kubernetes, cgroupfs, class alone", .path = "/kubepods/burstable" },
	{ "kubernetes, docker", .path = BEST_EFFORT UID_ ".slice/docker-" A ".scope",
	  .id = A, .runtime = "docker", .pod_uid = UID, .unit = "docker-" A ".scope" },
	{ "kubernetes, containerd",
	  .path = BEST_EFFORT UID_ ".slice/cri-containerd-" A ".scope", .id = A,
	  .runtime = "containerd", .pod_uid = UID, .unit = "cri-containerd-" A ".scope" },
	{ "kubernetes, containerd, no scope",
	  .path = BURSTABLE HASH ".slice/cri-containerd-" A, .id = A,
	  .runtime = "containerd", .pod_uid = HASH },
	{ "kubernetes, containerd, guaranteed",
	  .path = "/kubepods.slice/kubepods-pod" UID_ ".slice/cri-containerd-" A ".scope",
	  .id = A, .runtime = "containerd", .pod_uid = UID,
	  .unit = "cri-containerd-" A ".scope" },
	{ "kubernetes, containerd, slice without systemd",
	  .path = "/kubepods-burstable-pod" UID_ ".slice:cri-containerd:" A, .id = A,
	  .runtime = "containerd", .pod_uid = UID },
	{ "kubernetes, containerd, slice below service",
	  .path = "/system.slice/containerd.service/"
		  "kubepods-burstable-pod" UID_ ".slice:cri-containerd:" A,
	  .id = A, .runtime = "containerd", .pod_uid = UID, .unit = "containerd.service" },
	{ "kubernetes, containerd, slice of static pod",
	  .path = "/kubepods-burstable-pod" HASH ".slice:cri-containerd:" A, .id = A,
	  .runtime = "containerd", .pod_uid = HASH },
	{ "kubernetes, unknown runtime, systemd",
	  .path = BURSTABLE UID_ ".slice/other-" A ".scope", .id = A, .pod_uid = UID,
	  .unit = "other-" A ".scope" },
	{ "kubernetes, unknown runtime, slice",
	  .path = "/kubepods-pod" UID_ ".slice:other:" A, .id = A, .pod_uid = UID },
	{ "kubernetes, pod slice alone", .path = BURSTABLE UID_ ".slice", .pod_uid = UID },
	{ "kubernetes, class slice alone",
	  .path = "/kubepods.slice/kubepods-burstable.slice" },
	{ "kubelet", .path = "/runtime.slice/kubelet.service", .unit = "kubelet.service" },

	{ "cri-o, cgroupfs", .path = "/kubepods/besteffort/pod" UID "/crio-" A, .id = A,
	  .runtime = "cri-o", .pod_uid = UID },
	{ "cri-o, cgroupfs, monitor",
	  .path = "/kubepods/besteffort/pod" UID "/crio-conmon-" A, .pod_uid = UID },
	{ "cri-o, systemd", .path = BURSTABLE UID_ ".slice/crio-" A ".scope", .id = A,
	  .runtime = "cri-o", .pod_uid = UID, .unit = "crio-" A ".scope" },
	{ "cri-o, systemd, child",
	  .path = BURSTABLE UID_ ".slice/crio-" A ".scope/container", .id = A,
	  .runtime = "cri-o", .pod_uid = UID, .unit = "crio-" A ".scope" },
	{ "cri-o, systemd, monitor", .path = BURSTABLE UID_ ".slice/crio-conmon-" A ".scope",
	  .pod_uid = UID, .unit = "crio-conmon-" A ".scope" },
	{ "cri-o, systemd, sandbox", .path = BURSTABLE UID_ ".slice/crio-" A, .pod_uid = UID },
	{ "cri-o, slice without systemd", .path = "/kubepods-pod" UID_ ".slice:crio:" A,
	  .id = A, .runtime = "cri-o", .pod_uid = UID },
	{ "cri-o, slice without systemd, monitor",
	  .path = "/kubepods-pod" UID_ ".slice:crio-conmon:" A, .pod_uid = UID },

	{ "podman", .path = "/machine.slice/libpod-" A ".scope/container", .id = A,
	  .runtime = "podman", .unit = "libpod-" A ".scope" },
	{ "podman, monitor", .path = "/machine.slice/libpod-conmon-" A ".scope",
	  .unit = "libpod-conmon-" A ".scope" },
	{ "podman, pod",
	  .path = "/machine.slice/machine-libpod_pod_" B ".slice/libpod-" A ".scope",
	  .id = A, .runtime = "podman", .unit = "libpod-" A ".scope" },
	{ "podman, split",
	  .path = "/system.slice/system-ceph.slice/ceph@mon.service/libpod-payload-" A,
	  .id = A, .runtime = "podman", .unit = "ceph@mon.service" },
	{ "podman, split, scope",
	  .path = "/system.slice/web.service/libpod-payload-" A ".scope", .id = A,
	  .runtime = "podman", .unit = "libpod-payload-" A ".scope" },
	{ "podman, split, monitor", .path = "/system.slice/web.service/supervisor",
	  .unit = "web.service" },
	{ "podman, no scope", .path = "/system.slice/libpod-" A, .id = A,
	  .runtime = "podman" },
	{ "podman, cgroupfs", .path = "/libpod_parent/libpod-" A, .id = A,
	  .runtime = "podman" },
	{ "podman, cgroupfs, pod", .path = "/libpod_parent/" B "/libpod-" A, .id = A,
	  .runtime = "podman" },
	{ "podman, cgroupfs, pod alone", .path = "/libpod_parent/" B },
	{ "podman, cgroupfs, monitor", .path = "/libpod_parent/conmon" },
	{ "podman, rootless", .path = USER "/user.slice/libpod-" A ".scope/container",
	  .id = A, .runtime = "podman", .unit = "libpod-" A ".scope" },
	{ "podman, rootless, no scope", .path = USER "/libpod-" A, .id = A,
	  .runtime = "podman", .unit = "user@1000.service" },

	{ "lxc", .path = "/lxc/mysql-primary-db", .id = "mysql-primary-db", .runtime = "lxc" },
	{ "lxc, child", .path = "/lxc/101/ns/system.slice/cron.service", .id = "101",
	  .runtime = "lxc", .unit = "cron.service" },
	{ "lxc, payload directory", .path = "/lxc.payload/first", .id = "first",
	  .runtime = "lxc" },
	{ "lxc, payload", .path = "/lxc.payload.first", .id = "first", .runtime = "lxc" },
	{ "lxc, payload, child", .path = "/lxc.payload.first/init.scope", .id = "first",
	  .runtime = "lxc", .unit = "init.scope" },
	{ "lxc, name kept raw", .path = "/lxc/a\\x2db", .id = "a\\x2db", .runtime = "lxc" },
	{ "lxc, monitor", .path = "/lxc.monitor.first" },
	{ "lxc, monitor directory", .path = "/lxc.monitor/first" },
	{ "lxc, directory alone", .path = "/lxc" },
	{ "lxc, name missing", .path = "/lxc.payload." },

	{ "nspawn, service", .path = "/machine.slice/build.service", .id = "build",
	  .runtime = "nspawn", .unit = "build.service" },
	{ "nspawn, template",
	  .path = "/machine.slice/systemd-nspawn@deb\\x2d12.service/payload/init.scope",
	  .id = "deb-12", .runtime = "nspawn", .unit = "init.scope" },
	{ "nspawn, scope", .path = "/machine.slice/machine-deb\\x2d12.scope", .id = "deb-12",
	  .runtime = "nspawn", .unit = "machine-deb-12.scope" },
	{ "vmspawn", .path = "/machine.slice/systemd-vmspawn@fedora.service", .id = "fedora",
	  .runtime = "vmspawn", .unit = "systemd-vmspawn@fedora.service" },
	{ "libvirt, qemu", .path = "/machine.slice/machine-qemu\\x2d1\\x2dopnsense.scope",
	  .id = "opnsense", .runtime = "libvirt", .unit = "machine-qemu-1-opnsense.scope" },
	{ "libvirt, child",
	  .path = "/machine.slice/machine-qemu\\x2d12\\x2dweb\\x2d2.scope/libvirt/vcpu0",
	  .id = "web-2", .runtime = "libvirt", .unit = "machine-qemu-12-web-2.scope" },
	{ "libvirt, lxc", .path = "/machine.slice/machine-lxc\\x2d969\\x2dhubud.scope",
	  .id = "hubud", .runtime = "libvirt", .unit = "machine-lxc-969-hubud.scope" },
	{ "libvirt, no number", .path = "/machine.slice/machine-qemu\\x2dold.scope",
	  .id = "old", .runtime = "libvirt", .unit = "machine-qemu-old.scope" },
	{ "libvirt, name is a number", .path = "/machine.slice/machine-qemu\\x2d7.scope",
	  .id = "7", .runtime = "libvirt", .unit = "machine-qemu-7.scope" },
	{ "libvirt, number without a name", .path = "/machine.slice/machine-qemu\\x2d7\\x2d.scope",
	  .id = "7-", .runtime = "libvirt", .unit = "machine-qemu-7-.scope" },
	{ "machine without a name", .path = "/machine.slice/machine-.scope",
	  .unit = "machine-.scope" },
	{ "machined, elsewhere", .path = "/system.slice/systemd-machined.service",
	  .unit = "systemd-machined.service" },

	{ "ecs", .path = "/ecs/" UID "/" A, .id = A, .runtime = "ecs" },
	{ "ecs, short task", .path = "/ecs/" HASH "/" A, .id = A, .runtime = "ecs" },
	{ "ecs, fargate", .path = "/ecs/" HASH "/" HASH "-3059012817",
	  .id = HASH "-3059012817", .runtime = "ecs" },
	{ "ecs, fargate, uuid", .path = "/ecs/" UID "/" UID "-1", .id = UID "-1",
	  .runtime = "ecs" },
	{ "ecs, fargate, one level", .path = "/ecs/" HASH "-1234567890",
	  .id = HASH "-1234567890", .runtime = "ecs" },
	{ "ecs, systemd",
	  .path = "/ecstasks.slice/ecstasks-" HASH ".slice/docker-" A ".scope", .id = A,
	  .runtime = "docker", .unit = "docker-" A ".scope" },
	{ "ecs, task alone", .path = "/ecs/" HASH },
	{ "ecs, no number", .path = "/ecs/" HASH "/" HASH "-" },
	{ "ecs, not a number", .path = "/ecs/" HASH "/" HASH "-12a" },

	{ "nested, minikube",
	  .path = "/system.slice/docker-" A ".scope/kubepods/besteffort/pod" UID "/" B,
	  .id = B, .pod_uid = UID, .unit = "docker-" A ".scope" },
	{ "nested, minikube, systemd",
	  .path = "/system.slice/docker-" A ".scope" BEST_EFFORT UID_ ".slice/docker-" B ".scope",
	  .id = B, .runtime = "docker", .pod_uid = UID, .unit = "docker-" B ".scope" },
	{ "nested, kind", .path = "/docker/" A "/kubelet/kubepods/burstable/pod" HASH "/" B,
	  .id = B, .pod_uid = HASH },
	{ "nested, kind, systemd",
	  .path = "/system.slice/docker-" A ".scope/kubelet.slice/kubelet-kubepods.slice/"
	  "kubelet-kubepods-pod" UID_ ".slice/cri-containerd-" B ".scope", .id = B,
	  .runtime = "containerd", .pod_uid = UID, .unit = "cri-containerd-" B ".scope" },
	{ "nested, node's pod alone", .path = "/docker/" A "/kubepods/pod" UID,
	  .pod_uid = UID },
	{ "nested, node's containerd",
	  .path = "/system.slice/docker-" A ".scope/system.slice/containerd.service",
	  .id = A, .runtime = "docker", .unit = "containerd.service" },
	{ "nested, node's init", .path = "/system.slice/docker-" A ".scope/init.scope",
	  .id = A, .runtime = "docker", .unit = "init.scope" },
	{ "nested, docker in a pod", .path = "/kubepods/pod" UID "/" A "/docker/" B, .id = B,
	  .runtime = "docker", .pod_uid = UID },
	{ "nested, docker in docker", .path = "/docker/" A "/docker/" B, .id = B,
	  .runtime = "docker" },
	{ "nested, podman in lxc",
	  .path = "/lxc.payload.first/machine.slice/libpod-" B ".scope", .id = B,
	  .runtime = "podman", .unit = "libpod-" B ".scope" },
	{ "nested, monitor in a container",
	  .path = "/docker/" A "/libpod-conmon-" B ".scope", .id = A, .runtime = "docker",
	  .unit = "libpod-conmon-" B ".scope" },

	{ "service", .path = "/system.slice/nginx.service", .unit = "nginx.service" },
	{ "service, child", .path = "/system.slice/nginx.service/workers/1",
	  .unit = "nginx.service" },
	{ "service, template",
	  .path = "/system.slice/system-postgresql.slice/postgresql@9.4-main.service",
	  .unit = "postgresql@9.4-main.service" },
	{ "service, escaped",
	  .path = "/system.slice/system-serial\\x2dgetty.slice/serial-getty@ttyS0.service",
	  .unit = "serial-getty@ttyS0.service" },
	{ "service, user's", .path = USER "/app.slice/app-gnome\\x2dterminal.service",
	  .unit = "app-gnome-terminal.service" },
	{ "user manager", .path = USER "/init.scope", .unit = "init.scope" },
	{ "session", .path = "/user.slice/user-1000.slice/session-3.scope",
	  .unit = "session-3.scope" },
	{ "socket", .path = "/system.slice/dbus.socket", .unit = "dbus.socket" },
	{ "mount", .path = "/system.slice/dev-hugepages.mount",
	  .unit = "dev-hugepages.mount" },
	{ "init", .path = "/init.scope", .unit = "init.scope" },
	{ "slice", .path = "/system.slice" },
	{ "slice, escaped", .path = "/system.slice/system-serial\\x2dgetty.slice" },
	{ "podman's health check", .path = "/system.slice/" A ".service",
	  .unit = A ".service" },
	{ "cgroup removed", .path = "/system.slice/docker-" A ".scope (deleted)", .id = A,
	  .runtime = "docker", .unit = "docker-" A ".scope" },

	{ "empty", .path = "" },
	{ "root", .path = "/" },
	{ "slashes", .path = "////" },
	{ "double slashes", .path = "//docker//" A "//", .id = A, .runtime = "docker" },
	{ "no leading slash", .path = "docker/" A, .id = A, .runtime = "docker" },
	{ "above the namespace", .path = "/../.." },
	{ "beside the namespace", .path = "/../../docker-" A ".scope", .id = A,
	  .runtime = "docker", .unit = "docker-" A ".scope" },
	{ "dots are no names", .path = "/lxc/./.." },
	{ "63 digits",
	  .path = "/docker/" "b43d92bf1e5c6f78bb9b7bc6f40721280299855ba692092716e3a1b6c0b86f3" },
	{ "65 digits", .path = "/docker/" A "0" },
	{ "63 digits, scope",
	  .path = "/docker-43d92bf1e5c6f78bb9b7bc6f40721280299855ba692092716e3a1b6c0b86f3f.scope",
	  .unit = "docker-43d92bf1e5c6f78bb9b7bc6f40721280299855ba692092716e3a1b6c0b86f3f.scope" },
	{ "65 digits, scope", .path = "/docker-0" A ".scope", .unit = "docker-0" A ".scope" },
	{ "65 digits, slice", .path = "/kubepods-pod" UID_ ".slice:cri-containerd:0" A,
	  .pod_uid = UID },
	{ "upper case digits", .path = "/docker/" UPPER },
	{ "upper case digits, scope", .path = "/docker-" UPPER ".scope",
	  .unit = "docker-" UPPER ".scope" },
	{ "not hexadecimal",
	  .path = "/docker/g43d92bf1e5c6f78bb9b7bc6f40721280299855ba692092716e3a1b6c0b86f3f" },
	{ "id as suffix only", .path = "/docker/" A ".scope", .unit = A ".scope" },
	{ "uid cut", .path = "/kubepods/pod8833712d-6e69-4f5c-95f3-aebd020ce2e/" A, .id = A },
	{ "uid with more", .path = "/kubepods/pod" UID "0/" A, .id = A },
	{ "uid without dashes",
	  .path = "/kubepods/pod8833712d06e6904f5c095f30aebd020ce2e7/" A, .id = A },
	{ "uid in upper case",
	  .path = "/kubepods/podE833712D-6E69-4F5C-95F3-AEBD020CE2E7/" A, .id = A },
	{ "pod's slice without a dash", .path = "/kubepodspod" UID_ ".slice" },
	{ "suffix alone", .path = "/system.slice/.service" },
	{ "colons alone", .path = "/:::" },
	{ "conmon alone", .path = "/conmon-.scope", .unit = "conmon-.scope" },

	{ "escape, upper case", .path = "/a\\x2Db.service", .unit = "a-b.service" },
	{ "escape, cut", .path = "/a\\x2.service", .unit = "a\\x2.service" },
	{ "escape, no digits", .path = "/a\\xzz\\x\\.service", .unit = "a\\xzz\\x\\.service" },
	{ "escape, other letters", .path = "/a\\n\\055\\u002d.service",
	  .unit = "a\\n\\055\\u002d.service" },
	{ "escape, once only", .path = "/a\\x5cx2d.service", .unit = "a\\x2d.service" },
	{ "escape, NUL stays", .path = "/a\\x00b.service", .unit = "a\\x00b.service" },
	{ "escape, control bytes", .path = "/a\\x1b[2J\\x0a\\xff.service",
	  .unit = "a\x1b[2J\n\xff.service" },
	{ "escape, slash", .path = "/a\\x2fb.service", .unit = "a/b.service" },
	{ "escape, no runtime by it", .path = "/docker\\x2d" A ".scope",
	  .unit = "docker-" A ".scope" },
	{ "raw control bytes", .path = "/lxc/a\n\"\x1b\xff%s", .id = "a\n\"\x1b\xff%s",
	  .runtime = "lxc" },

	{ "name of 255 bytes", .path = "/" NAME_255 },
	{ "unit of 255 bytes", .path = "/" NAME_247 ".service", .unit = NAME_247 ".service" },
	{ "unit of 256 bytes", .path = "/" NAME_247 "h.service" },
	{ "unit of 255 bytes, escaped", .path = "/" NAME_247 "\\x41.service" },
	{ "unit too long inside another", .path = "/a.service/" NAME_255 ".service" },
	{ "lxc, name of 71 bytes", .path = "/lxc/" SIXTY TEN "a", .id = SIXTY TEN "a",
	  .runtime = "lxc" },
	{ "lxc, name of 72 bytes", .path = "/lxc/" SIXTY TEN "ab", .runtime = "lxc" },
	{ "lxc, name of 255 bytes", .path = "/lxc/" NAME_255, .runtime = "lxc" },
	{ "ecs, number too long",
	  .path = "/ecs/" HASH "/" HASH "-1234567890123456789012345678901234567890",
	  .runtime = "ecs" },
};

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

/* An exact copy on the heap without NUL, so that a sanitizer sees every byte read too far. */
static void identify(const char *path, size_t length, struct container_identity *ret)
{
	char *copy = malloc(length ? length : 1);

	assert_non_null(copy);
	memcpy(copy, path, length);
	memset(ret, 0x5a, sizeof(*ret));
	container_identify(copy, length, ret);
	free(copy);
	assert_non_null(memchr(ret->id, '\0', sizeof(ret->id)));
	assert_non_null(memchr(ret->runtime, '\0', sizeof(ret->runtime)));
	assert_non_null(memchr(ret->pod_uid, '\0', sizeof(ret->pod_uid)));
	assert_non_null(memchr(ret->unit, '\0', sizeof(ret->unit)));
}

static void test_row(void **state)
{
	const struct row *row = *state;
	struct container_identity identity;

	identify(row->path, strlen(row->path), &identity);
	assert_string_equal(identity.id, or_empty(row->id));
	assert_string_equal(identity.runtime, or_empty(row->runtime));
	assert_string_equal(identity.pod_uid, or_empty(row->pod_uid));
	assert_string_equal(identity.unit, or_empty(row->unit));
}

/* Cuts every row's path everywhere and changes a byte everywhere. */
static void test_damaged_rows(void **state)
{
	static const char replacements[] = "/:-.\\x0_\xff";
	struct container_identity identity;
	char path[4096];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t length = strlen(rows[i].path);

		assert_true(length < sizeof(path));
		memcpy(path, rows[i].path, length + 1);
		for (size_t at = 0; at < length; at++) {
			identify(path, at, &identity);
			identify(path + at, length - at, &identity);
			for (size_t j = 0; j < sizeof(replacements); j++) {
				path[at] = replacements[j];
				identify(path, length, &identity);
			}
			path[at] = rows[i].path[at];
		}
	}
}

static void test_random_bytes(void **state)
{
	struct container_identity identity;
	uint32_t random = 1;
	char path[200];

	(void)state;
	for (size_t round = 0; round < 20000; round++) {
		for (size_t i = 0; i < sizeof(path); i++) {
			random = random * 1664525 + 1013904223;
			path[i] = (char)(random >> 24);
			if (!path[i])
				path[i] = '/';
		}
		identify(path, sizeof(path), &identity);
	}
}

static void test_length_decides(void **state)
{
	static const char path[] = "/docker/" A "f.service";
	struct container_identity identity;

	(void)state;
	container_identify(path, sizeof("/docker/" A) - 1, &identity);
	assert_string_equal(identity.id, A);
	assert_string_equal(identity.unit, "");
}

static void test_nul_ends(void **state)
{
	static const char path[] = "/docker/" A "\0.service";
	struct container_identity identity;

	(void)state;
	identify(path, sizeof(path) - 1, &identity);
	assert_string_equal(identity.id, A);
	assert_string_equal(identity.unit, "");
}

static void test_depth_64(void **state)
{
	struct container_identity identity;
	char path[4096] = "", expected[32];

	(void)state;
	for (unsigned int i = 1; i <= 64; i++) {
		size_t used = strlen(path);

		snprintf(path + used, sizeof(path) - used, "/lxc/name-%u/unit-%u.service", i, i);
	}
	identify(path, strlen(path), &identity);
	assert_string_equal(identity.runtime, "lxc");
	snprintf(expected, sizeof(expected), "name-%u", 64);
	assert_string_equal(identity.id, expected);
	snprintf(expected, sizeof(expected), "unit-%u.service", 64);
	assert_string_equal(identity.unit, expected);
}

/* the longest paths: of one name, of no name, of shortest names, of escapes */
static void test_longest_paths(void **state)
{
	static const char *const pieces[] = { "a", "/", "a/", "\\x41", "\\", ":", "0", ".service" };
	struct container_identity identity;
	char path[4096];

	(void)state;
	for (size_t i = 0; i < COUNT(pieces); i++) {
		size_t length = strlen(pieces[i]);

		for (size_t at = 0; at < sizeof(path); at++)
			path[at] = pieces[i][at % length];
		identify(path, sizeof(path), &identity);
		assert_string_equal(identity.id, "");
		assert_string_equal(identity.runtime, "");
		assert_string_equal(identity.pod_uid, "");
		assert_string_equal(identity.unit, "");
	}
}

int main(void)
{
	static const struct CMUnitTest others[] = {
		cmocka_unit_test(test_damaged_rows),
		cmocka_unit_test(test_random_bytes),
		cmocka_unit_test(test_length_decides),
		cmocka_unit_test(test_nul_ends),
		cmocka_unit_test(test_depth_64),
		cmocka_unit_test(test_longest_paths),
	};
	struct CMUnitTest tests[COUNT(rows) + COUNT(others)] = { 0 };

	for (size_t i = 0; i < COUNT(rows); i++) {
		tests[i].name = rows[i].name;
		tests[i].test_func = test_row;
		tests[i].initial_state = (void *)&rows[i];
	}
	memcpy(tests + COUNT(rows), others, sizeof(others));
	return cmocka_run_group_tests_name("container", tests, NULL, NULL);
}
