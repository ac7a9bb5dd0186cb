#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2086,SC2154 source=lib_oom.sh
# vm: host (an emulated guest takes many minutes for it)
# What each option promises, on live kills: filters, ends, formats, secrets.
. "$(dirname "$0")/lib_oom.sh"

limit=$((24 * MIB))
secret=hunter2-$$
escape=$(printf '\033')
tools='oomwatch|kwhy watch|kwhy doctor|kwhy explain'

# start_tool NAME [OPTION...]: its own $tmp/NAME.{out,err,ndjson}; adds to $started.
start_tool() {
	start_name=$1
	shift
	"$build/oomwatch" -w "$tmp/$start_name.ndjson" "$@" \
		>"$tmp/$start_name.out" 2>"$tmp/$start_name.err" &
	note_pid $!
	eval "tool_$start_name=$!"
	started="$started $start_name"
}

# All that were started have their start line, or have ended.
armed() {
	for armed_name in $started; do
		eval "is_dead \"\$tool_$armed_name\"" ||
			grep -q '"kind":"start"' "$tmp/$armed_name.ndjson" 2>/dev/null ||
			return 1
	done
}

# send SIGNAL PID: to a process that we started and that has not ended: the pid
# of one that has may be somebody else's by now.
send() {
	! grep -qxF "$2 $(start_ticks "$2")" "$tmp/pids" ||
		kill "-$1" "$2" 2>/dev/null || true
}

stop_tools() {
	for stop_name in $started; do
		eval "stop_pid=\$tool_$stop_name"
		send TERM "$stop_pid"
		await_exit "$stop_pid" "$patience"
		check_sh "$stop_name: exit status 0" test "$status" -eq 0
	done
	started=
}

# ask TEXT NAME FILTER [BINDING...]: the filter holds on all its lines.
ask() {
	ask_text=$1
	ask_name=$2
	ask_filter=$3
	shift 3
	check_sh "$ask_name: $ask_text" jq -es "$@" \
		'map(select(.kind == "oom_kill")) as $kills
		| map(select(.kind == "stop").stop.kinds[0]) as $tallies
		| map(select(.kind == "start").start) as $starts
		| '"$ask_filter" "$tmp/$ask_name.ndjson"
}

# quick_kill CGROUP NAME: a victim of that name; sets $pid.
quick_kill() {
	cgroup_run "$1" "$triggers/oom" -n "$2" burst 1 0 40
	await_exit "$pid" 60
}

# A victim with secrets on its command line: a shell whose variable doubles. It
# is large for some seconds before it dies: then its arguments are read in time.
secret_kill() {
	cgroup_run "$1" sh -c 's=xxxxxxxxxxxxxxxx; i=0
		while [ $i -lt 20 ]; do s=$s$s; i=$((i + 1)); done
		sleep 4; while :; do s=$s$s; done' \
		sh "--password=$secret" --api-key "$secret" "TOKEN=$secret" \
		"https://user:$secret@example.org/" plain-argument
	await_exit "$pid" 60
}

# The victim of -p must be there before the tool: a sibling makes it die.
held_victim() {
	cgroup_new held "$limit"
	cgroup_run held "$triggers/oom" -n held -a 1000 hold 12
	held=$pid
	wait_ready
}

filters() {
	held_victim
	start_tool pid -j -p "$held"
	start_tool comm -j -c flag-b
	start_tool cgroup -j --cgroup "$memory_base/a"
	start_tool mount -j --cgroup "$memory_root$memory_base/a/"
	start_tool both -j -c flag-b --cgroup "$memory_base/a"
	start_tool count -j -n 2 --cgroup "$memory_base"
	check_sh 'the tools are armed' wait_until "$patience" armed
	cgroup_new a "$limit"
	cgroup_new ab "$limit"
	quick_kill a flag-a
	# v2: processes only in leaves.
	cgroup_new a/deep
	quick_kill a/deep flag-b
	quick_kill ab flag-b
	cgroup_run held "$triggers/oom" -n sibling burst 1 0 18
	wait_ready
	await_exit "$held" 60
	await_exit "$tool_count" "$patience"
	check_sh 'count: it ended by itself, with 0' test "$status" -eq 0
	sleep 1
	stop_tools
}

