// SPDX-License-Identifier: BSD-2-Clause
/* Rules that find no leak, and the words that all about moving descriptors share. */
#include <string.h>

#include "fd_leak_words.h"
#include "fd_words.h"
#include "say.h"

#define LONGEST_S (366ULL * 86400)

/* ---- words --------------------------------------------------------------------- */

/* seconds that "limit" lasts at its rate; 0: unknown */
static uint64_t lasts_s(const struct fd_leak *l, uint64_t limit)
{
	uint64_t seconds;

	if (fd_rate(l) <= 0 || !l->known.open || limit <= l->open || limit >> 40)
		return 0;
	seconds = (limit - l->open) * 60 / (uint64_t)fd_rate(l);
	return seconds < LONGEST_S ? seconds : 0;
}

static bool ends(const struct fd_leak *l)
{
	return fd_goes_on(l) && l->known.exhausted_in_s && l->exhausted_in_s && l->exhausted_in_s <= LONGEST_S && fd_rate(l) > 0;
}

void fd_leak_say_lasts(struct text *text, const struct fd_leak *l)
{
	if (!ends(l))
		return;
	text_add(text, ". At this rate the limit");
	if (l->known.soft)
		text_format(text, " of %llu", (unsigned long long)l->soft);
	text_add(text, " is reached in ");
	text_duration(text, l->exhausted_in_s * SECOND_NS);
}

void fd_leak_say_tail(struct text *text, const struct observation *observation)
{
	const struct fd_leak *l = &observation->fd_leak;
	struct fd_view v = fd_view_of(observation);
	int64_t grown;

	if (fd_goes_on(l) && fd_rate(l) > 0) {
		text_format(text, "%lld more per minute, ", (long long)fd_rate(l));
	} else if (fd_moves(l) == FD_MOVEMENT_GREW && fd_grown(l, &grown)) {
		text_format(text, "%lld more", (long long)grown);
		if (l->known.watched_ns && l->watched_ns) {
			text_add(text, " in ");
			text_duration(text, l->watched_ns);
		}
		text_add(text, ", ");
	}
	fd_say_use(text, &v);
	if (l->known.ended && l->ended) {
		text_add(text, "; it ended");
	} else if (ends(l)) {
		text_add(text, ", full in ");
		text_duration(text, l->exhausted_in_s * SECOND_NS);
	}
}

const struct fd_type *fd_leak_grown_type(const struct fd_view *v)
{
	const struct fd_type *most = NULL;
	double sum = 0;

	for (uint64_t i = 0; i < v->type_count; i++) {
		const struct fd_type *t = &v->types[i];

		if (!t->known.grown || !t->known.type || t->grown <= 0)
			continue;
		sum += t->grown;
		most = !most || t->grown > most->grown ? t : most;
	}
	return most && most->grown * 2.0 > sum ? most : NULL;
}

void fd_leak_advise_delay(const struct observation *observation, struct verdict *ret)
{
	const struct fd_leak *l = &observation->fd_leak;
	struct fd_view v = fd_view_of(observation);
	uint64_t limit = fd_next_limit(&v, v.has_soft && v.soft < 1ULL << 40 ? v.soft * 4 : 0);
	uint64_t seconds = limit ? lasts_s(l, limit) : 0;
	const struct process *p = &observation->process;
	struct text text;

	/* where it lasts for weeks there is time to mend it */
	if (!limit || !ends(l) || l->exhausted_in_s > 7 * 86400)
		return;
	text = say_advice(ret);
	text_add(&text, "raising the limit only delays it");
	if (seconds) {
		text_format(&text, ": at this rate %llu lasts ", (unsigned long long)limit);
		text_duration(&text, seconds * SECOND_NS);
	}
	if (p->known.pid)
		text_format(&text, "; to gain that time: prlimit --pid %llu --nofile=%llu%s", (unsigned long long)p->pid,
			    (unsigned long long)limit, v.has_hard && limit <= v.hard ? ":" : "");
}

