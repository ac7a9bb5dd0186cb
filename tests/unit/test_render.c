// SPDX-License-Identifier: BSD-2-Clause
/* Cards and lines: nothing reaches the terminal but what we mean, in its width. */
#include "user/render.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "golden.h"
#include "kinds.h"
#include "user/recording.h"

#define COUNT(ARRAY) (sizeof(ARRAY) / sizeof((ARRAY)[0]))

static struct observation o;
static struct verdict verdict;
static char out[64 * 1024];

static const char *render(const char *name, const struct style *style)
{
	struct text text = TEXT_ON(out);

	renderer_find(name)->observation(&text, style, &o, &verdict);
	assert_false(text.cut);
	assert_int_equal(text.length, strlen(out));
	return out;
}

static void test_names(void **state)
{
	static const char *const names[] = { "card", "line", "json" };

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		assert_non_null(renderer_find(names[i]));
		assert_string_equal(renderer_find(names[i])->name, names[i]);
		assert_non_null(strstr(renderer_names, names[i]));
	}
	assert_null(renderer_find("xml"));
	assert_null(renderer_find(""));
}

/* ---- bytes --------------------------------------------------------------- */

static bool point_harmful(uint32_t point)
{
	return (point < 0x20 && point != '\n') || (point >= 0x7f && point <= 0x9f) || point == 0x61c ||
	       (point >= 0x200b && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
	       (point >= 0x2066 && point <= 0x2069) || point == 0xfeff;
}

/* our own colours: ESC [ digits and semicolons m */
static size_t colour_length(const char *bytes)
{
	size_t n = 2;

	if (bytes[0] != '\033' || bytes[1] != '[')
		return 0;
	n += strspn(bytes + n, "0123456789;");
	return bytes[n] == 'm' ? n + 1 : 0;
}

static void check_bytes(const char *bytes, bool colour)
{
	size_t length = strlen(bytes);

	for (size_t i = 0; i < length;) {
		uint32_t point = 'm';
		size_t n = colour ? colour_length(bytes + i) : 0;

		if (!n && !(n = utf8_decode(bytes + i, length - i, &point)))
			fail_msg("no UTF-8 at %zu: %.200s", i, bytes);
		if (point_harmful(point))
			fail_msg("U+%04x at %zu", point, i);
		i += n;
	}
}

static unsigned int newlines(const char *bytes)
{
	unsigned int n = 0;

	while ((bytes = strchr(bytes, '\n')))
		n++, bytes++;
	return n;
}

static void fill_verdict(struct fill *fill)
{
	memset(&verdict, 0, sizeof(verdict));
	verdict.severity = 1 + random_below(&fill->random, SEVERITY_CRITICAL);
	fill_string(fill, verdict.message, sizeof(verdict.message));
	fill_record(fill, &diagnosis_record, &verdict.diagnosis);
	/* labels are the rules' own words */
	for (unsigned int i = 0; i < COUNT(verdict.diagnosis.evidence); i++)
		strcpy(verdict.diagnosis.evidence[i].about, i % 2 ? "" : "limit");
	KNOW(&verdict.diagnosis, confidence, 1 + random_below(&fill->random, 3));
}

/* any bytes a rule may take over from names, in any text of a verdict */
static void test_hostile_verdict(void **state)
{
	struct fill fill = { .random = 41 };

	(void)state;
	for (unsigned int i = 0; i < 1000; i++) {
		struct style style = { .colour = i % 2, .width = 40 + i % 81, .utc = true };

		fill_verdict(&fill);
		check_bytes(render("card", &style), style.colour);
		check_bytes(render("line", &style), style.colour);
		assert_int_equal(newlines(out), 1);
	}
}

/* the same through the rules, which also cut */
static void test_hostile_observation(void **state)
{
	struct fill fill = { .random = 42, .bits = 40 };

	(void)state;
	for (unsigned int i = 0; i < 1500 * (KIND_COUNT - 1); i++) {
		struct style style = { .width = 100, .utc = true };

		fill_parts(&fill, &o, 1 + i % (KIND_COUNT - 1));
		diagnose(&o, &verdict);
		check_bytes(render("card", &style), false);
		check_bytes(render("line", &style), false);
		assert_int_equal(newlines(out), !verdict.repeats);
	}
}

/* a text that does not fit is cut, noted and ended */
static void test_small_buffer(void **state)
{
	struct fill fill = { .random = 43, .all = true };

	(void)state;
	for (size_t size = 1; size < 3000; size += 7) {
		static const char *const names[] = { "card", "line", "json" };
		char *data = malloc(size);
		struct text text = { .data = data, .size = size };
		struct style style = { .width = 80 };

		data[0] = '\0';
		fill_verdict(&fill);
		renderer_find(names[size % 3])->observation(&text, &style, &o, &verdict);
		assert_true(text.length < size);
		assert_int_equal(strlen(data), text.length);
		free(data);
	}
}

/* ---- width --------------------------------------------------------------- */

static size_t columns(const char *line, size_t length)
{
	size_t n = 0;

	for (size_t i = 0; i < length; i++)
		n += ((unsigned char)line[i] & 0xc0) != 0x80;
	return n;
}

/* below the title no line is wider, unless one word is; commands are never broken */
static void check_width(const char *card, unsigned int width)
{
	const char *line = strchr(card, '\n') + 1;

	for (; *line; line = strchr(line, '\n') + 1) {
		size_t length = strcspn(line, "\n"), first = length < 11 ? length : 11;

		first += strspn(line + first, " ");
		first += strcspn(line + first, " \n");
		if (columns(line, length) > width && first < length)
			fail_msg("%zu columns of %u: %.*s", columns(line, length), width, (int)length, line);
	}
}

static void test_width(void **state)
{
	struct fill fill = { .random = 44, .plain = true, .text_max = 200 };

	(void)state;
	for (unsigned int width = 41; width <= 120; width++) {
		struct style style = { .width = width, .utc = true };

		fill_verdict(&fill);
		verdict.diagnosis.verify_count = 0;
		check_width(render("card", &style), width);
	}
}

static void test_width_least(void **state)
{
	struct fill fill = { .random = 45, .plain = true, .text_max = 200 };
	struct style style = { .width = 40, .utc = true };

	(void)state;
	fill_verdict(&fill);
	verdict.diagnosis.verify_count = 0;
	check_width(render("card", &style), 40);
}

/* text of three columns: what stands apart stays apart, what is short stays on one line */
static void test_rows(void **state)
{
	static const char expected[] = "T  t[1]                     00:00:01.002\n"
				       "  cause    c d  (inferred)\n"
				       "  memory   anon 1 MiB  file 2 MiB\n"
				       "           more  (unknown)\n"
				       "  do       this\n"
				       "           or that\n"
				       "  verify   see\n"
				       "\n";
	struct style style = { .width = 40, .utc = true };
	struct diagnosis *d = &verdict.diagnosis;

	(void)state;
	memset(&verdict, 0, sizeof(verdict));
	memset(&o, 0, sizeof(o));
	o.kind = KIND_oom_kill;
	o.time_ns = 1002000000;
	verdict.severity = SEVERITY_ERROR;
	strcpy(d->title, "T  t[1]");
	strcpy(d->cause, "c d");
	d->confidence = BASIS_INFERRED;
	d->evidence_count = 2;
	strcpy(d->evidence[0].about, "memory");
	strcpy(d->evidence[0].claim, "anon 1 MiB  file 2 MiB");
	d->evidence[0].basis = BASIS_MEASURED;
	strcpy(d->evidence[1].about, "memory");
	strcpy(d->evidence[1].claim, "more");
	d->evidence[1].basis = BASIS_UNKNOWN;
	d->advice_count = 2;
	strcpy(d->advice[0], "this");
	strcpy(d->advice[1], "or that");
	d->verify_count = 1;
	strcpy(d->verify[0], "see");
	assert_string_equal(render("card", &style), expected);
}

/* ---- commands ------------------------------------------------------------- */

/* what a person pastes is on the card as it must be typed, on one line */
static void check_commands(const char *path, const char *line, size_t length)
{
	struct style style = { .width = 100, .utc = true };
	const char *reason;

	if (recording_read(line, length, &o, &reason) != RECORDING_OBSERVATION)
		fail_msg("%s: %s", path, reason);
	diagnose(&o, &verdict);
	render("card", &style);
	if (verdict.repeats) {
		assert_string_equal(out, "");
		return;
	}
	for (uint64_t i = 0; !verdict.brief && i < verdict.diagnosis.verify_count; i++) {
		char command[sizeof(verdict.diagnosis.verify[0])], *note;

		strcpy(command, verdict.diagnosis.verify[i]);
		note = strstr(command, "   (");
		if (note)
			*note = '\0';
		if (!strstr(out, command))
			fail_msg("%s: broken on the card: %s", path, command);
	}
}

static void test_commands(void **state)
{
	(void)state;
	assert_true(golden_each("in.ndjson", check_commands) > 30);
}

/* ---- time, streams, terminals --------------------------------------------- */

static void test_clock(void **state)
{
	struct style style = { .width = 80, .utc = true };

	(void)state;
	memset(&verdict, 0, sizeof(verdict));
	verdict.severity = SEVERITY_CRITICAL;
	strcpy(verdict.message, "m");
	o.time_ns = 86399999000000;
	assert_string_equal(render("line", &style), "23:59:59.999  critical  m\n");
	style.utc = false;
	setenv("TZ", "XXX-5:30", 1);
	tzset();
	assert_string_equal(render("line", &style), "05:29:59.999  critical  m\n");
	unsetenv("TZ");
	tzset();
	style.colour = true;
	style.utc = true;
	assert_string_equal(render("line", &style), "23:59:59.999  \033[1;97;41mcritical\033[0m  m\n");
}

static void test_stream(void **state)
{
	struct line_head head = { .time_ns = 1, .kind = "gap", .severity = SEVERITY_WARNING, .message = "lost\x1b\n",
				  .host = "h", .id = "i" };
	static struct start start = { .known.tool = 1, .tool = "t" };
	struct gap gap = { .known.count = 1, .count = 3 };
	struct style style = { .width = 80, .utc = true };

	(void)state;
	for (const char *const *name = (const char *const[]){ "card", "line", NULL }; *name; name++) {
		struct text text = TEXT_ON(out);

		renderer_find(*name)->stream(&text, &style, &head, &gap_record, &gap);
		assert_string_equal(out, "00:00:00.000  warning   lost\\x1b\\x0a\n");
		text = (struct text)TEXT_ON(out);
		renderer_find(*name)->stream(&text, &style, &head, &start_record, &start);
		assert_string_equal(out, "");
	}
	renderer_find("json")->stream(&(struct text)TEXT_ON(out), &style, &head, &gap_record, &gap);
	assert_non_null(strstr(out, "\"gap\":{\"count\":3}}\n"));
}

/* style_for_stdout() with stdout being this file */
static struct style style_on(int fd)
{
	int old = dup(STDOUT_FILENO);
	struct style style;

	fflush(stdout);
	dup2(fd, STDOUT_FILENO);
	style = style_for_stdout(true);
	dup2(old, STDOUT_FILENO);
	close(old);
	return style;
}

static void test_style_no_terminal(void **state)
{
	int null = open("/dev/null", O_WRONLY);

	(void)state;
	unsetenv("COLUMNS");
	assert_true(style_on(null).width == 100 && !style_on(null).colour && style_on(null).utc);
	setenv("COLUMNS", "72", 1);
	assert_int_equal(style_on(null).width, 72);
	for (const char *const *bad = (const char *const[]){ "", "x", "0", "-5", "12", "99999999999", NULL }; *bad; bad++) {
		setenv("COLUMNS", *bad, 1);
		assert_true(style_on(null).width >= 40 && style_on(null).width <= 1000);
	}
	unsetenv("COLUMNS");
	close(null);
}

static void test_style_terminal(void **state)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave;
	struct winsize size = { .ws_col = 90 };

	(void)state;
	if (master < 0 || grantpt(master) || unlockpt(master))
		skip();
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	if (slave < 0)
		skip();
	unsetenv("NO_COLOR");
	setenv("TERM", "xterm", 1);
	ioctl(slave, TIOCSWINSZ, &size);
	assert_true(style_on(slave).width == 90 && style_on(slave).colour);
	size.ws_col = 300;
	ioctl(slave, TIOCSWINSZ, &size);
	assert_int_equal(style_on(slave).width, 120);
	setenv("NO_COLOR", "", 1);	/* no-color.org: only when not empty */
	assert_true(style_on(slave).colour);
	setenv("NO_COLOR", "1", 1);
	assert_false(style_on(slave).colour);
	unsetenv("NO_COLOR");
	setenv("TERM", "dumb", 1);
	assert_false(style_on(slave).colour);
	close(slave);
	close(master);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_hostile_verdict),
		cmocka_unit_test(test_hostile_observation),
		cmocka_unit_test(test_small_buffer),
		cmocka_unit_test(test_width),
		cmocka_unit_test(test_width_least),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_style_no_terminal),
		cmocka_unit_test(test_style_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
