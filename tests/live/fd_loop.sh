#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_fd.sh
# vm: ends
# A program that asks again and again: few lines, and not one call uncounted.
. "$(dirname "$0")/lib_fd.sh"

# few LINES TEXT: at most so many lines about $pid, which together have all.
few() {
	# shellcheck disable=SC2046 # two words
	set -- "$@" $(fd_counts "$pid")
	printf '# %s: %s calls in %s lines\n' "$2" "$4" "$3"
	# but for those at which the kernel skipped the program, and said so
	set -- "$@" "$(fact_of "$pid" failed)"
	check_sh "$2: every call is counted" test "$4" -le "$5" -a $(($4 + $(missed_runs))) -ge "$5"
	check_sh "$2: in few lines" test "$3" -ge 1 -a "$3" -le "$1"
}

watch_start fdleak
# One call, and the process is gone before anybody can look at it.
exhaust openat --then-exit --fill eventfd
gone=$pid
check_sh 'the first is told within two seconds' wait_until $((2 * slow)) has_refusal "$gone"
exhaust accept4 --loop 5 --soft 256 --hard 256
spinner=$pid
exhaust openat 30000 --threads 4
threads=$pid
# ten a second
exhaust socket 45 --rest 100
steady=$pid
exhaust dup 7 --fork
child=$(fact pid)
cp "$run_out" "$tmp/fd.$child"
exhaust eventfd2 2 --comm 'two words'
named=$pid
# eight calls in turn, one of them twice
exhaust all 27 --rest 5
all=$pid
# the first process of a namespace, which its own pid does not name
inside=
if unshare -p -f true 2>"$tmp/value"; then
	run unshare -p -f "$exhaust" openat 3 --comm inside-$$ --hold 2
	await_exit "$pid" 30
	inside=$pid
	cp "$run_out" "$tmp/fd.$pid"
fi
watch_stop

refused "$gone" 'gone at once'
refused_as_said
says 'who' '.process.comm == "exhaust" and .process.uid == 0'

pid=$spinner
guest=false
[ $slow = 1 ] || guest=true
few 8 'a loop'
check_sh 'a loop: many' test "$(fact_of "$pid" failed)" -ge $((slow > 1 ? 1000 : 100000))
says_of='a loop'
wall=$(fact_of "$pid" wall_ms)
# the longest window of the incident
select_line fd_exhausted '.process.pid == $pid and (.fd_exhausted.total // .fd_exhausted.count) == $total' \
	--argjson pid "$pid" --argjson total "$(fact_of "$pid" failed)"
says 'the last line has the sum, and how long it went on' '.fd_exhausted.total == $failed
	and .fd_exhausted.incident_ns / 1e6 > $wall * 0.7 and .fd_exhausted.incident_ns / 1e6 < $wall * 1.1 + 100' \
	--argjson failed "$(fact_of "$pid" failed)" --argjson wall "$wall"
# said on the last line, of the part it tells of: how fast that was is not for a guest to say, whose clocks wait for others
says 'as a rate' '.fd_exhausted.rate_per_s as $rate | ($failed * 1000 / $wall) as $true
	| $rate > 0 and ($guest or ($rate > $true * 0.6 and $rate < $true * 1.6))' \
	--argjson failed "$(fact_of "$pid" failed)" --argjson wall "$wall" --argjson guest "$guest"
says 'the thread that spins' '.fd_exhausted.spin_tid == $pid and .fd_exhausted.tid == $pid' --argjson pid "$pid"
says 'what it costs' '.fd_exhausted.spin_percent as $percent | ($cpu * 100 / $wall) as $true
	| $percent > 0 and $percent <= 100 and ($guest or ($percent > $true - 25 and $percent < $true + 25))' \
	--argjson guest "$guest" --argjson cpu "$(sed -n 's/^thread .* cpu_ms //p' "$tmp/fd.$pid")" --argjson wall "$wall"
check_rule fd-accept-spin
refused_first "$spinner" 'a loop, the first line'
says 'after two seconds' '.fd_exhausted.incident_ns < ($slow | if . > 1 then 6e9 else 2.3e9 end)' --argjson slow "$slow"
check_rule fd-accept-spin
check_flush
out=$fd_stream
pid=$threads
few 8 'four threads'
pid=$steady
few 8 'ten in a second'
refused "$child" 'a child'
refused_as_said
says 'its parent' '.process.parent_comm == "exhaust"'
refused "$all" 'many calls'
refused_as_said
says 'each by its name, the most frequent first' '.fd_exhausted.calls | length == 6 and all(.syscall | length > 0)
	and .[0] == {syscall: "openat", count: 6} and all(.[1:][]; .count == 3)'
if [ -n "$inside" ]; then
	says_of='in a pid namespace'
	select_line fd_exhausted '.process.comm == $comm' --arg comm "inside-$$"
	says 'both pids' '.process.ns_pid == 1 and .process.pid > 1 and .fd_exhausted.count == 3'
	says 'its parent' '.process.ppid == $pid' --argjson pid "$inside"
else
	skip 'a pid namespace' "$(cat "$tmp/value")"
fi
refused "$named" 'a name with a space'
refused_as_said
says 'the name' '.process.comm == "two words"'
finish
