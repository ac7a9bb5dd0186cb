// SPDX-License-Identifier: BSD-2-Clause
/*
 * How the descriptors of a process move. First what is forgotten for certain,
 * then growth with and without its place, then what came and stays, last what
 * is no trouble. "Leak" is said of what only grows, never of what is many.
 */
#include "diagnosis.h"

#include <string.h>

#include "fd_leak_words.h"
#include "fd_words.h"
#include "say.h"

/* ---- connections that the peer closed ---------------------------------------- */

enum { PILE_CLOSE_WAIT = 8 };

/* the largest of those with a count; NULL: not in this line */
static const struct fd_close_wait *close_wait_peer(const struct fd_leak *l)
{
	const struct fd_close_wait *largest = NULL;

	for (uint64_t i = 0; l->known.close_wait && i < l->close_wait_count; i++)
		if (l->close_wait[i].known.count && (!largest || l->close_wait[i].count > largest->count))
			largest = &l->close_wait[i];
	return largest;
}

/* silent for the longest time; 0: unknown */
static uint64_t close_wait_oldest(const struct fd_leak *l)
{
	uint64_t oldest = 0;

	for (uint64_t i = 0; l->known.close_wait && i < l->close_wait_count; i++)
		if (l->close_wait[i].known.oldest_ns && l->close_wait[i].oldest_ns > oldest)
			oldest = l->close_wait[i].oldest_ns;
	return oldest;
}

/* half or more of the connections that were opened while it was watched are closed */
static bool closes_connections(const struct fd_leak *l)
{
	double opened = 0, closed = 0;

	for (uint64_t i = 0; l->known.sites && i < l->sites_count; i++) {
		const struct fd_site *s = &l->sites[i];

		if (!s->known.type || (strcmp(s->type, "tcp") != 0 && strcmp(s->type, "mixed") != 0) || !s->known.opened ||
		    !s->known.closed)
			continue;
		opened += s->opened;
		closed += s->closed;
	}
	return opened >= PILE_CLOSE_WAIT && closed * 2 >= opened;
}

/*
 * At any moment a busy server has some, and closes them when it comes to it: within
 * milliseconds, or it was watched for twice as long as any of them waits, and closes.
 */
static bool is_fresh(const struct fd_leak *l)
{
	uint64_t oldest = close_wait_oldest(l);

	if (!oldest)
		return false;
	return oldest < SECOND_NS || (l->known.watched_ns && oldest <= l->watched_ns / 2 && closes_connections(l));
}

static bool has_close_wait(const struct fd_leak *l)
{
	return l->known.close_wait_total && l->close_wait_total >= PILE_CLOSE_WAIT && !is_fresh(l);
}

/* half or more of what came while it was watched; where that is unknown it may be */
static bool close_wait_grows(const struct fd_leak *l)
{
	int64_t grown;

	return !l->known.close_wait_grown || !fd_grown(l, &grown) || grown <= 0 ||
	       (l->close_wait_grown > 0 && l->close_wait_grown >= grown / 2);
}

static bool leak_site_matches(const struct observation *observation);
static bool leak_matches(const struct observation *observation);

static bool close_wait_matches(const struct observation *observation)
{
	const struct fd_leak *l = &observation->fd_leak;

	if (!has_close_wait(l))
		return false;
	/* what leaks comes first, and these are told of with it */
	if (!close_wait_grows(l) && (leak_site_matches(observation) || leak_matches(observation)))
		return false;
	if (l->known.open && fd_is_share(l->close_wait_total, l->open, 1, 4))
		return true;
	return l->known.close_wait_grown && l->close_wait_grown > 0;
}

static void close_wait_say(const struct observation *observation, const struct fd_close_wait *peer, struct text *text)
{
	const struct fd_leak *l = &observation->fd_leak;

	if (peer && peer->known.peer && *peer->peer)
		text_format(text, peer->count >= l->close_wait_total ? "%s" : "%s and others", peer->peer);
	else
		text_add(text, "peers");
	text_format(text, " closed %llu connections and ", (unsigned long long)l->close_wait_total);
	fd_say_holder(text, observation);
	text_add(text, " did not");
}

