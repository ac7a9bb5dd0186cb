/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Ends a reading of the .def files: forgets what their words meant. No guard. */
#undef KIND
#undef RECORD
#undef CONTEXT
#undef END
#undef FIELD
#undef CHOICE_NAMED
#undef TEXT
#undef WORDS_NAMED
#undef NUMBERS
#undef LIST
#undef PART
