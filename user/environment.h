/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What around us decides whether BPF can be used: privileges, the bpf()
 * system call, BTF, lockdown, memlock, the places hooks need. Each is one row
 * that says what is, and what to do when that is not enough.
 */
#ifndef KWHY_ENVIRONMENT_H
#define KWHY_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>

enum finding_state {
	FINDING_OK,
	FINDING_LESS,	/* something is not there that something else makes up for */
	FINDING_BAD,	/* nothing works without it */
};

struct finding {
	const char *id;		/* privileges, bpf, btf, ... */
	enum finding_state state;
	char what[200];
	const char *remedy;	/* NULL when nothing needs to be done */
};

enum { FINDINGS = 9 };

/*
 * Looks at everything, in the order in which the answer of one explains the
 * next; stops after the first FINDING_BAD when essential_only. Returns how many.
 */
size_t environment_look(struct finding ret[FINDINGS], const char *btf_path, bool essential_only);

#endif
