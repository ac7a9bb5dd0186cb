/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How a program reports: one ring buffer per probe object and an account of
 * every attempt. Whoever cannot report says so in the account; nothing is
 * dropped in silence.
 */
#ifndef KWHY_EMIT_BPF_H
#define KWHY_EMIT_BPF_H

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);	/* --ring */
} events SEC(".maps");

/* one per event type of the object; user space maps this */
struct event_account account[4] = {};

static __always_inline void account_loss(struct event_account *a, __u64 *counter)
{
	__u64 now = bpf_ktime_get_boot_ns();

	__sync_fetch_and_add(counter, 1);
	if (!a->first_loss_ns)
		a->first_loss_ns = now;
	a->last_loss_ns = now;
}

/* the same of several that stood in one record */
static __always_inline void account_losses(struct event_account *a, __u64 *counter, __u64 n)
{
	account_loss(a, counter);
	if (n > 1)
		__sync_fetch_and_add(counter, n - 1);
}

/*
 * Reserves a record and counts the attempt. size must be a constant.
 * The memory is not zeroed: the caller writes every byte it submits.
 */
static __always_inline void *event_reserve(__u32 type, __u64 size)
{
	struct event_account *a = &account[type & 3];
	struct event_header *header;

	__sync_fetch_and_add(&a->generated, 1);
	header = bpf_ringbuf_reserve(&events, size, 0);
	if (!header) {
		account_loss(a, &a->ring_full);
		return NULL;
	}
	header->type = type;
	header->size = size;
	header->boot_ns = bpf_ktime_get_boot_ns();
	return header;
}

#endif