check_filters() {
	ask 'the one process' pid \
		'$kills | length == 1 and .[0].process.pid == $pid' --argjson pid "$held"
	ask 'only of that name' comm \
		'($kills | length) >= 2 and all($kills[]; .process.comm == "flag-b")'
	for check_name in cgroup mount; do
		ask 'the cgroup and below, not one that begins alike' "$check_name" \
			'[$kills[] | .cgroup.path] == [$base + "/a", $base + "/a/deep"]' \
			--arg base "$memory_base"
	done
	ask 'both filters hold' both \
		'[$kills[] | .cgroup.path] == [$base + "/a/deep"]' --arg base "$memory_base"
	ask 'two and no more' count '$kills | length == 2'
	for check_name in pid comm cgroup mount both; do
		ask 'the rest is counted as filtered' "$check_name" \
			'$tallies[0] | .filtered >= 2 and .lost == 0
			and .delivered == ($kills | length)
			and .generated == .delivered + .filtered'
	done
	ask 'its account balances' count \
		'$tallies[0] | .delivered == 2 and .generated == .delivered + .filtered + .lost'
}

formats() {
	cgroup_new formats $((64 * MIB))
	# Names and arguments are read at a tick, or of a process that dies.
	set -- --tick 1 --cgroup "$memory_base/formats"
	for format in card line json; do
		start_tool "$format" -o "$format" "$@"
	done
	start_tool default "$@"
	start_tool noargs --no-args -j "$@"
	start_tool quiet -q -o card "$@"
	start_tool verbose -v -j "$@"
	start_tool talkative -vvv -j "$@"
	start_tool forced -j --hook oom_kill=tracepoint "$@"
	check_sh 'the tools are armed' wait_until "$patience" armed
	secret_kill formats
	sleep 1
	stop_tools
}

check_formats() {
	check_sh 'card: a title, a cause, what to do' \
		sh -c 'grep -q "^OOM" "$0" && grep -q "^  cause " "$0" && grep -q "^  do " "$0"' \
		"$tmp/card.out"
	check_sh 'line: one line' test "$(wc -l <"$tmp/line.out")" -eq 1
	check_sh 'json: the same lines as in the file' \
		cmp "$tmp/json.out" "$tmp/json.ndjson"
	check_sh 'default: json into a file' cmp "$tmp/default.out" "$tmp/default.ndjson"
	check_sh 'quiet: nothing on stderr' test ! -s "$tmp/quiet.err"
	check_sh 'quiet: the card is there' grep -q '^  cause ' "$tmp/quiet.out"
	check_sh 'talkative: messages of libbpf on stderr' grep -q libbpf "$tmp/talkative.err"
	check_sh 'verbose: -v says more than nothing' test -s "$tmp/verbose.err"
	check_sh 'verbose: none of libbpf' sh -c '! grep -q libbpf "$0"' "$tmp/verbose.err"
	ask 'the hook of --hook' forced '$starts[0].hooks[0].name == "tracepoint"'
	for check_name in card line json default noargs quiet verbose talkative forced; do
		ask 'one kill' "$check_name" '$kills | length == 1'
		check_sh "$check_name: no escape bytes" \
			sh -c '! grep -q "$0" "$@"' "$escape" \
			"$tmp/$check_name.out" "$tmp/$check_name.ndjson" "$tmp/$check_name.err"
		check_sh "$check_name: no secret anywhere" \
			sh -c '! grep -qF "$0" "$@"' "$secret" \
			"$tmp/$check_name.out" "$tmp/$check_name.ndjson" "$tmp/$check_name.err"
	done
	ask 'the command line is there, what is no secret as it was' json \
		'$kills[0].process.args | .[0] == "sh" and index("plain-argument") != null
			and any(startswith("--password="))'
	ask 'it says how many were hidden' json '$kills[0].process.args_redacted >= 3'
	ask 'no command line' noargs '$kills[0].process | has("args") | not'
	check_sh 'noargs: not a word of it' \
		sh -c '! grep -q plain-argument "$0"' "$tmp/noargs.ndjson"
}

