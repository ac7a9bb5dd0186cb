# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
# shellcheck disable=SC2016,SC2034,SC2154 source=lib.sh
# Sourced by the live tests of fdleak: lib.sh, processes whose descriptors are
# known, and checks on the lines that tell of them. Not a test: not executable.
#
#   watch_start fdleak
#   exhaust openat 3                       # waits for its end; sets $pid
#   watch_stop
#   refused "$pid" 'openat'                # what the trigger said of itself
#   refused_by_limit
#
#   run "$leakfd" deep --wait; wait_ready
#   look deep "$pid" 8                     # fdleak -p in the background
#   kill -USR2 "$pid"
#   look_end deep "$pid"                   # then the checks are about its line
#   says 'it grows' '.fd_leak.growth_per_min > 0'
. "$(dirname "$0")/lib.sh"

exhaust=$triggers/exhaust
leakfd=$triggers/leakfd
churnfd=$triggers/churnfd
# An emulated guest is 30 times slower.
slow=1
[ "${KWHY_GUEST:-0}" = 0 ] || slow=4

# fact KEY: what the last trigger said of itself.
fact() {
	sed -n "s/^$1 //p" "$run_out" | tail -n 1
}

# fact_of PID KEY: the same of an earlier one, by its pid.
fact_of() {
	sed -n "s/^$2 //p" "$tmp/fd.$1" | tail -n 1
}

# await_done: the trigger that was run last has failed as often as it should.
await_done() {
	await_pid=$pid
	wait_until "$patience" is_done || true
	cp "$run_out" "$tmp/fd.$pid"
}

is_done() {
	grep -q '^done' "$run_out" || is_dead "$await_pid"
}

# exhaust ARGS...: to its end. Sets $status, 77 when it is not possible here.
exhaust() {
	run "$exhaust" "$@"
	await_exit "$pid" 60
	cp "$run_out" "$tmp/fd.$pid"
}

# hard_limit: how many descriptors a process may have here.
hard_limit() {
	awk '/^Max open files/ { print $5 }' /proc/self/limits
}

fds_of() {
	set -- /proc/"$1"/fd/*
	[ -e "$1" ] || [ -L "$1" ] || set --
	echo $#
}

# fd_types PID: "TYPE COUNT" lines, of the types that a link's text tells.
fd_types() {
	for types_fd in /proc/"$1"/fd/*; do
		readlink "$types_fd" || true
	done | sed -n 's/^anon_inode:\[\{0,1\}\([a-z]*\).*/\1/p; s/^pipe:.*/pipe/p; s,^/dev/null$,device,p' |
		sort | uniq -c | awk '{ print $2, $1 }'
}

# --- refusals ---

# refused PID TEXT: the checks that follow look at its line, of which there is
# one.
refused() {
	says_of=$2
	fd_pid=$1
	select_line fd_exhausted '.process.pid == $pid' --argjson pid "$1"
}

# refused_first PID TEXT: the same where the incident goes on, about its first
# line. Of the stream that $out is when this is first used.
refused_first() {
	check_flush
	[ -z "${fd_stream:-}" ] || out=$fd_stream
	fd_stream=$out
	jq -c --argjson pid "$1" 'select(.kind == "fd_exhausted" and .process.pid == $pid)' "$out" |
		head -n 1 >"$tmp/first.$1"
	out=$tmp/first.$1
	refused "$1" "$2"
}

# rule_is "ID...": the verdict is one of these. As check_rule, where there is
# nothing to do.
rule_is() {
	says "explained by $1" '.diagnosis.rule as $rule | .diagnosis.cause as $cause | $rules / " " | index($rule)' \
		--arg rules "$1"
}

# says TEXT FILTER [BINDING...]
says() {
	says_text="$says_of: $1"
	shift
	check "$says_text" "$@"
}