static void close_wait_explain(const struct observation *observation, struct verdict *ret)
{
	const struct fd_leak *l = &observation->fd_leak;
	const struct fd_close_wait *peer = close_wait_peer(l);
	struct fd_stack stack = peer ? FD_STACK(peer) : (struct fd_stack){};
	struct fd_view v = fd_view_of(observation);
	const char *frame;
	struct text text = say_cause(ret);

	ret->severity = SEVERITY_WARNING;
	fd_say_leak_title(observation, "CLOSE_WAIT", ret);
	close_wait_say(observation, peer, &text);
	text_add(&text, ": they stay in CLOSE_WAIT");
	if (peer && peer->known.oldest_ns) {
		text_add(&text, ", the oldest silent for ");
		text_duration(&text, peer->oldest_ns);
	}
	if (l->known.close_wait_grown && l->close_wait_grown > 0)
		text_format(&text, ", %lld more than at the first look", (long long)l->close_wait_grown);
	text_add(&text, ". The kernel never times these out: only close() or the process's end frees them");
	if (close_wait_grows(l))
		fd_leak_say_lasts(&text, l);
	text = say_advice(ret);
	text_add(&text, "fix it in the program: close() when read() gives 0 or an error");
	if (fd_code_frame(&stack, &frame) == FD_CODE_PROGRAM) {
		text_add(&text, "; these were opened in ");
		fd_say_code(&text, frame);
	}
	text_add(&text, ". In a pool or client library: close or drain the response on every path, throw away what the peer closed");
	fd_advise(ret, "no setting helps: keepalive only finds peers that are gone without a word, and a higher limit lasts only so long");
	fd_leak_advise_restart(observation, ret);
	fd_verify_close_wait(observation, ret);
	fd_verify_watch(observation, "CLOSE_WAIT must not rise", ret);
	KNOW(&ret->diagnosis, confidence, BASIS_MEASURED);
	text = say_message(ret);
	close_wait_say(observation, peer, &text);
	text_add(&text, " (CLOSE_WAIT); ");
	if (close_wait_grows(l))
		fd_leak_say_tail(&text, observation);
	else
		fd_say_use(&text, &v);
}

/* beside a leak of others */
static void advise_close_wait(const struct observation *observation, struct verdict *ret)
{
	const struct fd_leak *l = &observation->fd_leak;
	struct text text;

	if (!has_close_wait(l))
		return;
	text = say_advice(ret);
	text_add(&text, "beside that, ");
	close_wait_say(observation, close_wait_peer(l), &text);
	text_add(&text, " (CLOSE_WAIT): close() when read() gives 0 or an error");
}

/* ---- growth -------------------------------------------------------------------- */

static bool leak_site_matches(const struct observation *observation)
{
	return fd_leaking_site(&observation->fd_leak);
}

/* in less, clients that come and stay look the same */
static bool is_long(const struct fd_leak *l)
{
	return l->known.watched_ns && l->watched_ns >= 60 * SECOND_NS;
}

/* a pool that is as large as the limit stops there, too */
static bool is_sure(const struct fd_leak *l)
{
	return is_long(l) && !fd_at_limit(l);
}

