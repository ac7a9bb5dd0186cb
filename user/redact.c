// SPDX-License-Identifier: BSD-2-Clause
#include "redact.h"

#include <string.h>

#include "redact_rules.h"
#include "text.h"

/* quotes within quotes within ... : deeper ones are one word */
#define TEXT_DEPTH 4

/* a string being redacted, word by word */
struct scan {
	char *string;
	size_t size;
	bool changed;
	bool text;			/* words of a longer text, such as sh -c has */
	bool header;			/* name:value without a space */
	unsigned int programs;		/* seen so far */
	const char *pending;		/* rule for the next word */
	char pending_separator;
	bool pending_optional;		/* unless that word is an option */
	bool skip;			/* the next word is some option's value */
	bool htpasswd_batch;
	unsigned int htpasswd_operands;	/* file, user, password */
};

/* a name, a separator and the secret in [value, end) */
struct pair {
	const char *rule;
	size_t value, end;
};

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_quote(char c)
{
	return c == '"' || c == '\'' || c == '`';
}

static bool begins(const struct scan *scan, size_t at, size_t end, const char *word)
{
	size_t n = strlen(word);

	return end - at >= n && !memcmp(scan->string + at, word, n);
}

static size_t find(const struct scan *scan, size_t at, size_t end, char c)
{
	const char *found = at < end ? memchr(scan->string + at, c, end - at) : NULL;

	return found ? (size_t)(found - scan->string) : end;
}

/* text_copy() cuts up to three bytes before the end, and a secret's end with it */
static bool was_cut(const struct scan *scan)
{
	return strlen(scan->string) + 4 >= scan->size;
}

/* Puts the rule's token in place of [at, stop). Returns where what ended at end now ends. */
static size_t replace(struct scan *scan, size_t at, size_t stop, size_t end, const char *rule)
{
	char data[48];
	struct text token = TEXT_ON(data);
	size_t tail = strlen(scan->string + stop), room = scan->size - 1 - at, length;
	char *to = scan->string + at;

	text_add(&token, "<redacted:");
	text_add(&token, rule);
	text_add(&token, ">");
	if (at >= stop || (stop - at == token.length && !memcmp(to, data, token.length)))
		return end;	/* nothing, or done before */
	scan->changed = true;
	length = token.length < room ? token.length : room;
	if (tail > room - length) {
		tail = room - length;
		while (tail && ((unsigned char)scan->string[stop + tail] & 0xc0) == 0x80)
			tail--;
	}
	memmove(to + length, scan->string + stop, tail);
	memcpy(to, data, length);
	/* records are copied whole: nothing of it may stay behind the NUL */
	memset(to + length + tail, 0, room + 1 - length - tail);
	end = end - stop < tail ? end - stop : tail;
	return at + length + end;
}

/* the next word is a secret */
static void announce(struct scan *scan, const char *rule, char separator, bool optional)
{
	scan->pending = rule;
	scan->pending_separator = separator;
	scan->pending_optional = optional;
}

/* user:password, or all of it */
static size_t value_replace(struct scan *scan, size_t at, size_t end, char separator,
			    const char *rule)
{
	if (separator)
		at = find(scan, at, end, separator) + 1;
	if (at >= end || (at >= 10 && begins(scan, at - 10, end, "<redacted:")))
		return end;
	return replace(scan, at, end, end, rule);
}

/* the first quote from at on that ends what quote began */
static size_t quote_end(const struct scan *scan, size_t at, size_t end, char quote)
{
	for (; at < end && scan->string[at] != quote; at++) {
		if (scan->string[at] == '\\' && quote != '\'' && at + 1 < end)
			at++;
	}
	return at;
}

static size_t word_end(const struct scan *scan, size_t at, size_t end)
{
	for (; at < end && !is_space(scan->string[at]); at++) {
		char c = scan->string[at];

		if (c == '\\' && at + 1 < end) {
			at++;
		} else if (is_quote(c)) {
			size_t close = quote_end(scan, at + 1, end, c);

			/* the one of "don't" opens nothing */
			if (close < end)
				at = close;
		}
	}
	return at;
}

