#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_oom.sh
# vm: ends
# A reader that stands still while a ring of one page overflows: what was lost
# is told, and the account balances to the last event.
. "$(dirname "$0")/lib_oom.sh"

limit=$((8 * MIB))
made=0
# An emulated guest is 30 times slower.
soon=1
[ -z "${KWHY_GUEST:-}" ] || soon=10

# Kills on the whole host: other programs may provoke some too.
host_kills() {
	sed -n 's/^oom_kill //p' /proc/vmstat
}

is_stopped() {
	process_state "$1"
	[ "$state" = T ]
}

# provoke COUNT: kills, each in its own cgroup; adds the kernel's count to $kills.
provoke() {
	provoke_first=$((made + 1))
	provoke_pids=
	while [ "$made" -lt $((provoke_first + $1 - 1)) ]; do
		made=$((made + 1))
		cgroup_new "kill$made" "$limit"
		cgroup_run "kill$made" "$triggers/oom" burst 1 0 24
		provoke_pids="$provoke_pids $pid"
	done
	for provoke_pid in $provoke_pids; do
		await_exit "$provoke_pid" 60
	done
	for provoke_cgroup in $(seq "$provoke_first" "$made"); do
		kills=$((kills + $(oom_kills "kill$provoke_cgroup")))
	done
}

# The whole stream counts, the kills of others too.
has_kind() {
	[ "$(grep -c "\"kind\":\"$1\",\"severity\"" "$out")" -ge "$2" ]
}

# What the stream says, as shell variables.
sum_up() {
	eval "$(jq -rs '
		(map(select(.kind == "stop").stop.kinds[]) | .[0]) as $tally
		| map(select(.kind == "gap")) as $gaps
		| map(select(.kind == "oom_kill")) as $kills
		| @sh "generated=\($tally.generated) delivered=\($tally.delivered)",
		@sh "filtered=\($tally.filtered) lost=\($tally.lost)",
		@sh "lines=\($kills | length) gaps=\($gaps | length)",
		@sh "gap_sum=\([$gaps[].gap.count] | add // 0)",
		@sh "causes=\([$gaps[].gap | "\(.kind) \(.cause)"] | unique | join(","))",
		@sh "gap_seq=\($gaps[0].seq // 0) last_seq=\($kills[-1].seq // 0)"
		' "$out")"
}

# send SIGNAL PID: to a process that we started and that has not ended: the pid
# of one that has may be somebody else's by now.
send() {
	! grep -qxF "$2 $(start_ticks "$2")" "$tmp/pids" ||
		kill "-$1" "$2" 2>/dev/null || true
}

stop_tool() {
	send TERM "$watch_pid"
	await_exit "$watch_pid" "$patience"
	watch_rc=$status
}

# Twelve kills while the reader stands still, one more afterwards.
stall() {
	watch_start oomwatch --ring 4 "$@"
	read -r stalled _ </proc/uptime
	send STOP "$watch_pid"
	check_sh 'the reader stands still' wait_until "$patience" is_stopped "$watch_pid"
	provoke 12
	read -r resumed _ </proc/uptime
	send CONT "$watch_pid"
	check_sh 'a gap line comes' wait_until "$patience" has_kind gap 1
	check_sh 'and the kill that still fitted' \
		wait_until "$patience" has_kind oom_kill 1
	resumed_lines=$(grep -c '"kind":"oom_kill","severity"' "$out")
	provoke 1
	check_sh 'and the kill afterwards' \
		wait_until "$patience" has_kind oom_kill $((resumed_lines + 1))
	stop_tool
	sum_up
}

filter() {
	watch_start oomwatch -c no-such-name "$@"
	provoke 3
	stop_tool
	sum_up
}

# Decisions of others that killed nothing are in no counter of the kernel: a
# second tool hears of them. In a guest nobody else runs.
witness_start() {
	: >"$tmp/witness"
	witness=
	[ -z "${KWHY_GUEST:-}" ] || return 0
	"$build/oomwatch" -j >"$tmp/witness" 2>/dev/null &
	witness=$!
	note_pid "$witness"
	wait_until "$patience" grep -q '"kind":"start"' "$tmp/witness" || true
}