void fd_leak_advise_restart(const struct observation *observation, struct verdict *ret)
{
	if (!observation->fd_leak.known.ended || !observation->fd_leak.ended)
		fd_advise_restart(observation, "to be rid of them now", ret);
}

void fd_leak_conclude_calm(const struct observation *observation, enum basis basis, const char *why, struct verdict *ret)
{
	const struct fd_leak *l = &observation->fd_leak;
	struct fd_view v = fd_view_of(observation);
	const struct fd_type *type = fd_largest_type(&v);
	struct text text = say_message(ret);

	KNOW(&ret->diagnosis, confidence, basis);
	ret->brief = l->known.overview && l->overview;
	fd_say_holder(&text, observation);
	text_add(&text, ret->brief ? " " : ": ");
	if (v.has_open)
		fd_say_use(&text, &v);
	else
		text_add(&text, "how many descriptors it has is unknown");
	if (fd_rate(l)) {
		text_add(&text, ", ");
		fd_say_signed(&text, fd_rate(l));
		text_add(&text, "/min");
	}
	if (type && fd_is_share(type->count, v.listed, 1, 2))
		text_format(&text, ", %llu %% %s", (unsigned long long)fd_percent(type->count, v.listed), type->type);
	if (why && !ret->brief)
		text_format(&text, ": %s", why);
}

/* ---- rules --------------------------------------------------------------------- */

static void say_watched(struct text *text, const struct fd_leak *l)
{
	if (!l->known.watched_ns || !l->watched_ns)
		return;
	text_add(text, " in ");
	text_duration(text, l->watched_ns);
}

void fd_leak_advise_watch(const struct observation *observation, const char *why, struct verdict *ret)
{
	struct text text = say_advice(ret);

	text_format(&text, "%s: fdleak ", why);
	fd_say_target(&text, observation);
	text_add(&text, " -d 600");
}

bool fd_ended_matches(const struct observation *observation)
{
	return observation->fd_leak.known.ended && observation->fd_leak.ended;
}

void fd_ended_explain(const struct observation *observation, struct verdict *ret)
{
	const struct fd_leak *l = &observation->fd_leak;
	struct text text = say_cause(ret);

	fd_say_holder(&text, observation);
	text_add(&text, " ended");
	if (l->known.watched_ns && l->watched_ns) {
		text_add(&text, " after it was watched for ");
		text_duration(&text, l->watched_ns);
	}
	text_add(&text, fd_is_calm(l) ? ", and its descriptors did not grow" : ", too early to say how its descriptors move");
	fd_leak_conclude_calm(observation, fd_is_calm(l) ? BASIS_MEASURED : BASIS_UNKNOWN,
			      fd_is_calm(l) ? "it ended, and did not grow" : "it ended before more could be said", ret);
}

bool fd_grew_matches(const struct observation *observation)
{
	return fd_moves(&observation->fd_leak) == FD_MOVEMENT_GREW;
}

void fd_grew_explain(const struct observation *observation, struct verdict *ret)
{
	const struct fd_leak *l = &observation->fd_leak;
	struct fd_view v = fd_view_of(observation);
	const struct fd_type *type = fd_leak_grown_type(&v);
	int64_t grown = 0;
	struct text text = say_cause(ret);

	fd_grown(l, &grown);
	ret->severity = SEVERITY_NOTICE;
	fd_say_holder(&text, observation);
	text_format(&text, " has %lld descriptors more than at the first look", (long long)grown);
	if (type)
		text_format(&text, ", mostly %s", fd_type_words(type->type));
	text_add(&text, fd_shape_of(l).known ? "; they went up and down, which is load as well as a leak" :
					      "; a few looks cannot tell load from a leak");
	fd_leak_advise_watch(observation, "watch it longer", ret);
	if (fd_is_full(&v, 70))
		fd_advise_raise(observation, fd_times_open(&v, 2), NULL, ret);
	fd_verify_count(observation, ret);
	fd_verify_watch(observation, "must not grow", ret);
	fd_leak_conclude_calm(observation, BASIS_INFERRED, "it grew, too early to say whether it goes on", ret);
}

