// SPDX-License-Identifier: BSD-2-Clause
/*
 * Both kinds about TCP, on any sequence of records, counts, sockets that come
 * and go, and pauses. Sizes of records may lie; addresses, names and how often
 * something happens are others' choice.
 */
#include <bpf/btf.h>
#include <sys/socket.h>

#include "tests/unit/tcp_kernel.h"
#include "user/kinds/accept_overflow_kind.h"
#include "user/kinds/tcp_retransmit_kind.h"

#include "check.h"

/* nobody has these */
enum { FIRST_PID = 4194900, PIDS = 8, SOCKETS = 12, PEERS = 24 };

struct input {
	const uint8_t *data;
	size_t size;
};

static struct session session;
static uint64_t counted[2];	/* of each kind, since the start */

/* what there is, and zeros */
static void take(struct input *in, void *ret, size_t size)
{
	size_t n = size < in->size ? size : in->size;

	memset(ret, 0, size);
	memcpy(ret, in->data, n);
	in->data += n;
	in->size -= n;
}

static uint64_t number(struct input *in, unsigned int bytes)
{
	uint64_t value = 0;

	take(in, &value, bytes);
	return value;
}

/* ---- what comes out ----------------------------------------------------------- */

static void check_sums(const struct observation *o)
{
	const struct accept_overflow *a = &o->accept_overflow;
	const struct tcp_retransmit *t = &o->tcp_retransmit;
	uint64_t sum = 0;

	if (o->kind == KIND_accept_overflow) {
		REQUIRE(a->count && a->count == a->syn_drops + a->ack_drops && a->count <= a->total);
		REQUIRE(a->window_ns <= a->incident_ns);
		REQUIRE(!a->known.group_size || (a->group_full <= a->group_size && a->group_count <= a->group_size));
		REQUIRE(!a->known.holders || a->holders_count <= a->sharing);
		REQUIRE(a->clients.examples_count <= a->clients.distinct);
		return;
	}
	REQUIRE(t->count <= t->total && t->failed <= t->count && (t->count || t->not_tried));
	REQUIRE(t->window_ns <= t->incident_ns);
	for (uint64_t i = 0; i < t->by_class_count; i++)
		sum += t->by_class[i].count;
	REQUIRE(sum <= t->count);
	REQUIRE(t->peer_flows_bad <= t->peer_flows && t->subnet_flows_bad <= t->subnet_flows);
	REQUIRE(t->peer_flows <= t->subnet_flows && t->other_flows_bad <= t->other_flows);
}

/* in a renderer's place: nothing is written */
static void render(struct text *text, const struct style *style, struct observation *o, struct verdict *v)
{
	(void)text;
	(void)style;
	check_sums(o);
	check_people("card", o, v);
	check_people("line", o, v);
	check_line(o, v);
}

static const struct renderer renderer = { .name = "check", .observation = render };

/* ---- what goes in -------------------------------------------------------------- */

/* a block of the very size, so that a byte beyond it is seen */
static void send_record(unsigned int kind, const void *event, size_t whole, uint64_t cut)
{
	const struct kind_run *run = &session.kinds[kind];
	size_t size = cut & 0x80 ? sizeof(struct event_header) + (cut & 0x7f) % (whole - sizeof(struct event_header)) : whole;
	void *exact = malloc(size);

	REQUIRE(exact);
	memcpy(exact, event, size);
	REQUIRE(run->type->event(&session, run->state, exact, size) == (size == whole ? 0 : -EBADMSG));
	free(exact);
}

static struct kernel_listener *listener(struct input *in)
{
	uint64_t any = number(in, 1);
	struct overflow_key key = { .sk = any % SOCKETS, .net = 1 + (any >> 6 & 1), .port = 80 + any % 3 };
	struct kernel_listener *l = kernel_listener_of(&key);

	if (l)
		return l;
	l = &kernel.listeners[kernel.listener_count++];
	*l = (struct kernel_listener){ .key = key };
	take(in, &l->state, sizeof(l->state));
	l->state.family = any & 0x80 ? AF_INET6 : AF_INET;
	if (l->state.family == AF_INET)
		address_of_v4(l->state.address, l->state.address + 12);
	if (any & 0x20)
		l->state.jiffies = (uint32_t)-(300 * 250) + (l->state.monotonic_ns = kernel.now_ns) / 4000000;
	return l;
}

