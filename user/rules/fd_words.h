/* SPDX-License-Identifier: BSD-2-Clause */
/* What the cards about descriptors say, and the words their rules share. Pure. */
#ifndef KWHY_FD_WORDS_H
#define KWHY_FD_WORDS_H

#include "diagnosis.h"
#include "fd_view.h"
#include "text.h"

/* Title, severity, resource, evidence. */
void fd_exhausted_describe(const struct observation *observation, struct verdict *ret);
void fd_leak_describe(const struct observation *observation, struct verdict *ret);

/* A title anew: "FD LEAK  nginx[912]  812 of 1024 descriptors (79 %)  in nginx.service" */
void fd_say_leak_title(const struct observation *observation, const char *symptom, struct verdict *ret);

/* "nginx[912]" */
void fd_say_holder(struct text *text, const struct observation *observation);
/* "  in container 3f9ac1d07be2", "  in nginx.service", or nothing */
void fd_say_home(struct text *text, const struct observation *observation);
/* "812 of 1024 descriptors (79 %)", "812 descriptors", "its descriptors" */
void fd_say_use(struct text *text, const struct fd_view *v);
/* "eventfds", "TCP sockets"; the type itself where there are no words */
const char *fd_type_words(const char *type);
/* "tcp to 10.0.3.7:5432 in CLOSE_WAIT", "/var/lib/x (deleted)" */
void fd_say_group(struct text *text, const struct fd_group *group);
/* "accept4+0x52 [libc.so.6] <- serve+0x1c (server.c:81) <- ..." */
void fd_say_stack(struct text *text, const struct fd_stack *stack, uint64_t most);
/* "serve (server.c:81)", "serve [app]", "app+0x1234" */
void fd_say_code(struct text *text, const char *frame);
/* "+46", "-3" */
void fd_say_signed(struct text *text, int64_t value);

/* What it has was seen after the refusal: then commands may name it. */
bool fd_was_there(const struct observation *observation);
/* "-p 912", "-c nginx" for one that may be gone, "-p PID" */
void fd_say_target(struct text *text, const struct observation *observation);

/* One sentence as advice. */
void fd_advise(struct verdict *ret, const char *advice);
/* How to raise the limit: at once, and for good. "when" in a few words ("if it needs that many"), or NULL. */
void fd_advise_raise(const struct observation *observation, uint64_t wanted, const char *when, struct verdict *ret);
/* Only at once: what leaks soon has used a higher limit, too. */
void fd_advise_time(const struct observation *observation, uint64_t wanted, struct verdict *ret);
/* That a restart gives all of them back. Nothing where the process is unknown. */
void fd_advise_restart(const struct observation *observation, const char *why, struct verdict *ret);

/* Commands: how many it has, twice; that no call is refused; connections that the peer closed. */
void fd_verify_count(const struct observation *observation, struct verdict *ret);
void fd_verify_watch(const struct observation *observation, const char *must, struct verdict *ret);
void fd_verify_close_wait(const struct observation *observation, struct verdict *ret);

/* Rules on limits that are not the process's number of descriptors. */
bool fd_is_refused_by(const struct observation *observation, enum fd_limit limit);
void fd_file_max_explain(const struct observation *observation, struct verdict *ret);
void fd_inotify_instances_explain(const struct observation *observation, struct verdict *ret);
void fd_inotify_watches_explain(const struct observation *observation, struct verdict *ret);
void fd_fanotify_groups_explain(const struct observation *observation, struct verdict *ret);
void fd_msgqueue_explain(const struct observation *observation, struct verdict *ret);
void fd_pipe_pages_explain(const struct observation *observation, struct verdict *ret);

/* Last of all for a refusal: how sure it is, and the message with "why" in a few words, or NULL. */
void fd_conclude_refused(const struct observation *observation, enum basis basis, const char *why, struct verdict *ret);

/* Known to be ENFILE, or the host's limit. */
bool fd_is_file_max(const struct fd_exhausted *x);
/* "EMFILE" */
const char *fd_error_name(enum fd_error error);
/* "accept4", or "a call" */
const char *fd_syscall(const struct fd_exhausted *x);
/* ". Thread 4121 spends 80 % of a CPU on trying again", or nothing */
void fd_say_spin(struct text *text, const struct fd_exhausted *x);

#endif
