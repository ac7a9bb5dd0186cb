// SPDX-License-Identifier: BSD-2-Clause
/* What user space adds to an OOM kill, at once: who it was, how it grew, who else was there. */
#include "oom_kill.h"

#include <string.h>
#include <unistd.h>

#include "redact.h"

/* ---- who ------------------------------------------------------------ */

static void add_identity(struct session *s, struct process *p)
{
	const struct recorder_identity *known =
		s->has_recorder ? recorder_find_identity(&s->recorder, p->pid, p->start_ns) : NULL;

	if (known && *known->exe) {
		memcpy(p->exe, known->exe, sizeof(p->exe));
		memcpy(p->args, known->args, sizeof(p->args));
		p->args_count = known->args_count;
	} else if (procfs_same_process(&s->procfs, p->pid, p->start_ns)) {
		/* the memory goes within milliseconds: what is read may be nothing */
		procfs_exe(&s->procfs, p->pid, p->exe, sizeof(p->exe));
		procfs_args(&s->procfs, p->pid, p->args, sizeof(p->args) / sizeof(p->args[0]), &p->args_count);
	}
	p->known.exe = *p->exe != 0;
	if (s->options.no_args)
		p->args_count = 0;
	p->known.args = p->args_count > 0;
	if (p->known.args && !s->options.no_redact &&
	    redact_args(p->args[0], sizeof(p->args[0]), p->args_count, &p->args_redacted))
		p->known.args_redacted = 1;
}

/* ---- classes -------------------------------------------------------- */

static void add_cgroup_classes(struct session *s, struct oom_incident *incident)
{
	struct oom_kill *oom = &incident->observation.oom_kill;
	int version = incident->observation.cgroup.version;
	int fd = cgroupfs_open_id(&s->cgroupfs, version, incident->binding_id);
	struct memory_classes classes;

	if (fd < 0)
		return;
	if (cgroupfs_memory_classes(fd, version, &classes) == 0) {
		if (classes.known & MEMORY_CLASS_KNOWN_FILE)
			KNOW(oom, domain_file_bytes, classes.file_bytes);
		if (classes.known & MEMORY_CLASS_KNOWN_SHMEM)
			KNOW(oom, domain_shmem_bytes, classes.shmem_bytes);
		if (classes.known & MEMORY_CLASS_KNOWN_KERNEL)
			KNOW(oom, domain_kernel_bytes, classes.kernel_bytes);
	}
	close(fd);
}

static void add_host(struct session *s, struct oom_incident *incident)
{
	struct oom_kill *oom = &incident->observation.oom_kill;
	struct oom_host *host = &oom->host;
	struct meminfo m;

	if (procfs_meminfo(&s->procfs, &m))
		return;
	if (m.known & MEMINFO_KNOWN_SHMEM)
		KNOW(oom, domain_shmem_bytes, m.shmem_bytes);
	if ((m.known & MEMINFO_KNOWN_CACHED) && (m.known & MEMINFO_KNOWN_SHMEM))
		KNOW(oom, domain_file_bytes, m.cached_bytes - m.shmem_bytes);
	if (m.known & MEMINFO_KNOWN_KERNEL)
		KNOW(oom, domain_kernel_bytes, m.kernel_bytes);
	oom->known.host = 1;
	host->total_bytes = m.total_bytes;
	host->available_bytes = m.available_bytes;
	host->free_bytes = m.free_bytes;
	host->swap_total_bytes = m.swap_total_bytes;
	host->swap_free_bytes = m.swap_free_bytes;
	host->known.total_bytes = (m.known & MEMINFO_KNOWN_TOTAL) != 0;
	host->known.available_bytes = (m.known & MEMINFO_KNOWN_AVAILABLE) != 0;
	host->known.free_bytes = (m.known & MEMINFO_KNOWN_FREE) != 0;
	host->known.swap_total_bytes = (m.known & MEMINFO_KNOWN_SWAP_TOTAL) != 0;
	host->known.swap_free_bytes = (m.known & MEMINFO_KNOWN_SWAP_FREE) != 0;
}

/* ---- candidates ----------------------------------------------------- */

static bool is_victim(const struct oom_incident *incident, uint64_t pid)
{
	for (uint64_t i = 0; i < incident->member_count; i++)
		if (incident->members[i].pid == pid)
			return true;
	return false;
}

