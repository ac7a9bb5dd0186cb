/* SPDX-License-Identifier: BSD-2-Clause */
/* What the cards about TCP sockets say alike: addresses, who owns one, shares, commands. Pure. */
#ifndef KWHY_TCP_WORDS_H
#define KWHY_TCP_WORDS_H

#include "diagnosis.h"
#include "text.h"

#define SECOND_NS 1000000000ULL

/* The form for printf's %llu. */
#define LLU(NUMBER) ((unsigned long long)(NUMBER))

/* One end of a connection; an address that is unknown is NULL. */
struct tcp_end {
	const char *address;
	bool has_port;
	uint64_t port;
	const char *interface;	/* for a link-local address, or NULL */
};

/* "10.0.3.17:5432", "[fe80::1%eth0]:80", "port 80", "an unknown address" */
void tcp_say_end(struct text *text, const struct tcp_end *end);

/* "nginx[912]"; "owner unknown" where no process is known */
void tcp_say_owner(struct text *text, const struct observation *observation);
bool tcp_has_owner(const struct observation *observation);
/* "nginx[912]" or "the process": for the middle of a sentence. */
void tcp_say_process(struct text *text, const struct observation *observation);
/* "  in container 3f9ac1d07be2", "  in nginx.service", or nothing */
void tcp_say_home(struct text *text, const struct observation *observation);
/* How the owner was found: "has it open"; NULL when that is unknown. */
const char *tcp_owner_words(enum owner_basis basis);
/* One row: who, how that is known, what is known of it. */
void tcp_row_process(const struct observation *observation, bool has_basis, enum owner_basis basis, const char *what,
		     struct verdict *ret);

/* "12 times" with its noun: "1 segment", "12 segments" */
void tcp_say_count(struct text *text, uint64_t count, const char *one, const char *many);
/* " in 4.2 s", or nothing for none */
void tcp_say_in(struct text *text, bool known, uint64_t ns);
/* "; 1200 since it began 2 m ago", where this is not its first line */
void tcp_say_since(struct text *text, bool known, uint64_t count, uint64_t total, bool has_age, uint64_t age_ns);

/* One sentence as advice; a command. */
void tcp_advise(struct verdict *ret, const char *advice);
void tcp_verify(struct verdict *ret, const char *command);
/* "nsenter -t 912 -n ": for a network namespace that is or may be another than this one; else nothing. */
void tcp_say_enter(struct text *text, const struct observation *observation);
/* The same by its number: of any process that is in it. */
void tcp_say_enter_netns(struct text *text, uint64_t netns);
/* Commands, with "; " between them and no quotes, with that before them. */
void tcp_say_commands(struct text *text, const struct observation *observation, const char *commands);
/* Restarts the owner: "systemctl restart nginx.service", "restart container 3f9ac1d07be2" */
void tcp_say_restart(struct text *text, const struct observation *observation);

#endif
