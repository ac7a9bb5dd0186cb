/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The types both sides share, made from events/all.def.
 *
 * For a record "thing" there are
 *	struct thing_known    one bit per field: whether its value is known
 *	struct thing_seen     these bits and the fields a BPF program fills
 *	struct thing          the same, followed by the fields user space adds
 * Scalars are eight bytes wide whatever they mean, so that a record has no
 * holes and the tables need no alignment. The meaning fixes the JSON type, the
 * unit and how a card prints it.
 *
 * BPF code includes vmlinux.h first.
 */
#ifndef KWHY_BPF_EVENTS_H
#define KWHY_BPF_EVENTS_H

#ifndef __bpf__
#include <linux/types.h>
#endif

/* what user space calls uint64_t, by the compiler's own name: BPF code has no <stdint.h> */
typedef __UINT64_TYPE__ field_word;
typedef field_word field_bytes;
typedef field_word field_nsec;
typedef field_word field_count;
typedef field_word field_pid;
typedef field_word field_uid;
typedef field_word field_flag;	/* true or false */
typedef field_word field_flags;	/* a mask, written as hexadecimal string */
typedef field_word field_id;	/* means nothing as a number: a string in JSON */
typedef __INT64_TYPE__ field_number;

/* a limit that does not exist; not the same as an unknown one */
#define BYTES_MAX (~0ULL)

/* where the key in JSON is not fit for a member of a C struct, there are forms with a key of its own */
#define WORDS(MAX, SIZE, NAME, DOC) WORDS_NAMED(MAX, SIZE, NAME, #NAME, DOC)
#define CHOICE(ENUMERATION, NAME, DOC) CHOICE_NAMED(ENUMERATION, NAME, #NAME, DOC)

#define CHOICES(NAME) enum NAME { NAME##_unknown,
#define VALUE(NAME, WORD) NAME,
#define END_CHOICES(NAME) };
#include "events/choices.def"
#undef CHOICES
#undef VALUE
#undef END_CHOICES

enum event_kind {
	KIND_NONE,
#define KIND(NAME, SYMPTOM, WORD) KIND_##NAME,
#include "events/all.def"
	KIND_COUNT,
};

#define RECORD(NAME, DOC) struct NAME##_known {
#define END(NAME) };
#define FIELD(MEANING, NAME, DOC) field_word NAME:1;
#define CHOICE_NAMED(ENUMERATION, NAME, KEY, DOC) field_word NAME:1;
#define TEXT(SIZE, NAME, DOC) field_word NAME:1;
#define WORDS_NAMED(MAX, SIZE, NAME, KEY, DOC) field_word NAME:1;
#define NUMBERS(MAX, NAME, DOC) field_word NAME:1;
#define LIST(RECORD_NAME, MAX, NAME, DOC) field_word NAME:1;
#define PART(RECORD_NAME, NAME, DOC) field_word NAME:1;
#include "events/all.def"

#define RECORD(NAME, DOC) struct NAME##_seen { struct NAME##_known known;
#define CONTEXT(NAME) }; struct NAME##_context {
#define FIELD(MEANING, NAME, DOC) field_##MEANING NAME;
#define CHOICE_NAMED(ENUMERATION, NAME, KEY, DOC) field_word NAME;
#define TEXT(SIZE, NAME, DOC) char NAME[SIZE];
#ifdef __bpf__	/* whole records, and what only they hold, are user space's; so is the name "cgroup" */
#define END(NAME) };
#else
#define END(NAME) }; struct NAME { struct NAME##_seen; struct NAME##_context; };
#define WORDS_NAMED(MAX, SIZE, NAME, KEY, DOC) field_word NAME##_count; char NAME[MAX][SIZE];
#define NUMBERS(MAX, NAME, DOC) field_word NAME##_count; field_word NAME[MAX];
#define LIST(RECORD_NAME, MAX, NAME, DOC) field_word NAME##_count; struct RECORD_NAME NAME[MAX];
#define PART(RECORD_NAME, NAME, DOC) struct RECORD_NAME NAME;
#endif
#include "events/all.def"

/* sets a field and says that it is known */
#define KNOW(RECORD_POINTER, FIELD_NAME, EXPRESSION) \
	((RECORD_POINTER)->FIELD_NAME = (EXPRESSION), (RECORD_POINTER)->known.FIELD_NAME = 1)

/* what every ring buffer record begins with */
struct event_header {
	__u32 type;	/* of the probe object's own enumeration */
	__u32 size;	/* of the whole record */
	__u64 boot_ns;	/* CLOCK_BOOTTIME */
};

/*
 * The account a probe object keeps in its .bss, which user space maps and
 * reads without a system call. One for each event type of the object.
 */
#define RESCUED_HELPER 3	/* which of them counts the rescued runs that only prepare events */

struct event_account {
	__u64 generated;
	__u64 ring_full;
	__u64 map_full;
	__u64 first_loss_ns;
	__u64 last_loss_ns;
	__u64 rescued;		/* runs of a program that were skipped and made up for, see again.bpf.h */
};

#endif
