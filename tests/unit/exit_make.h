/* SPDX-License-Identifier: BSD-2-Clause */
/* Deaths as the kernel side sends them, for tests without a kernel. */
#ifndef KWHY_TESTS_EXIT_MAKE_H
#define KWHY_TESTS_EXIT_MAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>

#include "kinds/exit_kind.h"

#define COUNT(ARRAY) (sizeof(ARRAY) / sizeof((ARRAY)[0]))
#define SECOND 1000000000ULL
#define DEATH_NS (1000 * SECOND)

static struct session session;
static struct observation o;

/* what a record is made of: the order in which it is packed is exit_parts' */
static struct death {
	struct exit_event head;
	char exe[256], args[768];
	struct signal_note notes[SIGNAL_NOTES];
	struct fault_note fault;
} death;

static struct exit_event packed;
static size_t packed_size;

/* worker[500], child of parent[400], died at 1000 s; it was started at 900 s */
static inline int death_setup(void **state)
{
	(void)state;
	memset(&session, 0, sizeof(session));
	memset(&death, 0, sizeof(death));
	assert_int_equal(cgroup_paths_open(&session.cgroup_paths), 0);
	death.head.header.type = EXIT_EVENT_EXIT;
	death.head.header.boot_ns = DEATH_NS;
	KNOW(&death.head.process, pid, 500);
	KNOW(&death.head.process, start_ns, 900 * SECOND);
	KNOW(&death.head.process, ppid, 400);
	strcpy(death.head.process.comm, "worker");
	death.head.process.known.comm = 1;
	death.head.parent_start_ns = 100 * SECOND;
	death.head.syscall = -1;
	return 0;
}

static inline int death_teardown(void **state)
{
	(void)state;
	cgroup_paths_close(&session.cgroup_paths);
	return 0;
}

static inline void dies_of(uint64_t number)
{
	death.head.exit_code = number;
	death.head.exit.known.code = 0;
	KNOW(&death.head.exit, signal, number);
}

static inline void dies_with(int64_t code)
{
	death.head.exit_code = code << 8;
	death.head.exit.known.signal = 0;
	KNOW(&death.head.exit, code, code);
}

/* sh[600] called kill(2) a second before; the caller changes what is different */
static inline struct signal_note *was_sent(uint32_t number)
{
	struct signal_note *n = &death.notes[death.head.note_count++];

	*n = (struct signal_note){
		.boot_ns = DEATH_NS - SECOND, .program_ns = 99 * SECOND, .signal = number,
		.action = SIGNAL_ACTION_DEFAULT, .action_at_death = SIGNAL_ACTION_DEFAULT, .count = 1,
		.via = SYS_kill, .sender_pid = 600, .sender_tid = 600, .sender_start_ns = 50 * SECOND,
		.sender_uid = 1000, .sender_comm = "sh",
	};
	return n;
}

/* a note of a signal that the kernel sent in the context of the process itself, outside of any call that sends */
static inline struct signal_note *was_sent_by_kernel(uint32_t number, uint32_t in_pid)
{
	struct signal_note *n = was_sent(number);

	n->flags = SIGNAL_NOTE_KERNEL;
	n->via = -1;
	n->sender_pid = n->sender_tid = in_pid;
	return n;
}

static inline void pack_bytes(const void *from, size_t size)
{
	assert_true(packed_size + size <= sizeof(packed));
	memcpy((char *)&packed + packed_size, from, size);
	packed_size += size;
}

static inline void pack(void)
{
	memset(&packed, 0x5a, sizeof(packed));
	packed_size = 0;
	pack_bytes(&death.head, offsetof(struct exit_event, data));
	pack_bytes(death.exe, death.head.exe_bytes);
	pack_bytes(death.args, death.head.args_bytes);
	pack_bytes(death.notes, death.head.note_count * sizeof(death.notes[0]));
	if (death.head.fault_count)
		pack_bytes(&death.fault, sizeof(death.fault));
	packed.header.size = packed_size;
}

/* the record as an observation, without what only other events tell */
static inline void decode(void)
{
	static struct exit_parts parts;

	pack();
	assert_int_equal(exit_parts(&parts, &packed, packed_size), 0);
	observation_clear(&o, KIND_exit);
	exit_decode(&session, &o, &packed, &parts);
	exit_killer(&session, &o, &packed, &parts);
}

/* The cgroup's path, as the probe tells it: names from the leaf up. */
static inline void tell_cgroup(uint64_t id, const char *names, size_t size)
{
	static struct cgroup_event event;

	memset(&event, 0, sizeof(event));
	event.id = id;
	event.version = 2;
	event.names_bytes = size;
	memcpy(event.names, names, size);
	assert_true(cgroup_paths_take(&session.cgroup_paths, &event));
}

#endif
