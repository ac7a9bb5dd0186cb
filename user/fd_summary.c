// SPDX-License-Identifier: BSD-2-Clause
#include "fd_summary.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fd_file.h"
#include "observation.h"

int fd_summary_open(struct fd_summary *ret)
{
	memset(ret, 0, sizeof(*ret));
	return table_init(&ret->groups, sizeof(struct fd_alike), FD_SUMMARY_GROUPS);
}

void fd_summary_close(struct fd_summary *summary)
{
	table_fini(&summary->groups);
}

void fd_summary_clear(struct fd_summary *s)
{
	table_clear(&s->groups);
	s->type_count = 0;
	s->count = s->ungrouped = s->close_wait = 0;
}

/* ---- adding --------------------------------------------------------- */

static void add_type(struct fd_summary *s, const char *type)
{
	struct fd_type_count *t;
	unsigned int i;

	for (i = 0; i < s->type_count && strcmp(s->types[i].type, type) != 0; i++)
		;
	if (i == FD_SUMMARY_TYPES) {
		/* the last stands for all that have no row of their own, unless there is such a row */
		for (i = 0; i < FD_SUMMARY_TYPES - 1 && strcmp(s->types[i].type, "other") != 0; i++)
			;
		text_copy(s->types[i].type, sizeof(s->types[i].type), "other", 5);
	}
	t = &s->types[i];
	if (i == s->type_count) {
		s->type_count++;
		text_copy(t->type, sizeof(t->type), type, strlen(type));
		t->count = 0;
	}
	t->count++;
}

static void add_group(struct fd_summary *s, uint32_t fd, const struct fd_file *f)
{
	uint64_t key = fd_file_group(f);
	struct fd_alike *g = table_add(&s->groups, key);

	if (!g) {
		s->ungrouped++;
		return;
	}
	if (!g->count) {
		g->file = *f;
		g->fd = fd;
	}
	g->count++;
	g->ports_differ |= g->file.peer_port != f->peer_port;
	g->locals_differ |= g->file.local_port != f->local_port;
	if (f->quiet > g->quiet)
		g->quiet = f->quiet;
	if (f->opened_ns && (!g->first_ns || f->opened_ns < g->first_ns)) {
		g->first_ns = f->opened_ns;
		g->first_site = f->site;
	}
}

void fd_summary_add(struct fd_summary *s, uint32_t fd, const struct fd_file *f)
{
	char room[24];

	s->count++;
	add_type(s, fd_file_type(f, room));
	add_group(s, fd, f);
	if (fd_file_tcp_state(f) && f->state == FD_TCP_CLOSE_WAIT)
		s->close_wait++;
}

/* ---- telling -------------------------------------------------------- */

static int by_count(const void *a, const void *b)
{
	const struct fd_type *left = a, *right = b;

	if (left->count != right->count)
		return left->count < right->count ? 1 : -1;
	return strcmp(left->type, right->type);
}

/* what finds no row goes into one called "other", the last where there is none: the sum is that of all */
static void add_rest(const struct fd_type *rest, uint64_t rest_count, struct fd_type *ret, uint64_t max)
{
	struct fd_type *other = &ret[max - 1];
	uint64_t count = 0;

	for (uint64_t i = 0; i < rest_count; i++)
		count += rest[i].count;
	for (uint64_t i = 0; i + 1 < max; i++) {
		if (strcmp(ret[i].type, "other") == 0) {
			/* its row is above: the last stays what it is */
			ret[i].count += count - other->count;
			return;
		}
	}
	*other = (struct fd_type){};
	KNOW_TEXT(other, type, "other");
	KNOW(other, count, count);
}

uint64_t fd_summary_types(const struct fd_summary *s, struct fd_type *ret, uint64_t max)
{
	struct fd_type rows[FD_SUMMARY_TYPES] = {};

	for (unsigned int i = 0; i < s->type_count; i++) {
		KNOW_TEXT(&rows[i], type, s->types[i].type);
		KNOW(&rows[i], count, s->types[i].count);
	}
	qsort(rows, s->type_count, sizeof(rows[0]), by_count);
	if (max > s->type_count)
		max = s->type_count;
	memcpy(ret, rows, max * sizeof(rows[0]));
	if (!max || max == s->type_count)
		return max;
	add_rest(rows + max - 1, s->type_count - max + 1, ret, max);
	qsort(ret, max, sizeof(ret[0]), by_count);
	return max;
}

/* The largest groups that are wanted, the largest first; equal ones by the lowest descriptor. */
static uint64_t largest(const struct fd_summary *s, bool close_wait, const struct fd_alike **ret, uint64_t max)
{
	uint64_t found = 0;

	for (uint32_t i = 0; i < s->groups.count; i++) {
		const struct fd_alike *g = table_entry(&s->groups, i);
		uint64_t at;

		if (close_wait && !(fd_file_tcp_state(&g->file) && g->file.state == FD_TCP_CLOSE_WAIT))
			continue;
		for (at = found; at && (ret[at - 1]->count < g->count ||
					(ret[at - 1]->count == g->count && ret[at - 1]->fd > g->fd)); at--)
			if (at < max)
				ret[at] = ret[at - 1];
		if (at < max) {
			ret[at] = g;
			found += found < max;
		}
	}
	return found;
}

