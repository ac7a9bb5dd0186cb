// SPDX-License-Identifier: BSD-2-Clause
/* The ring buffer's record of an exec as an observation; a failed one is looked into. */
#include "exec_kind.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ancestors.h"
#include "exit_kind.h"
#include "exec_why.h"
#include "fit.h"
#include "names.h"
#include "process_args.h"
#include "redact.h"

/* what the observation may take, so that the diagnosis has room */
enum { OBSERVATION_BYTES = 5600, PLAIN_BYTES = 2600 };

int exec_parts(struct exec_parts *ret, const struct exec_event *e, size_t size)
{
	const size_t head = offsetof(struct exec_event, data);

	if (size < head)
		return -EBADMSG;
	if ((uint64_t)e->filename_bytes + e->interpreter_bytes + e->args_bytes + e->cwd_bytes + e->exe_bytes >
	    size - head)
		return -EBADMSG;
	ret->filename = e->data;
	ret->interpreter = ret->filename + e->filename_bytes;
	ret->args = ret->interpreter + e->interpreter_bytes;
	ret->cwd = ret->args + e->args_bytes;
	ret->exe = ret->cwd + e->cwd_bytes;
	return 0;
}

/* a string of the record that fills its place to the end was longer */
static void add_text(struct observation *o, char *to, size_t size, const char *from, size_t bytes, const char *what)
{
	bool cut = text_copy(to, size, from, strnlen(from, bytes));

	if (cut || bytes == EXEC_TEXT_BYTES)
		observation_truncated(o, what);
}

/* what the kernel makes of execveat(3, "name"): back to what the caller gave */
static void split_fd(struct exec *x)
{
	static const char head[] = "/dev/fd/";
	const char *digits = x->filename + strlen(head);
	size_t length;
	uint64_t fd;

	if (strncmp(x->filename, head, strlen(head)) != 0)
		return;
	length = digits_parse(digits, strlen(digits), &fd);
	if (!length)
		return;
	KNOW(x, fd, fd);
	digits += length + (digits[length] == '/');
	memmove(x->filename, digits, strlen(digits) + 1);
}

static void add_path(struct observation *o, char *to, size_t size, const char *names, size_t bytes, bool cut,
		     const char *what)
{
	struct text text = { .data = to, .size = size };

	names_path(&text, names, bytes, 0, cut);
	if (text.cut || cut)
		observation_truncated(o, what);
}

static void add_args(struct session *s, struct observation *o, const struct exec_event *e, const char *args)
{
	struct exec *x = &o->exec;
	bool cut;

	x->args_count = args_split(x->args[0], sizeof(x->args[0]), sizeof(x->args) / sizeof(x->args[0]), args,
				   e->args_bytes, &cut);
	x->known.args = e->args_bytes > 0 || (x->known.argc && !x->argc);
	if (!s->options.no_redact && redact_args(x->args[0], sizeof(x->args[0]), x->args_count, &x->args_redacted))
		x->known.args_redacted = 1;
	if (x->known.args)
		KNOW(x, truncated, cut || e->flags & EXEC_EVENT_ARGS_CUT);
}

static void add_storm(struct exec *x, const struct exec_event *e)
{
	struct exec_storm *storm = &x->storm;

	if (!e->storm_execs)
		return;
	x->known.storm = 1;
	KNOW(storm, pid, e->storm_pid);
	KNOW(storm, start_ns, e->storm_start_ns);
	text_copy(storm->comm, sizeof(storm->comm), e->storm_comm, strnlen(e->storm_comm, sizeof(e->storm_comm)));
	storm->known.comm = 1;
	KNOW(storm, execs, e->storm_execs);
	KNOW(storm, window_ns, e->storm_window_ns);
}

