/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text into fixed memory: an append-only buffer that notes when it was too
 * small, the words people use for sizes and times, and the two escapes (JSON,
 * terminal) every hostile byte goes through. Pure: no I/O, no allocation.
 */
#ifndef KWHY_TEXT_H
#define KWHY_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct text {
	char *data;	/* always NUL terminated */
	size_t size;	/* capacity with the NUL */
	size_t length;
	bool cut;	/* something did not fit */
};

#define TEXT_ON(ARRAY) { .data = (ARRAY), .size = sizeof(ARRAY), .length = ((ARRAY)[0] = 0, 0) }

/* what does not fit is cut on a character's boundary */
void text_append_cut(struct text *text, const char *data, size_t length);
/* inline: most of what is appended is a character or two */
static inline void text_append(struct text *text, const char *data, size_t length)
{
	if (length >= text->size - text->length) {
		text_append_cut(text, data, length);
		return;
	}
	memcpy(text->data + text->length, data, length);
	text->length += length;
	text->data[text->length] = '\0';
}

void text_add(struct text *text, const char *string);
void text_format(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_number(struct text *text, uint64_t value);
void text_signed(struct text *text, int64_t value);
/* The last digits of a number, zeros in front. */
void text_digits(struct text *text, uint64_t value, unsigned int count);

/* 512 MiB, 61.5 MiB, 4 KiB, 12 B. BYTES_MAX is "no limit". */
void text_bytes(struct text *text, uint64_t bytes);
/* 340 ms, 2.4 s, 12 m 5 s, 2 h 40 m, 3 d 4 h */
void text_duration(struct text *text, uint64_t ns);

/*
 * A JSON string with its quotes. Valid UTF-8 stays as it is but for control
 * characters. A byte XX (80..FF) that is no part of a valid sequence becomes
 * the private character U+F7XX; so do the three bytes of a genuine U+F780 to
 * U+F7FF. Every strict parser takes it and text_json_bytes() undoes it without
 * loss. (Lone surrogates, Python's way, are refused by half of the parsers.)
 */
void text_json(struct text *text, const char *bytes, size_t length);

/* The bytes that text_json() wrote, from a parser's UTF-8. */
void text_json_bytes(struct text *text, const char *utf8, size_t length);

/*
 * For terminals: control characters, DEL, C1, bidirectional and zero-width
 * characters and invalid bytes as \xNN or \u{NNNN}; the rest as it is.
 */
void text_safe(struct text *text, const char *bytes, size_t length);

/* Length of the valid UTF-8 sequence at bytes, its code point in *ret; 0 when invalid. */
size_t utf8_decode(const char *bytes, size_t length, uint32_t *ret);

/* Copies with NUL, cut on a character's boundary. True when it was cut. */
bool text_copy(char *to, size_t size, const char *from, size_t length);

/*
 * Bytes as one word of a shell command a person may paste: as they are when
 * harmless, else in single quotes, control characters in $'..' form.
 */
void text_shell(struct text *text, const char *bytes, size_t length);

#endif
