// SPDX-License-Identifier: BSD-2-Clause
#include "recorder.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "events.h"
#include "iterator.h"
#include "recorder.skel.h"
#include "bpf/recorder.h"

enum {
	PROCESSES_MAX = 16384,
	DOMAINS_MAX = 4096,
	CLASSES_PER_TICK = 8,	/* memory.stat files read per tick */
};

#define TICK_NS 1000000000ULL
#define TICK_MAX_NS 30000000000ULL
#define SHARE 1000		/* a pass may cost this part of the time until the next */

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static int open_object(struct recorder *r, const struct kernel *kernel)
{
	LIBBPF_OPTS(bpf_object_open_opts, options);
	int err = core_btf_open(&r->core);

	if (err)
		return err;
	options.btf_custom_path = r->core.path;
	r->skeleton = recorder_bpf__open_opts(&options);
	if (!r->skeleton)
		return -errno;
	r->skeleton->rodata->page_size = r->page_size;
	return core_btf_fill(&r->core, kernel->btf, bpf_object__btf(r->skeleton->obj));
}

int recorder_open(struct recorder *ret, const struct kernel *kernel, const struct procfs *procfs,
		  const struct cgroupfs *cgroupfs, uint64_t tick_ns)
{
	int err;

	memset(ret, 0, sizeof(*ret));
	ret->core.fd = -1;
	ret->procfs = procfs;
	ret->cgroupfs = cgroupfs;
	ret->page_size = sysconf(_SC_PAGESIZE);
	ret->tick_ns = tick_ns ? tick_ns : TICK_NS;
	ret->fixed_tick = tick_ns != 0;
	ret->origin_ns = clock_ns(CLOCK_BOOTTIME);
	err = table_init(&ret->processes, sizeof(struct recorder_process), PROCESSES_MAX);
	if (!err)
		err = table_init(&ret->domains, sizeof(struct recorder_domain), DOMAINS_MAX);
	if (!err)
		err = open_object(ret, kernel);
	if (err)
		recorder_close(ret);
	return err;
}

int recorder_load(struct recorder *r)
{
	int err = recorder_bpf__load(r->skeleton);

	core_btf_close(&r->core);
	if (!err)
		err = recorder_bpf__attach(r->skeleton);
	if (err)
		recorder_close(r);
	return err;
}

void recorder_close(struct recorder *recorder)
{
	recorder_bpf__destroy(recorder->skeleton);
	if (recorder->core.fd >= 0)
		core_btf_close(&recorder->core);
	table_fini(&recorder->processes);
	table_fini(&recorder->domains);
	recorder->skeleton = NULL;
}

static void take_process(struct recorder *r, const struct recorder_entry *e)
{
	struct recorder_process *p = table_add(&r->processes, e->pid);

	if (!p) {
		r->table_full++;
		return;
	}
	if (p->start_ns != e->process.start_ns)
		*p = (struct recorder_process){ .pid = e->pid, .start_ns = e->process.start_ns };
	p->cgroup_id = e->cgroup_id;
	p->pass = r->pass;
	p->file_pages = e->process.pages[0];
	p->anon_pages = e->process.pages[1];
	p->swap_pages = e->process.pages[2];
	p->shmem_pages = e->process.pages[3];
	p->pagetables_kib = e->process.pagetables_kib;
	p->ppid = e->process.ppid;
	p->oom_score_adj = e->oom_score_adj;
	memcpy(p->comm, e->process.comm, sizeof(p->comm));
}

static void take_cgroup(struct recorder *r, const struct recorder_entry *e)
{
	struct recorder_domain *d = table_add(&r->domains, e->cgroup_id);

	if (!d) {
		r->table_full++;
		return;
	}
	d->parent_id = e->cgroup.parent_id;
	d->version = e->cgroup.hierarchy_id ? 1 : 2;
	d->pass = r->pass;
	d->usage_pages = e->cgroup.usage_pages;
	/* PAGE_COUNTER_MAX is LONG_MAX / PAGE_SIZE */
	d->max_pages = e->cgroup.max_pages >= INT64_MAX / r->page_size ? BYTES_MAX : e->cgroup.max_pages;
	d->anon_pages = 0;
}