static void listens(struct input *in)
{
	struct kernel_listener *l = listener(in);
	uint64_t any = number(in, 1);

	l->closed = any & 1;
	l->state.valid = any & 2;
	l->has_made = any & 4;
	take(in, &l->made, sizeof(l->made));
	l->made.owner.tgid = FIRST_PID + l->made.owner.tgid % PIDS;
	l->made.owner.start_ns >>= 16;
	l->made.owner.cgroup_id &= 3;
}

static void overflow(struct input *in)
{
	struct kernel_listener *l = listener(in);
	struct overflow_counts *c = &l->counts;
	struct overflow_event event;
	uint64_t any = number(in, 2);

	if (!l->counted) {
		c->first_ns = kernel.now_ns;
		c->basis = 1 + (any >> 8) % LISTENER_PORT;
		c->netns = any;
		memcpy(c->address, l->state.address, sizeof(c->address));
	}
	l->counted = true;
	c->syn_drops += 1 + (any & 0xf);
	c->ack_drops += any >> 4 & 0xf;
	counted[0] += 1 + (any & 0xf) + (any >> 4 & 0xf);
	c->last_ns = kernel.now_ns;
	c->established += any >> 8 & 0xf;
	if (any >> 12 & 1) {
		take(in, &c->examples[c->clients++ % OVERFLOW_EXAMPLES], sizeof(c->examples[0]));
		kernel.clients += any >> 13 & 1;
	}
	event = (struct overflow_event){ .header = { OVERFLOW_EVENT, sizeof(event), kernel.now_ns }, .key = l->key,
					 .state = l->state, .listener = l->made, .has_listener = l->has_made };
	if (any >> 14 & 1)
		send_record(0, &event, sizeof(event), number(in, 1));
	else
		accept_overflow_skeleton(session.kinds[0].state)->data->unheard++;
}

static struct kernel_flow *connection(struct input *in)
{
	uint64_t any = number(in, 2);
	struct flow_key key = { .net = 1 + (any >> 14 & 1), .local = { [10] = 0xff, [11] = 0xff, [12] = 10 },
				.peer = { [0] = any & 1 ? 0x20 : 0, [7] = any >> 1 & 1, [15] = any % PEERS },
				.local_port = 1000 + (any >> 8 & 3), .peer_port = 443 };
	struct kernel_flow *f;

	if (!(any & 1))
		address_of_v4(key.peer, (uint8_t[]){ 10, 0, any >> 1 & 1, any % PEERS });
	f = kernel_flow_of(&key);
	if (f)
		f->has_made = any >> 13 & 1;
	if (!f && kernel.flow_count < KERNEL_FLOWS) {
		f = &kernel.flows[kernel.flow_count++];
		*f = (struct kernel_flow){ .key = key };
	}
	if (f && any >> 15 && kernel.connection_count < KERNEL_FLOWS)
		kernel.connections[kernel.connection_count++] = key;
	return f;
}

static void maker(struct input *in, struct tcp_maker *m)
{
	take(in, m, sizeof(*m));
	m->sk %= SOCKETS;
	m->known &= 1;
	m->owner.tgid = FIRST_PID + m->owner.tgid % PIDS;
	m->owner.start_ns >>= 16;
	m->owner.cgroup_id &= 3;
}

static void count_segments(struct input *in, struct kernel_flow *f)
{
	uint64_t any = number(in, 4), count = any & 0x1f, not_tried = any >> 8 & 1 ? any >> 9 & 7 : 0;
	struct flow *c = &f->counts;

	if (!count && !not_tried)
		count = 1;
	if (!f->counted)
		*c = (struct flow){ .first_ns = kernel.now_ns };
	f->counted = true;
	c->count += count;
	c->failed += any >> 12 & 1 ? count : count / 2;
	c->by_class[1 + (any >> 13) % 6] += count;
	c->not_tried += not_tried;
	c->timeouts += any >> 5 & 7;
	/* a word that came later than the drop */
	if (any >> 6 & 1 && c->failed)
		c->failed--;
	c->drops_out.count += any >> 16 & 1;
	c->drops_in.count += any >> 17 & 1;
	c->drops_out.reason = c->drops_in.reason = any >> 18 & 0xf;
	c->drops_out.net = c->drops_in.net = any >> 22 & 3;
	c->listening = any >> 24 & 1;
	c->err = -(int32_t)(any >> 25);
	c->first_acked = number(in, 2);
	c->last_ns = kernel.now_ns;
	counted[1] += count + not_tried;
}