void exec_decode(struct session *s, struct observation *o, const struct exec_event *e,
		 const struct exec_parts *parts)
{
	struct exec *x = &o->exec;

	observation_clear(o, KIND_exec);
	o->boot_ns = e->header.boot_ns;
	memcpy(&o->process, &e->process, sizeof(e->process));
	memcpy(x, &e->exec, sizeof(e->exec));
	if (x->known.by_thread && x->by_thread)
		KNOW(&o->process, tid, e->tid);
	cgroup_paths_fill(&s->cgroup_paths, o, e->cgroup_id, e->cgroup_version);
	if (e->filename_bytes) {
		add_text(o, x->filename, sizeof(x->filename), parts->filename, e->filename_bytes, "exec.filename");
		x->known.filename = 1;
		if (e->flags & EXEC_EVENT_BY_FD)
			split_fd(x);
	}
	if (e->interpreter_bytes) {
		add_text(o, x->interpreter, sizeof(x->interpreter), parts->interpreter, e->interpreter_bytes,
			 "exec.interpreter");
		x->known.interpreter = 1;
	}
	if (!s->options.no_args)
		add_args(s, o, e, parts->args);
	if (e->cwd_bytes || !(e->flags & EXEC_EVENT_CWD_CUT)) {
		add_path(o, x->cwd, sizeof(x->cwd), parts->cwd, e->cwd_bytes, e->flags & EXEC_EVENT_CWD_CUT,
			 "exec.cwd");
		x->known.cwd = 1;
	}
	if (e->exe_bytes) {
		add_path(o, o->process.exe, sizeof(o->process.exe), parts->exe, e->exe_bytes,
			 e->flags & EXEC_EVENT_EXE_CUT, "process.exe");
		o->process.known.exe = 1;
	}
	x->parents_count = ancestors_fill(x->parents, e->ancestors, e->ancestor_count < 6 ? e->ancestor_count : 6);
	x->known.parents = 1;
	add_storm(x, e);
}

/* ---- why it failed -------------------------------------------------- */

static int open_view(uint64_t pid, const char *what)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%llu/%s", (unsigned long long)pid, what);
	return open(path, O_PATH | O_CLOEXEC);
}

static void explain_size(struct exec *x)
{
	/* MAX_ARG_STRLEN: 32 pages */
	if (x->known.longest_arg_bytes && x->longest_arg_bytes > 32ULL * sysconf(_SC_PAGESIZE))
		KNOW(x, reason, EXEC_FAILURE_ONE_ARG_TOO_LONG);
	else
		KNOW(x, reason, EXEC_FAILURE_ARGS_TOO_LONG);
}

void exec_explain(struct observation *o, const struct exec_event *e)
{
	struct exec *x = &o->exec;
	struct exec_why why = {};
	int root, cwd;

	if (-x->ret == E2BIG) {
		explain_size(x);
		return;
	}
	if (!x->known.filename || x->known.fd)
		return;
	/* the process may be gone: then another's view that is the same */
	root = open_view(o->process.pid, "root");
	cwd = open_view(o->process.pid, "cwd");
	for (int i = 0; root < 0 && i < 6; i++)
		if (e->same_root >> i & 1)
			root = open_view(e->ancestors[i].pid, "root");
	if (cwd < 0 && root >= 0 && x->known.cwd)
		cwd = openat(root, *x->cwd ? x->cwd + 1 : ".", O_PATH | O_CLOEXEC);
	if (root >= 0)
		exec_why(&why, root, cwd, x->filename, -x->ret, e->euid, e->egid);
	if (root >= 0)
		close(root);
	if (cwd >= 0)
		close(cwd);
	if (why.reason)
		KNOW(x, reason, why.reason);
	if (*why.interpreter)
		KNOW_TEXT(x, interpreter, why.interpreter);
	if (*why.culprit)
		KNOW_TEXT(x, culprit, why.culprit);
}

/* ---- for the death that follows ------------------------------------- */

void exec_remember(struct exec_state *state, const struct observation *o)
{
	struct exec_failure_seen *f = &state->failures[state->failure_count++ % EXEC_FAILURES];
	char filename[sizeof(o->exec.filename)];

	*f = (struct exec_failure_seen){
		.pid = o->process.pid, .start_ns = o->process.start_ns, .boot_ns = o->boot_ns,
	};
	/* the end names the program */
	text_copy(filename, sizeof(filename), o->exec.filename, strlen(o->exec.filename));
	fit_text(filename, sizeof(filename), sizeof(f->failed.filename) - 5);
	KNOW_TEXT(&f->failed, filename, filename);
	f->failed.known.filename = o->exec.known.filename;
	KNOW(&f->failed, ret, o->exec.ret);
	if (o->exec.known.reason)
		KNOW(&f->failed, reason, o->exec.reason);
}

