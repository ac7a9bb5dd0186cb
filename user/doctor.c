// SPDX-License-Identifier: BSD-2-Clause
#include "doctor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cannot.h"
#include "environment.h"
#include "iterator.h"
#include "ndjson.h"
#include "render.h"
#include "session.h"

enum health { HEALTH_FULL, HEALTH_DEGRADED, HEALTH_UNAVAILABLE };

static const char *const health_words[] = { "full", "degraded", "unavailable" };

struct kind_health {
	const char *kind;
	enum health health;
	struct probe probe;	/* closed again; its refusals and hook stay */
	int error;
	bool lacks_history;	/* the recorder does not load */
};

struct examination {
	struct finding findings[FINDINGS];
	size_t finding_count;
	struct kind_health kinds[KIND_COUNT];
	unsigned int kind_count;
	int recorder_error;
	enum health health;
	struct utsname system;
};

static const struct kind_type *const kind_types[KIND_COUNT] = {
#define KIND(NAME, SYMPTOM, WORD) [KIND_##NAME] = &NAME##_kind,
#include "events/all.def"
};

static void examine_kind(struct examination *x, enum event_kind kind, const struct kernel *kernel,
			 const struct options *options)
{
	struct kind_health *k = &x->kinds[x->kind_count++];
	const struct probe_options probe_options = {
		.ring_kib = options->ring_kib, .hook = options->hooks[kind],
	};

	k->kind = kind_names[kind];
	k->error = probe_open(&k->probe, kind_types[kind]->probe, kernel, &probe_options);
	probe_close(&k->probe);
	k->health = k->error ? HEALTH_UNAVAILABLE : k->probe.hook->fields_lost[0] ? HEALTH_DEGRADED : HEALTH_FULL;
	if (!k->error && kind_types[kind]->needs_recorder && x->recorder_error) {
		k->lacks_history = true;
		k->health = HEALTH_DEGRADED;
	}
	if (k->health > x->health)
		x->health = k->health;
}

/* loads it for real; 0 or -errno */
static int try_recorder(const struct kernel *kernel)
{
	static struct recorder recorder;
	int err = recorder_open(&recorder, kernel, NULL, NULL, 0);

	if (!err)
		err = recorder_load(&recorder);
	if (!err)
		recorder_close(&recorder);
	return err;
}

/* the row was fine as long as nobody read the file */
static void btf_is_bad(struct examination *x, const struct options *options, int err)
{
	x->health = HEALTH_UNAVAILABLE;
	for (size_t i = 0; i < x->finding_count; i++) {
		struct finding *f = &x->findings[i];

		if (strcmp(f->id, "btf") != 0)
			continue;
		f->state = FINDING_BAD;
		f->remedy = "give the vmlinux BTF of the running kernel with --btf FILE";
		snprintf(f->what, sizeof(f->what), "'%s' %s",
			 options->btf_path ? options->btf_path : "/sys/kernel/btf/vmlinux", btf_reason(err));
	}
}

static void examine(struct examination *x, const struct options *options)
{
	struct kernel kernel;
	struct iterators iterators;
	int err;

	uname(&x->system);
	x->finding_count = environment_look(x->findings, options->btf_path, false);
	if (x->findings[x->finding_count - 1].state == FINDING_BAD) {
		x->health = HEALTH_UNAVAILABLE;
		return;
	}
	err = kernel_open(&kernel, options->btf_path);
	if (err) {
		btf_is_bad(x, options, err);
		return;
	}
	iterators_register(&iterators, &kernel);
	x->recorder_error = try_recorder(&kernel);
	for (unsigned int kind = 1; kind < KIND_COUNT; kind++)
		examine_kind(x, kind, &kernel, options);
	iterators_unregister(&iterators);
	kernel_close(&kernel);
}

/* ---- for people ----------------------------------------------------- */

static void print_kind(const struct kind_health *k)
{
	printf("  %-12s %s", k->health == HEALTH_FULL ? "ok" : k->health == HEALTH_DEGRADED ? "less" : "NO", k->kind);
	if (k->error)
		printf(": unavailable: %s\n", strerror(-k->error));
	else
		printf(": %s, hook %s\n", health_words[k->health], k->probe.hook->name);
	for (unsigned int i = 0; i < k->probe.refused_count; i++) {
		const struct probe_refusal *r = &k->probe.refused[i];

		printf("               passed over: %s (%s)%s%s\n", r->hook, strerror(-r->error),
		       r->remedy ? ": " : "", r->remedy ? r->remedy : "");
	}
	if (!k->error && k->probe.hook->cost)
		printf("               costs: %s\n", k->probe.hook->cost);
	if (k->lacks_history)
		printf("               not known: history, candidates (the recorder does not load: no task iterator)\n");
	for (int i = 0; !k->error && i < 6 && k->probe.hook->fields_lost[i]; i++)
		printf("%s%s%s", i ? ", " : "               not known: ", k->probe.hook->fields_lost[i],
		       i == 5 || !k->probe.hook->fields_lost[i + 1] ? "\n" : "");
}

