#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_fd.sh
# vm: default
# Whatever the road, what is said to be open is open: overwritten, inherited,
# sent, shared, closed in ranges, closed by exec, opened by a ring.
. "$(dirname "$0")/lib_fd.sh"

count=200
[ "$slow" = 1 ] || count=40
: >"$tmp/churns"

# churn_all PATTERN...: each with a tool of its own, until it has come to rest.
churn_all() {
	for pattern in "$@"; do
		run "$churnfd" "$pattern" --count "$count" --wait
		printf '%s %s %s\n' "$pattern" "$pid" "$run_out" >>"$tmp/churns"
		wait_ready
		look "$pattern" "$pid" 100 --tick 0.5
	done
	looks_armed "$@"
	while read -r pattern pid run_out; do
		kill -USR2 "$pid" 2>/dev/null || true
	done <"$tmp/churns"
	while read -r pattern pid run_out; do
		wait_until "$patience" rests || true
	done <"$tmp/churns"
	# the table of a moment ago is looked at again
	sleep $((2 * slow))
	while read -r pattern pid run_out; do
		judge
	done <"$tmp/churns"
	: >"$tmp/churns"
}

rests() {
	grep -q '^rest' "$run_out" || is_dead "$pid"
}

judge() {
	if is_dead "$pid"; then
		skip "$pattern" "$(tail -n 1 "$run_out")"
		kill_wait "$(eval "echo \$look_tool_$pattern")"
		return
	fi
	eval "kill -TERM \$look_tool_$pattern"
	look_end "$pattern" "$pid"
	check_sh "$pattern: the trigger counts as the kernel does" \
		test "$(fds_of "$pid")" -eq "$(sed -n 's/^rest open \([0-9]*\) .*/\1/p' "$run_out")"
	open_as "$pid"
	balances
	says 'nothing is left over' '(.fd_leak.unseen // 0) == 0 or $road == "uring" or $road == "exec" or $road == "shared"
		or $missed > 0' --arg road "$pattern" --argjson missed "$(missed_runs)"
	if [ "$pattern" = exec ]; then
		says 'it became another program' '.fd_leak.exec'
	fi
}

churn_all dup2 close_range exec scm
churn_all uring threads fork
churn_all shared getfd spawn apart
finish
