#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Medians and ratios of what scripts/bench measured.

usage: figures.py SECTION ARGUMENT... <SAMPLES

A sample is a line: name, tab, JSON, and for what reports its events, tab, its stop line. Round n of one name is
compared with round n of the reference; the ratio is the median of these, in brackets the middle 95 % of what
medians of resampled rounds come to.
"""
import json
import random
import statistics
import sys


def read_samples(stream):
    """{name: [sample]} in order of appearance; a stop line becomes its "stop"."""
    samples = {}
    for line in stream:
        name, *parts = line.rstrip("\n").split("\t")
        sample = json.loads(parts[0])
        if len(parts) > 1 and parts[1]:
            sample["stop"] = json.loads(parts[1])["stop"]
        samples.setdefault(name, []).append(sample)
    return samples


def number(value):
    """Three significant digits, without an exponent."""
    if value is None:
        return "-"
    if abs(value) >= 100 or value == int(value):
        return f"{value:.0f}"
    return f"{value:.{1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3}f}"


def ratio(values, reference):
    pairs = [a / b for a, b in zip(values, reference) if b]
    if not pairs:
        return "-"
    dice = random.Random(1)
    medians = sorted(statistics.median(dice.choices(pairs, k=len(pairs))) for _ in range(1000))
    text = f"{statistics.median(pairs):.2f}"
    return text if len(pairs) < 5 else f"{text} [{medians[25]:.2f} {medians[974]:.2f}]"


def table(headings, rows):
    """The first column is text; a row that is shorter ends in a remark."""
    full = [row for row in rows if len(row) == len(headings)]
    widths = [max(len(row[i]) for row in [headings] + full) for i in range(len(headings))]
    widths[0] = max(len(row[0]) for row in [headings] + rows)
    for row in [headings] + rows:
        cells = [row[0].ljust(widths[0])]
        if len(row) == len(headings):
            cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        else:
            cells += row[1:]
        print("  " + "  ".join(cells).rstrip())
    print()


def events(stops):
    """generated/delivered/filtered/lost of all runs of a name."""
    if not stops:
        return "not told"
    kinds = [kind for stop in stops for kind in stop["kinds"]]
    return "/".join(str(sum(kind[key] for kind in kinds)) for key in ("generated", "delivered", "filtered", "lost"))


EVENTS = "events gen/deliv/filt/lost"


def costs(samples, arguments):
    """Each argument is a column: HEADING=KEY/DIVISOR, with "x" before it when a ratio to the first name follows."""
    columns = [argument.split("=") for argument in arguments]
    reference = samples.get("oomwatch", [])
    headings = [""]
    for heading, _ in columns:
        headings += [heading.removeprefix("x "), "x"] if heading.startswith("x ") else [heading]
    rows = []
    for name, all_samples in samples.items():
        taken = [sample for sample in all_samples if "why" not in sample]
        if not taken:
            rows.append([name, all_samples[0]["why"]])
            continue
        row = [name]
        for heading, formula in columns:
            value = compile(formula, heading, "eval")
            values = [eval(value, {}, sample) for sample in taken]  # pylint: disable=eval-used
            row.append(number(statistics.median(values)))
            if heading.startswith("x "):
                row.append(ratio(values, [eval(value, {}, sample) for sample in reference]))  # pylint: disable=eval-used
        rows.append(row + [events([sample["stop"] for sample in taken if "stop" in sample])])
    table(headings + [EVENTS], rows)