static void print_text(const struct examination *x)
{
	static const char *const words[] = { "ok", "less", "NO" };

	printf("kwhy %s on Linux %s (%s)\n\n", KWHY_VERSION, x->system.release, x->system.machine);
	for (size_t i = 0; i < x->finding_count; i++) {
		const struct finding *f = &x->findings[i];

		printf("  %-4s %-10s  %s\n", words[f->state], f->id, f->what);
		if (f->remedy)
			printf("                   do: %s\n", f->remedy);
	}
	printf("%s", x->kind_count ? "\n" : "");
	for (unsigned int i = 0; i < x->kind_count; i++)
		print_kind(&x->kinds[i]);
	printf("\nverdict: %s\n", health_words[x->health]);
}

/* ---- for programs --------------------------------------------------- */

static void json_member(struct text *text, const char *before, const char *key, const char *value)
{
	text_format(text, "%s\"%s\":", before, key);
	text_json(text, value, strlen(value));
}

static void json_kind(struct text *text, const struct kind_health *k)
{
	json_member(text, "{", "kind", k->kind);
	json_member(text, ",", "verdict", health_words[k->health]);
	if (!k->error)
		json_member(text, ",", "hook", k->probe.hook->name);
	if (!k->error && k->probe.hook->cost)
		json_member(text, ",", "cost", k->probe.hook->cost);
	text_add(text, ",\"refused\":[");
	for (unsigned int i = 0; i < k->probe.refused_count; i++) {
		const struct probe_refusal *r = &k->probe.refused[i];

		json_member(text, i ? ",{" : "{", "hook", r->hook);
		json_member(text, ",", "reason", strerror(-r->error));
		if (r->remedy)
			json_member(text, ",", "remedy", r->remedy);
		text_add(text, "}");
	}
	text_add(text, "],\"fields_lost\":[");
	for (int i = 0; !k->error && i < 6 && k->probe.hook->fields_lost[i]; i++) {
		text_add(text, i ? "," : "");
		text_json(text, k->probe.hook->fields_lost[i], strlen(k->probe.hook->fields_lost[i]));
	}
	if (k->lacks_history)
		text_format(text, "%s\"history\",\"candidates\"", k->probe.hook->fields_lost[0] ? "," : "");
	text_add(text, "]}");
}

static void print_json(const struct examination *x)
{
	static const char *const words[] = { "ok", "less", "bad" };
	static char out[16384];
	struct text text = TEXT_ON(out);

	json_member(&text, "{", "verdict", health_words[x->health]);
	json_member(&text, ",", "version", KWHY_VERSION);
	json_member(&text, ",", "kernel", x->system.release);
	json_member(&text, ",", "machine", x->system.machine);
	text_add(&text, ",\"checks\":[");
	for (size_t i = 0; i < x->finding_count; i++) {
		const struct finding *f = &x->findings[i];

		json_member(&text, i ? ",{" : "{", "id", f->id);
		json_member(&text, ",", "state", words[f->state]);
		json_member(&text, ",", "what", f->what);
		if (f->remedy)
			json_member(&text, ",", "remedy", f->remedy);
		text_add(&text, "}");
	}
	text_add(&text, "],\"kinds\":[");
	for (unsigned int i = 0; i < x->kind_count; i++) {
		text_add(&text, i ? "," : "");
		json_kind(&text, &x->kinds[i]);
	}
	text_add(&text, "]}\n");
	fwrite(out, 1, text.length, stdout);
}

int doctor(const struct tool *tool, const struct options *options)
{
	static struct examination x;

	examine(&x, options);
	for (unsigned int i = 0; i < x.kind_count; i++) {
		const struct probe *probe = &x.kinds[i].probe;
		const struct probe_options forced = { .hook = options->hooks[probe->type->kind] };

		/* a hook that does not exist was not even tried */
		if (x.kinds[i].error && forced.hook && !probe->refused_count)
			return cannot_watch(tool, probe, &forced, x.kinds[i].error);
	}
	if (options->format && strcmp(options->format, "json") == 0)
		print_json(&x);
	else
		print_text(&x);
	return x.health == HEALTH_FULL ? EXIT_OK : x.health == HEALTH_DEGRADED ? EXIT_FAILED : EXIT_CANNOT;
}
