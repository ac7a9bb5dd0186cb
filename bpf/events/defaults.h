/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Words of the .def files that a reading does not care about mean nothing. No guard. */
/* KIND(name, symptom, word): a record that is a kind of event a tool can watch */
#ifndef KIND
#define KIND(NAME, SYMPTOM, WORD)
#endif
#ifndef RECORD
#define RECORD(NAME, DOC)
#endif
#ifndef CONTEXT
#define CONTEXT(NAME)
#endif
#ifndef END
#define END(NAME)
#endif
#ifndef FIELD
#define FIELD(MEANING, NAME, DOC)
#endif
#ifndef CHOICE_NAMED
#define CHOICE_NAMED(ENUMERATION, NAME, KEY, DOC)
#endif
#ifndef TEXT
#define TEXT(SIZE, NAME, DOC)
#endif
#ifndef WORDS_NAMED
#define WORDS_NAMED(MAX, SIZE, NAME, KEY, DOC)
#endif
#ifndef NUMBERS
#define NUMBERS(MAX, NAME, DOC)
#endif
#ifndef LIST
#define LIST(RECORD_NAME, MAX, NAME, DOC)
#endif
#ifndef PART
#define PART(RECORD_NAME, NAME, DOC)
#endif
