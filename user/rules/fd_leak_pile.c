// SPDX-License-Identifier: BSD-2-Clause
/* Rules about what is open and does not move: piles, and a limit that is reached, where nothing can move. */
#include <string.h>

#include "fd_leak_words.h"
#include "fd_words.h"
#include "say.h"

enum { PILE_COUNT = 64 };

/* ---- piles ------------------------------------------------------------------- */

/* Half of all are alike, and of a kind that is not kept in pools. */
static bool is_pile(const struct fd_view *v, uint64_t count)
{
	return count >= PILE_COUNT && fd_is_share(count, v->listed, 1, 2) && !(v->has_open && count > v->open);
}

static const struct fd_group *pile_group(const struct fd_view *v)
{
	for (uint64_t i = 0; i < v->group_count; i++) {
		const struct fd_group *g = &v->groups[i];
		bool deleted = g->known.deleted && g->deleted;

		if (!g->known.count || !is_pile(v, g->count) || !g->known.type)
			continue;
		if (deleted || fd_is_anonymous(g->type) || !strcmp(g->type, "file") || !strcmp(g->type, "directory") ||
		    !strcmp(g->type, "device") || !strcmp(g->type, "proc"))
			return g;
	}
	return NULL;
}

static const struct fd_type *pile_type(const struct fd_view *v)
{
	for (uint64_t i = 0; i < v->type_count; i++) {
		const struct fd_type *t = &v->types[i];

		if (t->known.count && is_pile(v, t->count) && t->known.type && fd_is_anonymous(t->type))
			return t;
	}
	return NULL;
}

/* those of a site that are of the pile: a file has a name, what has none is known by its type */
static bool is_of_pile(const struct fd_site *site, const char *type, const struct fd_group *group)
{
	if (!site->known.type || !site->known.outstanding || strcmp(site->type, type) != 0)
		return false;
	return fd_is_anonymous(type) || (group && group->known.what && site->known.example && !strcmp(site->example, group->what));
}

/* Opened while it was watched and still open, at least: what sites tell, or what cannot all be among the others it has. */
static double pile_young(const struct fd_leak *l, const struct fd_view *v, const char *type, const struct fd_group *group,
			 uint64_t count)
{
	double told = 0, rest = 0;

	for (uint64_t i = 0; l->known.sites && i < l->sites_count; i++)
		if (is_of_pile(&l->sites[i], type, group))
			told += l->sites[i].outstanding;
	if (l->known.outstanding && v->has_open && v->open >= count)
		rest = (double)l->outstanding - (double)(v->open - count);
	return told > rest ? told : rest;
}

/* how many more of that type there are than at the first look; where that is unknown, of all */
static int64_t pile_grown(const struct fd_leak *l, const struct fd_view *v, const char *type)
{
	int64_t grown;

	for (uint64_t i = 0; i < v->type_count; i++)
		if (v->types[i].known.type && v->types[i].known.grown && strcmp(v->types[i].type, type) == 0)
			return v->types[i].grown;
	return fd_grown(l, &grown) ? grown : 0;
}

/*
 * As many new ones as there are fewer old ones: they are replaced, not forgotten. A
 * share that is worth a word is enough, as it is the larger the longer one looks.
 */
static bool is_replaced(const struct fd_leak *l, const struct fd_view *v)
{
	enum { SHARE = 20, FEWEST = 5 };
	const struct fd_group *group = pile_group(v);
	const struct fd_type *alike = pile_type(v);
	const char *type = group ? group->type : alike ? alike->type : "";
	uint64_t count = group ? group->count : alike ? alike->count : 0;
	double replaced = pile_young(l, v, type, group, count);
	int64_t grown = pile_grown(l, v, type);

	replaced -= grown > 0 ? grown : 0;
	return count && replaced >= FEWEST && replaced * SHARE >= count;
}

bool fd_pile_matches(const struct observation *observation)
{
	struct fd_view v = fd_view_of(observation);

	if (!fd_is_calm(&observation->fd_leak) || (!pile_group(&v) && !pile_type(&v)))
		return false;
	return !is_replaced(&observation->fd_leak, &v);
}

