// SPDX-License-Identifier: BSD-2-Clause
/* What every card about moving descriptors says: how many, how they move, what they are, where they were opened. */
#include <string.h>

#include "fd_describe.h"
#include "say.h"

static void row_open(const struct fd_leak *l, struct verdict *ret)
{
	struct text text;

	if (!l->known.open) {
		text = say_evidence(ret, "open", BASIS_UNKNOWN);
		text_add(&text, "how many descriptors it has");
		return;
	}
	text = say_evidence(ret, "open", BASIS_MEASURED);
	text_number(&text, l->open);
	if (l->known.soft)
		text_format(&text, " of %llu (RLIMIT_NOFILE soft)", (unsigned long long)l->soft);
	if (l->known.hard)
		text_format(&text, ", hard %llu", (unsigned long long)l->hard);
	if (l->known.outstanding)
		text_format(&text, "; %llu opened while it was watched", (unsigned long long)l->outstanding);
	if (l->known.before && l->before)
		text_format(&text, "%s %llu before", l->known.outstanding ? "," : ";", (unsigned long long)l->before);
	if (l->known.ended && l->ended)
		text_add(&text, "; at the last look: the process has ended");
	if (l->known.exec && l->exec)
		text_add(&text, "; it started another program meanwhile (exec)");
	if (l->known.partial && l->partial)
		text_add(&text, "; too many to look at all: the rest tells of some");
}

/* "46 per minute"; below one per minute what was counted */
static void row_growth(const struct fd_leak *l, struct verdict *ret)
{
	bool window = l->known.watched_ns && l->watched_ns;
	int64_t grown;
	struct text text;

	if (!fd_grown(l, &grown) && !fd_rate(l))
		return;
	text = say_evidence(ret, "growth", BASIS_MEASURED);
	if (fd_grown(l, &grown)) {
		text_format(&text, "%llu -> %llu", (unsigned long long)l->open_at_start, (unsigned long long)l->open);
		if (l->known.peak && l->peak > l->open && l->peak > l->open_at_start)
			text_format(&text, ", at most %llu", (unsigned long long)l->peak);
	}
	if (window) {
		text_add(&text, text.length ? " in " : "in ");
		text_duration(&text, l->watched_ns);
	}
	if (l->known.looks)
		text_format(&text, l->looks == 1 ? "%s1 look" : "%s%llu looks", text.length ? ", " : "",
			    (unsigned long long)l->looks);
	if (fd_rate(l)) {
		text_add(&text, text.length ? ": " : "");
		fd_say_signed(&text, fd_rate(l));
		text_add(&text, " per minute");
	}
	if (l->known.opened && l->known.closed)
		text_format(&text, "; %llu opened, of these %llu closed", (unsigned long long)l->opened, (unsigned long long)l->closed);
}

static void row_lasts(const struct fd_leak *l, struct verdict *ret)
{
	struct text text;

	if (!fd_goes_on(l) || !l->known.exhausted_in_s || l->exhausted_in_s > 366ULL * 86400 || fd_rate(l) <= 0)
		return;
	text = say_evidence(ret, "lasts", BASIS_INFERRED);
	if (!l->exhausted_in_s) {
		text_add(&text, "the limit is reached");
		return;
	}
	text_duration(&text, l->exhausted_in_s * SECOND_NS);
	if (l->known.soft)
		text_format(&text, " until %llu are open", (unsigned long long)l->soft);
	text_add(&text, ", if it goes on like that");
	if (l->known.watched_ns && l->watched_ns) {
		text_add(&text, ": extrapolated from ");
		text_duration(&text, l->watched_ns);
		if (l->known.looks && l->looks > 1)
			text_format(&text, " and %llu looks", (unsigned long long)l->looks);
	}
}

static void row_close_wait(const struct fd_leak *l, struct verdict *ret)
{
	for (uint64_t i = 0; l->known.close_wait && i < l->close_wait_count && i < 2; i++) {
		const struct fd_close_wait *c = &l->close_wait[i];
		struct fd_stack stack = FD_STACK(c);
		const char *frame;
		struct text text;

		if (!c->known.count || !c->count)
			continue;
		text = say_evidence(ret, "closed", BASIS_MEASURED);
		text_format(&text, "%llu by ", (unsigned long long)c->count);
		text_add(&text, c->known.peer && *c->peer ? c->peer : "its peer");
		if (c->known.local && *c->local)
			text_format(&text, ", here %s", c->local);
		if (c->known.oldest_ns) {
			text_add(&text, ", silent for up to ");
			text_duration(&text, c->oldest_ns);
		}
		/* whole where no site has it */
		if (fd_code_frame(&stack, &frame) != FD_CODE_NONE) {
			text_add(&text, "; opened in ");
			fd_say_code(&text, frame);
		}
		if (fd_has_frames(&stack) && !(l->known.sites && l->sites_count)) {
			text = say_evidence(ret, "stack", BASIS_MEASURED);
			fd_say_stack(&text, &stack, 6);
		}
	}
}

