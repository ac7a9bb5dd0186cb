// SPDX-License-Identifier: BSD-2-Clause
#include "oom_view.h"

enum {
	LEAST_SAMPLES = 4,
	LEAST_LEAK_STEPS = 4,
};

#define LEAST_SPAN_NS 3000000000ULL

static uint64_t percent(uint64_t of, unsigned int n)
{
	return of / 100 * n + of % 100 * n / 100;
}

/* anonymous and shared memory is what cannot be dropped: cache fills any cgroup and means nothing */
bool oom_sample_value(const struct oom_sample *sample, uint64_t *ret)
{
	if (!sample->known.boot_ns || !sample->known.anon_bytes)
		return false;
	*ret = sample->anon_bytes;
	/* processes that share an address space count it once each */
	if (sample->known.usage_bytes && sample->usage_bytes < *ret)
		*ret = sample->usage_bytes;
	return true;
}

struct points {
	uint64_t n;
	uint64_t time[24], value[24];
	uint64_t low;
};

static void points_read(struct points *ret, const struct oom_kill *oom)
{
	ret->n = 0;
	ret->low = UINT64_MAX;
	for (uint64_t i = 0; i < oom->history_count && ret->n < 24; i++) {
		uint64_t value;

		if (!oom_sample_value(&oom->history[i], &value))
			continue;
		if (ret->n && oom->history[i].boot_ns <= ret->time[ret->n - 1])
			continue;
		ret->time[ret->n] = oom->history[i].boot_ns;
		ret->value[ret->n++] = value;
		if (value < ret->low)
			ret->low = value;
	}
}

/* Most of the time, the last sample left out, just below the limit and flat. */
static bool plateau(const struct points *p, uint64_t limit, struct oom_shape *shape)
{
	uint64_t half = p->time[0] + (p->time[p->n - 1] - p->time[0]) / 2;
	uint64_t sum = 0, count = 0, low = UINT64_MAX, high = 0;

	for (uint64_t i = 0; i + 1 < p->n; i++) {
		if (p->time[i] < half)
			continue;
		sum += p->value[i];
		count++;
		low = p->value[i] < low ? p->value[i] : low;
		high = p->value[i] > high ? p->value[i] : high;
	}
	if (count < 2 || high - low > percent(limit, 8) || sum / count < percent(limit, 70))
		return false;
	shape->steady_bytes = sum / count;
	return true;
}

/* the sample after which the memory only went up */
static uint64_t onset(const struct points *p)
{
	uint64_t growth = p->value[p->n - 1] - p->low, start = 0;

	for (uint64_t i = 0; i + 1 < p->n; i++)
		if (p->value[i] <= p->low + percent(growth, 6))
			start = i;
	return start;
}

/* largest part of the growth that fell into one step, and into the last quarter of it, in percent */
static void steps_measure(const struct points *p, uint64_t start, uint64_t *ret_largest, uint64_t *ret_late)
{
	uint64_t growth = p->value[p->n - 1] - p->value[start];
	uint64_t late = p->time[p->n - 1] - (p->time[p->n - 1] - p->time[start]) / 3;
	uint64_t largest = 0, before_late = p->value[start];

	for (uint64_t i = start; i + 1 < p->n; i++) {
		uint64_t step = p->value[i + 1] > p->value[i] ? p->value[i + 1] - p->value[i] : 0;

		largest = step > largest ? step : largest;
		if (p->time[i] <= late)
			before_late = p->value[i];
	}
	*ret_largest = growth ? largest * 100 / growth : 100;
	*ret_late = growth && p->value[p->n - 1] > before_late ?
		    (p->value[p->n - 1] - before_late) * 100 / growth : 0;
}

/* before its growth it had not been as high already: a saw-tooth is no burst */
static bool was_flat(const struct points *p, uint64_t start)
{
	uint64_t growth = p->value[p->n - 1] - p->low;

	for (uint64_t i = 0; i < start; i++)
		if (p->value[i] > p->low + growth / 2)
			return false;
	return true;
}

