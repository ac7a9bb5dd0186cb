#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_fd.sh
# vm: host (what it asks of the tool is the same on every kernel)
# What changes while it is looked at: limits, the process itself, what may be
# seen of it.
. "$(dirname "$0")/lib_fd.sh"

# --- limits ---

watch_start fdleak
run "$exhaust" openat 3 --wait
lowered=$pid
wait_ready
if prlimit --pid "$lowered" --nofile=20:100 2>"$tmp/value"; then
	kill -USR1 "$lowered"
	await_done
else
	lowered=
fi
watch_stop
if [ -n "$lowered" ]; then
	refused "$lowered" 'more open than allowed'
	check_rule 'fd-one-kind fd-limit-lowered'
	says 'that the limit was lowered' '[.diagnosis.evidence[].claim] | any(test("lowered after"))'
	says 'as it was then' '.fd_exhausted | .soft == 20 and .hard == 100 and .open == $open and .count == 3
		and .limit_kind == "rlimit_soft" and .limit == 20' --argjson open "$(fact_of "$lowered" open)"
else
	skip 'more open than allowed' "$(cat "$tmp/value")"
fi

run "$leakfd" deep --every $((100 * slow)) --count 1000 --soft 64 --hard 1000 --wait
raised=$pid
wait_ready
look raised "$raised" $((5 * slow)) --tick 0.5
run "$leakfd" deep --every $((50 * slow)) --count 1000 --soft 900 --hard 1000 --wait
dying=$pid
wait_ready
look dying "$dying" 60 --tick 0.5
run "$churnfd" threads --wait
short=$pid
wait_ready
look short "$short" 60 --tick 3
looks_armed raised dying short
kill -USR2 "$raised" "$dying"
# between two looks, and without having done anything
kill -9 "$short"
prlimit --pid "$raised" --nofile=500:1000 2>"$tmp/value" || true
sleep $((2 * slow))
kill -9 "$dying"
look_end dying "$dying"
balances
says 'nothing is called closed that was not' '(.fd_leak.closed // 0) == 0'
says 'what it had at the last look' '.fd_leak | .ended and .open > 8'
check_flush
check_sh 'it does not wait for the end of its time' jq -es '.[-1].stop.run_ns < 40e9' "$out"
look_end short "$short"
says 'one look is enough to say so' '.fd_leak.ended and .fd_leak.open > 2'
look_end raised "$raised"
balances
says 'the limit is the new one' '.fd_leak.soft == 500'
says 'and so is the time that is left' '.fd_leak | .exhausted_in_s as $s
	| ((500 - .open) * 60 / .growth_per_min) as $true | $s > $true * 0.7 and $s < $true * 1.4'

# --- a pid that is none ---

# no_such PID TEXT
no_such() {
	status=0
	timeout 20 "$build/fdleak" -j -p "$1" -d 1 >"$tmp/none" 2>"$tmp/none.err" || status=$?
	check_sh "$2: it fails" test "$status" -eq 1 -o "$status" -eq 2
	check_sh "$2: one line that names it" sh -c 'test "$(wc -l <"$0")" -eq 1 && grep -q -- "$1" "$0"' \
		"$tmp/none.err" "$1"
}
no_such "$dying" 'a process that has ended'
no_such 4194000 'a pid that nobody has'
no_such 0 'no pid'
# 2 is the kernel's, and a zombie has nothing any more
says_why() {
	status=0
	timeout 20 "$build/fdleak" -o line -p "$1" -d 1 >"$tmp/why" 2>&1 || status=$?
	check_sh "$2: a line says so" test -s "$tmp/why"
}
if [ "$(cat /proc/2/comm)" = kthreadd ]; then
	says_why 2 'a kernel thread'
fi
run "$triggers/zombies" sleep 1
wait_ready
says_why "$(tr -d ' ' <"/proc/$pid/task/$pid/children")" 'a zombie'

# a thread that does not lead: its process, or a refusal
run "$churnfd" apart --count 3
wait_until "$patience" grep -q '^rest' "$run_out" || true
apart=$pid
thread=
for thread_task in /proc/"$apart"/task/*; do
	[ "${thread_task##*/}" = "$apart" ] || thread=${thread_task##*/}
done
status=0
timeout 20 "$build/fdleak" -j -p "$thread" -d 1 >"$tmp/thread.ndjson" 2>"$tmp/thread.err" || status=$?
if [ "$status" -eq 0 ]; then
	look_select thread "$apart"
	open_as "$apart"
	check_flush
else
	check_sh 'a thread: refused in one line that names it' sh -c \
		'test "$(wc -l <"$0")" -eq 1 && grep -q -- "$1" "$0"' "$tmp/thread.err" "$thread"
fi

# --- who descends from it ---

run "$churnfd" fork --count 20
wait_until "$patience" grep -q '^rest' "$run_out" || true
parent=$pid
child=$(sed -n 's/^child \([0-9]*\) .*/\1/p' "$run_out")
look family "$parent" "$slow" --children
await_exit "$look_tool_family" 60
if [ "$status" -ne 2 ]; then
	look_select family "$child"
	open_as "$child"
	look_select family "$parent"
	open_as "$parent"
fi
check_flush

# --- what may be seen of it ---

run "$leakfd" pool --count 100 --soft 200
hidden=$pid
wait_ready
if command -v unshare >"$tmp/value"; then
	unshare -m sh -c 'mount -t proc -o hidepid=2 proc /proc && exec "$0" "$@"' \
		"$build/fdleak" -j -p "$hidden" -d 1 >"$tmp/hidden.ndjson" 2>"$tmp/hidden.err" || true
	look_select hidden "$hidden"
	open_as "$hidden"
	check_flush
	# no /proc at all: the kernel is asked, not files
	unshare -m sh -c 'mount -t tmpfs none /proc && exec "$0" "$@"' \
		"$build/fdleak" -j -d 1 >"$tmp/bare.ndjson" 2>"$tmp/bare.err" || true
	check_sh 'without /proc: an answer or one line that says why not' sh -c \
		'grep -q "\"pid\": *$2[,}]" "$0" || test "$(wc -l <"$1")" -eq 1' "$tmp/bare.ndjson" "$tmp/bare.err" "$hidden"
else
	skip 'a hidden /proc' 'no unshare here'
fi
finish