# What the trigger said of itself: call, error, limit, count.
refused_as_said() {
	says 'call and error' '.fd_exhausted.syscall == $call and .fd_exhausted.errno == $error' \
		--arg call "$(fact_of "$fd_pid" syscall)" --arg error "$(fact_of "$fd_pid" errno)"
	says "the limit is $(fact_of "$fd_pid" limit_kind)" '.fd_exhausted.limit_kind == $kind' \
		--arg kind "$(fact_of "$fd_pid" limit_kind)"
	says 'soft, hard and how many were open' '.fd_exhausted
		| .soft == $soft and .hard == $hard and .open == $open' \
		--argjson soft "$(fact_of "$fd_pid" soft)" --argjson hard "$(fact_of "$fd_pid" hard)" \
		--argjson open "$(fact_of "$fd_pid" open)"
	says 'how often' '.fd_exhausted.count == $count' --argjson count "$(fact_of "$fd_pid" failed)"
}

# fd_counts PID: "LINES SUM": how many lines tell of how many calls.
fd_counts() {
	jq -s --argjson pid "$1" -r '[.[] | select(.kind == "fd_exhausted" and .process.pid == $pid)
		| .fd_exhausted.count] | "\(length) \(add // 0)"' "$out"
}

has_refusal() {
	grep '"kind": *"fd_exhausted"' "$out" | grep -q "\"process\": *{\"pid\": *$1[,}]"
}

untold() {
	check_sh "$2" test "$(grep '"kind": *"fd_exhausted"' "$out" | grep -c "\"process\": *{\"pid\": *$1[,}]")" -eq 0
}

# stack_has KIND-FIELD NAME...: these functions are on the stack, in this order.
stack_has() {
	stack_field=$1
	shift
	stack_names=$(printf ',"%s"' "$@")
	says "the stack has $*" "[${stack_field}[] | split(\"+\")[0]] as \$stack
		| [${stack_names#,}] | map(. as \$name | \$stack | index(\$name)) | all(. != null) and . == sort"
}

# --- one process, watched by a tool of its own ---

# look NAME PID SECONDS [ARGS...]: its lines go to $tmp/NAME.ndjson.
look() {
	look_name=$1
	look_pid=$2
	look_seconds=$3
	shift 3
	"$build/fdleak" -o json -p "$look_pid" -d "$look_seconds" "$@" >"$tmp/$look_name.ndjson" 2>"$tmp/$look_name.err" &
	eval "look_tool_$look_name=\$!"
	note_pid "$!"
}

look_armed() {
	grep -q '"kind": *"start"' "$tmp/$1.ndjson" 2>/dev/null || {
		eval "look_tool=\$look_tool_$1"
		is_dead "$look_tool"
	}
}

# looks_armed NAME...
looks_armed() {
	for look_name in "$@"; do
		wait_until "$patience" look_armed "$look_name" || true
		grep -q '"kind": *"start"' "$tmp/$look_name.ndjson" || {
			tail -n 3 "$tmp/$look_name.err" | not_ok "$look_name: the tool starts"
		}
	done
}

# look_end NAME PID: waits for the tool; the checks that follow are about its
# last line of that process.
look_end() {
	eval "look_tool=\$look_tool_$1"
	await_exit "$look_tool" 60
	look_select "$1" "$2"
	check_sh "$1: the tool ends with 0" test "$status" -eq 0
	check_sh "$1: the stream is whole" is_whole
}

look_select() {
	check_flush
	out=$tmp/$1.ndjson
	says_of=$1
	select_line fd_leak '.process.pid == $pid and (.fd_leak.overview | not)' --argjson pid "$2"
}

# What holds of every line about one process.
balances() {
	says 'open is outstanding, before and unseen' \
		'.fd_leak | .open == (.outstanding // 0) + (.before // 0) + (.unseen // 0)'
	says 'what was opened and not closed is outstanding' '.fd_leak
		| (has("opened") | not) or .opened - (.closed // 0) == .outstanding'
	says 'the types add up' '.fd_leak | (.partial // false) or ([.by_type[].count] | add) == .open'
	says 'the sites add up' '.fd_leak | (.site_total // 0) > 6
		or ([.sites[]?.outstanding] | add // 0) + (.unattributed // 0) == .outstanding'
}

# open_as PID: the number that the kernel has.
open_as() {
	says "open is what /proc/PID/fd has" '.fd_leak.open == $open' --argjson open "$(fds_of "$1")"
}