static void take_entry(void *recorder, const void *record)
{
	const struct recorder_entry *e = record;

	(e->pid ? take_process : take_cgroup)(recorder, e);
}

/* every domain's anonymous memory: its processes' and those below */
static void sum_up(struct recorder *r)
{
	for (uint32_t i = 0; i < r->processes.count; i++) {
		const struct recorder_process *p = table_entry(&r->processes, i);
		uint64_t id = p->cgroup_id;

		for (int depth = 0; p->pass == r->pass && id && depth < 16; depth++) {
			struct recorder_domain *d = table_find(&r->domains, id);

			if (!d)
				break;
			d->anon_pages += p->anon_pages;
			id = d->parent_id;
		}
	}
}

int recorder_refresh(struct recorder *r)
{
	int err;

	r->pass++;
	r->skeleton->bss->pass = r->pass;
	err = iterator_run(r->skeleton->links.record_task, sizeof(struct recorder_entry), 0, take_entry, r);
	if (!err)
		sum_up(r);
	return err;
}

static void push_processes(struct recorder *r, uint32_t time)
{
	for (uint32_t i = 0; i < r->processes.count; i++) {
		struct recorder_process *p = table_entry(&r->processes, i);
		const uint32_t point[PROCESS_WIDTH] = {
			time, p->anon_pages + p->shmem_pages + p->swap_pages,
		};

		series_push(&p->series, p->points, PROCESS_WIDTH, PROCESS_HALF, point);
	}
}

static void read_classes(const struct recorder *r, const struct recorder_domain *d, uint32_t *ret_file,
			 uint32_t *ret_shmem)
{
	struct memory_classes classes;
	int fd = cgroupfs_open_id(r->cgroupfs, d->version, d->id);

	if (fd < 0)
		return;
	if (cgroupfs_memory_classes(fd, d->version, &classes) == 0) {
		if (classes.known & MEMORY_CLASS_KNOWN_FILE)
			*ret_file = classes.file_bytes / r->page_size;
		if (classes.known & MEMORY_CLASS_KNOWN_SHMEM)
			*ret_shmem = classes.shmem_bytes / r->page_size;
	}
	close(fd);
}

static void push_domains(struct recorder *r, uint32_t time)
{
	unsigned int budget = CLASSES_PER_TICK;

	for (uint32_t i = 0; i < r->domains.count; i++) {
		struct recorder_domain *d = table_entry(&r->domains, i);
		uint32_t point[DOMAIN_WIDTH] = { time, d->usage_pages, d->anon_pages, UINT32_MAX, UINT32_MAX };

		if (!d->id)
			continue;
		/* the file is dear to read: only where a kill may be near */
		if (d->max_pages != BYTES_MAX && d->usage_pages > d->max_pages / 10 * 6 && budget) {
			budget--;
			read_classes(r, d, &point[3], &point[4]);
		}
		series_push(&d->series, d->points, DOMAIN_WIDTH, DOMAIN_HALF, point);
	}
}

static void push_host(struct recorder *r, uint32_t time)
{
	struct recorder_domain *d = table_add(&r->domains, 0);
	struct meminfo m;
	uint32_t point[DOMAIN_WIDTH];

	if (!d || procfs_meminfo(r->procfs, &m))
		return;
	d->pass = r->pass;
	d->max_pages = m.total_bytes / r->page_size;
	d->usage_pages = (m.total_bytes - m.available_bytes) / r->page_size;
	d->anon_pages = m.anon_bytes / r->page_size;
	point[0] = time;
	point[1] = d->usage_pages;
	point[2] = d->anon_pages;
	point[3] = (m.cached_bytes - m.shmem_bytes) / r->page_size;
	point[4] = m.shmem_bytes / r->page_size;
	series_push(&d->series, d->points, DOMAIN_WIDTH, DOMAIN_HALF, point);
}