/* oom_badness(): pages it holds, plus its adjustment in thousandths of the domain */
static void add_score(struct oom_candidate *c, uint64_t pagetables_bytes, uint64_t domain_bytes)
{
	uint64_t held = c->anon_bytes + c->file_bytes + c->shmem_bytes + c->swap_bytes + pagetables_bytes;
	int64_t score;

	if (!domain_bytes || c->oom_score_adj == -1000)
		return;
	score = (int64_t)(held / (domain_bytes / 1000 + 1)) + c->oom_score_adj;
	KNOW(c, score, score > 0 ? score : 0);
}

static int64_t process_growth(const struct recorder *r, const struct recorder_process *p)
{
	unsigned int n = series_count(&p->series);
	const uint32_t *first, *last;
	int64_t pages;

	if (n < 3)
		return 0;
	first = series_point(&p->series, p->points, PROCESS_WIDTH, PROCESS_HALF, 0);
	last = series_point(&p->series, p->points, PROCESS_WIDTH, PROCESS_HALF, n - 1);
	if (last[0] == first[0])
		return 0;
	pages = (int64_t)last[1] - first[1];
	return pages * r->page_size * 100 / (last[0] - first[0]);
}

static void candidate_from_process(struct oom_candidate *c, const struct recorder *r,
				   const struct recorder_process *p, uint64_t domain_bytes)
{
	uint64_t page = r->page_size;
	int64_t growth = process_growth(r, p);

	memset(c, 0, sizeof(*c));
	KNOW(c, pid, p->pid);
	memcpy(c->comm, p->comm, sizeof(c->comm));
	c->known.comm = 1;
	KNOW(c, anon_bytes, p->anon_pages * page);
	KNOW(c, file_bytes, p->file_pages * page);
	KNOW(c, shmem_bytes, p->shmem_pages * page);
	KNOW(c, swap_bytes, p->swap_pages * page);
	KNOW(c, oom_score_adj, p->oom_score_adj);
	if (series_count(&p->series) >= 3)
		KNOW(c, growth_bytes_per_s, growth);
	add_score(c, p->pagetables_kib * 1024ULL, domain_bytes);
}

static void candidate_from_victim(struct oom_candidate *c, const struct observation *o, uint64_t domain_bytes)
{
	const struct oom_kill *oom = &o->oom_kill;

	memset(c, 0, sizeof(*c));
	KNOW(c, pid, o->process.pid);
	memcpy(c->comm, o->process.comm, sizeof(c->comm));
	c->known.comm = 1;
	if (oom->known.victim_anon_bytes) {
		KNOW(c, anon_bytes, oom->victim_anon_bytes);
		KNOW(c, file_bytes, oom->victim_file_bytes);
		KNOW(c, shmem_bytes, oom->victim_shmem_bytes);
		KNOW(c, swap_bytes, oom->victim_swap_bytes);
	}
	KNOW(c, oom_score_adj, oom->victim_oom_score_adj);
	KNOW(c, victim, 1);
	add_score(c, oom->victim_pagetables_bytes, domain_bytes);
}

static uint64_t held_bytes(const struct oom_candidate *c)
{
	return c->anon_bytes + c->shmem_bytes + c->swap_bytes;
}

/* keeps the largest eight, largest first; the victim is never pushed out */
static void insert(struct oom_kill *oom, const struct oom_candidate *c)
{
	const uint64_t max = sizeof(oom->candidates) / sizeof(oom->candidates[0]);
	uint64_t at = oom->candidates_count;

	while (at > 0 && held_bytes(&oom->candidates[at - 1]) < held_bytes(c))
		at--;
	if (oom->candidates_count < max) {
		oom->candidates_count++;
	} else {
		uint64_t out = max - 1;

		while (out > 0 && oom->candidates[out].victim)
			out--;
		if (at > out)
			return;
		memmove(&oom->candidates[out], &oom->candidates[out + 1], (max - 1 - out) * sizeof(*c));
	}
	memmove(&oom->candidates[at + 1], &oom->candidates[at], (oom->candidates_count - 1 - at) * sizeof(*c));
	oom->candidates[at] = *c;
}

