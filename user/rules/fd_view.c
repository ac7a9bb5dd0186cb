// SPDX-License-Identifier: BSD-2-Clause
#include "fd_view.h"

#include <string.h>

/* below this a difference is the ordinary coming and going */
enum { STILL_COUNT = 5, STILL_PARTS = 50 };

/* a slope that is steeper than first to last by this says something else */
enum { RATE_TIMES = 4 };

/* so long is looked before anything is called still: of one process, which was asked for, and of all at the first glance */
#define STILL_ONE_NS (SECOND_NS / 2)
#define STILL_ALL_NS (5 * SECOND_NS)

static uint64_t sum_of_types(const struct fd_view *v)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < v->type_count; i++)
		sum += v->types[i].known.count ? v->types[i].count : 0;
	return sum;
}

static void view_exhausted(const struct fd_exhausted *x, struct fd_view *v)
{
	v->has_open = x->known.open;
	v->has_soft = x->known.soft;
	v->has_hard = x->known.hard;
	v->has_nr_open = x->known.nr_open;
	v->open = x->known.open ? x->open : 0;
	v->soft = x->known.soft ? x->soft : 0;
	v->hard = x->known.hard ? x->hard : 0;
	v->nr_open = x->known.nr_open ? x->nr_open : 0;
	v->types = x->by_type;
	v->type_count = x->known.by_type ? x->by_type_count : 0;
	v->groups = x->top;
	v->group_count = x->known.top ? x->top_count : 0;
	v->listed = x->known.listed ? x->listed : 0;
}

static void view_leak(const struct fd_leak *l, struct fd_view *v)
{
	uint64_t sum;

	v->has_open = l->known.open;
	v->has_soft = l->known.soft;
	v->has_hard = l->known.hard;
	v->has_nr_open = l->known.nr_open;
	v->open = l->known.open ? l->open : 0;
	v->soft = l->known.soft ? l->soft : 0;
	v->hard = l->known.hard ? l->hard : 0;
	v->nr_open = l->known.nr_open ? l->nr_open : 0;
	v->types = l->by_type;
	v->type_count = l->known.by_type ? l->by_type_count : 0;
	v->groups = l->top;
	v->group_count = l->known.top ? l->top_count : 0;
	sum = sum_of_types(v);
	/* a list that was cut has a smaller sum: shares are of all that is open */
	v->listed = l->known.partial && l->partial ? sum : sum > v->open ? sum : v->open;
}

struct fd_view fd_view_of(const struct observation *observation)
{
	struct fd_view v = {};

	if (observation->kind == KIND_fd_exhausted)
		view_exhausted(&observation->fd_exhausted, &v);
	else if (observation->kind == KIND_fd_leak)
		view_leak(&observation->fd_leak, &v);
	return v;
}

uint64_t fd_percent(uint64_t part, uint64_t whole)
{
	double percent = whole ? 100.0 * part / whole : 0;

	return percent < 999 ? (uint64_t)percent : 999;
}

bool fd_is_share(uint64_t part, uint64_t whole, uint64_t num, uint64_t den)
{
	return whole && part <= whole && (double)part * den >= (double)whole * num;
}

bool fd_is_full(const struct fd_view *v, uint64_t percent)
{
	return v->has_open && v->has_soft && v->soft && (double)v->open * 100 >= (double)v->soft * percent;
}

static bool is_one_of(const char *word, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}

bool fd_is_socket(const char *type)
{
	static const char *const types[] = { "tcp", "udp", "unix", "netlink", "socket" };

	return is_one_of(type, types, sizeof(types) / sizeof(types[0]));
}

bool fd_is_anonymous(const char *type)
{
	static const char *const types[] = { "eventfd",	 "eventpoll", "timerfd", "signalfd", "inotify",	 "fanotify", "pidfd",
					     "memfd",	 "io_uring",  "bpf",	 "perf_event", "pipe" };

	return is_one_of(type, types, sizeof(types) / sizeof(types[0]));
}

bool fd_is_close_wait(const struct fd_group *group)
{
	return group->known.tcp_state && strcmp(group->tcp_state, "CLOSE_WAIT") == 0;
}

const struct fd_group *fd_largest(const struct fd_view *v)
{
	const struct fd_group *largest = NULL;

	for (uint64_t i = 0; i < v->group_count; i++)
		if (v->groups[i].known.count && v->groups[i].count && (!largest || v->groups[i].count > largest->count))
			largest = &v->groups[i];
	return largest;
}

const struct fd_type *fd_largest_type(const struct fd_view *v)
{
	const struct fd_type *largest = NULL;

	for (uint64_t i = 0; i < v->type_count; i++)
		if (v->types[i].known.type && v->types[i].known.count && v->types[i].count &&
		    (!largest || v->types[i].count > largest->count))
			largest = &v->types[i];
	return largest;
}

