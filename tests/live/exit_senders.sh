#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_exit.sh
# vm: ends
# Every system call that sends a signal; killers that are gone before their
# victims, forgers, and threads.
. "$(dirname "$0")/lib_exit.sh"

ways='kill tkill tgkill pidfd queue'

# sent WAY: its number in si_code, and its system call.
si_code() {
	case $1 in
	kill | pidfd) echo 0 ;;
	queue) echo -1 ;;
	*) echo -6 ;;
	esac
}

syscall_name() {
	case $1 in
	pidfd) echo pidfd_send_signal ;;
	queue) echo rt_sigqueueinfo ;;
	*) echo "$1" ;;
	esac
}

watch_start exitwatch
facts=
for way in $ways; do
	for stay in 0 500; do
		victim
		ticks=$(start_ticks "$victim")
		slay "$way" 9 "$victim" "$stay"
		wait_ready
		killer_ticks=0
		[ "$stay" = 0 ] || killer_ticks=$(start_ticks "$killer")
		ends "$killer"
		facts="$facts $way:$stay:$status:$victim:$ticks:$killer:$killer_ticks"
		kill_wait "$victim"
	done
done

victim
forged=$victim
slay forge 15 "$victim" 1
ends "$killer" "$victim"
forger=$killer

victim
threaded=$victim
slay thread 15 "$victim" 500
wait_ready
thread_tid=${words##*tid=}
thread_killer=$killer
ends "$killer" "$victim"

slay group 12 5 300
ends "$killer"
group_killer=$killer
group=$(sed -n 's/^children //p' "$run_out")

slay pairs 15 60
ends "$killer"
pairs_out=$run_out

# Held by a tracer where it cannot die yet, while its killer is long gone.
victim
held=$victim
run "$triggers/linger" -t 30 trace "$victim" 2
tracer=$pid
wait_ready
tracer_out=$run_out
slay kill 9 "$held"
held_killer=$killer
ends "$killer"
run_out=$tracer_out
wait_word exiting 20
ends "$held" "$tracer"

# The first of two is the one that counts.
victim
first=$victim
slay kill 15 "$victim"
first_killer=$killer
ends "$killer" "$victim"
slay kill 9 "$first"
ends "$killer"

# shellcheck disable=SC2086 # words
wait_deaths $forged $threaded $group $held $first
watch_stop

for fact in $facts; do
	IFS=: read -r way stay sent victim ticks killer killer_ticks <<-END
		$fact
	END
	if [ "$sent" = 77 ]; then
		skip "$way" 'this kernel has it not'
		continue
	fi
	death "$victim" "$way, killer gone after $stay ms"
	died_of 9
	killed_by "$killer" slay
	check_start "$ticks" .process
	says 'how it was sent' '.exit.killer.via == $via
		and .exit.killer.code == $code' \
		--arg via "$(syscall_name "$way")" --argjson code "$(si_code "$way")"
	says 'whose it was' '.exit.killer.uid == $uid
		and .exit.killer.parents[0].pid == $parent' \
		--argjson uid "$(id -u)" --argjson parent "$$"
	says 'a pid that is not forged, a namespace that is not another' \
		'.exit.killer | (has("forged_pid") or (.other_pidns // false)) | not'
	says 'dead soon after' '.exit.killer.age_ns < 5000000000'
	[ "$stay" != 0 ] || continue
	check_start "$killer_ticks" .exit.killer
	says 'what program it was' '.exit.killer.exe == $exe' \
		--arg exe "$triggers/slay"
	says 'in the same cgroup' '.exit.killer.cgroup == .cgroup.path'
done

death "$forged" 'a forged sender'
died_of 15
killed_by "$forger" slay
says 'what it pretended' '.exit.killer.forged_pid == 1'
death "$threaded" 'a thread of the killer'
died_of 15
says 'the killer and its thread' \
	'.exit.killer.pid == $killer and .exit.killer.tid == $tid' \
	--argjson killer "$thread_killer" --argjson tid "$thread_tid"
for victim in $group; do
	death "$victim" 'one of a process group'
	died_of 12
	killed_by "$group_killer" slay
	says 'its parent is its killer' '.process.ppid == $killer' \
		--argjson killer "$group_killer"
done
check_flush
sed -n 's/^pair //p' "$pairs_out" | sort >"$tmp/expected"
jq -r --slurpfile ours "$tmp/expected" '([$ours[]] | [range(0; length; 2) as $i | .[$i]]) as $pids
	| select(.kind == "exit" and .exit.signal == 15
		and .exit.killer.source == "user")
	| select(.process.pid as $pid | $pids | index($pid))
	| "\(.process.pid) \(.exit.killer.pid)"' "$out" | sort >"$tmp/told"
# Those that the kernel skipped are missing, and told.
check_sh 'sixty killers at once, each with its own victim' \
	test -z "$(comm -13 "$tmp/expected" "$tmp/told")"
check_sh 'and there were sixty, or the stream tells how many are missing' \
	test "$(grep -c . "$tmp/told")" -ge $((60 - watch_missed))
death "$held" 'killer gone two seconds before'
died_of 9
killed_by "$held_killer" slay
says 'the age of the signal' \
	'.exit.killer.age_ns > 1500000000 and .exit.killer.age_ns < 30000000000'
death "$first" 'a second signal comes too late'
died_of 15
killed_by "$first_killer" slay
finish
