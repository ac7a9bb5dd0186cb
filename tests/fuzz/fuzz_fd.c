// SPDX-License-Identifier: BSD-2-Clause
/*
 * Both kinds about descriptors, on any sequence of records, lists of
 * descriptors and pauses. The kernel is trusted to fill what it fills with sane
 * numbers; sizes may lie, and names, addresses and counts are others' choice.
 */
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "tests/unit/fd_kernel.h"
#include "user/kinds/fd_exhausted_kind.h"
#include "user/kinds/fd_leak_kind.h"

#include "check.h"

/* nobody has these; the last stands for this very process, which is alive */
enum { FIRST_PID = 4194900, PIDS = 16 };

struct input {
	const uint8_t *data;
	size_t size;
};

static struct session session;
static uint64_t our_start;

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

static uint32_t pid_of(uint64_t any)
{
	return any % PIDS == PIDS - 1 ? (uint32_t)getpid() : FIRST_PID + any % PIDS;
}

/* ---- what comes out ----------------------------------------------------------- */

static uint64_t sum_of(const struct fd_type *types, uint64_t count)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < count; i++) {
		REQUIRE(!i || types[i].count <= types[i - 1].count);
		sum += types[i].count;
	}
	return sum;
}

static void check_sums(const struct observation *o)
{
	const struct fd_leak *l = &o->fd_leak;
	const struct fd_exhausted *x = &o->fd_exhausted;

	if (o->kind == KIND_fd_exhausted) {
		REQUIRE(x->count && x->count <= x->total);
		REQUIRE(!x->known.by_type || sum_of(x->by_type, x->by_type_count) <= x->listed);
		REQUIRE(x->window_ns <= x->incident_ns);
		return;
	}
	REQUIRE(l->outstanding + l->before + l->unseen <= l->open);
	REQUIRE(l->known.partial || l->outstanding + l->before + l->unseen == l->open);
	REQUIRE(sum_of(l->by_type, l->by_type_count) <= l->open);
	REQUIRE(l->opened >= l->outstanding && l->opened - l->closed == l->outstanding);
	REQUIRE(l->peak >= l->open_at_start && (l->known.partial || l->peak >= l->open));
	REQUIRE(l->history_count <= l->looks && l->unattributed <= l->outstanding);
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
static void send_record(const struct kind_type *type, void *state, const void *event, size_t head, size_t size)
{
	void *exact = malloc(size);
	int err;

	REQUIRE(exact);
	memcpy(exact, event, size);
	err = type->event(&session, state, exact, size);
	REQUIRE(err == 0 || err == -EBADMSG);
	REQUIRE(err || size >= head || type->kind == KIND_fd_exhausted);
	free(exact);
}

static size_t size_of(struct input *in, size_t head, uint32_t *bytes)
{
	uint64_t any = number(in, 2);

	/* mostly what it should be */
	*bytes = any & 0x100 ? UINT32_MAX - (any >> 9) : (any & 0xff) * 129;
	if (any & 0x200)
		return sizeof(struct event_header) + any % (head + 100);
	return head + (*bytes <= USER_STACK_BYTES ? *bytes : 0);
}

static void count_failure(const struct fd_failure_event *e, uint64_t more)
{
	struct fd_failures *f = kernel_failures(&e->key);

	if (!f && kernel.failure_count < KERNEL_FAILURES) {
		kernel.failures[kernel.failure_count].key = e->key;
		f = &kernel.failures[kernel.failure_count++].failures;
		*f = (struct fd_failures){ .first_ns = kernel.now_ns, .first_cpu_ns = 5, .tid = 7 };
	}
	if (!f)
		return;
	f->count += 1 + more;
	f->last_ns = f->last_tid_ns = kernel.now_ns;
	f->last_cpu_ns = 5 + (kernel.now_ns - f->first_ns) / (1 + more % 3);
}

static void failure(struct input *in, void *state)
{
	static const uint32_t errors[] = { EMFILE, ENFILE, ENOSPC, EBADF };
	static struct fd_failure_event e;
	const size_t head = offsetof(struct fd_failure_event, stack.data);
	uint64_t any = number(in, 4);
	size_t size;

	take(in, &e.process, sizeof(e.process));
	take(in, &e.failure, sizeof(e.failure));
	sane_record(&process_record, (char *)&e.process, sizeof(e.process));
	sane_record(&fd_exhausted_record, (char *)&e.failure, sizeof(e.failure));
	e.header = (struct event_header){ .type = FD_EVENT_FAILURE, .boot_ns = kernel.now_ns };
	e.key = (struct fd_failure_key){ .tgid = pid_of(any), .call = any >> 8 & 0x3f, .error = errors[any >> 14 & 3] };
	e.key.call |= any >> 16 & 1 ? FD_CALL_RING : any >> 17 & 1 ? FD_CALL_COMPAT : 0;
	e.key.start_ns = e.key.tgid == (uint32_t)getpid() ? our_start : 900000000000;
	KNOW(&e.process, pid, e.key.tgid);
	KNOW(&e.process, start_ns, e.key.start_ns);
	KNOW(&e.failure, error, 1 + (any >> 14 & 3));
	KNOW(&e.failure, soft, 1 + (any >> 18 & 0xfff));
	e.key.full = any >> 30 & 1;
	e.cgroup_id = any >> 28 & 3;
	e.cgroup_version = 2;
	/* how a stack is followed is another test's matter */
	e.stack.flags = USER_STACK_NONE;
	count_failure(&e, any >> 24 & 0xf);
	size = size_of(in, head, &e.stack.bytes);
	send_record(&fd_exhausted_kind, state, &e, head, size < sizeof(e) ? size : sizeof(e));
}

static void cgroup(struct input *in, void *state)
{
	static struct cgroup_event e;
	uint64_t any = number(in, 4);

	e.header.type = any >> 31 ? any : FD_EVENT_CGROUP;
	e.id = any & 3;
	e.version = 1 + (any >> 2 & 1);
	e.names_bytes = any >> 3 & 0xffff;
	e.names_cut = any >> 19 & 1;
	take(in, e.names, any >> 20 & 0xff);
	send_record(&fd_exhausted_kind, state, &e, 0, any >> 30 & 1 ? sizeof(e) : sizeof(e) - 1 - (any >> 8 & 0xff));
}

static void stack(struct input *in, void *state)
{
	static struct fd_stack_event e;
	const size_t head = offsetof(struct fd_stack_event, stack.data);
	uint64_t any = number(in, 2);
	size_t size;

	e.site = any & 0xf;
	e.tgid = FIRST_PID + (any >> 4) % PIDS;
	e.stack.flags = any >> 8 & 3;
	size = size_of(in, head, &e.stack.bytes);
	send_record(&fd_leak_kind, state, &e, head, size < sizeof(e) ? size : sizeof(e));
}

static void owner(struct input *in)
{
	uint64_t any = number(in, 4);
	struct fd_owner *o;

	/* each comes once */
	for (unsigned int i = 0; i < kernel.entry_count; i++)
		if (kernel.entries[i].fd == FD_OWNER && kernel.entries[i].owner.pid == pid_of(any))
			return;
	if (kernel.entry_count + 200 > KERNEL_ENTRIES)
		return;
	o = kernel_process(pid_of(any), 900000000000 + (any >> 4 & 1));
	if (o->pid == (uint32_t)getpid())
		o->start_ns = our_start;
	take(in, o->comm, sizeof(o->comm));
	o->soft = any >> 5 & 0xfff;
	o->hard = any >> 17 & 1 ? UINT64_MAX : any >> 17;
}

static void files(struct input *in)
{
	uint64_t any = number(in, 2);
	struct fd_file f;

	take(in, &f, sizeof(f));
	f.opened_ns >>= 16;
	f.site &= 0x1f;
	if (any >> 8 & 1)
		f.mode = (f.mode & 07777) | S_IFSOCK;
	if (any >> 9 & 1)
		f.family = any >> 10 & 1 ? AF_INET : AF_INET6;
	if (any >> 11 & 1)
		f.protocol = IPPROTO_TCP;
	if (kernel.entry_count + 200 < KERNEL_ENTRIES)
		kernel_opens(f, any & 0x7f);
}

static void check_summary(const struct fd_summary *s)
{
	static struct fd_type types[FD_SUMMARY_TYPES];
	uint64_t grouped = s->ungrouped;

	REQUIRE(sum_of(types, fd_summary_types(s, types, FD_SUMMARY_TYPES)) == s->count);
	for (uint32_t i = 0; i < s->groups.count; i++)
		grouped += ((const struct fd_alike *)table_entry(&s->groups, i))->count;
	REQUIRE(grouped == s->count);
}

/* ---- one after the other --------------------------------------------------------- */

static void pass_time(uint64_t ns)
{
	kernel.now_ns += ns;
	kernel_list_bss.monotonic_ns = kernel.now_ns;
	kernel_list_bss.jiffies = (uint32_t)-(300 * 250) + kernel.now_ns / 4000000;
	for (unsigned int i = 0; i < session.kind_count; i++) {
		const struct kind_run *run = &session.kinds[i];
		uint64_t due = run->type->due(run->state);

		if (due && due <= kernel.now_ns)
			run->type->expire(&session, run->state, kernel.now_ns);
	}
}

static void step(struct input *in)
{
	struct fd_leak_state *leak = session.kinds[1].state;
	uint8_t what = number(in, 1);

	switch (what % 8) {
	case 0:
		failure(in, session.kinds[0].state);
		break;
	case 1:
		stack(in, leak);
		break;
	case 2:
		owner(in);
		break;
	case 3:
	case 4:
		files(in);
		break;
	case 5:
		pass_time(1ULL << (what >> 3) << 10);
		break;
	case 6:
		kernel.entry_count = 0;
		break;
	default:
		if (what >> 3 & 1)
			cgroup(in, session.kinds[0].state);
		/* not the next but one */
		kernel.pass_error = what >> 4 & 3 ? 0 : EIO;
		kernel.pass_ns = what >> 6 & 1 ? 3000000000 : 0;
	}
	check_summary(leak->summary);
}

static void open_kind(const struct kind_type *type)
{
	struct kind_run *run = &session.kinds[session.kind_count++];

	*run = (struct kind_run){ .session = &session, .type = type };
	REQUIRE(type->open(&session, &run->state) == 0);
}

/* once: files stay open, and are the process's own */
static void open_once(void)
{
	static const struct tool tool = { .name = "fuzz_fd" };
	char path[] = "/tmp/kwhy-fuzz.XXXXXX";
	struct process_stat stat;

	close(mkstemp(path));
	REQUIRE(sink_open_file(&session.outputs[0], path) == 0);
	unlink(path);
	REQUIRE(procfs_open(&session.procfs, NULL) == 0);
	REQUIRE(procfs_stat(&session.procfs, getpid(), &stat) == 0);
	our_start = stat.start_ticks * (1000000000 / sysconf(_SC_CLK_TCK));
	session.renderer = &renderer;
	session.tool = &tool;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	uint8_t what = number(&in, 1);

	if (!session.renderer)
		open_once();
	kernel_clear();
	memset(&session.options, 0, sizeof(session.options));
	session.options.pid = what & 1 ? pid_of(what >> 1) : 0;
	session.kind_count = 0;
	session.started_ns = kernel.now_ns;
	open_kind(&fd_exhausted_kind);
	open_kind(&fd_leak_kind);
	kernel_arm(&session);
	while (in.size && !session.stop)
		step(&in);
	/* only one is watched here, and that filter is the other's, too */
	for (unsigned int i = 0; i < session.kind_count; i++) {
		session.kinds[i].type->finish(&session, session.kinds[i].state);
		session.kinds[i].type->close(session.kinds[i].state);
	}
	session_flush(&session);
	cgroup_paths_close(&session.cgroup_paths);
	session.stop = false;
	return 0;
}
