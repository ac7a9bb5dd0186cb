#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_oom.sh
# vm: ends
# What a live run wrote, explained again elsewhere: without root, without a
# kernel that could watch, byte for byte the same.
. "$(dirname "$0")/lib_oom.sh"

limit=$((24 * MIB))
place=$tmp/public

# Where nobody may read and run, whatever the modes of the build directory.
publish() {
	mkdir "$place"
	cp "$build/kwhy" "$triggers/refuse" "$place"
	cp "$out" "$place/all"
	grep '"kind":"oom_kill","severity"' "$out" >"$place/kills"
	chmod -R a+rX "$tmp"
	chmod a+x "$place/kwhy" "$place/refuse"
}

# explain ARGS...: as nobody where that can be; sets $rc.
explain() {
	rc=0
	if [ "$drop" = yes ]; then
		"$place/refuse" root "$place/kwhy" explain "$@" \
			>"$tmp/explained" 2>"$tmp/explain.err" || rc=$?
	else
		"$place/kwhy" explain "$@" \
			>"$tmp/explained" 2>"$tmp/explain.err" || rc=$?
	fi
}

# same TEXT FILE: the explanation is this file, exit status 0, no complaint.
same() {
	check_sh "$1: exit status 0" test "$rc" -eq 0
	check_sh "$1: byte for byte what was live" cmp "$tmp/explained" "$2"
	check_sh "$1: nothing on stderr" test ! -s "$tmp/explain.err"
}

provoke() {
	cgroup_new quick "$limit"
	cgroup_run quick "$triggers/oom" burst 4 3 40
	quick=$pid
	cgroup_new hostile "$limit"
	cgroup_run hostile "$triggers/oom" -n '\x1b[31m\x0a"\xff' leak 10 8
	hostile=$pid
	await_exit "$quick" 60
	await_exit "$hostile" 60
	wait_line oom_kill 2 "$patience"
}

memory_controller
watch_cards=1
watch_start oomwatch --cgroup "$memory_base"
provoke
watch_stop
check_sh 'two kills were recorded' test "$(lines_of oom_kill)" -eq 2

publish
drop=yes
if ! "$place/refuse" root true 2>/dev/null; then
	drop=no
	skip 'as nobody' 'cannot become nobody here: explained as root'
fi

explain -j "$place/kills"
same 'the kills' "$place/kills"
explain -j "$place/all"
same 'with start and stop' "$place/all"
explain -j <"$place/all"
same 'stdin' "$place/all"
explain -j - <"$place/all"
same 'stdin as -' "$place/all"
cat "$place/all" "$place/kills" "$place/all" >"$place/joined"
explain -j "$place/all" "$place/kills" "$place/all"
same 'three files' "$place/joined"
explain -j "$place/joined"
same 'three runs in one file' "$place/joined"
explain -j "$place/all" - <"$place/kills"
cat "$place/all" "$place/kills" >"$place/two"
same 'a file, then stdin' "$place/two"
explain "$place/all"
same 'without -j into a file' "$place/all"

# The diagnosis in the line is not believed, it is made again.
sed 's/"rule":"[^"]*"/"rule":"forged"/; s/"cause":"/"cause":"forged /' \
	"$place/kills" >"$place/forged"
explain -j "$place/forged"
same 'a forged diagnosis' "$place/kills"

# Members come from others too, and newer versions have more of them.
sed 's/,"schema":/,"added":{"by":["a","newer"]},"schema":/' "$place/kills" \
	>"$place/newer"
explain -j "$place/newer"
check_sh 'members it does not know: exit status 0' test "$rc" -eq 0
check_sh 'members it does not know: the rest is there' \
	jq -es --slurpfile live "$place/kills" \
	'map(del(.added)) == $live' "$tmp/explained"

explain -o card "$place/all"
check_sh 'cards: exit status 0' test "$rc" -eq 0
check_sh 'cards: as live' sh -c 'grep -v "^ *$" "$0" >"$0.text" &&
	grep -v "^ *$" "$1" | cmp - "$0.text"' "$card" "$tmp/explained"
check_sh 'cards: no control bytes' \
	test "$(tr -d '\n' <"$tmp/explained" | tr -cd '\001-\037\177' | wc -c)" -eq 0
explain -o line "$place/all"
check_sh 'lines: exit status 0' test "$rc" -eq 0
check_sh 'lines: one per kill' test "$(wc -l <"$tmp/explained")" -eq 2
explain -n 1 -j "$place/kills"
check_sh '-n 1: the first only' \
	sh -c 'head -n 1 "$0" | cmp - "$1"' "$place/kills" "$tmp/explained"
check_sh '-n 1: exit status 0' test "$rc" -eq 0
finish
