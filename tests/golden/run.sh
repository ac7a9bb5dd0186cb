#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Judges every recorded observation again and compares what comes out with what
# was approved: tests/golden/KIND/CASE/{in.ndjson,card,line,json}.
#
#   tests/golden/run.sh [CASE...]
#
# Prints "ok - KIND/CASE: WHAT" and "not ok - ...", the difference on "# " lines.
# Exit: 0, 1 when something differs. scripts/update-golden approves anew.
# shellcheck disable=SC2317 # what check runs is reached
set -eu
LC_ALL=C
TZ=UTC
COLUMNS=100
NO_COLOR=1
export LC_ALL TZ COLUMNS NO_COLOR

root=$(cd "$(dirname "$0")/../.." && pwd)
golden=$root/tests/golden
# C0 but for newline, DEL, and C1 as UTF-8 writes it
control=$(printf '[\001-\011\013-\037\177]\|\302[\200-\237]')
kwhy=$(cd "${KWHY_BUILD:-$root/build}" && pwd)/kwhy
tmp=$(mktemp -d "${TMPDIR:-/tmp}/kwhy-golden.XXXXXX")
failed=0
trap 'rm -rf "$tmp"' EXIT

# check TEXT COMMAND...: its output explains the failure.
check() {
	check_text=$1
	shift
	if "$@" >"$tmp/details" 2>&1; then
		echo "ok - $check_text"
	else
		failed=1
		echo "not ok - $check_text"
		sed 's/^/# /' "$tmp/details"
	fi
}

same() {
	diff -u "$1" "$2"
}

# judge FORMAT FILE OUTPUT: what is left out or refused is said on stderr.
judge() {
	"$kwhy" explain --utc -o "$1" "$2" >"$3" 2>"$tmp/errors" &&
		[ ! -s "$tmp/errors" ] && return
	cat "$tmp/errors"
	return 1
}

refused() {
	cat "$tmp/said"
	return 1
}

lines_fit() {
	awk 'length($0) > 7999 { print "line of " length($0) + 1 " bytes"; bad = 1 }
		END { exit bad }' "$1"
}

# Only printable UTF-8 and newlines, whatever the names in the recording.
is_clean() {
	iconv -f UTF-8 -t UTF-8 <"$1" >/dev/null &&
		! grep -n "$control" "$1"
}

run_case() {
	name=${1#"$golden"/}
	for format in card line json; do
		if ! judge "$format" "$1/in.ndjson" "$tmp/$format" >"$tmp/said"; then
			check "$name: $format" refused
			continue
		fi
		check "$name: $format" same "$1/$format" "$tmp/$format"
	done
	check "$name: the card is clean" is_clean "$tmp/card"
	check "$name: the line is clean" is_clean "$tmp/line"
	check "$name: the json parses" jq -e . "$tmp/json"
	check "$name: the json fits into 8000 bytes" lines_fit "$tmp/json"
	judge json "$tmp/json" "$tmp/again" >"$tmp/said" || cp "$tmp/said" "$tmp/again"
	check "$name: judged again it is the same" same "$tmp/json" "$tmp/again"
	jq -r '.diagnosis.rule' "$tmp/json" >>"$tmp/rules"
}

# A line of the stream is passed on however long it is, or refused; never half of it.
long_lines() {
	for bytes in 1000 262100 300000 3000000; do
		printf '{"kind":"start","start":{"x":"%*s"}}\n' "$bytes" '' >"$tmp/long"
		cat "$tmp/long" "$tmp/long" >"$tmp/two"
		"$kwhy" explain -j "$tmp/two" >"$tmp/out" || return
		cmp "$tmp/two" "$tmp/out" || return
	done
}

# The rules of a kind are rows of the table at the end of its file.
rules_of() {
	sed -n 's/^\t{ "\([a-z0-9-]*\)", ".*/\1/p' "$1"
}

: >"$tmp/rules"
for dir in "$golden"/*/*/; do
	dir=${dir%/}
	wanted=$#
	for word in "$@"; do
		[ "$word" != "${dir##*/}" ] || wanted=0
	done
	[ "$wanted" -ne 0 ] || run_case "$dir"
done
if [ $# -eq 0 ]; then
	check 'long lines of the stream are passed on' long_lines
	for file in "$root"/user/rules/*.c; do
		for rule in $(rules_of "$file"); do
			check "a case for the rule $rule" grep -qx "$rule" "$tmp/rules"
		done
	done
fi
exit "$failed"
