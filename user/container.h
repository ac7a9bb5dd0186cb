/* SPDX-License-Identifier: BSD-2-Clause */
/* Tells from a cgroup's path which container, pod and systemd unit it belongs to. */
#ifndef KWHY_USER_CONTAINER_H
#define KWHY_USER_CONTAINER_H

#include <stddef.h>

/*
 * Identity derived from a cgroup path. An empty string means "the path does
 * not tell". Whoever may create a cgroup chooses these bytes: id and unit can
 * hold anything but NUL and are escaped on output, never trusted.
 *
 * As JSON (the 64 digits of the id shortened):
 *	"container":{"id":"49f9e8e5...2b35ce59","runtime":"cri-o",
 *	"pod_uid":"2942c55e-c9cb-428a-93f4-eaf89c1f3ce0",
 *	"unit":"crio-49f9e8e5...2b35ce59.scope"}
 */
struct container_identity {
	char id[72];		/* the runtime's: 64 hex mostly; LXC, nspawn, libvirt: the name */
	char runtime[16];	/* docker containerd cri-o podman lxc nspawn libvirt ecs ... */
	char pod_uid[40];	/* Kubernetes pod uid, dashes restored */
	char unit[256];		/* innermost systemd unit, slices aside, \xNN undone */
};

/*
 * @path is a cgroup's path as in /proc/PID/cgroup, from the root of the
 * hierarchy or of a cgroup namespace; it ends after @length bytes or at a NUL.
 */
void container_identify(const char *path, size_t length, struct container_identity *ret);

#endif