void exec_forget(struct exec_state *state, const struct observation *o)
{
	for (unsigned int i = 0; i < EXEC_FAILURES; i++)
		if (state->failures[i].pid == o->process.pid)
			state->failures[i].pid = 0;
}

/* who could not start a program gives up soon; what failed long ago does not explain the end */
#define EXPLAINS_NS 10000000000ULL

bool exec_last_failure(struct session *s, const struct process *p, struct failed_exec *ret, uint64_t boot_ns)
{
	const struct kind_run *run = session_kind(s, KIND_exec);
	const struct exec_state *state = run ? run->state : NULL;
	const struct exec_failure_seen *found = NULL;

	for (unsigned int i = 0; state && i < EXEC_FAILURES; i++) {
		const struct exec_failure_seen *f = &state->failures[i];

		if (f->pid == p->pid && f->start_ns == p->start_ns && f->boot_ns <= boot_ns &&
		    boot_ns - f->boot_ns < EXPLAINS_NS && (!found || f->boot_ns > found->boot_ns))
			found = f;
	}
	if (!found)
		return false;
	*ret = found->failed;
	KNOW(ret, age_ns, boot_ns - found->boot_ns);
	return true;
}

/* ---- fitting into a line -------------------------------------------- */

/* the usual line is far below: do not write it to learn that */
static bool surely_fits(const struct observation *o)
{
	const struct exec *x = &o->exec;
	size_t bytes = fit_bytes(o->cgroup.path) + fit_bytes(o->process.exe) + 2 * fit_bytes(o->container.unit) +
		       fit_bytes(x->filename) + fit_bytes(x->interpreter) + fit_bytes(x->cwd) + fit_bytes(x->culprit);

	for (uint64_t i = 0; i < x->args_count; i++)
		bytes += fit_bytes(x->args[i]) + 3;
	return bytes < OBSERVATION_BYTES - PLAIN_BYTES;
}

static size_t json_bytes(const char *string)
{
	char data[6 * sizeof(((struct exec *)0)->args[0]) + 8];
	struct text text = TEXT_ON(data);

	text_json(&text, string, strlen(string));
	return text.length;
}

/* as many of the last as make up for the excess, at once: they may be many */
static bool drop_args(struct exec *x, uint64_t least, size_t excess)
{
	if (x->args_count <= least)
		return false;
	for (size_t gone = 0; x->args_count > least && gone < excess;)
		gone += json_bytes(x->args[--x->args_count]) + 1;
	KNOW(x, truncated, 1);
	return true;
}

static bool fit_texts(struct observation *o, size_t keep)
{
	struct exec *x = &o->exec;
	bool done = fit_places(o, keep);

	done |= fit_text(x->filename, sizeof(x->filename), keep);
	done |= fit_text(x->interpreter, sizeof(x->interpreter), keep);
	done |= fit_text(x->cwd, sizeof(x->cwd), keep);
	done |= fit_text(x->culprit, sizeof(x->culprit), keep);
	return done;
}

void exec_fit(struct observation *o)
{
	size_t bytes;

	if (surely_fits(o))
		return;
	while ((bytes = ndjson_observation_bytes(o)) > OBSERVATION_BYTES) {
		if (drop_args(&o->exec, 4, bytes - OBSERVATION_BYTES))
			observation_truncated(o, "exec.args");
		else if (fit_texts(o, 128))
			observation_truncated(o, "exec.filename");
		else if (drop_args(&o->exec, 0, bytes - OBSERVATION_BYTES))
			observation_truncated(o, "exec.args");
		else if (fit_texts(o, 32))
			observation_truncated(o, "exec.filename");
		else
			return;
	}
}