/* "password":, password: and headers have a secret behind it; /run/secret:/mnt has none */
static bool colon_separates(const struct scan *scan, size_t at, size_t end, bool quoted,
			    const char *rule)
{
	return quoted || scan->header || at + 1 == end || is_space(scan->string[at + 1]) ||
	       !strcmp(rule, "authorization");
}

/* how far the value goes, by what stands before its name; too far rather than not enough */
static void pair_extend(const struct scan *scan, size_t word, size_t name, bool quoted,
			struct pair *pair)
{
	const char *s = scan->string;
	char opener = name > word ? s[name - 1] : '\0';
	size_t end = pair->end, n;

	while (pair->value < end && is_space(s[pair->value]))
		pair->value++;
	if (pair->value == end)
		return;
	if (quoted && is_quote(s[pair->value])) {
		pair->end = quote_end(scan, pair->value + 1, end, s[pair->value]);
		pair->value++;
	} else if (quoted && s[pair->value] != '\\') {
		pair->end = pair->value + strcspn(s + pair->value, ",}]");
	} else if (opener == '?' || opener == '&') {
		pair->end = find(scan, pair->value, end, '&');
	} else if (opener == ';') {
		pair->end = find(scan, pair->value, end, ';');
	} else if (is_quote(opener) && s[end - 1] == opener && end - 1 > pair->value) {
		pair->end = end - 1;
	}
	if (pair->end > end)
		pair->end = end;
	for (n = pair->value; n < pair->end && ascii_is_letter(s[n]);)
		n++;
	if (strcmp(pair->rule, "authorization") ||
	    !redact_is_scheme(s + pair->value, n - pair->value))
		return;
	while (n < pair->end && is_space(s[n]))
		n++;
	pair->value = n;
}

/* the next name=secret or name: secret of a word whose '=' or ':' is at from or behind */
static bool pair_find(const struct scan *scan, size_t word, size_t from, size_t end,
		      struct pair *ret)
{
	const char *s = scan->string;

	for (size_t i = from; i < end; i++) {
		struct pair pair = { .value = i + 1, .end = end };
		size_t stop = i, name;
		bool quoted;

		if (s[i] != '=' && s[i] != ':')
			continue;
		while (stop > word && (is_space(s[stop - 1]) || s[stop - 1] == ':' || s[stop - 1] == '+'))
			stop--;
		quoted = stop > word && is_quote(s[stop - 1]);
		stop -= quoted;
		while (quoted && stop > word && s[stop - 1] == '\\')
			stop--;
		for (name = stop; name > word && redact_is_name(s[name - 1]);)
			name--;
		pair.rule = redact_name_rule(s + name, stop - name);
		if (!pair.rule || (s[i] == ':' && !colon_separates(scan, i, end, quoted, pair.rule)))
			continue;
		pair_extend(scan, word, name, quoted, &pair);
		*ret = pair;
		return true;
	}
	return false;
}

static size_t pairs_redact(struct scan *scan, size_t at, size_t end)
{
	size_t from = at;
	struct pair pair;

	while (pair_find(scan, at, from, end, &pair)) {
		from = pair.value;
		if (pair.value < pair.end) {
			end = replace(scan, pair.value, pair.end, end, pair.rule);
		} else if (scan->text && pair.value == end) {
			announce(scan, pair.rule, '\0', false);
		}
	}
	return end;
}

static bool is_number(const struct scan *scan, size_t at, size_t end)
{
	while (at < end && ascii_is_digit(scan->string[at]))
		at++;
	return at == end;
}

/* scheme://user:password@host; at is behind the slashes */
static size_t url_redact(struct scan *scan, size_t at, size_t end)
{
	const char *s = scan->string, *sign;
	size_t stop = at, slash = at, colon;

	while (stop < end && !is_space(s[stop]) && s[stop] != '"')
		stop++;
	while (slash < stop && !strchr("/?#", s[slash]))
		slash++;
	colon = find(scan, at, slash, ':');
	if (colon == slash || s[at] == '[' || begins(scan, at, end, "<redacted:"))
		return end;
	sign = memrchr(s + at, '@', slash - at);
	/* a '/' in a password is wrong but done: what else follows a colon is a port */
	if (!sign && !is_number(scan, colon + 1, slash))
		sign = memchr(s + slash, '@', stop - slash);
	if (sign && sign > s + colon)
		return replace(scan, colon + 1, sign - s, end, "url");
	if (!sign && !s[stop] && was_cut(scan) && !is_number(scan, colon + 1, stop))
		return replace(scan, colon + 1, stop, end, "url");
	return end;
}