durations() {
	out=$tmp/duration.ndjson
	rc=0
	"$build/oomwatch" -d 0.7 -j >"$out" || rc=$?
	check_sh '-d 0.7: exit status 0' test "$rc" -eq 0
	check_sh '-d 0.7: ran that long' \
		jq -es '.[-1].stop.run_ns | . >= 0.7e9 and . < 5e9' "$out"
	rc=0
	"$build/kwhy" watch -d 0.1 -j oom_kill oom_kill >"$out" || rc=$?
	check_sh 'kwhy watch oom_kill: exit status 0, one kind' \
		jq -es --argjson rc "$rc" '$rc == 0
			and (.[0].start | .tool == "kwhy watch" and (.hooks | length == 1))' "$out"
}

# Colour where a terminal is: script makes one.
terminal() {
	if ! script -qec true /dev/null >/dev/null 2>&1; then
		skip 'colours on a terminal' 'script(1) is not installed'
		return
	fi
	terminal_run 'unset NO_COLOR; TERM=xterm' explain
	check_sh 'a terminal gets cards' grep -q 'cause' "$tmp/terminal"
	check_sh 'in colour' grep -q "$escape" "$tmp/terminal"
	terminal_run 'export NO_COLOR=1 TERM=xterm' explain
	check_sh 'none with NO_COLOR' sh -c '! grep -q "$0" "$1"' "$escape" "$tmp/terminal"
	terminal_run 'unset NO_COLOR; TERM=xterm' 'explain -j'
	check_sh 'none in JSON' sh -c '! grep -q "$0" "$1"' "$escape" "$tmp/terminal"
}

terminal_run() {
	script -qec "$1; '$build/kwhy' $2 '$tmp/json.ndjson'" /dev/null \
		>"$tmp/terminal" 2>&1 </dev/null || true
}

# each_tool FUNCTION: with the command's words.
each_tool() {
	printf '%s\n' "$tools" | tr '|' '\n' >"$tmp/tools"
	while read -r each_words; do
		set -- "$1" $each_words
		each_path=$build/$2
		each_function=$1
		shift 2
		"$each_function" "$each_words" "$each_path" "$@"
		set -- "$each_function"
	done <"$tmp/tools"
}

# What every tool has, by the letter and in full; explained in the help.
all_options='-p, --pid PID
-c, --comm NAME
--cgroup PATH
-n, --count N
-d, --duration SECONDS
-o, --output FORMAT
-j, --json
-w, --write FILE
--strict
--no-args
--hook KIND=NAME
--ring KIB
--btf FILE
-v, --verbose
-q, --quiet
-V, --version
-h, --help'

help_of() {
	help_words=$1
	shift
	rc=0
	"$@" --help >"$tmp/help" 2>"$tmp/help.err" || rc=$?
	check_sh "$help_words --help: exit status 0, nothing on stderr" \
		test "$rc" -eq 0 -a ! -s "$tmp/help.err"
	printf '%s\n' "$all_options" | while IFS= read -r help_option; do
		grep -qF -e "$help_option" "$tmp/help" || echo "$help_option"
	done >"$tmp/missing"
	check_sh "$help_words --help: lists every option" sh -c \
		'cat "$0"; test ! -s "$0"' "$tmp/missing"
	check_sh "$help_words -h: the same" sh -c '"$@" -h | cmp - "$0"' "$tmp/help" "$@"
	check_sh "$help_words --help: no escape bytes" \
		sh -c '! grep -q "$0" "$1"' "$escape" "$tmp/help"
}

version_of() {
	version_words=$1
	shift
	check_sh "$version_words --version: one line with a number" sh -c \
		'"$@" --version >"$0" && test "$(grep -c "[0-9]\.[0-9]" "$0")" -eq 1 &&
		"$@" -V | cmp - "$0"' "$tmp/version" "$@"
}

started=
memory_controller
filters
check_filters
formats
check_formats
durations
terminal
each_tool help_of
each_tool version_of
finish
