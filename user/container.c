// SPDX-License-Identifier: BSD-2-Clause
#include "container.h"

#include <stdbool.h>
#include <string.h>

#define COUNT(ARRAY) (sizeof(ARRAY) / sizeof((ARRAY)[0]))

enum {
	ID_LENGTH = 64,		/* of the runtimes which draw it: a SHA-256 in hex */
	UUID_LENGTH = 36,
	HASH_LENGTH = 32,	/* pod uid of a static pod, id of an ECS task */
	ANCESTORS = 2,		/* /ecs/TASK/ID is the farthest any form looks up */
};

struct text {
	const char *bytes;
	size_t length;
};

enum body {
	BODY_ID,	/* 64 hex digits */
	BODY_TASK,	/* ECS: task id, dash, number */
	BODY_NAME,	/* anything */
	BODY_DOMAIN,	/* libvirt: number of this start, dash, name */
};

/*
 * How a runtime names a container's cgroup: prefix, body, suffix. A leading '*'
 * stands for any text. The first form which fits decides, so exceptions come
 * before the rules they limit. Without a runtime it is no container; an empty
 * one means a container of we do not know whom.
 */
static const struct form {
	const char *directory;	/* the one it lies in, NULL for any */
	unsigned int levels;	/* above it, at most */
	const char *prefix;
	enum body body;
	const char *suffix;
	const char *runtime;
} forms[] = {
	/*
	 * The monitors live beside what they watch, outside of it:
	 * /machine.slice/libpod-conmon-ID.scope, pod.slice/crio-conmon-ID.scope.
	 */
	{ NULL, 0, "*conmon-", BODY_ID, ".scope", NULL },
	{ NULL, 0, "*conmon:", BODY_ID, "", NULL },

	/* systemd driver: SLICE/WORD-ID.scope; some drop .scope for a nested cgroup */
	{ NULL, 0, "docker-", BODY_ID, ".scope", "docker" },
	{ NULL, 0, "nerdctl-", BODY_ID, ".scope", "containerd" },
	{ NULL, 0, "cri-containerd-", BODY_ID, ".scope", "containerd" },
	{ NULL, 0, "cri-containerd-", BODY_ID, "", "containerd" },
	{ NULL, 0, "libpod-", BODY_ID, ".scope", "podman" },
	{ NULL, 0, "libpod-", BODY_ID, "", "podman" },
	/* podman --cgroups=split: /system.slice/web.service/libpod-payload-ID */
	{ NULL, 0, "libpod-payload-", BODY_ID, ".scope", "podman" },
	{ NULL, 0, "libpod-payload-", BODY_ID, "", "podman" },
	/*
	 * kubepods-podUID.slice/crio-ID without .scope is the pod's sandbox, but
	 * with cgroupfs /kubepods/podUID/crio-ID is a container.
	 */
	{ NULL, 0, "crio-", BODY_ID, ".scope", "cri-o" },
	{ "*.slice", 1, "crio-", BODY_ID, "", NULL },
	{ NULL, 0, "crio-", BODY_ID, "", "cri-o" },
	/* runc makes PREFIX-ID.scope for any runtime: /system.slice/other-ID.scope */
	{ NULL, 0, "*-", BODY_ID, ".scope", "" },

	/*
	 * A slice given to a runtime which uses cgroupfs after all becomes one
	 * name: /kubepods-burstable-podUID.slice:cri-containerd:ID.
	 */
	{ NULL, 0, "*:docker:", BODY_ID, "", "docker" },
	{ NULL, 0, "*:nerdctl:", BODY_ID, "", "containerd" },
	{ NULL, 0, "*:cri-containerd:", BODY_ID, "", "containerd" },
	{ NULL, 0, "*:libpod:", BODY_ID, "", "podman" },
	{ NULL, 0, "*:crio:", BODY_ID, "", "cri-o" },
	{ NULL, 0, "*:", BODY_ID, "", "" },

	/* cgroupfs driver: /docker/ID, /ecs/TASK/ID, on Fargate /ecs/TASK/TASK-1234 */
	{ "docker", 1, "", BODY_ID, "", "docker" },
	{ "ecs", ANCESTORS, "", BODY_ID, "", "ecs" },
	{ "ecs", ANCESTORS, "", BODY_TASK, "", "ecs" },
	/* a podman pod: /libpod_parent/POD/libpod-ID */
	{ "libpod_parent", 1, "", BODY_ID, "", NULL },
	/* /kubepods/podUID/ID is docker or containerd, the path does not tell which */
	{ NULL, 0, "", BODY_ID, "", "" },

	/* lxc.monitor.NAME and lxc.monitor/NAME are outside, no form wants them */
	{ "lxc", 1, "", BODY_NAME, "", "lxc" },
	{ "lxc.payload", 1, "", BODY_NAME, "", "lxc" },
	{ NULL, 0, "lxc.payload.", BODY_NAME, "", "lxc" },

	{ "machine.slice", 1, "machine-qemu\\x2d", BODY_DOMAIN, ".scope", "libvirt" },
	{ "machine.slice", 1, "machine-lxc\\x2d", BODY_DOMAIN, ".scope", "libvirt" },
	{ "machine.slice", 1, "machine-", BODY_NAME, ".scope", "nspawn" },
	{ "machine.slice", 1, "systemd-nspawn@", BODY_NAME, ".service", "nspawn" },
	{ "machine.slice", 1, "systemd-vmspawn@", BODY_NAME, ".service", "vmspawn" },
	{ "machine.slice", 1, "", BODY_NAME, ".service", "nspawn" },
};