static void leak_site_cause(const struct observation *observation, const struct fd_site *site, struct text *text)
{
	const struct fd_leak *l = &observation->fd_leak;
	struct fd_stack stack = FD_STACK(site);
	bool alike = site->known.type && *site->type && strcmp(site->type, "mixed") != 0;
	const char *frame;

	switch (fd_code_frame(&stack, &frame)) {
	case FD_CODE_PROGRAM:
		if (fd_say_called_code(text, &stack, frame, ", called by "))
			text_add(text, ",");
		break;
	case FD_CODE_RUNTIME:
		text_add(text, "the runtime's own ");
		fd_say_code(text, frame);
		break;
	default:
		text_add(text, "one place of the code");
	}
	text_format(text, " opens %s that nobody %s: ", alike ? fd_type_words(site->type) : "descriptors",
		    is_sure(l) ? "closes" : "has closed so far");
	text_number(text, site->outstanding);
	if (site->known.opened && site->opened >= site->outstanding)
		text_format(text, " of %llu opened there while it was watched are still open", (unsigned long long)site->opened);
	else
		text_add(text, " from there are open");
	text_format(text, ". Their number rose at %llu", (unsigned long long)site->rises);
	if (l->known.looks && l->looks > site->rises)
		text_format(text, " of %llu", (unsigned long long)l->looks);
	text_add(text, site->falls ? " looks and fell at " : " looks and never fell");
	if (site->falls)
		text_number(text, site->falls);
	fd_leak_say_share(text, l, site);
	if (fd_at_limit(l))
		text_format(text, ". It stopped because the limit of %llu %s", (unsigned long long)l->soft,
			    l->known.ended && l->ended ? "was reached" : "is reached: the next ones fail (EMFILE)");
	fd_leak_say_lasts(text, l);
}

static void leak_site_explain(const struct observation *observation, struct verdict *ret)
{
	const struct fd_leak *l = &observation->fd_leak;
	const struct fd_site *site = fd_leaking_site(l);
	struct fd_stack stack = FD_STACK(site);
	const char *frame;
	enum fd_code code = fd_code_frame(&stack, &frame);
	struct text text = say_cause(ret);

	ret->severity = SEVERITY_WARNING;
	fd_say_leak_title(observation, "FD LEAK", ret);
	leak_site_cause(observation, site, &text);
	text = say_advice(ret);
	if (code == FD_CODE_PROGRAM) {
		text_add(&text, "look at ");
		fd_say_called_code(&text, &stack, frame, ", called by ");
		text_add(&text, ": every path from there, those of errors and timeouts, too, has to close what it opened");
		if (!strchr(frame, '(') && !strchr(frame, '['))
			text_add(&text, " (there are no symbols: its debug package gives the function's name)");
	} else if (l->known.script && *l->script) {
		text_add(&text, "the stack has the interpreter's own code and not the script's lines: look in ");
		say_path(&text, l->script);
		text_add(&text, " for what opens these and does not close them (a with block, a finally)");
	} else {
		text_add(&text, "look at who calls this and does not close what it gets, on the paths of errors and timeouts, too");
	}
	advise_close_wait(observation, ret);
	fd_leak_advise_delay(observation, ret);
	fd_leak_advise_restart(observation, ret);
	fd_verify_count(observation, ret);
	fd_verify_watch(observation, "the site must not grow", ret);
	KNOW(&ret->diagnosis, confidence, is_sure(l) ? BASIS_MEASURED : BASIS_INFERRED);
	text = say_message(ret);
	fd_say_holder(&text, observation);
	text_add(&text, is_sure(l) ? " leaks descriptors" : " most likely leaks descriptors");
	if (code != FD_CODE_NONE) {
		text_add(&text, " in ");
		fd_say_code(&text, frame);
	}
	text_add(&text, ": ");
	fd_leak_say_tail(&text, observation);
}

static bool grew_much(const struct fd_leak *l, const struct fd_shape *s)
{
	int64_t least = l->known.open && l->open < 1ULL << 40 && l->open / 50 > 5 ? l->open / 50 : 5;

	return s->known && s->rising >= 4 && s->grown >= least;
}

static bool leak_matches(const struct observation *observation)
{
	struct fd_shape s = fd_shape_of(&observation->fd_leak);

	return !fd_at_limit(&observation->fd_leak) && grew_much(&observation->fd_leak, &s) && s.grown_late * 6 >= s.grown;
}

