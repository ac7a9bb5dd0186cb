#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Medians and ratios of what scripts/bench measured, as a table.

usage: figures.py SECTION <SAMPLES

A sample is a line: name, tab, JSON (null when it failed), and for what accounts for its events, tab, its stop line; of two tools both.
Sample n of a name is compared with sample n of the reference. A ratio "x" is the median of these; in brackets the middle 95 % of what it
comes to when the rounds are drawn again.
"""
import json
import random
import statistics
import sys

US = 1e3
MS = 1e6
SECOND = 1e9
MIB = 1 << 20
EVENTS = "gen/deliv/filt/lost"


def read_samples(stream):
    """{name: [sample]} in order of appearance; a stop line becomes its "stop"."""
    samples = {}
    for line in stream:
        name, sample, *stop = line.rstrip("\n").split("\t")
        sample = json.loads(sample)
        for told in stop if sample else []:
            if told:
                sample.setdefault("stop", {"kinds": []})
                sample["stop"] = {**json.loads(told)["stop"], "kinds": sample["stop"]["kinds"] + json.loads(told)["stop"]["kinds"]}
        samples.setdefault(name, []).append(sample)
    return samples


def number(value):
    """Three digits that count; all of a whole number."""
    if value is None:
        return "-"
    if value == int(value):
        return str(int(value))
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    return f"{value:.{digits}f}"


def median(values):
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def ratio(values, reference):
    pairs = [a / b for a, b in zip(values, reference) if b and a is not None]
    if not pairs:
        return "-"
    text = f"{median(pairs):.2f}"
    if len(pairs) < 5:
        return text
    dice = random.Random(1)
    again = sorted(median(dice.choices(pairs, k=len(pairs))) for _ in range(1000))
    return f"{text} [{again[25]:.2f} {again[974]:.2f}]"


def ratio_half(values, reference):
    """The median, and where the middle half of the rounds lies."""
    pairs = [a / b for a, b in zip(values, reference) if b and a is not None]
    if len(pairs) < 4:
        return f"{median(pairs):.2f}" if pairs else "-"
    low, middle, high = statistics.quantiles(pairs, n=4, method="inclusive")
    return f"{middle:.2f} [{low:.2f} {high:.2f}]"


def table(headings, rows):
    """The first column is text; a row of two is a name and a remark."""
    widths = [max(len(row[i]) for row in [headings] + rows if len(row) > 2 or i == 0) for i in range(len(headings))]
    for row in [headings] + rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])] if len(row) > 2 else row[1:]
        print("  " + "  ".join(cells).rstrip())


def stopped_kinds(samples):
    return [kind for sample in samples if sample for kind in sample.get("stop", {}).get("kinds", [])]


def events(samples):
    """What all runs of a name account for."""
    kinds = stopped_kinds(samples)
    if not kinds:
        return "not told"
    return "/".join(str(sum(kind[key] for kind in kinds)) for key in ("generated", "delivered", "filtered", "lost"))


def cpu_each(storm):
    return storm["cpu_ns"] / US / storm["spawned"] if storm["cpu_ns"] else None


# heading, value of a sample, whether its ratio to the reference follows
COSTS = {
    "startup": [
        ("CPU ms", lambda s: s["cpu_ns"] / MS, True),
        ("wall ms", lambda s: s["wall_ns"] / MS, True),
        ("with its end: CPU ms", lambda s: s["total_ns"] / MS, False),
        ("user", lambda s: s["user_ns"] / MS, False),
        ("sys", lambda s: s["system_ns"] / MS, False),
    ],
    "rss": [
        ("RSS KiB", lambda s: s["rss_kib"], True),
        ("of it anonymous", lambda s: s["anon_kib"], True),
        ("peak KiB", lambda s: s["peak_kib"], True),
    ],
    "idle": [
        ("wake-ups/s", lambda s: s["switches"] / s["hold_ns"] * SECOND, True),
        ("CPU ms/s", lambda s: s["hold_cpu_ns"] / MS / s["hold_ns"] * SECOND, True),
        ("threads", lambda s: s["threads"], False),
        ("lines", lambda s: s["hold_lines"], False),
    ],
    "explain": [
        ("CPU ms", lambda s: s["cpu_ns"] / MS, True),
        ("lines/s", lambda s: s["lines"] / s["cpu_ns"] * SECOND, False),
        ("MB/s", lambda s: s["bytes"] / 1e6 / s["cpu_ns"] * SECOND, False),
        ("lines read", lambda s: s["lines"], False),
        ("left out", lambda s: s["left_out"], False),
    ],
    "processes": [
        ("us each", lambda s: s["full"]["each_ns"] / US, True),
        ("at 1000/s", lambda s: s["paced"]["each_ns"] / US, True),
        ("CPU us/exec", lambda s: cpu_each(s["full"]), False),
        ("at 1000/s", lambda s: cpu_each(s["paced"]), False),
        ("peak KiB", lambda s: s["paced"]["peak_kib"] or None, False),
        ("lines", lambda s: s["lines"], False),
    ],
}


def costs(section, samples):
    columns = COSTS[section]
    reference = samples[{"explain": "json", "processes": "nothing"}.get(section, "oomwatch")]

    def apply(value, taken):
        return [value(sample) if sample else None for sample in taken]

    headings = [""]
    for heading, _, compared in columns:
        headings += [heading, "x"] if compared else [heading]
    rows = []
    for name, taken in samples.items():
        if taken[0] and "why" in taken[0]:
            rows.append([name, taken[0]["why"]])
            continue
        row = [name]
        for _, value, compared in columns:
            values = apply(value, taken)
            row.append(number(median(values)))
            if compared:
                row.append(ratio(values, apply(value, reference)))
        rows.append(row if section == "explain" else row + [events(taken)])
    table(headings if section == "explain" else headings + [EVENTS], rows)


def recorder(samples):
    """The passes after the first, with a fixed time between them and with what the tool chooses by itself."""
    rows = []
    for name, taken in samples.items():
        if "why" in taken[0]:
            rows.append([name, taken[0]["why"]])
            continue
        fast, default, ps = ([s for s in taken if s["what"] == what] for what in ("fast", "default", "ps"))
        each = [s["hold_cpu_ns"] / (s["stop"]["ticks"] - 1) for s in fast]
        crowd = median([s["processes"] for s in taken])
        ps = [s["cpu_ns"] for s in ps]
        rows.append([
            name, number(crowd), number(taken[0]["cgroups"]),
            number(median(each) / MS), number(median(each) / crowd), number(median(each) / SECOND * 100),
            number(median([s["stop"]["ticks"] - 1 for s in default])),
            number(median([s["hold_ns"] / (s["stop"]["ticks"] - 1) / SECOND for s in default if s["stop"]["ticks"] > 1])),
            number(median([s["hold_cpu_ns"] / s["hold_ns"] * 100 for s in default])),
            number(median(ps) / MS) if ps else "-", ratio(ps, each), events(taken),
        ])
    table(["", "processes", "cgroups", "CPU ms/pass", "ns/process", "% CPU at 1/s", "it chooses: passes", "every s", "% CPU",
           "ps: CPU ms", "x", EVENTS], rows)


def kill(samples):
    rows = []
    for name, (sample, *_) in samples.items():
        if "why" in sample:
            rows.append([name, sample["why"]])
            continue
        late = sorted(ns / MS for ns in sample["latency_ns"])
        told = events([sample]) if "stop" in sample else "not told"
        rows.append([name, str(sample["kills"]), str(sample["counted"]), str(len(late))] +
                    [number(late[min(len(late) - 1, int(len(late) * part))]) if late else "-"
                     for part in (0.5, 0.9, 1)] + [told])
    table(["", "kills", "kernel's count", "lines", "p50 ms", "p90 ms", "max ms", EVENTS], rows)


def descriptors(samples):
    """A table for each load. What is told of opens is by turn: a server's are connections and files."""
    for load in ("churn", "server"):
        rows = []
        reference = [s for s in samples["nothing"] if s["load"] == load]
        for name, taken in samples.items():
            if "why" in taken[0]:
                rows.append([name, taken[0]["why"]])
                continue
            taken = [s if s["turns"] else None for s in taken if s["load"] == load]

            def each(key, sample):
                return sample[key] / US / sample["turns"] if sample and sample[key] is not None else None

            row = [name]
            for key in ("wall_ns", "cpu_ns"):
                values = [each(key, s) for s in taken]
                row += [number(median(values)), ratio(values, [each(key, s) for s in reference])]
            known = [s for s in taken if s]
            row.append(number(median([s["tool_cpu_ns"] / s["wall_ns"] * 100 if s["tool_cpu_ns"] else None for s in known])))
            for key in ("told", "lost"):
                row.append(number(median([s[key] / (s["turns"] + s["warmed"]) if s[key] is not None else None for s in known])))
            rows.append(row + [events(taken)])
        table([load, "us each", "x", "CPU us", "x", "tool's CPU %", "opens told", "lost", EVENTS], rows)