/* The likely victims: a quarter of their cgroup, or a tenth of the host. Read once. */
static void remember_identities(struct recorder *r)
{
	const struct recorder_domain *host = table_find(&r->domains, 0);
	unsigned int budget = 4;

	for (uint32_t i = 0; i < r->processes.count && budget; i++) {
		const struct recorder_process *p = table_entry(&r->processes, i);
		const struct recorder_domain *d = table_find(&r->domains, p->cgroup_id);
		uint64_t pages = p->anon_pages + p->shmem_pages;
		bool large = (host && pages > host->max_pages / 10) ||
			     (d && d->max_pages != BYTES_MAX && pages > d->max_pages / 4);
		struct recorder_identity *known;

		if (!large || recorder_find_identity(r, p->pid, p->start_ns))
			continue;
		budget--;
		known = &r->identity[r->identity_next++ % 16];
		*known = (struct recorder_identity){ .pid = p->pid, .start_ns = p->start_ns };
		if (!procfs_same_process(r->procfs, p->pid, p->start_ns))
			continue;
		procfs_exe(r->procfs, p->pid, known->exe, sizeof(known->exe));
		procfs_args(r->procfs, p->pid, known->args, 16, &known->args_count);
	}
}

static bool process_seen(const void *entry, uint64_t pass)
{
	return ((const struct recorder_process *)entry)->pass == pass;
}

/* an empty cgroup is met by no process: it may fill again, so it is kept for a while */
static bool domain_seen(const void *entry, uint64_t pass)
{
	return ((const struct recorder_domain *)entry)->pass + 60 > pass;
}

int recorder_tick(struct recorder *r, uint64_t now_ns)
{
	uint64_t began = clock_ns(CLOCK_THREAD_CPUTIME_ID), cost;
	uint32_t time = (now_ns - r->origin_ns) / 10000000;
	int err;

	err = recorder_refresh(r);
	if (err)
		return err;
	table_sweep(&r->processes, process_seen, r->pass);
	table_sweep(&r->domains, domain_seen, r->pass);
	push_host(r, time);
	push_processes(r, time);
	push_domains(r, time);
	remember_identities(r);
	r->ticks++;
	if (r->fixed_tick)
		return 0;
	cost = (clock_ns(CLOCK_THREAD_CPUTIME_ID) - began) * SHARE;
	r->tick_ns = cost < TICK_NS ? TICK_NS : cost > TICK_MAX_NS ? TICK_MAX_NS : cost;
	return 0;
}

struct recorder_process *recorder_find_process(const struct recorder *r, uint64_t pid, uint64_t start_ns)
{
	struct recorder_process *p = table_find(&r->processes, pid);

	return p && p->start_ns == start_ns ? p : NULL;
}

struct recorder_domain *recorder_find_domain(const struct recorder *r, uint64_t id)
{
	return table_find(&r->domains, id);
}

const struct recorder_identity *recorder_find_identity(const struct recorder *r, uint64_t pid,
							uint64_t start_ns)
{
	for (size_t i = 0; i < sizeof(r->identity) / sizeof(r->identity[0]); i++)
		if (r->identity[i].pid == pid && r->identity[i].start_ns == start_ns)
			return &r->identity[i];
	return NULL;
}

bool recorder_in_domain(const struct recorder *r, const struct recorder_process *p, uint64_t domain_id)
{
	uint64_t id = p->cgroup_id;

	for (int depth = 0; depth < 16; depth++) {
		const struct recorder_domain *d;

		if (!domain_id || id == domain_id)
			return true;
		d = id ? table_find(&r->domains, id) : NULL;
		if (!d)
			return false;
		id = d->parent_id;
	}
	return false;
}
