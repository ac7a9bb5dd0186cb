#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_exit.sh
# vm: ends
# cgroup.kill: no kill(2) happens, and who wrote is the killer.
. "$(dirname "$0")/lib_exit.sh"

unified=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
[ -n "$unified" ] || skip_test 'cgroup v2 is not mounted'
cgroup=$unified/kwhy-kill-$$
cgroup_make "$cgroup"
cgroup_make "$cgroup/below"
[ -e "$cgroup/cgroup.kill" ] || skip_test 'no cgroup.kill (Linux 5.14)'

# start DIRECTORY: adds to $pids.
start() {
	run sh -c 'echo 0 >"$0/cgroup.procs" && exec "$@"' "$1" "$die" wait
	wait_ready
	pids="$pids $pid"
}

pids=
watch_start exitwatch
start "$cgroup"
start "$cgroup"
start "$cgroup/below"
victim
outside=$victim
run sh -c 'echo 1 >"$0"' "$cgroup/cgroup.kill"
writer=$pid
# shellcheck disable=SC2086 # words
ends $writer $pids
# shellcheck disable=SC2086 # words
wait_deaths $pids
check_sh 'who is outside lives' is_alive "$outside"
kill_wait "$outside"
watch_stop

for pid in $pids; do
	death "$pid" 'cgroup.kill'
	died_of 9
	killed_by "$writer" sh cgroup_kill
done
finish