static uint64_t quiet_ns(const struct fd_summary *s, uint32_t jiffies)
{
	return s->jiffies_per_s ? jiffies * 1000000000ULL / s->jiffies_per_s : 0;
}

static void say_peer(struct text *text, const struct fd_alike *g)
{
	fd_file_address(text, &g->file, g->file.peer, g->ports_differ ? 0 : g->file.peer_port);
}

static void say_local(struct text *text, const struct fd_alike *g)
{
	fd_file_address(text, &g->file, g->file.local, g->locals_differ ? 0 : g->file.local_port);
}

static bool say_socket(struct text *text, const struct fd_alike *g, const char *type)
{
	const char *state = fd_file_tcp_state(&g->file);

	text_add(text, type);
	if (state && g->file.state == FD_TCP_LISTEN) {
		text_add(text, " listening on ");
		say_local(text, g);
	} else if (fd_file_has_peer(&g->file) && g->ports_differ && !g->locals_differ) {
		text_add(text, " from ");
		say_peer(text, g);
		text_format(text, " on port %u", g->file.local_port);
	} else if (fd_file_has_peer(&g->file)) {
		text_add(text, " to ");
		say_peer(text, g);
	} else if (g->file.local_port) {
		text_add(text, " on ");
		say_local(text, g);
	}
	return true;
}

static bool say_alike(struct text *text, const struct procfs *procfs, uint64_t pid, const struct fd_alike *g)
{
	char room[24], path[160];
	const char *type = fd_file_type(&g->file, room);

	if (S_ISSOCK(g->file.mode))
		return say_socket(text, g, type);
	/* "pipe:[4711]", "anon_inode:[eventfd]": there the type says it better */
	if (procfs_fd(procfs, pid, g->fd, path, sizeof(path)) || *path != '/') {
		text_add(text, type);
		return true;
	}
	if (fd_file_deleted(&g->file) && g->count > 1)
		text_add(text, "deleted files, as ");
	text_add(text, path);
	return true;
}

bool fd_describe(struct text *text, const struct procfs *procfs, uint64_t pid, uint32_t fd, const struct fd_file *f)
{
	struct fd_alike one = { .count = 1, .fd = fd, .file = *f };

	return say_alike(text, procfs, pid, &one);
}

uint64_t fd_summary_groups(const struct fd_summary *s, const struct procfs *procfs, uint64_t pid, uint64_t now_ns,
			   struct fd_group *ret, uint64_t max)
{
	const struct fd_alike *found[16];
	uint64_t count = largest(s, false, found, max < 16 ? max : 16);

	for (uint64_t i = 0; i < count; i++) {
		const struct fd_alike *g = found[i];
		struct fd_group *r = &ret[i];
		struct text what, peer;
		char room[24];

		*r = (struct fd_group){};
		what = (struct text)TEXT_ON(r->what);
		peer = (struct text)TEXT_ON(r->peer);
		r->known.what = say_alike(&what, procfs, pid, g);
		KNOW_TEXT(r, type, fd_file_type(&g->file, room));
		KNOW(r, count, g->count);
		if (fd_file_tcp_state(&g->file))
			KNOW_TEXT(r, tcp_state, fd_file_tcp_state(&g->file));
		if (fd_file_has_peer(&g->file)) {
			say_peer(&peer, g);
			r->known.peer = 1;
		}
		if (g->first_ns && now_ns > g->first_ns)
			KNOW(r, oldest_ns, now_ns - g->first_ns);
		if (fd_file_has_peer(&g->file) && fd_file_tcp_state(&g->file) && s->jiffies_per_s)
			KNOW(r, quiet_ns, quiet_ns(s, g->quiet));
		if (fd_file_deleted(&g->file))
			KNOW(r, deleted, 1);
	}
	return count;
}

uint64_t fd_summary_close_wait(const struct fd_summary *s, struct fd_close_wait *ret, uint64_t *ret_sites, uint64_t max)
{
	const struct fd_alike *found[16];
	uint64_t count = largest(s, true, found, max < 16 ? max : 16);

	for (uint64_t i = 0; i < count; i++) {
		struct fd_close_wait *r = &ret[i];
		struct text peer, local;

		*r = (struct fd_close_wait){};
		peer = (struct text)TEXT_ON(r->peer);
		local = (struct text)TEXT_ON(r->local);
		say_peer(&peer, found[i]);
		say_local(&local, found[i]);
		r->known.peer = r->known.local = 1;
		KNOW(r, count, found[i]->count);
		if (s->jiffies_per_s)
			KNOW(r, oldest_ns, quiet_ns(s, found[i]->quiet));
		ret_sites[i] = found[i]->first_site;
	}
	return count;
}
