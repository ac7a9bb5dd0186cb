#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_fd.sh
# vm: host (what it asks of the tool is the same on every kernel)
# What grows is no leak by that alone: pools, caches that warm up, bursts, and
# piles of one kind are told apart. And why a limit was reached.
. "$(dirname "$0")/lib_fd.sh"

seconds=$((9 * slow))
cases=

# case NAME PATTERN ARGS...: a program that waits, and a tool that looks at it.
add_case() {
	case_name=$1
	shift
	run "$leakfd" "$@" --wait
	wait_ready
	eval "pid_$case_name=$pid out_$case_name=$run_out"
	look "$case_name" "$pid" 200 --tick 0.5
	cases="$cases $case_name"
}

# judge NAME RULE
judge() {
	judge_check=check_rule
	case $2 in
	fd-warming | fd-burst) judge_check=rule_is ;;
	esac
	eval "judge_pid=\$pid_$1 judge_out=\$out_$1"
	look_end "$1" "$judge_pid"
	balances
	"$judge_check" "$2"
}

hard=$(hard_limit)
add_case pool pool --count 900 --soft 1024 --every 50
add_case warming warming --count 40 --every 50 --soft 1024
add_case burst burst --count 60 --every 40 --soft 1024
add_case sockets sockets --count 60 --every 100 --soft 1024
add_case accepted accepted --count 60 --every 100 --soft 1024
add_case deleted deleted --count 1000 --every 60 --soft 1024
add_case slow deep --count 60 --every 1000 --hard "$hard"
# shellcheck disable=SC2086 # words
looks_armed $cases
for name in $cases; do
	eval "kill -USR2 \$pid_$name"
done
uptime_seconds
began=$uptime

watch_start fdleak
# alive for long enough to be looked at
run "$exhaust" socket 3 --fill eventfd --soft 256 --hard 256 --hold 30
one_kind=$pid
run "$exhaust" socket 3 --fill close-wait --soft 128 --hard 128 --hold 30
close_wait=$pid
run "$exhaust" openat 3 --fill mixed --soft 256 --hard "$hard" --hold 30
soft_low=$pid
run "$exhaust" openat 3 --fill mixed --soft 256 --hard 256 --hold 30
full=$pid
run "$exhaust" scm 3 --hold 30
scm=$pid
run "$exhaust" dup3 3 --hold 30
target=$pid
for pid in $one_kind $close_wait $soft_low $full $scm $target; do
	wait_until "$patience" has_refusal "$pid" || true
done
watch_stop
refused "$one_kind" 'full of eventfds'
says 'of what' '.fd_exhausted.by_type[0] | .type == "eventfd" and .count > 200'
check_rule 'fd-one-kind'
refused "$close_wait" 'full of connections that the peer closed'
says 'of what' '.fd_exhausted.by_type[0] | .type == "tcp" and .count > 90'
says 'in which state' '.fd_exhausted.top[0] | .tcp_state == "CLOSE_WAIT" and .count > 90
	and (.peer | startswith("127.0.0.1"))'
check_rule 'fd-close-wait'
refused "$soft_low" 'a soft limit far below the hard one'
check_rule 'fd-soft-low'
refused "$full" 'as many as may be, of many kinds'
check_rule 'fd-limit fd-unexplained'
refused "$scm" 'sent, and dropped'
check_rule 'fd-scm-rights'
refused "$target" 'a number that the limit forbids'
check_rule 'fd-dup-target'

check_flush
cp "$out" "$tmp/refusals.ndjson"

# all tools end at one time, however long each took to start
uptime_seconds
[ $((uptime - began)) -ge "$seconds" ] || sleep $((seconds - uptime + began))
for name in $cases; do
	eval "kill -TERM \$look_tool_$name"
done
judge pool fd-high-stable
says 'it has 900 and does not grow' '.fd_leak.before >= 900 and .fd_leak.open >= 900 and .fd_leak.open < 930'
judge warming fd-warming
says 'up to 40' '.fd_leak.outstanding == 40 and .fd_leak.peak < 60'
judge burst fd-burst
says 'up to 60, and back' '.fd_leak.peak >= 50 and (.fd_leak.outstanding // 0) < 5'
judge sockets fd-close-wait-pile
says 'the peer, and how many' '.fd_leak | .close_wait_total == .close_wait[0].count and .close_wait_total > 30
	and .close_wait[0].peer == $peer' --arg peer "$(sed -n 's/^peer //p' "$judge_out")"
stack_has '.fd_leak.close_wait[0].stack' forgotten_connection
judge accepted fd-close-wait-pile
says 'whose ports differ, and ours does not' '.fd_leak.close_wait[0]
	| .peer == "127.0.0.1" and .local == $local and .count > 30' --arg local "$(sed -n 's/^local //p' "$judge_out")"
judge deleted 'fd-leak-site fd-pile'
says 'files that have no name' '.fd_leak.top[0] | .deleted and .count > 30 and .type == "file"'
judge slow 'fd-leak-site fd-leak fd-warming fd-unjudged'
says 'one in a second' '.fd_leak.growth_per_min > 30 and .fd_leak.growth_per_min < 90'
says 'there is room for long' '.fd_leak.exhausted_in_s > $hard / 3' --argjson hard "$hard"
check_flush

# What was recorded is judged the same without a kernel.
for name in refusals $cases; do
	"$build/kwhy" explain -j "$tmp/$name.ndjson" >"$tmp/again.ndjson" 2>"$tmp/again.err" || true
	for file in "$tmp/$name.ndjson" "$tmp/again.ndjson"; do
		jq -c 'select(.kind | startswith("fd_")) | [.kind, .process.pid, .severity, .message, .diagnosis]' "$file"
	done >"$tmp/judged"
	check_sh "$name: explain says the same" sh -c 'test "$(sort "$0" | uniq -c | awk "{ print \$1 % 2 }" | sort -u)" = 0' \
		"$tmp/judged"
done
finish
