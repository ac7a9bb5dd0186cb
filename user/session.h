/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One run: the kinds watched, where lines go, what was counted. All state of a
 * tool lives here; there are no globals but the log level.
 */
#ifndef KWHY_SESSION_H
#define KWHY_SESSION_H

#include "cgroup_paths.h"
#include "cgroupfs.h"
#include "fd_list.h"
#include "iterator.h"
#include "kernel.h"
#include "observation.h"
#include "options.h"
#include "probe.h"
#include "procfs.h"
#include "recorder.h"
#include "render.h"
#include "sink.h"
#include "tool.h"

struct session;

/*
 * How a kind turns ring buffer records into observations. Results of event():
 * 0 taken, -EBADMSG a record that does not decode. A kind whose probe has no
 * ring has no event(), and makes its observations in expire().
 */
struct kind_type {
	enum event_kind kind;
	const struct probe_type *probe;
	bool needs_recorder;
	bool needs_fd_list;
	int (*open)(struct session *session, void **ret_state);
	void (*close)(void *state);
	int (*event)(struct session *session, void *state, const void *data, size_t size);
	/* CLOCK_BOOTTIME at which expire() wants to be called; 0: not waiting */
	uint64_t (*due)(const void *state);
	void (*expire)(struct session *session, void *state, uint64_t now_ns);
	/* the end of the run: whatever is open is reported now */
	void (*finish)(struct session *session, void *state);
	/* events the probe began to report, and parts of events that were lost */
	uint64_t (*generated)(const struct probe *probe, const void *state);
};

#define KIND(NAME, SYMPTOM, WORD) extern const struct kind_type NAME##_kind; extern const struct probe_type NAME##_probe;
#include "events/all.def"

enum { OUTPUTS = 2 };	/* stdout, --write */

/*
 * Losses of one cause, and what of them each output was told. A gap line that
 * an output did not take is tried again with its seq, so that none is told of
 * a loss twice and none never.
 */
struct loss {
	uint64_t count;
	uint64_t last_ns;
	const char *where;
	struct {
		uint64_t count;
		uint64_t first_ns;	/* of what is not told yet */
		uint64_t seq;		/* of the line that was not taken; 0: none */
	} told[OUTPUTS];
};

struct kind_run {
	struct session *session;
	const struct kind_type *type;
	struct probe probe;
	void *state;
	uint64_t delivered, filtered;
	struct loss losses[GAP_CAUSE_HOOK_DEAD + 1];
	struct loss missed_helpers;	/* program runs that only prepare events */
	uint64_t reader_gone;		/* events lost because nobody reads any more: no failure of ours */
};

struct session {
	const struct tool *tool;
	struct options options;
	struct kernel kernel;
	struct procfs procfs;
	struct cgroupfs cgroupfs;
	struct cgroup_paths cgroup_paths;	/* opened by kinds that are told of cgroups */
	struct iterators iterators;
	struct recorder recorder;
	bool has_recorder;
	struct fd_list fd_list;	/* for kinds about descriptors */
	struct unwinder *unwinder;	/* NULL until a stack is to be read */
	struct kind_run kinds[KIND_COUNT];
	unsigned int kind_count;
	const struct renderer *renderer;
	struct style style;
	struct sink outputs[OUTPUTS];
	char host[72], boot_id[40], release[72], id_prefix[48];
	uint64_t seq, started_ns, events, next_pass_ns, read_ns;
	struct loss table_full;	/* processes without a place in the recorder */
	bool stop;
	bool output_failed;	/* a file that was to be written at the end */
	int epoll_fd, signal_fd, tick_fd, due_fd;
	struct ring_buffer *ring;	/* NULL: no kind has one */
};

/* CLOCK_BOOTTIME */
uint64_t session_now(void);

/* From one moment to another; 0 when the second is the earlier one: a record is made a moment after it was counted. */
static inline uint64_t span(uint64_t from_ns, uint64_t to_ns)
{
	return to_ns > from_ns ? to_ns - from_ns : 0;
}

/* Arms everything. On failure one line was printed; returns an exit status. */
int session_open(struct session *ret, const struct tool *tool, const struct options *options);
/* Runs until the end; returns an exit status. */
int session_run(struct session *session);
void session_close(struct session *session);

/* ---- for kinds ---- */

/*
 * An observation is complete: filters, diagnoses and writes it, or counts it.
 * Time, host and id are filled here from boot_ns.
 */
void session_deliver(struct session *session, enum event_kind kind, struct observation *observation);
/* Events that are told by count in another line, or of which there is nothing to tell. */
void session_folded(struct session *session, enum event_kind kind, uint64_t count);
void session_lost(struct session *session, enum event_kind kind, enum gap_cause cause, uint64_t count,
		  const char *where);

/* A probe told the path of a cgroup. */
void session_cgroup(struct session *session, const struct cgroup_event *event);

/* ---- inside ---- */

/* arm.c: loads and attaches everything; lets the kernel's BTF go. Returns an exit status. */
int session_arm(struct session *session);
/* batch.c: what was delivered goes out now, and the account knows what became of it */
void session_flush(struct session *session);
/* account.c: new losses become gap lines */
void session_account(struct session *session, bool ask_kernel);
/* the exit status; what was lost on the way out is a failure, that the reader went away is not */
int session_outcome(const struct session *session);
struct kind_run *session_kind(struct session *session, enum event_kind kind);
/* emit.c: lines of the stream itself, and one observation to every sink */
/*
 * Writes to the outputs of a mask (bit n: outputs[n]) with *seq, a new one when
 * it is 0. Returns the mask of those that did not take it.
 */
unsigned int session_stream(struct session *session, const struct record *record, const void *data,
			    enum severity severity, const char *message, unsigned int outputs, uint64_t *seq);
void session_unwritten(struct session *session);
void session_start_line(struct session *session);
void session_stop_line(struct session *session);

#endif