static void row_site(const struct fd_leak *l, const struct fd_site *s, uint64_t frames, struct verdict *ret)
{
	struct fd_stack stack = FD_STACK(s);
	struct text text = say_evidence(ret, "site", BASIS_MEASURED);

	text_format(&text, "%llu open", (unsigned long long)s->outstanding);
	/* what only replaces others is no growth */
	if (s->known.grown && fd_site_net(l, s) > 0) {
		text_add(&text, " (");
		fd_say_signed(&text, fd_site_net(l, s));
		text_add(&text, ")");
	}
	if (s->known.opened)
		text_format(&text, ", %llu opened", (unsigned long long)s->opened);
	if (s->known.closed)
		text_format(&text, ", %llu closed", (unsigned long long)s->closed);
	if (s->known.type && *s->type)
		text_format(&text, ", %s", strcmp(s->type, "mixed") == 0 ? "of several kinds" : fd_type_words(s->type));
	if (s->known.oldest_ns) {
		text_add(&text, ", the oldest ");
		text_duration(&text, s->oldest_ns);
		text_add(&text, " old");
	}
	if (s->known.example && *s->example && !(s->known.type && strcmp(s->example, s->type) == 0)) {
		text_add(&text, ", e.g. ");
		say_path(&text, s->example);
	}
	if (!fd_has_frames(&stack))
		return;
	text = say_evidence(ret, "stack", BASIS_MEASURED);
	fd_say_stack(&text, &stack, frames);
}

/* where nothing grows, only what holds a tenth */
static bool matters(const struct fd_leak *l, const struct fd_site *s)
{
	return fd_moves(l) == FD_MOVEMENT_GREW || !l->known.open || s->outstanding >= l->open / 10;
}

/* the one that leaks, else the first; and one more */
static void row_sites(const struct fd_leak *l, struct verdict *ret)
{
	const struct fd_site *first = fd_leaking_site(l), *second = NULL;

	for (uint64_t i = 0; l->known.sites && i < l->sites_count && !second; i++) {
		const struct fd_site *s = &l->sites[i];

		if (!s->known.outstanding || !s->outstanding || s == first || !matters(l, s))
			continue;
		if (first)
			second = s;
		else
			first = s;
	}
	if (first)
		row_site(l, first, 6, ret);
	/* its two rows leave room for what is unknown and the process */
	if (second && ret->diagnosis.evidence_count <= 6)
		row_site(l, second, 3, ret);
}

/* what cannot be known of these, and why */
static void row_unknown(const struct fd_leak *l, struct verdict *ret)
{
	/* the first three it was given */
	bool before = l->known.before && l->before > 3, sites = l->known.sites && l->sites_count;
	bool without = l->known.unattributed && l->unattributed, unseen = l->known.unseen && l->unseen;
	bool note = l->known.stack_note && *l->stack_note, grew = fd_moves(l) == FD_MOVEMENT_GREW;
	struct text text;

	if (!before && !without && !unseen && !note && (sites || !grew))
		return;
	text = say_evidence(ret, "unknown", BASIS_UNKNOWN);
	if (before)
		text_format(&text, "by which code the %llu from before were opened, and when", (unsigned long long)l->before);
	else if (!sites && !without && grew)
		text_add(&text, "which code opens them");
	if (without)
		text_format(&text, "%sthe call stack of %llu opened since", text.length ? "; " : "",
			    (unsigned long long)l->unattributed);
	if (unseen)
		text_format(&text, "%show %llu came here", text.length ? "; " : "", (unsigned long long)l->unseen);
	if (note)
		text_format(&text, text.length ? " (%s)" : "%s", l->stack_note);
}

bool fd_say_called_code(struct text *text, const struct fd_stack *stack, const char *frame, const char *by)
{
	const char *caller = fd_caller_of(stack, frame);

	fd_say_code(text, frame);
	if (!caller)
		return false;
	text_add(text, by);
	fd_say_code(text, caller);
	return true;
}

/* ---- where growth comes from --------------------------------------------------- */

/* one of the places that are told, and what those have more that are told in the same words */
struct place {
	char words[240];
	int64_t share;
};

static bool say_frame(struct text *text, const struct fd_site *site)
{
	struct fd_stack stack = FD_STACK(site);
	const char *frame;

	if (fd_code_frame(&stack, &frame) == FD_CODE_NONE)
		return false;
	fd_say_code(text, frame);
	return true;
}