static void add_candidates(struct session *s, struct oom_incident *incident, uint64_t domain_bytes)
{
	struct observation *o = &incident->observation;
	struct oom_kill *oom = &o->oom_kill;
	const struct recorder *r = &s->recorder;
	struct oom_candidate c;
	uint64_t tasks = 0;

	candidate_from_victim(&c, o, domain_bytes);
	insert(oom, &c);
	for (uint32_t i = 0; i < r->processes.count; i++) {
		const struct recorder_process *p = table_entry(&r->processes, i);

		if (!recorder_in_domain(r, p, incident->binding_id))
			continue;
		tasks++;
		if (p->pid == o->process.pid)
			continue;
		candidate_from_process(&c, r, p, domain_bytes);
		KNOW(&c, victim, is_victim(incident, p->pid));
		if (!c.victim && p->oom_score_adj < 0 && oom->known.victim_anon_bytes)
			KNOW(&c, protected, held_bytes(&c) > oom->victim_anon_bytes + oom->victim_shmem_bytes +
								     oom->victim_swap_bytes);
		insert(oom, &c);
	}
	oom->known.candidates = 1;
	KNOW(oom, candidate_tasks, tasks);
}

/* ---- history -------------------------------------------------------- */

/* the victim's point nearest to a time, when one is within reach */
static bool victim_at(const struct recorder *r, const struct recorder_process *p, uint32_t time,
		      uint64_t *ret_bytes)
{
	uint32_t nearest = UINT32_MAX;

	for (unsigned int i = 0; i < series_count(&p->series); i++) {
		const uint32_t *point = series_point(&p->series, p->points, PROCESS_WIDTH, PROCESS_HALF, i);
		uint32_t away = point[0] > time ? point[0] - time : time - point[0];

		if (away < nearest) {
			nearest = away;
			*ret_bytes = (uint64_t)point[1] * r->page_size;
		}
	}
	return nearest <= r->tick_ns / 20000000;	/* half a tick, in 10 ms */
}

static void add_sample(struct oom_kill *oom, const struct recorder *r, const uint32_t *point,
		       const struct recorder_process *victim)
{
	struct oom_sample *sample = &oom->history[oom->history_count++];
	uint64_t page = r->page_size, bytes = 0;

	KNOW(sample, boot_ns, recorder_time(r, point));
	KNOW(sample, usage_bytes, point[1] * page);
	KNOW(sample, anon_bytes, point[2] * page);
	if (point[3] != UINT32_MAX)
		KNOW(sample, file_bytes, point[3] * page);
	if (point[4] != UINT32_MAX)
		KNOW(sample, shmem_bytes, point[4] * page);
	if (victim && victim_at(r, victim, point[0], &bytes))
		KNOW(sample, victim_bytes, bytes);
}

/* the instant itself: the others' memory as the refresh found it, the victim's as the kernel said */
static void add_instant(struct session *s, struct oom_incident *incident)
{
	struct observation *o = &incident->observation;
	struct oom_kill *oom = &o->oom_kill;
	struct oom_sample *sample = &oom->history[oom->history_count++];
	const struct recorder *r = &s->recorder;
	uint64_t others = 0;

	memset(sample, 0, sizeof(*sample));
	KNOW(sample, boot_ns, o->boot_ns);
	if (oom->host.known.total_bytes && oom->host.known.available_bytes)
		KNOW(sample, usage_bytes, oom->host.total_bytes - oom->host.available_bytes);
	for (uint64_t i = 0; i < oom->limits_count; i++)
		if (oom->limits[i].known.binding && oom->limits[i].binding && oom->limits[i].known.usage_bytes)
			KNOW(sample, usage_bytes, oom->limits[i].usage_bytes);
	if (!oom->known.victim_anon_bytes)
		return;
	for (uint32_t i = 0; i < r->processes.count; i++) {
		const struct recorder_process *p = table_entry(&r->processes, i);

		if (p->pid != o->process.pid && recorder_in_domain(r, p, incident->binding_id))
			others += p->anon_pages;
	}
	KNOW(sample, anon_bytes, others * r->page_size + oom->victim_anon_bytes);
	KNOW(sample, victim_bytes, oom->victim_anon_bytes + oom->victim_shmem_bytes + oom->victim_swap_bytes);
}