static void retransmit(struct input *in)
{
	struct kernel_flow *f = connection(in);
	struct retransmit_event event = { .header = { RETRANSMIT_EVENT, sizeof(event), kernel.now_ns } };
	uint64_t any = number(in, 1);

	if (!f)
		return;
	count_segments(in, f);
	if (any & 1) {
		take(in, &f->state, sizeof(f->state));
		f->state.acked_bytes >>= 16;
		if (any & 2)
			f->state.jiffies = (uint32_t)-(300 * 250) + (f->state.monotonic_ns = kernel.now_ns) / 4000000;
		f->state.ns = kernel.now_ns;
	}
	event.key = f->key;
	event.state = f->state;
	maker(in, &event.connected);
	maker(in, &event.listening);
	if (any & 4)
		send_record(1, &event, sizeof(event), number(in, 1));
	else
		tcp_retransmit_skeleton(session.kinds[1].state)->data->unheard++;
}

static void holder(struct input *in)
{
	uint64_t any = number(in, 2);
	struct tcp_holder_entry *e;

	if (kernel.holder_count == KERNEL_HOLDERS)
		return;
	e = kernel_holds(any % SOCKETS, FIRST_PID + (any >> 4) % PIDS, 1000 + (any >> 7 & 1));
	take(in, e->owner.comm, sizeof(e->owner.comm));
	take(in, e->owner.parent_comm, sizeof(e->owner.parent_comm));
	e->owner.ppid = FIRST_PID + (any >> 8) % PIDS;
	e->owner.cgroup_id = any >> 12 & 3;
	e->soft = any >> 14;
}

/* ---- one after the other --------------------------------------------------------- */

static void pass_time(uint64_t ns)
{
	kernel.now_ns += ns;
	for (unsigned int i = 0; i < session.kind_count; i++) {
		const struct kind_run *run = &session.kinds[i];
		uint64_t due = run->type->due(run->state);

		if (due && due <= kernel.now_ns)
			run->type->expire(&session, run->state, kernel.now_ns);
		due = run->type->due(run->state);
		REQUIRE(!due || due > kernel.now_ns);
	}
}

static void step(struct input *in)
{
	uint8_t what = number(in, 1);

	switch (what % 8) {
	case 0:
		listens(in);
		break;
	case 1:
	case 2:
		overflow(in);
		break;
	case 3:
	case 4:
		retransmit(in);
		break;
	case 5:
		pass_time(1ULL << (what >> 3) << 10);
		break;
	case 6:
		holder(in);
		break;
	default:
		kernel.pass_error = what >> 4 & 3 ? 0 : EIO;
		if (what & 0x80)
			kernel.holder_count = kernel.connection_count = 0;
	}
}

static void open_kind(const struct kind_type *type)
{
	struct kind_run *run = &session.kinds[session.kind_count++];

	*run = (struct kind_run){ .session = &session, .type = type };
	kernel_arm(run);
	REQUIRE(type->open(&session, &run->state) == 0);
}

/* once: files stay open, and are the process's own */
static void open_once(void)
{
	static const struct tool tool = { .name = "fuzz_tcp" };
	char path[] = "/tmp/kwhy-fuzz.XXXXXX";

	close(mkstemp(path));
	REQUIRE(sink_open_file(&session.outputs[0], path) == 0);
	unlink(path);
	REQUIRE(procfs_open(&session.procfs, NULL) == 0);
	session.kernel.btf = btf__new_empty();
	REQUIRE(btf__add_enum(session.kernel.btf, "skb_drop_reason", 4) > 0);
	REQUIRE(btf__add_enum_value(session.kernel.btf, "SKB_DROP_REASON_NETFILTER_DROP", 9) == 0);
	session.renderer = &renderer;
	session.tool = &tool;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };

	if (!session.renderer)
		open_once();
	kernel_clear();
	session.kind_count = 0;
	session.started_ns = kernel.now_ns;
	counted[0] = counted[1] = 0;
	open_kind(&accept_overflow_kind);
	open_kind(&tcp_retransmit_kind);
	while (in.size && !session.stop)
		step(&in);
	for (unsigned int i = 0; i < session.kind_count; i++)
		session.kinds[i].type->finish(&session, session.kinds[i].state);
	session_flush(&session);
	/* what the kernel counted is told, each once */
	for (unsigned int i = 0; i < session.kind_count; i++) {
		const struct kind_run *run = &session.kinds[i];

		REQUIRE(session.stop || run->delivered + run->filtered == counted[i]);
		run->type->close(run->state);
	}
	cgroup_paths_close(&session.cgroup_paths);
	session.stop = false;
	return 0;
}