bool fd_high_stable_matches(const struct observation *observation)
{
	struct fd_view v = fd_view_of(observation);

	return fd_is_full(&v, 70) && fd_is_calm(&observation->fd_leak);
}

void fd_high_stable_explain(const struct observation *observation, struct verdict *ret)
{
	const struct fd_leak *l = &observation->fd_leak;
	struct fd_view v = fd_view_of(observation);
	const struct fd_group *g = fd_largest(&v);
	struct text text = say_cause(ret);

	ret->severity = SEVERITY_NOTICE;
	fd_say_holder(&text, observation);
	text_format(&text, " uses %llu of %llu descriptors and they did not grow", (unsigned long long)v.open,
		    (unsigned long long)v.soft);
	say_watched(&text, l);
	text_add(&text, ": many, and most likely needed, no leak");
	if (fd_is_full(&v, 95))
		text_add(&text, ". The next ones fail (EMFILE)");
	if (g && g->count >= 16 && fd_is_share(g->count, v.listed, 1, 2)) {
		text_format(&text, ". %llu are ", (unsigned long long)g->count);
		fd_say_group(&text, g);
	}
	fd_advise_raise(observation, fd_times_open(&v, 2), "so that a burst finds room", ret);
	fd_leak_advise_watch(observation, "a slow leak needs longer to show", ret);
	fd_verify_watch(observation, "must stay well below the limit", ret);
	fd_leak_conclude_calm(observation, BASIS_INFERRED, "high and stable, most likely needed", ret);
}

bool fd_high_matches(const struct observation *observation)
{
	struct fd_view v = fd_view_of(observation);

	return fd_is_full(&v, 70);
}

void fd_high_explain(const struct observation *observation, struct verdict *ret)
{
	struct fd_view v = fd_view_of(observation);
	struct text text = say_cause(ret);

	ret->severity = SEVERITY_NOTICE;
	fd_say_holder(&text, observation);
	text_format(&text, " uses %llu of %llu descriptors; whether they grow is not known after so short a look",
		    (unsigned long long)v.open, (unsigned long long)v.soft);
	fd_leak_advise_watch(observation, "watch whether they grow", ret);
	fd_advise_raise(observation, fd_times_open(&v, 2), "if it needs them", ret);
	fd_verify_count(observation, ret);
	fd_verify_watch(observation, "must stay well below the limit", ret);
	fd_leak_conclude_calm(observation, BASIS_MEASURED, "high, whether it grows is not known", ret);
}

bool fd_steady_matches(const struct observation *observation)
{
	const struct fd_leak *l = &observation->fd_leak;

	return l->known.open && l->known.soft && fd_is_calm(l);
}

void fd_steady_explain(const struct observation *observation, struct verdict *ret)
{
	const struct fd_leak *l = &observation->fd_leak;
	struct fd_view v = fd_view_of(observation);
	struct text text = say_cause(ret);

	fd_say_holder(&text, observation);
	text_add(&text, " has ");
	fd_say_use(&text, &v);
	text_add(&text, ", and they did not grow");
	say_watched(&text, l);
	text_add(&text, ": nothing to do. A leak that is slower, or needs its trigger, does not show in that time");
	fd_leak_conclude_calm(observation, BASIS_MEASURED, "no growth", ret);
}

bool fd_unjudged_matches(const struct observation *observation)
{
	(void)observation;
	return true;
}

void fd_unjudged_explain(const struct observation *observation, struct verdict *ret)
{
	const struct fd_leak *l = &observation->fd_leak;
	struct text text = say_cause(ret);
	int64_t grown;

	text_add(&text, "how the descriptors of ");
	fd_say_holder(&text, observation);
	text_add(&text, " move cannot be said");
	if (!l->known.looks || l->looks < 3)
		text_add(&text, ": it was not looked at often enough");
	else if (fd_grown(l, &grown) && fd_moves(l) == FD_MOVEMENT_UNKNOWN)
		text_add(&text, ": it was watched for too short a time");
	else if (!l->known.soft)
		text_add(&text, ": its limit is not known");
	fd_leak_conclude_calm(observation, BASIS_UNKNOWN, "too little is known to judge", ret);
}