uint64_t fd_next_limit(const struct fd_view *v, uint64_t wanted)
{
	bool room = v->has_hard && v->has_soft && v->hard > v->soft;
	uint64_t limit = 64;

	/* nobody has more: a number from elsewhere */
	if (!v->has_soft || v->soft > 1ULL << 40 || wanted > 1ULL << 40)
		return 0;
	while (limit < wanted || limit <= v->soft)
		limit *= 2;
	if (room && limit > v->hard)
		limit = v->hard;
	if (v->has_nr_open && limit > v->nr_open)
		limit = v->nr_open;
	return limit > v->soft ? limit : 0;
}

uint64_t fd_times_open(const struct fd_view *v, uint64_t times)
{
	uint64_t used = v->has_open ? v->open : v->soft;

	return used < ~0ULL / times ? used * times : ~0ULL;
}

/* ---- how the number moves --------------------------------------------- */

bool fd_grown(const struct fd_leak *l, int64_t *ret)
{
	/* nobody has more: a difference of numbers from elsewhere says nothing */
	if (!l->known.open || !l->known.open_at_start || l->open >> 40 || l->open_at_start >> 40)
		return false;
	*ret = (int64_t)l->open - (int64_t)l->open_at_start;
	return true;
}

int64_t fd_rate(const struct fd_leak *l)
{
	int64_t grown;
	double straight;

	if (!l->known.growth_per_min || !fd_grown(l, &grown))
		return l->known.growth_per_min ? l->growth_per_min : 0;
	/* a burst bends the slope, and what came of it is gone */
	if ((grown > 0) != (l->growth_per_min > 0) || (grown < 0) != (l->growth_per_min < 0))
		return 0;
	if (!l->known.watched_ns || !l->watched_ns)
		return l->growth_per_min;
	straight = grown * 60e9 / l->watched_ns;
	return l->growth_per_min / straight <= RATE_TIMES ? l->growth_per_min : 0;
}

static int64_t still_below(uint64_t open)
{
	return open / STILL_PARTS > STILL_COUNT ? open / STILL_PARTS : STILL_COUNT;
}

enum fd_movement fd_moves(const struct fd_leak *l)
{
	int64_t grown;

	if (!fd_grown(l, &grown) || !l->known.looks || l->looks < 3)
		return FD_MOVEMENT_UNKNOWN;
	if (grown >= still_below(l->open))
		return FD_MOVEMENT_GREW;
	/* in the blink of an eye nothing moves */
	if (l->known.watched_ns && l->watched_ns < (l->known.overview && l->overview ? STILL_ALL_NS : STILL_ONE_NS))
		return FD_MOVEMENT_UNKNOWN;
	return grown <= -still_below(l->open) ? FD_MOVEMENT_FELL : FD_MOVEMENT_STILL;
}

bool fd_is_calm(const struct fd_leak *l)
{
	enum fd_movement moves = fd_moves(l);

	return moves == FD_MOVEMENT_STILL || moves == FD_MOVEMENT_FELL;
}

bool fd_at_limit(const struct fd_leak *l)
{
	return l->known.open && l->known.soft && l->soft && l->open >= l->soft;
}

struct fd_shape fd_shape_of(const struct fd_leak *l)
{
	enum { FEWEST = 6, PARTS = 5 };
	struct fd_shape shape = {};
	uint64_t last = l->history_count - 1;

	if (!l->known.history || l->history_count < FEWEST)
		return shape;
	for (uint64_t i = 0; i < l->history_count; i++)
		if (l->history[i] >> 40)
			return shape;
	shape.known = true;
	for (uint64_t part = 0; part < PARTS; part++)
		shape.rising += l->history[last * (part + 1) / PARTS] >= l->history[last * part / PARTS];
	shape.grown = (int64_t)l->history[last] - (int64_t)l->history[0];
	shape.grown_late = (int64_t)l->history[last] - (int64_t)l->history[last - last / 3];
	return shape;
}

/* how much more of its type there is than at the first look; false when that is unknown */
static bool type_grown(const struct fd_leak *l, const struct fd_site *site, int64_t *ret)
{
	for (uint64_t i = 0; site->known.type && l->known.by_type && i < l->by_type_count; i++) {
		const struct fd_type *t = &l->by_type[i];

		if (t->known.type && t->known.grown && strcmp(t->type, site->type) == 0) {
			*ret = t->grown;
			return true;
		}
	}
	return false;
}

int64_t fd_site_net(const struct fd_leak *l, const struct fd_site *site)
{
	int64_t grown;

	if (!type_grown(l, site, &grown) && !fd_grown(l, &grown))
		return site->grown;
	return grown < site->grown ? grown : site->grown;
}

