#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_exit.sh
# vm: default
# A process is dead when its last thread is: not when its leader is, not when
# another thread calls exec, not when threads come and go.
. "$(dirname "$0")/lib_exit.sh"

perish=$triggers/perish
storm=5000
[ "${KWHY_GUEST:-0}" = 0 ] || storm=1000

watch_start exitwatch --all
run "$perish" leader 137
leader=$pid
run "$perish" leader
killed=$pid
killed_ticks=$(start_ticks "$killed")
wait_ready
slay kill 9 "$killed"
killed_killer=$killer
ends "$killer" "$killed"
ends "$leader"
run "$perish" crowd 40 0
crowd=$pid
ends "$crowd"
run "$perish" exec 64 "$die" -n changed raise 15
execed=$pid
ends "$execed"
run "$perish" storm "$storm"
stormed=$pid
await_exit "$stormed" 100
storm_status=$status
# The signal is for a thread, the death the whole process's.
run "$perish" leader
by_tid=$pid
wait_ready
tid=${words##*tid=}
slay tkill 9 "$tid"
tid_killer=$killer
ends "$killer" "$by_tid"
run "$triggers/start" zombie "$die" raise 9
zombie_parent=$pid
wait_ready
wait_word child 5
zombie=${words#child }
# shellcheck disable=SC2086 # words
wait_deaths $leader $killed $crowd $execed $stormed $by_tid $zombie
check_sh 'nobody has waited for the zombie' test -e "/proc/$zombie/stat"
kill_wait "$zombie_parent"
watch_stop

death "$leader" 'the leader first'
exited 137
says 'when the last thread is gone' '.exit.uptime_ns > 1000000000'
says 'by the name of the leader' '.process.comm == "perish"'
says 'two threads' '.exit.threads == 2'
death "$killed" 'killed after its leader'
died_of 9
killed_by "$killed_killer" slay
check_start "$killed_ticks" .process
death "$by_tid" 'a signal for a thread'
died_of 9
killed_by "$tid_killer" slay
death "$crowd" 'many threads'
exited 0
says 'all of them' '.exit.threads == 41'
death "$execed" 'exec of a thread'
died_of 15
caused_itself
says 'the new program' '.process.comm == "changed" and .process.exe == $exe' \
	--arg exe "$die"
says 'younger than the process' '.exit.program_ns < .exit.uptime_ns'
select_line exec '.process.pid == $pid and .exec.by_thread' --argjson pid "$execed"
check 'the exec of a thread: one line' \
	'.exec.filename == $exe and (.exec.ret // 0) == 0' --arg exe "$die"
check_sh 'the storm came to its end' test "$storm_status" -eq 0
death "$stormed" "$storm threads that came and went"
exited 0
says 'never more than a few' '.exit.threads >= 2 and .exit.threads <= 10'
death "$zombie" 'a zombie'
died_of 9
caused_itself
finish