witness_stop() {
	[ -n "$witness" ] || return 0
	send TERM "$witness"
	await_exit "$witness" "$patience"
}

# undisturbed COMMAND...: again when others provoked kills meanwhile.
undisturbed() {
	for _ in 1 2 3 4 5 6; do
		kills=0
		kills_before=$(host_kills)
		witness_start
		"$@"
		witness_stop
		foreign=$(grep '"kind":"oom_kill","severity"' "$tmp/witness" |
			grep -vc "\"path\":\"$memory_base/" || true)
		foreign=$((foreign + $(host_kills) - kills_before - kills))
		[ "$foreign" -ne 0 ] || break
	done
}

# check_exact TEXT COMMAND...: holds when only our kills happened.
check_exact() {
	if [ "$foreign" -eq 0 ]; then
		check_sh "$@"
	else
		skip "$1" "$foreign kills by other programs at the same time"
	fi
}

check_account() {
	check_sh "$1: generated = delivered + filtered + lost" \
		test "$generated" -eq $((delivered + filtered + lost))
	check_sh "$1: as many lines as delivered" test "$delivered" -eq "$lines"
	check_sh "$1: the gap lines add up to what was lost" \
		test "$gap_sum" -eq "$lost"
	check_sh "$1: start first, stop last, seq without a hole" \
		jq -es '.[0].kind == "start" and .[-1].kind == "stop"
			and [.[].seq] == [range(.[0].seq; .[0].seq + length)]' "$out"
}

check_stall() {
	check_account stalled
	check_sh 'stalled: the kernel counted our kills' test "$kills" -ge 13
	check_sh 'stalled: something was lost' test "$lost" -gt 0
	check_sh 'stalled: the gap says oom_kill and ring_full' \
		test "$causes" = 'oom_kill ring_full'
	check_sh 'stalled: the gap comes before the next event' \
		test "$gap_seq" -lt "$last_seq"
	check_sh "stalled: told within $soon s of the reader's return" \
		jq -es --argjson at "$resumed" --argjson soon "$soon" '
			map(select(.kind == "gap"))[0]
			| .boot_ns <= ($at + $soon) * 1e9' "$out"
	check_sh 'stalled: the first gap says when' \
		jq -es --argjson from "$stalled" --argjson to "$resumed" '
			map(select(.kind == "gap"))[0].gap
			| .first_boot_ns >= $from * 1e9 - 1e7
			and .first_boot_ns <= .last_boot_ns
			and .last_boot_ns <= ($to + 0.01) * 1e9' "$out"
	check_exact "stalled: the kernel's kills = delivered + lost" \
		test "$kills" -eq $((delivered + lost))
	check_exact "stalled: the kernel's kills = generated" \
		test "$kills" -eq "$generated"
	check_exact 'stalled: nothing was filtered' test "$filtered" -eq 0
}

memory_controller
undisturbed stall
check_stall
check_sh 'stalled: exit status 0 without --strict' test "$watch_rc" -eq 0

undisturbed filter
check_account filtered
check_sh 'filtered: no line' test "$lines" -eq 0
check_sh 'filtered: counted' test "$filtered" -ge "$kills"
check_exact "filtered: the kernel's kills" test "$filtered" -eq "$kills"
check_sh 'filtered: nothing is lost' test "$lost" -eq 0
check_sh 'filtered: exit status 0' test "$watch_rc" -eq 0

if "$build/kwhy" doctor >/dev/null 2>&1; then
	undisturbed stall --strict
	check_account strict
	check_sh 'strict: exit status 1 when something was lost' \
		test "$lost $watch_rc" = "$lost 1"
	undisturbed filter --strict
	check_sh 'strict: exit status 0 when it was only filtered' \
		test "$watch_rc" -eq 0
else
	skip 'strict: exit status 1 when something was lost' \
		'--strict refuses to start: this kernel gives no full verdict'
fi
finish