def tcp(samples):
    """A table for each load. Events are those of both."""
    columns = [
        ("/s", lambda s: s["turns"] / s["wall_ns"] * SECOND, True),
        ("p50 us", lambda s: s["p50_ns"] / US, True),
        ("p99 us", lambda s: s["p99_ns"] / US, True),
        ("machine: CPU us each", lambda s: s["machine_ns"] / US / s["turns"], True),
        ("server: CPU us", lambda s: s["cpu_ns"] / US / s["turns"] if s["cpu_ns"] is not None else None, True),
        ("tool's CPU %", lambda s: s["tool_cpu_ns"] / s["wall_ns"] * 100 if s["tool_cpu_ns"] is not None else None, False),
        ("errors", lambda s: s["errors"], False),
    ]
    for load in ("connections", "requests"):
        rows = []
        reference = [s if s["turns"] else None for s in samples["nothing"] if s["load"] == load and "bpf_ns" not in s]
        if not reference:
            continue
        for name, taken in samples.items():
            if "why" in taken[0]:
                if load == "connections":
                    rows.append([name, taken[0]["why"]])
                continue
            counted = [s for s in taken if s["load"] == load and "bpf_ns" in s]
            taken = [s if s["turns"] else None for s in taken if s["load"] == load and "bpf_ns" not in s]
            row = [name]
            for _, value, compared in columns:
                values, others = ([value(s) if s else None for s in of] for of in (taken, reference))
                row.append(number(median(values)))
                if compared:
                    row.append(ratio_half(values, others))
            for key in ("bpf_ns", "bpf_runs"):
                row.append(number(median([s[key] / s["turns"] for s in counted])) if any(s["bpf_runs"] for s in counted) else "-")
            known = [s for s in taken if s and s["told"] is not None]
            seen = f"{sum(s['told'] for s in known)} packets/{sum(s['lost'] or 0 for s in known)} lost" if known else events(taken)
            rows.append(row + [seen])
        headings = [load]
        for heading, _, compared in columns:
            headings += [heading, "x"] if compared else [heading]
        table(headings + ["BPF ns", "runs", EVENTS], rows)


def stopped(line):
    """One line: what was started while the reader stood still, and its stop line."""
    storm, end = json.JSONDecoder().raw_decode(line)
    kinds = json.loads(line[end:])["stop"]["kinds"]
    print(f"  {storm['spawned']} programs in {storm['wall_ns'] / SECOND:.1f} s while exitwatch --all -w FILE stood still (SIGSTOP): " +
          ", ".join(f"{kind['kind']} " + "/".join(str(kind[key]) for key in ("generated", "delivered", "filtered", "lost"))
                    for kind in kinds))


def main():
    section = sys.argv[1]
    if section == "stopped":
        stopped(sys.stdin.read())
        return
    samples = read_samples(sys.stdin)
    if section in COSTS:
        costs(section, samples)
    else:
        {"recorder": recorder, "kill": kill, "descriptors": descriptors, "tcp": tcp}[section](samples)
    strangers = sum(kind["generated"] for taken in samples.values() for kind in stopped_kinds(taken))
    if strangers and section not in ("kill", "processes", "descriptors", "tcp"):
        print(f"  (met {strangers} events of others in these runs, whose cost is in the figures: take them again without)")


main()