static size_t urls_redact(struct scan *scan, size_t at, size_t end)
{
	for (; at + 3 < end; at++)
		end = begins(scan, at, end, "://") ? url_redact(scan, at + 3, end) : end;
	return end;
}

static size_t tokens_redact(struct scan *scan, size_t at, size_t end)
{
	char before = '\0';

	for (; at < end; before = scan->string[at++]) {
		const char *rule;
		size_t n;

		if (ascii_is_letter(before) || ascii_is_digit(before) || before == '_')
			continue;
		n = redact_token_find(scan->string + at, end - at,
				      !scan->string[end] && was_cut(scan), &rule);
		if (n)
			end = replace(scan, at, at + n, end, rule);
	}
	return end;
}

static void htpasswd_options(struct scan *scan, size_t at, size_t end)
{
	if (!(scan->programs & REDACT_PROGRAM_HTPASSWD))
		return;
	scan->htpasswd_batch |= find(scan, at, end, 'b') < end;
	/* -n: to stdout, so there is no file */
	if (find(scan, at, end, 'n') < end)
		scan->htpasswd_operands = 1;
}

static size_t option_redact(struct scan *scan, size_t at, size_t end)
{
	const unsigned int asking = REDACT_PROGRAM_MYSQL | REDACT_PROGRAM_POSTGRES;
	const char *word = scan->string + at;
	size_t value, length = end - at;
	const struct redact_option *option =
		redact_option_find(scan->programs, word, length, &value);

	htpasswd_options(scan, at, end);
	if (option && option->rule && value)
		return value_replace(scan, at + value, end, option->separator, option->rule);
	if (option) {
		announce(scan, option->rule, option->separator, false);
		scan->skip = !option->rule;
		return end;
	}
	/* -pass 1 is ffmpeg's, -DSECRET a compiler's; a bare --password of mysql and psql asks */
	if (find(scan, at, end, '=') < end || find(scan, at, end, ':') < end ||
	    begins(scan, at, end, "-D") || (length == 5 && begins(scan, at, end, "-pass")) ||
	    ((scan->programs & asking) && length == 10 && begins(scan, at, end, "--password")) ||
	    redact_name_asks(word, length) || !redact_name_rule(word, length))
		return end;
	announce(scan, redact_name_rule(word, length), '\0', true);
	return end;
}

/* "password = x", PASSWORD 'x' */
static void name_pend(struct scan *scan, size_t at, size_t end)
{
	const char *next = scan->string + end, *rule;

	for (size_t i = at; i < end; i++) {
		if (!redact_is_name(scan->string[i]))
			return;
	}
	while (is_space(*next))
		next++;
	rule = redact_name_rule(scan->string + at, end - at);
	if (rule && *next && strchr("=:'", *next))
		announce(scan, rule, '\0', false);
}

static size_t operand_redact(struct scan *scan, size_t at, size_t end)
{
	unsigned int program;

	if (scan->skip) {
		scan->skip = false;
		return end;
	}
	if (scan->htpasswd_batch && ++scan->htpasswd_operands >= 3)
		return replace(scan, at, end, end, "password");
	if ((scan->programs & REDACT_PROGRAM_OPENSSL) && begins(scan, at, end, "pass:"))
		return replace(scan, at + 5, end, end, "password");
	/* its command begins here, and has a -p of its own */
	scan->programs &= ~REDACT_PROGRAM_SSHPASS;
	program = redact_program_find(scan->string + at, end - at);
	if (program != REDACT_PROGRAM_LOGIN || (scan->programs & REDACT_PROGRAM_REGISTRY))
		scan->programs |= program;
	if (scan->text)
		name_pend(scan, at, end);
	return end;
}

