#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_exit.sh
# vm: host (an emulated guest starts too few programs in a second)
# One parent that starts programs without end is named, once per doubling; what it starts is not told.
. "$(dirname "$0")/lib_exit.sh"

# By its own name, so that a storm of another test is not counted.
cp "$triggers/start" "$tmp/stormer"

storms_of() {
	jq -c --argjson pid "$1" 'select(.kind == "exec" and .exec.storm.pid == $pid) | .exec.storm.execs' "$out" |
		tr '\n' ' '
}

watch_start exitwatch
run "$tmp/stormer" -t 100 storm 2200 "$die" exit 0
stormer=$pid
await_exit "$stormer" 100
few=$(run "$tmp/stormer" -t 100 storm 900 "$die" exit 0 && echo "$pid")
await_exit "$few" 100
watch_stop

seconds=$(jq -s --argjson pid "$stormer" '[.[] | select(.exec.storm.pid == $pid) | .exec.storm.window_ns / 1e9] | max' "$out")
echo "# 1024 and 2048 programs; $seconds s until the second finding"
check_sh 'told at 1024 and at 2048' test "$(storms_of "$stormer")" = '1024 2048 '
check_sh 'nothing of a smaller one' test "$(storms_of "$few")" = ''
select_line exec '.exec.storm.pid == $pid and .exec.storm.execs == 1024' --argjson pid "$stormer"
check 'the parent by its name' '.exec.storm.comm == "stormer"'
check 'the rule' '.diagnosis.rule == "exec-storm" and .severity == "warning"'
check 'the child that was the 1024th' '.process.comm == "die" and .process.ppid == $pid' --argjson pid "$stormer"
check 'a rate of at least 100 a second' '.exec.storm.execs / (.exec.storm.window_ns / 1e9) >= 100'
finish