/* "look at a (a.c:1) and b (b.c:1)": the two that grew most */
static void advise_sites(const struct fd_leak *l, struct verdict *ret)
{
	char room[480];
	struct text text = TEXT_ON(room), advice;
	uint64_t said = 0;

	for (uint64_t i = 0; l->known.sites && i < l->sites_count && said < 2; i++) {
		const struct fd_site *s = &l->sites[i];
		struct fd_stack stack = FD_STACK(s);
		const char *frame;

		if (!s->known.grown || s->grown <= 0 || fd_code_frame(&stack, &frame) == FD_CODE_NONE)
			continue;
		text_add(&text, said++ ? " and " : "");
		fd_say_called_code(&text, &stack, frame, " called by ");
	}
	if (said) {
		advice = say_advice(ret);
		text_format(&advice, "look at what grew most: %s", room);
	} else if (l->known.unattributed && l->unattributed) {
		fd_advise(ret, "where they are opened cannot be seen (see \"unknown\"): look for what the types and the largest groups "
			       "tell, and who in the program opens such");
	}
}

/* Opened by nobody who was seen, and there: by one that shares the table, or sent. */
static bool comes_from_others(const struct fd_leak *l, const struct fd_shape *s)
{
	return l->known.unseen && l->known.outstanding && s->grown > 0 && l->unseen > l->outstanding &&
	       (double)l->unseen * 2 >= s->grown;
}

static void leak_explain(const struct observation *observation, struct verdict *ret)
{
	const struct fd_leak *l = &observation->fd_leak;
	struct fd_shape s = fd_shape_of(l);
	struct fd_view v = fd_view_of(observation);
	const struct fd_type *type = fd_leak_grown_type(&v);
	struct text text = say_cause(ret);

	ret->severity = SEVERITY_WARNING;
	fd_say_leak_title(observation, "FD LEAK", ret);
	fd_say_holder(&text, observation);
	text_format(&text, "'s descriptors grow steadily: %lld more", (long long)s.grown);
	if (l->known.watched_ns && l->watched_ns) {
		text_add(&text, " in ");
		text_duration(&text, l->watched_ns);
	}
	if (type)
		text_format(&text, ", mostly %s", fd_type_words(type->type));
	if (comes_from_others(l, &s))
		text_format(&text, "; %llu of them it did not open by a call that is seen: a process that shares its table of "
			    "descriptors (CLONE_FILES) may, or they are sent to it", (unsigned long long)l->unseen);
	else
		text_add(&text, l->known.sites && l->sites_count ? "; no single place of the code explains it" :
								  "; which code opens them is not known");
	fd_leak_say_lasts(&text, l);
	advise_sites(l, ret);
	fd_leak_advise_watch(observation, "watch it longer: what stops by itself was a pool or a cache that filled", ret);
	advise_close_wait(observation, ret);
	fd_leak_advise_delay(observation, ret);
	fd_leak_advise_restart(observation, ret);
	fd_verify_count(observation, ret);
	fd_verify_watch(observation, "must not grow", ret);
	KNOW(&ret->diagnosis, confidence, BASIS_INFERRED);
	text = say_message(ret);
	fd_say_holder(&text, observation);
	text_add(&text, " most likely leaks descriptors");
	if (type)
		text_format(&text, ", mostly %s", fd_type_words(type->type));
	text_add(&text, ": ");
	fd_leak_say_tail(&text, observation);
}

static bool warming_matches(const struct observation *observation)
{
	struct fd_shape s = fd_shape_of(&observation->fd_leak);

	return grew_much(&observation->fd_leak, &s);
}

