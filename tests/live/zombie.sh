#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib.sh
# vm: ends
# Who does not reap is named, with the exact number; who reaps in time is not.
. "$(dirname "$0")/lib.sh"

# Passes a second apart, the threshold is two of them.
tick=1
# An emulated guest is 30 times slower.
[ -z "${KWHY_GUEST:-}" ] || tick=3

# of PID: there is a line about it
has_line_of() {
	grep '"kind": *"zombie"' "$out" | grep -q "\"process\":{\"pid\":$1,"
}

wait_line_of() {
	check_sh "a line about $2" wait_until $((tick * 20 + 10)) has_line_of "$1"
}

# zombies of PID that the kernel has now
zombies_of() {
	ps_count=0
	for ps_stat in /proc/[0-9]*/stat; do
		ps_line=$({ tr '\n' ' ' <"$ps_stat" | sed 's/.*) //'; } 2>/dev/null) || continue
		case $ps_line in
		"Z $1 "*) ps_count=$((ps_count + 1)) ;;
		esac
	done
	echo "$ps_count"
}

# --- everything at once ---

run "$triggers/zombies" -t 230 -n sleeper sleep 7
wait_ready
sleeper=$pid
sleep 1
watch_start exitwatch --tick "$tick"
run "$triggers/zombies" -t 120 stop 3
wait_ready
stopped=$pid
run "$triggers/zombies" -t 120 block 4
wait_ready
blocked=$pid
run "$triggers/zombies" -t 120 init 5
wait_ready
init=${words##* }
run "$triggers/zombies" -t 120 trace
wait_ready
parent=$pid
tracer=${words##* }
run "$triggers/zombies" -t 120 grow 8 $((tick * 1000))
wait_ready
grower=$pid
# dead for half a pass: seen now and then, but never for as long as the threshold
run "$triggers/zombies" -t 120 reap 20 $((tick * 500))
wait_ready
reaper=$pid
run "$triggers/zombies" -t 120 reap 500 0
wait_ready
prompt=$pid

wait_line_of "$sleeper" 'the sleeping parent'
wait_line_of "$stopped" 'the stopped parent'
wait_line_of "$blocked" 'the parent that blocks SIGCHLD'
wait_line_of "$init" 'PID 1 of the namespace'
wait_line_of "$tracer" 'the tracer'
all_grown() {
	grep "\"pid\":$grower," "$out" | grep -q '"zombie":{.*"count":8,'
}
check_sh 'the growing number is told again until all are there' wait_until $((tick * 40)) all_grown
check_sh 'the kernel has as many' test "$(zombies_of "$grower")" -eq 8
watch_stop

select_line zombie '.process.pid == $pid' --argjson pid "$sleeper"
check 'one line, with the exact number' '.zombie.count == 7 and .zombie.traced == false'
check 'the parent is named' '.process.comm == "sleeper" and (.process.exe | endswith("/zombies"))
	and (.process.args | length) == 7 and .process.uid == 0'
check 'how they died' '[.zombie.examples[] | .code // -.signal] | length == 6 and (unique == [-15, 3])'
check 'the oldest is as old as the threshold, and no older than the run' \
	'.zombie.oldest_ns >= 2 * $tick * 1000000000 and .zombie.oldest_ns == .zombie.examples[0].age_ns' \
	--argjson tick "$tick"
check 'what the parent does' '.zombie.parent_state == "S" and .zombie.sigchld == "default"
	and .zombie.namespace_init == false and .zombie.subreaper == false'
check 'no more came' '.zombie.grown == 0 and .zombie.reaped == 0'
check 'the host has pids' '.zombie.host_tasks > 10 and .zombie.host_pid_max >= 4096'
check_rule zombie-stable

select_line zombie '.process.pid == $pid' --argjson pid "$stopped"
check 'the stopped parent' '.zombie.count == 3 and .zombie.parent_state == "T"'
check_rule zombie-parent-stopped

select_line zombie '.process.pid == $pid' --argjson pid "$blocked"
check 'SIGCHLD is blocked and waits' '.zombie.count == 4 and .zombie.sigchld == "handler"
	and .zombie.sigchld_blocked and .zombie.sigchld_pending'
check_rule zombie-sigchld-blocked

select_line zombie '.process.pid == $pid' --argjson pid "$init"
check 'PID 1 of the namespace and its orphans' '.zombie.count == 5 and .zombie.namespace_init
	and .process.ns_pid == 1'
check_rule zombie-namespace-init

select_line zombie '.process.pid == $pid' --argjson pid "$tracer"
check 'the tracer holds one' '.zombie.count == 1 and .zombie.traced'
check_rule zombie-traced

# the last line about it
select_line zombie '.process.pid == $pid and .zombie.count == 8' --argjson pid "$grower"
check 'it grew since the line before' '.zombie.grown > 0 and .zombie.growth_per_min > 0'
check_rule zombie-leak
check_flush

check_sh 'the same is not told twice' jq -es --argjson pid "$grower" \
	'[.[] | select(.kind == "zombie" and .process.pid == $pid).zombie.count]
		| length >= 2 and . == (unique)' "$out"
check_sh 'nothing about who reaps at once' sh -c '! grep -q "\"process\":{\"pid\":$1," "$0"' "$out" "$prompt"
check_sh 'nothing about who reaps within the threshold' \
	sh -c '! grep "\"zombie\":{" "$0" | grep -q "\"process\":{\"pid\":$1,"' "$out" "$reaper"
check_sh 'nothing about the parent of the traced one' \
	sh -c '! grep "\"zombie\":{" "$0" | grep -q "\"process\":{\"pid\":$1,"' "$out" "$parent"
check_sh 'the account balances' jq -es '.[-1].stop.kinds[] | select(.kind == "zombie")
	| .generated == .delivered + .filtered + .lost and .delivered >= 7 and .lost == 0' "$out"

# --- filters are about the parent ---

watch_start exitwatch --tick "$tick" -p "$sleeper"
wait_line_of "$sleeper" 'the one asked for'
sleep $((tick * 3))
watch_stop
check_sh 'and about no other' jq -es --argjson pid "$sleeper" \
	'[.[] | select(.kind == "zombie").process.pid] == [$pid]' "$out"
watch_start exitwatch --tick "$tick" -c sleeper
wait_line_of "$sleeper" 'the name asked for'
watch_stop
check_sh 'and about no other name' jq -es \
	'[.[] | select(.kind == "zombie").process.comm] | unique == ["sleeper"]' "$out"

# --- without any kind that has a ring ---

"$build/kwhy" watch zombie -j --tick "$tick" -c sleeper -n 1 -d $((tick * 30)) >"$tmp/alone" 2>&1 || true
check_sh 'the kind works alone, too' jq -es '[.[].kind] == ["start", "zombie", "stop"] and .[1].zombie.count == 7' \
	"$tmp/alone"
finish