/* the unit types which hold processes, but for slices */
static const char *const unit_suffixes[] = { ".service", ".scope", ".socket", ".mount", ".swap" };

static bool is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

static bool is_hex(char byte)
{
	return is_digit(byte) || (byte >= 'a' && byte <= 'f');
}

static bool is_id(struct text text)
{
	for (size_t i = 0; i < text.length; i++)
		if (!is_hex(text.bytes[i]))
			return false;
	return text.length == ID_LENGTH;
}

/*
 * 8833712d-6e69-4f5c-95f3-aebd020ce2e7, the same with '_' since '-' separates
 * slices, or 9729a196c4723b60ab401eaff722982d
 */
static bool is_uid(struct text text)
{
	for (size_t i = 0; i < text.length; i++) {
		bool separates = text.length == UUID_LENGTH &&
				 (i == 8 || i == 13 || i == 18 || i == 23);
		char byte = text.bytes[i];

		if (separates ? byte != '-' && byte != '_' : !is_hex(byte))
			return false;
	}
	return text.length == UUID_LENGTH || text.length == HASH_LENGTH;
}

static bool ends_with(struct text text, const char *end)
{
	size_t length = strlen(end);

	return text.length >= length && !memcmp(text.bytes + text.length - length, end, length);
}

static bool cut_end(struct text *text, const char *end)
{
	if (!ends_with(*text, end))
		return false;
	text->length -= strlen(end);
	return true;
}

static bool fits(struct text text, const char *pattern)
{
	if (*pattern == '*')
		return ends_with(text, pattern + 1);
	return text.length == strlen(pattern) && ends_with(text, pattern);
}

/* 265bf6e7ee1b4f04b0ea0c8c2c5be6a5-3059012817 */
static bool is_task(struct text text)
{
	struct text task = text;

	while (task.length && is_digit(task.bytes[task.length - 1]))
		task.length--;
	return task.length < text.length && cut_end(&task, "-") && is_uid(task);
}

static int hex_value(char byte)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *found = byte ? strchr(digits, byte) : NULL;

	return found ? (int)((found - digits) % 16) : -1;
}

/* The byte a leading \xNN stands for, 0 if there is none: a NUL would cut the name. */
static char escaped_byte(struct text text)
{
	int high, low;

	if (text.length < 4 || text.bytes[0] != '\\' || text.bytes[1] != 'x')
		return 0;
	high = hex_value(text.bytes[2]);
	low = hex_value(text.bytes[3]);
	return high < 0 || low < 0 ? 0 : (char)(high * 16 + low);
}

/* What does not fit becomes empty: a cut name would be another one's. */
static void copy(struct text text, bool unescape, char *ret, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < text.length; used++) {
		struct text rest = { text.bytes + i, text.length - i };
		char byte = unescape ? escaped_byte(rest) : 0;

		if (used + 1 == size) {
			used = 0;
			break;
		}
		ret[used] = byte ? byte : text.bytes[i];
		i += byte ? 4 : 1;
	}
	ret[used] = '\0';
}

static bool is_below(const struct form *form, const struct text *ancestors)
{
	if (!form->directory)
		return true;
	for (unsigned int i = 0; i < form->levels; i++)
		if (fits(ancestors[i], form->directory))
			return true;
	return false;
}