/* it grows as steadily as the one that leaks, and its part of the growth is worth a word */
static bool grew_too(const struct fd_leak *l, const struct fd_site *site, const struct fd_site *leaking, int64_t grown)
{
	char room[240];
	struct text text = TEXT_ON(room);

	if (site->known.grew_ns && l->known.watched_ns && site->grew_ns > l->watched_ns / 3)
		return false;
	return site->known.rises && site->rises > 2 && site->rises >= leaking->rises / 2 && site->known.falls && !site->falls &&
	       site->known.grown && fd_site_net(l, site) > grown / 10 && say_frame(&text, site);
}

/* where it is the function that leaks, by its caller, too: the function alone would name both */
static void place_say(struct place *place, const struct fd_site *site, const struct fd_site *leaking)
{
	struct fd_stack stack = FD_STACK(site);
	char room[sizeof(place->words)];
	struct text text = TEXT_ON(place->words), other = TEXT_ON(room);
	const char *frame;

	if (!say_frame(&text, site) || !say_frame(&other, leaking) || strcmp(place->words, room) != 0)
		return;
	fd_code_frame(&stack, &frame);
	text.length = 0;
	if (!fd_say_called_code(&text, &stack, frame, " called by "))
		text_add(&text, " called elsewhere");
}

/* The one that leaks and the next two. *whole: what all have more; the process has less where others were closed. */
static size_t places_find(const struct fd_leak *l, const struct fd_site *leaking, int64_t grown, struct place places[3],
			  int64_t *whole)
{
	size_t count = 1;

	place_say(&places[0], leaking, leaking);
	*whole = 0;
	for (uint64_t i = 0; i < l->sites_count; i++) {
		const struct fd_site *site = &l->sites[i];
		struct place place = {};
		size_t n = 0;

		if (site != leaking && !grew_too(l, site, leaking, grown))
			continue;
		place.share = fd_site_net(l, site) < grown ? fd_site_net(l, site) : grown;
		*whole += place.share;
		place_say(&place, site, leaking);
		while (n < count && strcmp(places[n].words, place.words) != 0)
			n++;
		if (n < count)
			places[n].share += place.share;
		else if (n < 3)
			places[count++] = place;
	}
	*whole = *whole > grown ? *whole : grown;
	return count;
}

/* how much of the growth it explains: no more than its type, or the process, grew */
void fd_leak_say_share(struct text *text, const struct fd_leak *l, const struct fd_site *leaking)
{
	int64_t net = fd_site_net(l, leaking), grown, whole;
	struct place places[3] = {};
	size_t count;

	if (!fd_grown(l, &grown) || grown <= 0)
		return;
	if (net < leaking->grown / 2)
		text_format(text, "; most of them replace others that were closed, %lld are more than before", (long long)net);
	if (net > grown + grown / 20) {
		text_format(text, "; all in all it has only %lld more, as others were closed", (long long)grown);
		return;
	}
	count = places_find(l, leaking, grown, places, &whole);
	if (net >= grown - grown / 20 || places[0].share >= whole - whole / 20) {
		text_add(text, "; all growth is from there");
		return;
	}
	text_format(text, "; %llu %% of the growth is from there", (unsigned long long)fd_percent(places[0].share, whole));
	for (size_t i = 1; i < count; i++)
		text_format(text, ", %llu %% from %s", (unsigned long long)fd_percent(places[i].share, whole), places[i].words);
}

void fd_say_leak_title(const struct observation *observation, const char *symptom, struct verdict *ret)
{
	struct fd_view v = fd_view_of(observation);
	struct text text = say_title(ret);

	text_format(&text, "%s  ", symptom);
	fd_say_holder(&text, observation);
	if (v.has_open) {
		text_add(&text, "  ");
		fd_say_use(&text, &v);
	}
	fd_say_home(&text, observation);
}

void fd_leak_describe(const struct observation *observation, struct verdict *ret)
{
	const struct fd_leak *l = &observation->fd_leak;
	struct fd_view v = fd_view_of(observation);
	struct diagnosis *d = &ret->diagnosis;

	ret->severity = SEVERITY_INFO;
	KNOW(d, resource, RESOURCE_FD);
	if (l->known.open)
		KNOW(d, usage, l->open);
	if (l->known.soft)
		KNOW(d, limit, l->soft);
	fd_say_leak_title(observation, "DESCRIPTORS", ret);
	row_open(l, ret);
	row_growth(l, ret);
	row_lasts(l, ret);
	fd_row_types(&v, ret);
	row_close_wait(l, ret);
	row_sites(l, ret);
	/* room for two more: a site's peer is told with it */
	if (d->evidence_count < 8)
		fd_row_groups(&v, d->evidence_count < 7 ? 2 : 1, l->known.close_wait && l->close_wait_count, ret);
	row_unknown(l, ret);
	fd_row_process(observation, l->known.script && *l->script ? l->script : NULL, ret);
}
