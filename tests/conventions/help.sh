#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# README.md and --help name the same options, and README.md every tool.
. "$(dirname "$0")/lib.sh"

[ -e README.md ] || skip_test "README.md does not exist"
[ -x "$build/oomwatch" ] || skip_test "$build/oomwatch is not built"

options_in() {
	grep -oE '(^|[^A-Za-z0-9_-])--[a-z][a-z0-9-]*' | sed 's/^[^-]*//' | sort -u
}

all_help() {
	for tool in tools/*.c; do
		"$build/$(basename "$tool" .c)" --help
	done
	for word in $("$build/kwhy" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
		"$build/kwhy" "$word" --help
	done
	for script in scripts/*; do
		! grep -q '^usage() {' "$script" || "$script" --help
	done
}

# Options of other programs that README.md shows.
printf '%s\n' --password --since --until >"$tmp/foreign"
all_help | options_in >"$tmp/known"
options_in <README.md >"$tmp/readme"
"$build/oomwatch" --help | options_in >"$tmp/oomwatch"

comm -23 "$tmp/oomwatch" "$tmp/readme" | holds 'README.md names every option of oomwatch --help'
sort -u "$tmp/known" "$tmp/foreign" | comm -13 - "$tmp/readme" | holds 'every option in README.md is in some --help'
for tool in tools/*.c; do
	name=$(basename "$tool" .c)
	grep -qwF -- "$name" README.md || printf '%s\n' "$name"
done | holds 'README.md names every tool'
finish
