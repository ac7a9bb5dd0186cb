// SPDX-License-Identifier: BSD-2-Clause
#include "flame_svg.h"

#include <string.h>

/* pixels; a letter of 11 pixels' height is 6.6 wide in the fonts named below */
enum {
	WIDTH = 1200,
	MARGIN = 10,
	ROW = 17,
	BOX = 16,		/* of a row; the rest is the gap */
	TOP = 52,		/* the two lines of text */
	LETTER_TENTHS = 66,
	LABEL_MIN = 3,		/* letters: a name cut shorter says nothing */
	INNER = WIDTH - 2 * MARGIN,
	UNITS = 1000,		/* of a pixel */
};

struct svg {
	const struct flame *flame;
	const struct flame_order *order;
	struct new_file *file;
	uint64_t total;
};

/* names were made printable before: what is left is what XML reserves */
static void add_escaped(struct text *text, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		switch (bytes[i]) {
		case '<':
			text_add(text, "&lt;");
			break;
		case '>':
			text_add(text, "&gt;");
			break;
		case '&':
			text_add(text, "&amp;");
			break;
		case '"':
			text_add(text, "&quot;");
			break;
		case '\'':
			text_add(text, "&#39;");
			break;
		default:
			text_append(text, bytes + i, 1);
		}
	}
}

/* the first bytes of a name that have so many characters */
static size_t letters_length(const char *name, uint32_t letters)
{
	size_t length = 0;

	while (name[length]) {
		if ((name[length] & 0xc0) != 0x80 && letters-- == 0)
			break;
		length++;
	}
	return length;
}

/*
 * What gives a frame its colour: "libfoo.so.1" of "function+0x1c [libfoo.so.1]"
 * and of "libfoo.so.1+0x1234", the source file of "function+0x1c (file.c:12)".
 */
static uint32_t module_hash(const char *name)
{
	const char *open = strrchr(name, '['), *line = strrchr(name, '('), *end = name + strlen(name);
	const char *begin = open ? open + 1 : line ? line + 1 : name;
	uint32_t hash = 0x811c9dc5;

	end = open || line ? begin + strcspn(begin, open ? "]" : ":") : begin + strcspn(begin, "+");
	for (; begin < end; begin++)
		hash = (hash ^ (unsigned char)*begin) * 0x01000193;
	return hash ^ hash >> 15;
}

static void add_colour(struct text *text, const char *name)
{
	uint32_t hash = module_hash(name);

	/* from red through orange to yellow */
	text_format(text, "#%02x%02x%02x", 205 + hash % 51, 70 + (hash >> 8) % 161, (hash >> 16) % 56);
}

/* thousandths as pixels with one decimal */
static void add_pixels(struct text *text, uint64_t units)
{
	units = (units + 50) / 100;
	text_format(text, "%llu.%llu", (unsigned long long)units / 10, (unsigned long long)units % 10);
}

/* part of all, in thousandths of scale; counts may be near 2^64 */
static uint64_t share(const struct svg *svg, uint64_t part, uint64_t scale)
{
	return (unsigned __int128)part * scale / svg->total;
}

static void add_box(struct svg *svg, const struct flame_node *node, uint64_t x, uint64_t width, uint32_t depth)
{
	struct text *text = &svg->file->text;
	uint32_t y = TOP + (svg->order->depth - depth) * ROW;
	uint32_t letters = width / UNITS > 6 ? (width / 100 - 60) / LETTER_TENTHS : 0;
	size_t length = strlen(node->name), shown = letters_length(node->name, letters);
	uint64_t per_mille = share(svg, node->total, 1000);

	text_add(text, "<g><title>");
	add_escaped(text, node->name, length);
	text_format(text, ": %llu of %llu (%llu.%llu %%)</title><rect x=\"", (unsigned long long)node->total,
		    (unsigned long long)svg->total, (unsigned long long)per_mille / 10,
		    (unsigned long long)per_mille % 10);
	add_pixels(text, x);
	text_format(text, "\" y=\"%u\" width=\"", y);
	add_pixels(text, width);
	text_format(text, "\" height=\"%u\" rx=\"1\" fill=\"", BOX);
	add_colour(text, node->name);
	text_add(text, "\"/>");
	if (letters >= LABEL_MIN) {
		text_add(text, "<text x=\"");
		add_pixels(text, x + 3 * UNITS);
		text_format(text, "\" y=\"%u\">", y + 12);
		if (shown < length)
			shown = letters_length(node->name, letters - 2);
		add_escaped(text, node->name, shown);
		text_add(text, shown < length ? "..</text>" : "</text>");
	}
	text_add(text, "</g>\n");
	new_file_flush(svg->file);
}

/* before is what stands to the left of the node's children */
static void add_below(struct svg *svg, uint32_t node, uint64_t before, uint32_t depth)
{
	for (uint32_t i = svg->order->first[node]; i < svg->order->first[node + 1]; i++) {
		const struct flame_node *child = &svg->flame->nodes[svg->order->nodes[i]];
		uint64_t x = share(svg, before, INNER * UNITS);
		uint64_t width = share(svg, before + child->total, INNER * UNITS) - x;

		/* a tenth of a pixel is not seen */
		if (width >= UNITS / 10) {
			add_box(svg, child, MARGIN * UNITS + x, width, depth);
			add_below(svg, svg->order->nodes[i], before, depth + 1);
		}
		before += child->total;
	}
}

void flame_draw_svg(const struct flame *flame, const struct flame_order *order, struct new_file *file,
		    const char *title)
{
	struct svg svg = { .flame = flame, .order = order, .file = file, .total = flame->nodes[FLAME_NONE].total };
	uint32_t height = TOP + (order->depth ? order->depth : 1) * ROW + MARGIN;
	struct text *text = &file->text;
	char clean[FLAME_NAME];

	flame_clean_name(&clean, title);
	text_format(text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			  "<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" width=\"%u\" height=\"%u\" "
			  "viewBox=\"0 0 %u %u\">\n", WIDTH, height, WIDTH, height);
	text_add(text, "<style>text { font: 11px Menlo, Consolas, \"DejaVu Sans Mono\", monospace; fill: #222; "
		       "pointer-events: none } .title { font-size: 15px } g:hover rect { stroke: #222 }</style>\n"
		       "<rect width=\"100%\" height=\"100%\" fill=\"#fffcf2\"/>\n");
	text_format(text, "<text class=\"title\" x=\"%u\" y=\"22\">", MARGIN);
	add_escaped(text, clean, letters_length(clean, 130));
	text_format(text, "</text>\n<text x=\"%u\" y=\"40\">width: descriptors open; hover for counts</text>\n",
		    MARGIN);
	if (svg.total)
		add_below(&svg, FLAME_NONE, 0, 1);
	else
		text_format(text, "<text x=\"%u\" y=\"%u\">no stack has any: there is nothing to show</text>\n",
			    MARGIN, TOP + 12);
	text_add(text, "</svg>\n");
}
