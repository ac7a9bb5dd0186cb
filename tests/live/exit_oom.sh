#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_exit.sh
# vm: default v1
# The OOM killer: whoever asked for the page is not who killed.
. "$(dirname "$0")/lib_exit.sh"

limit=$((64 * MIB))

memory_controller
cgroup_new own "$limit"
cgroup_new other "$limit"
watch_start exitwatch
cgroup_run own "$triggers/oom" leak 10 20
own=$pid
await_exit "$own" 60
# The big one is the victim, the small one asks.
cgroup_run other "$triggers/oom" -a 1000 hold 40
victim=$pid
wait_ready
cgroup_run other "$triggers/oom" -n asker leak 4 20
asker=$pid
await_exit "$victim" 60
kill_wait "$asker"
# Not by the OOM killer, in a cgroup where it was at work.
cgroup_run other "$triggers/oom" -a 1000 hold 4
spared=$pid
wait_ready
slay kill 9 "$spared"
spared_killer=$killer
ends "$killer" "$spared"
wait_deaths "$own" "$victim" "$spared"
watch_stop

death "$own" 'killed for its own page'
died_of 9
caused_by oom
says 'who asked' '.exit.killer.trigger_pid == $pid
	and .exit.killer.trigger_comm == "oom"' --argjson pid "$own"
says 'in which cgroup' '.cgroup.path == $path' --arg path "$(cgroup_path own)"
says 'what it held' '.exit.max_rss_bytes <= $limit * 1.1
	and .exit.max_rss_bytes > $limit * 0.7' --argjson limit "$limit"
death "$victim" "killed for another's page"
died_of 9
caused_by oom
says 'who asked' '.exit.killer.trigger_pid == $pid
	and .exit.killer.trigger_comm == "asker"' --argjson pid "$asker"
death "$spared" 'killed by another, after an OOM kill'
died_of 9
killed_by "$spared_killer" slay
says 'no OOM' '.exit.killer | has("trigger_pid") | not'
finish