/* True when the word was what an earlier one announced. */
static bool pending_redact(struct scan *scan, size_t at, size_t *end)
{
	const char *rule = scan->pending;
	size_t i = at;

	if (!rule)
		return false;
	while (i < *end && strchr("=:+", scan->string[i]))
		i++;
	if (i == *end && i > at && scan->text)
		return true;
	if (!strcmp(rule, "authorization") && redact_is_scheme(scan->string + at, *end - at))
		return true;
	scan->pending = NULL;
	if (scan->pending_optional && scan->string[at] == '-')
		return false;
	*end = value_replace(scan, at, *end, scan->pending_separator, rule);
	/* what is left of user:password may hold more */
	return !scan->pending_separator;
}

static size_t word_redact(struct scan *scan, size_t at, size_t end)
{
	size_t first = at;

	if (pending_redact(scan, at, &end))
		return end;
	if (scan->text && end - at > 1 && is_quote(scan->string[at]))
		first++;
	if (first < end && scan->string[first] == '-')
		end = option_redact(scan, first, end);
	else
		end = operand_redact(scan, first, end);
	end = urls_redact(scan, at, end);
	end = pairs_redact(scan, at, end);
	return tokens_redact(scan, at, end);
}

static size_t space_find(const struct scan *scan, size_t at, size_t end)
{
	while (at < end && !is_space(scan->string[at]))
		at++;
	return at;
}

/* whether a secret begins in what stands before the first space and may go on behind */
static bool pair_leads(const struct scan *scan, size_t at, size_t end)
{
	size_t stop = space_find(scan, at, end), from = at;
	struct pair pair;

	while (pair_find(scan, at, from, stop, &pair)) {
		if (pair.end == stop)
			return true;
		from = pair.value;
	}
	return false;
}

static size_t text_redact(struct scan *scan, size_t at, size_t end, unsigned int depth)
{
	while (at < end) {
		size_t stop, rest, inner;

		if (is_space(scan->string[at])) {
			at++;
			continue;
		}
		stop = word_end(scan, at, end);
		rest = end - stop;
		inner = stop - (stop - at > 1 && scan->string[stop - 1] == scan->string[at]);
		if (!scan->pending && depth < TEXT_DEPTH && is_quote(scan->string[at]) &&
		    space_find(scan, at, stop) < stop && !pair_leads(scan, at + 1, inner))
			at = text_redact(scan, at + 1, inner, depth + 1) + (stop - inner);
		else
			at = word_redact(scan, at, stop);
		/* what grew may have pushed the rest out */
		end = strlen(scan->string);
		if (at > end)
			at = end;
		if (rest < end - at)
			end = at + rest;
	}
	return end;
}

static void string_redact(struct scan *scan, bool script)
{
	size_t length = strlen(scan->string);
	const char *key = strstr(scan->string, "PRIVATE KEY-----");
	struct scan text;

	if (key) {
		replace(scan, key + 16 - scan->string, length, length, "private-key");
		length = strlen(scan->string);
	}
	if (scan->pending || scan->skip || space_find(scan, 0, length) == length ||
	    (!script && pair_leads(scan, 0, length))) {
		word_redact(scan, 0, length);
		return;
	}
	text = *scan;
	text.text = true;
	text_redact(&text, 0, length, 0);
	scan->changed |= text.changed;
}

bool redact_args(char *args, size_t arg_size, size_t count, uint64_t *ret_redacted)
{
	struct scan scan = { .size = arg_size };
	uint64_t redacted = 0;

	for (size_t i = 0; i < count; i++) {
		char *arg = args + i * arg_size;
		const char *before = i ? arg - arg_size : "";

		arg[arg_size - 1] = '\0';
		scan.string = arg;
		scan.changed = false;
		scan.header = !strncmp(arg, "-H", 2) || !strncmp(arg, "--header", 8) ||
			      !strcmp(before, "-H") || !strcmp(before, "--header");
		string_redact(&scan, (scan.programs & REDACT_PROGRAM_SHELL) &&
					     redact_option_is_command(before));
		redacted += scan.changed;
	}
	*ret_redacted = redacted;
	return redacted > 0;
}

int redact_text(char *string, size_t size)
{
	struct scan scan = { .string = string, .size = size };

	if (!size)
		return 0;
	string[size - 1] = '\0';
	string_redact(&scan, false);
	return scan.changed;
}