static void warming_explain(const struct observation *observation, struct verdict *ret)
{
	struct fd_view v = fd_view_of(observation);
	struct fd_shape s = fd_shape_of(&observation->fd_leak);
	struct text text = say_cause(ret);

	fd_say_holder(&text, observation);
	text_format(&text, " opened %lld more, but ", (long long)s.grown);
	if (s.grown_late > 0)
		text_format(&text, "only %lld of them in the last third of the time: it slows down, as a pool or a cache does that "
			    "fills; most likely no leak", (long long)s.grown_late);
	else
		text_add(&text, "none of them in the last third of the time: a pool or a cache that filled, most likely no leak");
	fd_leak_conclude_calm(observation, BASIS_INFERRED, "it grew and slows down: a pool that fills", ret);
	if (!fd_is_full(&v, 70))
		return;
	ret->severity = SEVERITY_NOTICE;
	fd_leak_advise_watch(observation, "watch whether it goes on", ret);
	fd_advise_raise(observation, fd_times_open(&v, 2), NULL, ret);
	fd_verify_count(observation, ret);
	fd_verify_watch(observation, "must not grow", ret);
}

static bool burst_matches(const struct observation *observation)
{
	const struct fd_leak *l = &observation->fd_leak;
	int64_t grown;
	uint64_t more;

	if (!fd_grown(l, &grown) || !l->known.peak || l->peak >> 40)
		return false;
	more = l->open > l->open_at_start ? l->open : l->open_at_start;
	return l->peak >= more + 16 && l->peak >= more + more / 4;
}

static void burst_explain(const struct observation *observation, struct verdict *ret)
{
	const struct fd_leak *l = &observation->fd_leak;
	bool near = l->known.soft && l->soft && (double)l->peak * 10 >= (double)l->soft * 8;
	struct text text = say_cause(ret);

	fd_say_holder(&text, observation);
	text_format(&text, " rose from %llu to %llu descriptors and fell again to %llu: it closes what it opens, this is a burst and no "
		    "leak", (unsigned long long)l->open_at_start, (unsigned long long)l->peak, (unsigned long long)l->open);
	if (near)
		text_format(&text, ". At its height it used %llu %% of its limit", (unsigned long long)fd_percent(l->peak, l->soft));
	fd_leak_conclude_calm(observation, BASIS_MEASURED, "a burst that is over", ret);
	if (!near)
		return;
	ret->severity = SEVERITY_NOTICE;
	fd_advise_raise(observation, l->peak * 2, NULL, ret);
	fd_advise(ret, "or keep the burst smaller: fewer clients or workers at a time");
	fd_verify_watch(observation, "the most must stay well below the limit", ret);
}

static const struct rule rules[] = {
	{ "fd-close-wait-pile", "the peer closed, the program did not", close_wait_matches, close_wait_explain },
	{ "fd-leak-site", "one place of the code opens and does not close", leak_site_matches, leak_site_explain },
	{ "fd-leak", "steady growth, its place unknown or several", leak_matches, leak_explain },
	{ "fd-at-limit", "its limit is reached: whether it would grow cannot be seen", fd_at_limit_matches, fd_at_limit_explain },
	{ "fd-warming", "it grew and slows down: a pool that fills", warming_matches, warming_explain },
	{ "fd-burst", "it rose and fell again", burst_matches, burst_explain },
	{ "fd-pile", "no growth, but half or more are alike and no sockets", fd_pile_matches, fd_pile_explain },
	{ "fd-ended", "the process ended without a sign of a leak", fd_ended_matches, fd_ended_explain },
	{ "fd-grew", "more than before; whether it goes on is open", fd_grew_matches, fd_grew_explain },
	{ "fd-high-stable", "near its limit and no growth", fd_high_stable_matches, fd_high_stable_explain },
	{ "fd-high", "near its limit; whether it grows is unknown", fd_high_matches, fd_high_explain },
	{ "fd-steady", "far from its limit and no growth", fd_steady_matches, fd_steady_explain },
	{ "fd-unjudged", "none of the above", fd_unjudged_matches, fd_unjudged_explain },
};

const struct rule_table fd_leak_rules = { rules, sizeof(rules) / sizeof(*rules), fd_leak_describe };
