/* SPDX-License-Identifier: BSD-2-Clause */
/* How a diagnosed observation looks. A renderer is a row of a table. */
#ifndef KWHY_RENDER_H
#define KWHY_RENDER_H

#include "diagnosis.h"
#include "ndjson.h"
#include "observation.h"
#include "text.h"

struct style {
	bool colour;
	unsigned int width;	/* columns of the terminal */
	bool utc;		/* times as UTC and not as the local time of the reader */
};

/* Colour and width as the terminal, NO_COLOR, TERM and COLUMNS say. */
struct style style_for_stdout(bool utc);

struct renderer {
	const char *name;
	const char *doc;
	void (*observation)(struct text *text, const struct style *style, struct observation *observation,
			    struct verdict *verdict);
	/* start, gap, stop; NULL: this renderer is silent about the stream */
	void (*stream)(struct text *text, const struct style *style, const struct line_head *head,
		       const struct record *record, const void *data);
};

/* NULL when there is none of that name. */
const struct renderer *renderer_find(const char *name);
/* "card, line, json" */
extern const char renderer_names[];

#endif
