// SPDX-License-Identifier: BSD-2-Clause
#include "render.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

const char renderer_names[] = "card, line, json";

struct style style_for_stdout(bool utc)
{
	const char *columns = getenv("COLUMNS"), *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");
	struct style style = { .width = 100, .utc = utc };
	unsigned long wide = columns ? strtoul(columns, NULL, 10) : 0;
	struct winsize size;

	if (wide >= 40 && wide < 1000)
		style.width = wide;
	if (!isatty(STDOUT_FILENO))
		return style;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col)
		style.width = size.ws_col;
	if (style.width > 120)
		style.width = 120;
	style.colour = !(no_colour && *no_colour) && !(term && strcmp(term, "dumb") == 0);
	return style;
}

enum paint { PAINT_PLAIN, PAINT_TITLE, PAINT_LABEL, PAINT_NOTE };

/* colours by severity for the title, quiet ones for the rest */
static void paint(struct text *text, const struct style *style, enum paint what, enum severity severity)
{
	static const char *const titles[] = {
		[SEVERITY_DEBUG] = "\033[1m", [SEVERITY_INFO] = "\033[1m",
		[SEVERITY_NOTICE] = "\033[1;36m", [SEVERITY_WARNING] = "\033[1;33m",
		[SEVERITY_ERROR] = "\033[1;31m", [SEVERITY_CRITICAL] = "\033[1;97;41m",
	};
	static const char *const others[] = {
		[PAINT_PLAIN] = "\033[0m", [PAINT_TITLE] = "", [PAINT_LABEL] = "\033[36m",
		[PAINT_NOTE] = "\033[2m",
	};

	if (style->colour)
		text_add(text, what == PAINT_TITLE ? titles[severity] : others[what]);
}

static void time_of_day(struct text *text, const struct style *style, uint64_t time_ns)
{
	time_t seconds = time_ns / 1000000000;
	struct tm tm;

	if (style->utc)
		gmtime_r(&seconds, &tm);
	else
		localtime_r(&seconds, &tm);
	text_format(text, "%02d:%02d:%02d.%03llu", tm.tm_hour, tm.tm_min, tm.tm_sec,
		    (unsigned long long)(time_ns / 1000000 % 1000));
}

/* columns a string takes; a sequence counts as one, near enough for our texts */
static size_t columns(const char *string, size_t length)
{
	size_t n = 0;

	for (size_t i = 0; i < length; i++)
		n += ((unsigned char)string[i] & 0xc0) != 0x80;
	return n;
}

/* Words filled into lines that begin at the card's second column; columns set by spaces stay. */
static void wrapped(struct text *text, const struct style *style, const char *string)
{
	enum { INDENT = 11 };
	size_t width = style->width >= 40 ? style->width - INDENT : 29, used = 0;

	while (*string) {
		size_t spaces = strspn(string, " "), length = strcspn(string + spaces, " ");
		size_t wide = columns(string + spaces, length);

		if (used && used + spaces + wide > width) {
			text_format(text, "\n%*s", INDENT, "");
			used = spaces = 0;
			string += strspn(string, " ");
		}
		text_append(text, string, spaces + length);
		used += spaces + wide;
		string += spaces + length;
	}
}

/* commands stay on one line of their own, so that they can be pasted: wrap is false */
static void row(struct text *text, const struct style *style, const char *label, const char *raw,
		const char *note, bool wrap)
{
	static char safe[4096];
	struct text clean = TEXT_ON(safe);

	text_safe(&clean, raw, strlen(raw));
	if (note)
		text_format(&clean, "  (%s)", note);
	text_add(text, "  ");
	paint(text, style, PAINT_LABEL, 0);
	text_format(text, "%-8s", label);
	paint(text, style, PAINT_PLAIN, 0);
	text_add(text, " ");
	if (wrap)
		wrapped(text, style, safe);
	else
		text_add(text, safe);
	text_add(text, "\n");
}

