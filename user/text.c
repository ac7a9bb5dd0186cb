// SPDX-License-Identifier: BSD-2-Clause
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* How much of the first "room" bytes does not end inside a character. */
static size_t whole_characters(const char *data, size_t room, size_t length)
{
	uint32_t point;

	/* a character that begins within the last three bytes and is valid, but goes on behind them */
	for (size_t back = 1; back <= 3 && back <= room; back++)
		if (utf8_decode(data + room - back, length - room + back, &point) > back)
			return room - back;
	return room;
}

void text_append_cut(struct text *text, const char *data, size_t length)
{
	size_t room = text->size - text->length - 1;

	text->cut = true;
	text_append(text, data, whole_characters(data, room, length));
}

void text_add(struct text *text, const char *string)
{
	text_append(text, string, strlen(string));
}

void text_number(struct text *text, uint64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = '0' + value % 10;
		value /= 10;
	} while (value);
	text_append(text, digits + at, sizeof(digits) - at);
}

void text_signed(struct text *text, int64_t value)
{
	if (value < 0)
		text_append(text, "-", 1);
	text_number(text, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void text_digits(struct text *text, uint64_t value, unsigned int count)
{
	char digits[20];

	for (unsigned int at = count; at--; value /= 10)
		digits[at] = '0' + value % 10;
	text_append(text, digits, count);
}

/* False when there is more to it than %s, %llu and %lld, or it does not fit. */
static bool format_simply(struct text *text, const char *format, va_list arguments)
{
	for (;;) {
		size_t literal = strchrnul(format, '%') - format;

		text_append(text, format, literal);
		format += literal;
		if (!*format)
			return !text->cut;
		if (format[1] == 's') {
			text_add(text, va_arg(arguments, const char *));
			format += 2;
		} else if (format[1] == 'l' && format[2] == 'l' && format[3] == 'u') {
			text_number(text, va_arg(arguments, unsigned long long));
			format += 4;
		} else if (format[1] == 'l' && format[2] == 'l' && format[3] == 'd') {
			text_signed(text, va_arg(arguments, long long));
			format += 4;
		} else {
			return false;
		}
	}
}

void text_format(struct text *text, const char *format, ...)
{
	const struct text before = *text;
	size_t room = text->size - text->length;
	va_list arguments;
	bool done;
	int length;

	/* printf takes longer than all else that becomes of an event */
	va_start(arguments, format);
	done = format_simply(text, format, arguments);
	va_end(arguments);
	if (done)
		return;
	*text = before;
	va_start(arguments, format);
	length = vsnprintf(text->data + text->length, room, format, arguments);
	va_end(arguments);
	if (length < 0)
		return;
	if ((size_t)length >= room) {
		length = room - 1;
		text->cut = true;
	}
	text->length += length;
}

void text_bytes(struct text *text, uint64_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	unsigned int unit = 0;
	double value = bytes;

	if (bytes == ~0ULL) {
		text_add(text, "no limit");
		return;
	}
	/* what would print as 1024 is one of the next unit */
	while (value >= (unit ? 1023.5 : 1024) && unit + 1 < sizeof(units) / sizeof(*units)) {
		value /= 1024;
		unit++;
	}
	if (!unit) {
		text_format(text, "%llu B", (unsigned long long)bytes);
		return;
	}
	/* one decimal below 100, unless it would be a 0 */
	if (value < 99.95 && (uint64_t)(value * 10 + 0.5) % 10)
		text_format(text, "%.1f %s", value, units[unit]);
	else
		text_format(text, "%.0f %s", value, units[unit]);
}

void text_duration(struct text *text, uint64_t ns)
{
	static const struct {
		uint64_t seconds;
		const char *unit;
		uint64_t part;
		const char *part_unit;
	} rows[] = {
		{ 86400, "d", 3600, "h" },
		{ 3600, "h", 60, "m" },
		{ 60, "m", 1, "s" },
	};
	uint64_t seconds = ns / 1000000000 + (ns % 1000000000 >= 500000000);

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint64_t rest = seconds % rows[i].seconds / rows[i].part;

		if (seconds < rows[i].seconds)
			continue;
		text_format(text, "%llu %s", (unsigned long long)(seconds / rows[i].seconds), rows[i].unit);
		if (rest)
			text_format(text, " %llu %s", (unsigned long long)rest, rows[i].part_unit);
		return;
	}
	if (ns >= 1000000000)
		text_format(text, "%.1f s", ns / 1e9);
	else if (ns >= 1000000)
		text_format(text, "%llu ms", (unsigned long long)ns / 1000000);
	else
		text_format(text, "%llu us", (unsigned long long)ns / 1000);
}

size_t utf8_decode(const char *bytes, size_t length, uint32_t *ret)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *b = (const unsigned char *)bytes;
	uint32_t point;
	size_t n;

	if (!length)
		return 0;
	if (b[0] < 0x80) {
		*ret = b[0];
		return 1;
	}
	n = b[0] >= 0xf0 ? 4 : b[0] >= 0xe0 ? 3 : 2;
	if (b[0] < 0xc2 || b[0] > 0xf4 || n > length)
		return 0;
	point = b[0] & (0x7f >> n);
	for (size_t i = 1; i < n; i++) {
		if ((b[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (b[i] & 0x3f);
	}
	if (point < smallest[n] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
		return 0;
	*ret = point;
	return n;
}

static bool is_escape(uint32_t point)
{
	return point >= 0xf780 && point <= 0xf7ff;
}

/* how many characters of printable ASCII that need no escape in JSON come next: most of what is written */
static size_t json_plain(const char *bytes, size_t length)
{
	static const bool plain[256] = { [' ' ... '!'] = 1, ['#' ... '['] = 1, [']' ... '~'] = 1 };
	size_t n = 0;

	while (n < length && plain[(unsigned char)bytes[n]])
		n++;
	return n;
}

static void json_escape(struct text *text, uint32_t point)
{
	switch (point) {
	case '"':
		text_add(text, "\\\"");
		break;
	case '\\':
		text_add(text, "\\\\");
		break;
	case '\n':
		text_add(text, "\\n");
		break;
	case '\t':
		text_add(text, "\\t");
		break;
	default:
		text_format(text, "\\u%04x", point);
	}
}

void text_json(struct text *text, const char *bytes, size_t length)
{
	size_t i = 0;

	text_append(text, "\"", 1);
	while (i < length) {
		size_t n = json_plain(bytes + i, length - i);
		uint32_t point;

		text_append(text, bytes + i, n);
		i += n;
		if (i == length)
			break;
		n = utf8_decode(bytes + i, length - i, &point);
		if (!n || (n == 3 && is_escape(point))) {
			text_format(text, "\\uf7%02x", (unsigned char)bytes[i]);
			i++;
			continue;
		}
		if (n == 1)
			json_escape(text, point);
		else
			text_append(text, bytes + i, n);
		i += n;
	}
	text_append(text, "\"", 1);
}

void text_json_bytes(struct text *text, const char *utf8, size_t length)
{
	for (size_t i = 0; i < length;) {
		uint32_t point = 0;
		size_t n = utf8_decode(utf8 + i, length - i, &point);
		char byte = point & 0xff;

		if (is_escape(point))
			text_append(text, &byte, 1);
		else
			text_append(text, utf8 + i, n ? n : 1);
		i += n ? n : 1;
	}
}

/* what moves the cursor, turns the line around or hides */
static bool point_unsafe(uint32_t point)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{ 0x00, 0x1f }, { 0x7f, 0x9f }, { 0xad, 0xad }, { 0x34f, 0x34f }, { 0x61c, 0x61c },
		{ 0x115f, 0x1160 }, { 0x17b4, 0x17b5 }, { 0x180b, 0x180f }, { 0x200b, 0x200f },
		{ 0x2028, 0x202e }, { 0x2060, 0x206f }, { 0x3164, 0x3164 }, { 0xfe00, 0xfe0f },
		{ 0xfeff, 0xfeff }, { 0xffa0, 0xffa0 }, { 0xfff0, 0xfffb }, { 0x1d173, 0x1d17a },
		{ 0xe0000, 0xe0fff },
	};

	/* Latin text and most others */
	if (point >= 0x20 && point < 0x7f)
		return false;
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (point >= ranges[i].first && point <= ranges[i].last)
			return true;
	return false;
}

void text_safe(struct text *text, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length;) {
		uint32_t point;
		size_t n = utf8_decode(bytes + i, length - i, &point);

		if (n && !point_unsafe(point))
			text_append(text, bytes + i, n);
		else if (n > 1)
			text_format(text, "\\u{%x}", point);
		else
			text_format(text, "\\x%02x", (unsigned char)bytes[i]);
		i += n ? n : 1;
	}
}

bool text_copy(char *to, size_t size, const char *from, size_t length)
{
	bool cut = length >= size;

	if (cut)
		length = whole_characters(from, size - 1, length);
	memcpy(to, from, length);
	memset(to + length, 0, size - length);
	return cut;
}

void text_shell(struct text *text, const char *bytes, size_t length)
{
	static const char harmless[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "0123456789_-./:@%+,=";
	bool plain = length > 0, control = false;

	for (size_t i = 0; i < length; i++) {
		unsigned char c = bytes[i];

		plain = plain && c && strchr(harmless, c);
		control = control || c < 0x20 || c >= 0x7f;
	}
	if (plain) {
		text_append(text, bytes, length);
		return;
	}
	text_add(text, control ? "$'" : "'");
	for (size_t i = 0; i < length; i++) {
		unsigned char c = bytes[i];

		if (c == '\'')
			text_add(text, control ? "\\'" : "'\\''");
		else if (control && (c < 0x20 || c >= 0x7f))
			text_format(text, "\\x%02x", c);
		else if (control && c == '\\')
			text_add(text, "\\\\");
		else
			text_append(text, (const char *)&c, 1);
	}
	text_add(text, "'");
}
