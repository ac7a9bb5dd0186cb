// SPDX-License-Identifier: BSD-2-Clause
#include "say.h"

#include <string.h>

#define MEMBER(ARRAY) ((struct text){ .data = (ARRAY), .size = sizeof(ARRAY) })

/* where text goes that has no place left */
static struct text nowhere(char *data)
{
	data[0] = '\0';
	return (struct text){ .data = data, .size = 1 };
}

struct text say_title(struct verdict *verdict)
{
	verdict->diagnosis.known.title = 1;
	return MEMBER(verdict->diagnosis.title);
}

struct text say_message(struct verdict *verdict)
{
	return MEMBER(verdict->message);
}

struct text say_cause(struct verdict *verdict)
{
	verdict->diagnosis.known.cause = 1;
	return MEMBER(verdict->diagnosis.cause);
}

struct text say_evidence(struct verdict *verdict, const char *about, enum basis basis)
{
	struct diagnosis *d = &verdict->diagnosis;
	struct evidence *e = &d->evidence[d->evidence_count];

	if (d->evidence_count == sizeof(d->evidence) / sizeof(d->evidence[0]))
		return nowhere(verdict->message + sizeof(verdict->message) - 1);
	d->known.evidence = 1;
	d->evidence_count++;
	text_copy(e->about, sizeof(e->about), about, strlen(about));
	e->known.about = e->known.claim = 1;
	KNOW(e, basis, basis);
	return MEMBER(e->claim);
}

struct text say_advice(struct verdict *verdict)
{
	struct diagnosis *d = &verdict->diagnosis;

	if (d->advice_count == sizeof(d->advice) / sizeof(d->advice[0]))
		return nowhere(verdict->message + sizeof(verdict->message) - 1);
	d->known.advice = 1;
	return MEMBER(d->advice[d->advice_count++]);
}

struct text say_verify(struct verdict *verdict)
{
	struct diagnosis *d = &verdict->diagnosis;

	if (d->verify_count == sizeof(d->verify) / sizeof(d->verify[0]))
		return nowhere(verdict->message + sizeof(verdict->message) - 1);
	d->known.verify = 1;
	return MEMBER(d->verify[d->verify_count++]);
}

void say_whole(const struct text *text, uint64_t *count)
{
	if (text->cut && *count) {
		text->data[0] = '\0';
		--*count;
	}
}

bool say_path_is_whole(const char *path)
{
	return strncmp(path, "/...", 4) != 0;
}

void say_process(struct text *text, const char *comm, bool has_pid, uint64_t pid)
{
	text_add(text, *comm ? comm : "process");
	if (has_pid)
		text_format(text, "[%llu]", (unsigned long long)pid);
}

void say_path(struct text *text, const char *path)
{
	enum { WHOLE = 64, NAME = 48, HEAD = 24, TAIL = 12 };
	size_t length = strlen(path), first = strcspn(path + (*path == '/'), "/") + (*path == '/');
	const char *last = strrchr(path, '/');

	if (length <= WHOLE || !last) {
		text_add(text, path);
		return;
	}
	if (last > path)
		text_append(text, path, first < NAME ? first : NAME);
	if (last > path + first)
		text_add(text, "/…");
	length = strlen(last);
	if (length <= NAME) {
		text_add(text, last);
		return;
	}
	text_append(text, last, HEAD);
	text_add(text, "…");
	text_add(text, last + length - TAIL);
}

void say_cgroup_file(struct text *text, uint64_t version, const char *path, const char *v1_name,
		     const char *v2_name)
{
	char raw[1200];
	struct text file = TEXT_ON(raw);

	text_add(&file, version == 1 ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup");
	if (strcmp(path, "/") != 0)
		text_add(&file, path);
	text_format(&file, "/%s", version == 1 ? v1_name : v2_name);
	text_shell(text, raw, file.length);
}

void say_identity(struct text *text, const struct observation *observation)
{
	const struct process *p = &observation->process;

	if (p->known.exe && *p->exe) {
		text_add(text, ", ");
		say_path(text, p->exe);
	}
	if (p->known.uid)
		text_format(text, ", uid %llu", (unsigned long long)p->uid);
	if (p->known.start_ns && observation->boot_ns > p->start_ns) {
		text_add(text, ", running for ");
		text_duration(text, observation->boot_ns - p->start_ns);
	}
	if (p->known.ppid && p->ppid) {
		text_add(text, ", child of ");
		say_process(text, p->known.parent_comm ? p->parent_comm : "", true, p->ppid);
	}
	if (p->known.ns_pid && p->ns_pid)
		text_format(text, "; pid %llu in its container", (unsigned long long)p->ns_pid);
}