static void card_title(struct text *text, const struct style *style, const struct observation *o,
		       const struct verdict *v)
{
	char safe[512], when[32];
	struct text clean = TEXT_ON(safe), clock = TEXT_ON(when);
	size_t wide;

	text_safe(&clean, v->diagnosis.title, strlen(v->diagnosis.title));
	time_of_day(&clock, style, o->time_ns);
	paint(text, style, PAINT_TITLE, v->severity);
	text_add(text, safe);
	paint(text, style, PAINT_PLAIN, 0);
	wide = columns(safe, clean.length) + clock.length;
	text_format(text, "%*s", wide + 2 < style->width ? (int)(style->width - wide) : 2, "");
	paint(text, style, PAINT_NOTE, 0);
	text_add(text, when);
	paint(text, style, PAINT_PLAIN, 0);
	text_add(text, "\n");
}

static void one_line(struct text *text, const struct style *style, uint64_t time_ns, enum severity severity,
		     const char *message)
{
	time_of_day(text, style, time_ns);
	text_add(text, "  ");
	paint(text, style, PAINT_TITLE, severity);
	text_format(text, "%-8s", severity_words[severity]);
	paint(text, style, PAINT_PLAIN, 0);
	text_add(text, "  ");
	text_safe(text, message, strlen(message));
	text_add(text, "\n");
}

static void card_observation(struct text *text, const struct style *style, struct observation *o,
			     struct verdict *v)
{
	const struct diagnosis *d = &v->diagnosis;
	const char *previous = "";

	if (v->repeats)
		return;
	if (v->brief) {
		one_line(text, style, o->time_ns, v->severity, v->message);
		return;
	}
	card_title(text, style, o, v);
	row(text, style, "cause", d->cause,
	    d->confidence == BASIS_MEASURED ? NULL : basis_words[d->confidence], true);
	for (uint64_t i = 0; i < d->evidence_count; i++) {
		const struct evidence *e = &d->evidence[i];
		bool same = strcmp(previous, e->about) == 0;

		row(text, style, same ? "" : e->about, e->claim,
		    e->basis == BASIS_MEASURED ? NULL : basis_words[e->basis], true);
		previous = e->about;
	}
	for (uint64_t i = 0; i < d->advice_count; i++)
		row(text, style, i ? "" : "do", d->advice[i], NULL, true);
	for (uint64_t i = 0; i < d->verify_count; i++)
		row(text, style, i ? "" : "verify", d->verify[i], NULL, false);
	text_add(text, "\n");
}

static void line_observation(struct text *text, const struct style *style, struct observation *o,
			     struct verdict *v)
{
	if (!v->repeats)
		one_line(text, style, o->time_ns, v->severity, v->message);
}

/* people need to hear of losses; that the tool started they know */
static void people_stream(struct text *text, const struct style *style, const struct line_head *head,
			  const struct record *record, const void *data)
{
	(void)data;
	if (record == &gap_record)
		one_line(text, style, head->time_ns, head->severity, head->message);
}

static void json_observation(struct text *text, const struct style *style, struct observation *o,
			     struct verdict *v)
{
	(void)style;
	ndjson_observation(text, o, v);
}

static void json_stream(struct text *text, const struct style *style, const struct line_head *head,
			const struct record *record, const void *data)
{
	(void)style;
	ndjson_stream(text, head, record, data);
}

static const struct renderer renderers[] = {
	{ "card", "a diagnosis card per event, for people", card_observation, people_stream },
	{ "line", "one line per event, for people", line_observation, people_stream },
	{ "json", "one JSON object per line (NDJSON), for pipelines", json_observation, json_stream },
};

const struct renderer *renderer_find(const char *name)
{
	for (size_t i = 0; i < sizeof(renderers) / sizeof(*renderers); i++)
		if (strcmp(renderers[i].name, name) == 0)
			return &renderers[i];
	return NULL;
}