static void say_pile(struct text *text, const struct fd_view *v)
{
	const struct fd_group *group = pile_group(v);
	const struct fd_type *type = pile_type(v);

	text_format(text, "%llu of %llu%s are ", (unsigned long long)(group ? group->count : type->count),
		    (unsigned long long)v->listed, v->listed < v->open ? " looked at" : "");
	if (group)
		fd_say_group(text, group);
	else
		text_add(text, fd_type_words(type->type));
}

void fd_pile_explain(const struct observation *observation, struct verdict *ret)
{
	const struct fd_leak *l = &observation->fd_leak;
	struct fd_view v = fd_view_of(observation);
	const struct fd_group *group = pile_group(&v);
	char room[256];
	struct text text = say_cause(ret), pile = TEXT_ON(room);

	ret->severity = SEVERITY_WARNING;
	fd_say_leak_title(observation, "FD PILE", ret);
	say_pile(&pile, &v);
	text_format(&text, "%s: most likely they piled up earlier and are forgotten, unless the program is made so. No growth was seen",
		    room);
	if (l->known.watched_ns && l->watched_ns) {
		text_add(&text, " in ");
		text_duration(&text, l->watched_ns);
	}
	text_add(&text, "; a leak that is slow, or needs its trigger, cannot be excluded");
	if (group && group->known.deleted && group->deleted)
		text_add(&text, ". The file is deleted: its space on the disk is free only when they are closed");
	text = say_advice(ret);
	text_add(&text, "watch it while it works, over an hour or a reload, or from its start (then each has its stack): fdleak ");
	fd_say_target(&text, observation);
	text_add(&text, " -d 3600");
	fd_leak_advise_restart(observation, ret);
	fd_verify_count(observation, ret);
	fd_verify_watch(observation, "must not grow", ret);
	KNOW(&ret->diagnosis, confidence, BASIS_INFERRED);
	text = say_message(ret);
	fd_say_holder(&text, observation);
	text_format(&text, ": %s, and they did not grow; ", room);
	fd_leak_say_tail(&text, observation);
}

/* ---- the limit is reached ---------------------------------------------------- */

bool fd_at_limit_matches(const struct observation *observation)
{
	return fd_at_limit(&observation->fd_leak);
}

/* at the limit nothing more can be seen: its start, or more room, shows it */
static void advise_room(const struct observation *observation, struct verdict *ret)
{
	struct fd_view v = fd_view_of(observation);
	uint64_t limit = fd_next_limit(&v, fd_times_open(&v, 2));
	struct text text;

	if (limit && fd_was_there(observation)) {
		text = say_advice(ret);
		text_format(&text, "give it room and see whether it takes it: prlimit --pid %llu --nofile=%llu%s; fdleak ",
			    (unsigned long long)observation->process.pid, (unsigned long long)limit,
			    v.has_hard && limit <= v.hard ? ":" : "");
		fd_say_target(&text, observation);
		text_add(&text, " -d 60");
	}
	fd_advise(ret, "watching it as it is shows no more. Watched from its start by fdleak, each has the code that opened it");
}

void fd_at_limit_explain(const struct observation *observation, struct verdict *ret)
{
	const struct fd_leak *l = &observation->fd_leak;
	struct fd_view v = fd_view_of(observation);
	int64_t grown;
	struct text text = say_cause(ret);

	ret->severity = SEVERITY_WARNING;
	fd_say_leak_title(observation, "FD LIMIT", ret);
	fd_say_holder(&text, observation);
	if (l->known.ended && l->ended)
		text_format(&text, " ended with all the descriptors that it could have, %llu", (unsigned long long)v.soft);
	else
		text_format(&text, " has all the descriptors that it may have, %llu: the next ones fail (EMFILE)",
			    (unsigned long long)v.soft);
	if (fd_grown(l, &grown) && grown > 0)
		text_format(&text, ". %lld came while it was watched, until the limit was reached", (long long)grown);
	text_add(&text, ". That they grow no more proves nothing: a leak stops there as a pool does");
	if ((pile_group(&v) || pile_type(&v)) && !is_replaced(l, &v)) {
		text_add(&text, ". ");
		say_pile(&text, &v);
		text_add(&text, ", which speaks for a leak");
	}
	advise_room(observation, ret);
	fd_leak_advise_restart(observation, ret);
	fd_verify_count(observation, ret);
	fd_verify_watch(observation, "must stay well below the limit", ret);
	fd_leak_conclude_calm(observation, BASIS_UNKNOWN, "its limit is reached, a leak or a pool", ret);
	ret->brief = false;
}