/* what other places have more of, and go on with, is not this one's growth */
static bool other_goes_on(const struct fd_leak *l, const struct fd_site *site, const struct fd_site *other)
{
	if (other == site || !other->known.grown || other->grown <= 0 || !other->known.falls || other->falls)
		return false;
	if (other->known.grew_ns && l->known.watched_ns && other->grew_ns > l->watched_ns / 3)
		return false;
	return other->known.rises && other->rises > site->rises;
}

/* The growth of the process in the last third, without what those have that rose more often. */
static double late_growth(const struct fd_leak *l, const struct fd_site *site, const struct fd_shape *shape)
{
	double late = shape->grown_late;

	for (uint64_t i = 0; i < l->sites_count; i++)
		if (other_goes_on(l, site, &l->sites[i]))
			late -= l->sites[i].grown / 3.0;
	return late;
}

/*
 * A pool that fills rises at first and is flat then: it has not had more for long, or
 * hardly more. Whether the process has at least half the growth in the last third that
 * this site should have then is asked where the site is most of it; in lines that do
 * not have since when a site is flat, where it did not rise at three looks of four.
 */
static bool site_goes_on(const struct fd_leak *l, const struct fd_site *site)
{
	struct fd_shape shape = fd_shape_of(l);
	double late = late_growth(l, site, &shape);
	int64_t net = fd_site_net(l, site);
	bool enough = shape.known && late > 0 && late * 6 >= net;

	/* what fills the limit goes on until there, no further */
	if (fd_at_limit(l))
		return true;
	if (site->known.grew_ns && l->known.watched_ns) {
		if (site->grew_ns > l->watched_ns / 3)
			return false;
		return enough || !shape.known || net * 2 < shape.grown;
	}
	return enough || (l->known.looks && l->looks > 1 && site->rises * 4.0 >= (l->looks - 1) * 3.0);
}

/*
 * A pool that replaces what it has opens as many as were there before, and those
 * are not the site's: what it has more must be more of the type, too. Where most
 * of it is replaced, growth counts that the whole process has, steadily.
 */
static bool net_leaks(const struct fd_leak *l, const struct fd_site *site, bool replaces)
{
	struct fd_shape shape = fd_shape_of(l);
	int64_t net = fd_site_net(l, site);

	if (net < STILL_COUNT)
		return false;
	if (net >= site->grown / 2)
		return true;
	return replaces && fd_moves(l) == FD_MOVEMENT_GREW && shape.known && shape.rising >= 4 &&
	       (double)net * 2 >= shape.grown && (fd_at_limit(l) || shape.grown_late * 6 >= shape.grown);
}

/* What is open there is young: what was opened before it is closed by now. */
static bool site_turns_over(const struct fd_leak *l, const struct fd_site *site)
{
	if (!site->known.oldest_ns || !l->known.watched_ns || !site->known.opened || !site->known.closed)
		return false;
	return site->oldest_ns <= l->watched_ns / 2 && (double)site->closed * 2 >= site->opened;
}

static bool site_leaks(const struct fd_leak *l, const struct fd_site *site, bool replaces)
{
	int64_t grown;
	bool grew = fd_rate(l) > 0 || (fd_grown(l, &grown) && grown > 0);
	bool kept = site->known.opened && site->opened >= 5 && site->known.closed && site->closed <= site->opened / 20;

	if (!grew || !site->known.outstanding || site->outstanding < 5 || !site->known.grown || site->grown <= 0 ||
	    site_turns_over(l, site))
		return false;
	/* one that also opens for a moment has fewer now and then */
	if (!site->known.falls || !site->known.rises || (site->falls && (site->rises < 8 || site->falls > site->rises / 5)))
		return false;
	return (site->rises >= 3 || (kept && site->rises >= 2)) && net_leaks(l, site, replaces) && site_goes_on(l, site);
}

const struct fd_site *fd_leaking_site(const struct fd_leak *l)
{
	/* one that keeps what it opens explains growth better than one that may only replace */
	for (unsigned int replaces = 0; replaces < 2; replaces++)
		for (uint64_t i = 0; l->known.sites && i < l->sites_count; i++)
			if (site_leaks(l, &l->sites[i], replaces))
				return &l->sites[i];
	return NULL;
}

bool fd_goes_on(const struct fd_leak *l)
{
	struct fd_shape shape = fd_shape_of(l);

	if ((l->known.ended && l->ended) || fd_at_limit(l))
		return false;
	if (fd_leaking_site(l))
		return true;
	return fd_moves(l) == FD_MOVEMENT_GREW && (!shape.known || shape.grown_late * 6 >= shape.grown);
}