/* least squares over the usage, in bytes per second */
static void add_slope(struct oom_kill *oom)
{
	double sum_t = 0, sum_v = 0, sum_tt = 0, sum_tv = 0, n = oom->history_count, spread;
	uint64_t first = oom->history[0].boot_ns;

	for (uint64_t i = 0; i < oom->history_count; i++) {
		double t = (oom->history[i].boot_ns - first) / 1e9, v = oom->history[i].usage_bytes;

		if (!oom->history[i].known.usage_bytes)
			return;
		sum_t += t;
		sum_v += v;
		sum_tt += t * t;
		sum_tv += t * v;
	}
	spread = n * sum_tt - sum_t * sum_t;
	KNOW(oom, history_ns, oom->history[oom->history_count - 1].boot_ns - first);
	if (n >= 3 && spread > 0)
		KNOW(oom, growth_bytes_per_s, (int64_t)((n * sum_tv - sum_t * sum_v) / spread));
}

static void add_history(struct session *s, struct oom_incident *incident)
{
	struct oom_kill *oom = &incident->observation.oom_kill;
	struct process *p = &incident->observation.process;
	const struct recorder *r = &s->recorder;
	const struct recorder_domain *d = recorder_find_domain(r, incident->binding_id);
	const struct recorder_process *victim = recorder_find_process(r, p->pid, p->start_ns);
	const unsigned int max = sizeof(oom->history) / sizeof(oom->history[0]) - 1;
	unsigned int count = d ? series_count(&d->series) : 0;

	for (unsigned int i = count > max ? count - max : 0; i < count; i++)
		add_sample(oom, r, series_point(&d->series, d->points, DOMAIN_WIDTH, DOMAIN_HALF, i), victim);
	add_instant(s, incident);
	oom->known.history = 1;
	add_slope(oom);
}

/*
 * Before 5.18 memory.stat of v2 counts only some kinds of kernel memory: the
 * rest of the usage is kernel memory too.
 */
static void add_kernel_rest(struct oom_incident *incident)
{
	struct oom_kill *oom = &incident->observation.oom_kill;
	const struct oom_sample *instant = &oom->history[oom->history_count - 1];
	uint64_t rest;

	if (incident->observation.cgroup.version != 2 || !incident->binding_id || !oom->known.domain_kernel_bytes ||
	    !oom->known.domain_file_bytes || !oom->known.domain_shmem_bytes ||
	    !instant->known.usage_bytes || !instant->known.anon_bytes)
		return;
	rest = instant->anon_bytes + oom->domain_file_bytes + oom->domain_shmem_bytes;
	if (instant->usage_bytes > rest && instant->usage_bytes - rest > oom->domain_kernel_bytes)
		oom->domain_kernel_bytes = instant->usage_bytes - rest;
}

void oom_enrich(struct session *s, struct oom_incident *incident)
{
	struct oom_kill *oom = &incident->observation.oom_kill;
	struct recorder_domain *d;
	uint64_t domain_bytes = 0;

	add_identity(s, &incident->observation.process);
	if (oom->known.scope && oom->scope == OOM_SCOPE_MEMCG && incident->binding_id)
		add_cgroup_classes(s, incident);
	else if (oom->known.scope && oom->scope == OOM_SCOPE_GLOBAL)
		add_host(s, incident);
	for (uint64_t i = 0; i < oom->limits_count; i++)
		if (oom->limits[i].known.binding && oom->limits[i].binding &&
		    oom->limits[i].max_bytes != BYTES_MAX)
			domain_bytes = oom->limits[i].max_bytes;
	if (oom->host.known.total_bytes)
		domain_bytes = oom->host.total_bytes;
	if (oom->known.domain_total_bytes)
		domain_bytes = oom->domain_total_bytes;
	if (!s->has_recorder)
		return;
	recorder_refresh(&s->recorder);
	add_candidates(s, incident, domain_bytes);
	add_history(s, incident);
	add_kernel_rest(incident);
	d = recorder_find_domain(&s->recorder, incident->binding_id);
	if (d && (!oom->known.killed || oom->killed)) {
		KNOW(oom, earlier_kills, d->oom_kills);
		d->oom_kills++;
	}
}
