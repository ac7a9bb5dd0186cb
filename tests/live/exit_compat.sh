#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_exit.sh
# vm: ends
# System calls of the 32-bit table: the same facts.
. "$(dirname "$0")/lib_exit.sh"

watch_start exitwatch
run "$triggers/narrow" kill
await_exit "$pid" "$patience"
if [ "$status" = 77 ]; then
	watch_stop
	skip 'system calls of the 32-bit table' 'this kernel has none'
	finish
fi
victim=$(sed -n 's/^victim //p' "$run_out")
killer=$(sed -n 's/^killer //p' "$run_out")
run "$triggers/narrow" exec "$tmp/none"
await_exit "$pid" "$patience"
nobody=$pid
wait_deaths "$victim"
wait_execs "$nobody"
watch_stop

death "$victim" 'by kill(2) of the 32-bit table'
died_of 9
killed_by "$killer" narrow
says 'no name of a call that it was not' '.exit.killer.via // "none" | . == "none" or . == "kill"'
select_line exec '.process.pid == $pid' --argjson pid "$nobody"
check 'a failed exec: path, argument and errno' '.exec.ret == -2 and .exec.filename == $path
	and .exec.args == [$path] and .exec.argc == 1' --arg path "$tmp/none"
check 'a failed exec: why' '.exec.reason == "no_such_file"'
finish