static bool form_body(const struct form *form, struct text name, struct text *ret)
{
	struct text prefix = name, body;

	if (!cut_end(&prefix, form->suffix))
		return false;
	body = prefix;
	prefix.length = strlen(form->prefix);
	if (form->body == BODY_ID && body.length > ID_LENGTH)
		prefix.length = body.length - ID_LENGTH;
	if (prefix.length >= body.length)
		return false;
	body.bytes += prefix.length;
	body.length -= prefix.length;
	if (!fits(prefix, form->prefix))
		return false;
	if (form->body == BODY_ID && !is_id(body))
		return false;
	if (form->body == BODY_TASK && !is_task(body))
		return false;
	*ret = body;
	return true;
}

/* machine-qemu\x2d1\x2dopnsense.scope: virsh knows it as opnsense, 1 is this start's */
static void skip_domain_number(struct text *text)
{
	struct text rest = *text;

	for (; rest.length && is_digit(*rest.bytes); rest.length--)
		rest.bytes++;
	if (rest.length < text->length && rest.length > 4 && escaped_byte(rest) == '-')
		*text = (struct text){ rest.bytes + 4, rest.length - 4 };
}

static void find_container(struct text name, const struct text *ancestors,
			   struct container_identity *ret)
{
	for (size_t i = 0; i < COUNT(forms); i++) {
		const struct form *form = &forms[i];
		struct text runtime, body;

		if (!is_below(form, ancestors) || !form_body(form, name, &body))
			continue;
		if (!form->runtime)
			return;
		if (form->body == BODY_DOMAIN)
			skip_domain_number(&body);
		runtime = (struct text){ form->runtime, strlen(form->runtime) };
		copy(runtime, false, ret->runtime, sizeof(ret->runtime));
		/* only units have a suffix, and only units are escaped */
		copy(body, *form->suffix, ret->id, sizeof(ret->id));
		return;
	}
}

/*
 * podUID or kubepods-burstable-podUID.slice, the latter perhaps followed by
 * :cri-containerd:ID. What is above does not matter: kubelets have a root of
 * their own in kind, and a cgroup namespace hides it.
 */
static void find_pod(struct text name, struct container_identity *ret)
{
	static const size_t lengths[] = { UUID_LENGTH, HASH_LENGTH };
	const char *colon = memchr(name.bytes, ':', name.length);
	const char *prefix;

	if (colon)
		name.length = (size_t)(colon - name.bytes);
	prefix = cut_end(&name, ".slice") ? "*-pod" : "pod";
	for (size_t i = 0; i < COUNT(lengths); i++) {
		struct text head = name, uid;

		if (name.length < lengths[i])
			continue;
		head.length -= lengths[i];
		uid = (struct text){ name.bytes + head.length, lengths[i] };
		if (!fits(head, prefix) || !is_uid(uid))
			continue;
		copy(uid, false, ret->pod_uid, sizeof(ret->pod_uid));
		for (char *byte = ret->pod_uid; *byte; byte++)
			if (*byte == '_')
				*byte = '-';
		/* the container around a pod is its node (kind): /docker/ID/kubepods/podUID */
		ret->id[0] = '\0';
		ret->runtime[0] = '\0';
		return;
	}
}

static void find_unit(struct text name, struct container_identity *ret)
{
	for (size_t i = 0; i < COUNT(unit_suffixes); i++)
		if (name.length > strlen(unit_suffixes[i]) && ends_with(name, unit_suffixes[i]))
			copy(name, true, ret->unit, sizeof(ret->unit));
}

/* Inner names come last and replace what outer ones told, each its own part. */
void container_identify(const char *path, size_t length, struct container_identity *ret)
{
	struct text rest = { path, strnlen(path, length) };
	struct text ancestors[ANCESTORS] = { { "", 0 }, { "", 0 } };

	memset(ret, 0, sizeof(*ret));
	/* the kernel marks a cgroup removed before its last process went */
	cut_end(&rest, " (deleted)");
	while (rest.length) {
		const char *slash = memchr(rest.bytes, '/', rest.length);
		size_t end = slash ? (size_t)(slash - rest.bytes) : rest.length;
		struct text name = { rest.bytes, end };

		end += slash != NULL;
		rest.bytes += end;
		rest.length -= end;
		/* ".." leads out of a cgroup namespace: /../../docker-ID.scope */
		if (!name.length || fits(name, ".") || fits(name, ".."))
			continue;
		find_pod(name, ret);
		find_container(name, ancestors, ret);
		find_unit(name, ret);
		memmove(ancestors + 1, ancestors, sizeof(ancestors) - sizeof(*ancestors));
		ancestors[0] = name;
	}
}