static void shape_judge(struct oom_shape *shape, const struct points *p, uint64_t limit)
{
	uint64_t start = onset(p), largest, late;
	bool steady, much;

	shape->grown_bytes = p->value[p->n - 1] > p->value[start] ? p->value[p->n - 1] - p->value[start] : 0;
	shape->grown_ns = p->time[p->n - 1] - p->time[start];
	shape->steps = p->n - 1 - start;
	steps_measure(p, start, &largest, &late);
	much = shape->grown_bytes >= percent(limit, 15);
	/* no step holds most of it, and it did not level off at the end */
	steady = shape->steps >= LEAST_LEAK_STEPS && largest <= 45 && late >= 12;
	if (much && steady && shape->grown_ns * 5 >= shape->span_ns)
		shape->growth = OOM_GROWTH_LEAK;
	else if (plateau(p, limit, shape))
		shape->growth = OOM_GROWTH_PLATEAU;
	else if (much && was_flat(p, start) && (largest >= 50 || shape->grown_ns * 5 < shape->span_ns))
		shape->growth = OOM_GROWTH_BURST;
}

static void shape_read(struct oom_shape *ret, const struct oom_kill *oom, uint64_t limit)
{
	struct points p;

	points_read(&p, oom);
	if (p.n < LEAST_SAMPLES)
		return;
	ret->span_ns = p.time[p.n - 1] - p.time[0];
	ret->first_bytes = p.value[0];
	ret->last_bytes = p.value[p.n - 1];
	if (ret->span_ns < LEAST_SPAN_NS || !limit)
		return;
	ret->known = true;
	shape_judge(ret, &p, limit);
}

uint64_t oom_candidate_bytes(const struct oom_candidate *c)
{
	return (c->known.anon_bytes ? c->anon_bytes : 0) + (c->known.shmem_bytes ? c->shmem_bytes : 0);
}

uint64_t oom_rate_per_min(const struct oom_shape *shape)
{
	double minutes = shape->grown_ns / 60e9;

	return minutes > 0 ? shape->grown_bytes / minutes : 0;
}

void oom_view_init(struct oom_view *ret, const struct observation *observation)
{
	const struct oom_kill *oom = &observation->oom_kill;

	*ret = (struct oom_view){ .oom = oom };
	ret->host = oom->known.scope && oom->scope == OOM_SCOPE_GLOBAL;
	for (uint64_t i = 0; i < oom->limits_count; i++) {
		const struct oom_limit *limit = &oom->limits[i];

		if (limit->known.binding && limit->binding)
			ret->binding = limit;
	}
	if (ret->binding && ret->binding->known.max_bytes && ret->binding->max_bytes != BYTES_MAX)
		ret->limit_bytes = ret->binding->max_bytes;
	if (ret->binding && ret->binding->known.usage_bytes)
		ret->usage_bytes = ret->binding->usage_bytes;
	if (ret->host && oom->known.host && oom->host.known.total_bytes) {
		ret->limit_bytes = oom->host.total_bytes;
		if (oom->host.known.available_bytes)
			ret->usage_bytes = oom->host.total_bytes - oom->host.available_bytes;
	}
	/* what is in swap takes none of the limit */
	if (oom->known.victim_anon_bytes)
		ret->victim_bytes = oom->victim_anon_bytes +
				    (oom->known.victim_shmem_bytes ? oom->victim_shmem_bytes : 0);
	for (uint64_t i = 0; i < oom->candidates_count; i++) {
		const struct oom_candidate *c = &oom->candidates[i];

		if ((c->known.victim && c->victim) || !c->known.anon_bytes)
			continue;
		if (!ret->largest || oom_candidate_bytes(c) > oom_candidate_bytes(ret->largest))
			ret->largest = c;
	}
	shape_read(&ret->shape, oom, ret->limit_bytes);
}
