#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_exit.sh
# vm: ends
# Pid namespaces: PID 1 without a handler, its death and who goes with it,
# kill(-1) inside, and a pid that is used again and again.
. "$(dirname "$0")/lib_exit.sh"

nest=$triggers/nest
recycled=1000 late_ms=500
[ "${KWHY_GUEST:-0}" = 0 ] || recycled=300 late_ms=3000

# inside ARGS...: die as PID 1 of a new namespace; sets $victim.
inside() {
	run "$nest" run "$die" "$@"
	nester=$pid
	wait_until "$patience" grep -q '^ready\|^init' "$run_out" || true
	is_alive "$nester" || skip_test "$(tail -n 1 "$run_out")"
	wait_word init "$patience"
	victim=${words#init }
	wait_ready
}

# namespace FAMILY-ARGS...: sets $init and $children.
namespace() {
	run "$nest" "$@"
	nester=$pid
	wait_ready
	# shellcheck disable=SC2086 # words
	set -- $words
	shift 2
	children=$*
	wait_word init "$patience"
	init=${words#init }
}

watch_start exitwatch
inside story default
deaf=$victim deaf_nester=$nester
slay stop "$deaf" 2000
deaf_killer=$killer
inside story late "$late_ms"
late=$victim late_nester=$nester
slay stop "$late" "$((late_ms + 1500))"
late_killer=$killer
inside story handle
handle=$victim handle_nester=$nester
slay stop "$handle" 2000
handle_killer=$killer

namespace family 3 7
code_init=$init code_children=$children
ends "$nester"
namespace family 3
killed_init=$init killed_children=$children
slay kill 9 "$init"
init_killer=$killer
ends "$killer" "$nester"
namespace all 15 3
all_init=$init all_children=$children
ends "$nester"

run "$nest" -t 150 recycle "$recycled"
recycler=$pid recycle_out=$run_out
await_exit "$recycler" 150
recycle_status=$status
ends "$deaf_killer" "$late_killer" "$handle_killer" "$deaf_nester" \
	"$late_nester" "$handle_nester"
# shellcheck disable=SC2086 # words
wait_deaths $deaf $late $handle $code_children $killed_children $all_children
watch_stop

# told PID KILLER RESULT ACTION ACTION-AT-DEATH
told() {
	died_of 9
	killed_by "$2" slay
	says 'PID 1 of a namespace, killed from another' \
		'.process.ns_pid == 1 and .exit.namespace_init
			and .exit.killer.other_pidns'
	says "the TERM before: $3 ($4, then $5)" \
		'.exit.prior_signals | length == 1 and (.[0] | .signal == 15
			and .result == $result and .action == $action
			and (.action_at_death // .action) == $final
			and .namespace_init and .sender_pid == $sender)' \
		--arg result "$3" --arg action "$4" --arg final "$5" \
		--argjson sender "$2"
}

death "$deaf" 'PID 1 without a handler'
told "$deaf" "$deaf_killer" ignored default default
death "$late" 'PID 1, handler too late'
told "$late" "$late_killer" ignored default handler
says 'TERM came early' '.exit.prior_signals[0].uptime_ns < 5000000000'
death "$handle" 'PID 1 that handles'
told "$handle" "$handle_killer" delivered handler handler

untold "$code_init" 'an init that exits with 7 is nothing unusual'
for child in $code_children; do
	death "$child" 'its init exited'
	died_of 9
	killed_by "$code_init" nest pidns_exit
	says 'with what' '.exit.killer.sender_code == 7
		and (.exit.killer | has("sender_signal") | not)'
	says 'its pid inside' '.process.ns_pid >= 2 and .process.ns_pid <= 4
		and (.exit.namespace_init // false | not)'
done
death "$killed_init" 'an init killed from outside'
died_of 9
killed_by "$init_killer" slay
for child in $killed_children; do
	death "$child" 'its init was killed'
	died_of 9
	killed_by "$killed_init" nest pidns_exit
	says 'by what' '.exit.killer.sender_signal == 9
		and (.exit.killer | has("sender_code") | not)'
done
for child in $all_children; do
	death "$child" 'kill(-1) of its init'
	died_of 15
	killed_by "$all_init" nest
	says 'in the same namespace' \
		'(.exit.killer.other_pidns // false) | not'
done

if [ "$recycle_status" = 77 ]; then
	skip 'a pid used again and again' "$(tail -n 1 "$recycle_out")"
	finish
fi
check_flush
check_sh "a pid was used $recycled times" \
	grep -q "^made $recycled\$" "$recycle_out"
# PID START KILLER NAME, in the order of deaths.
awk '/^victim/ { print $2, $3, $5, $6 }' "$recycle_out" >"$tmp/expected"
jq -r --argjson pid "$(awk '{ print $1; exit }' "$tmp/expected")" '
	select(.kind == "exit" and .process.pid == $pid and .exit.signal == 9
		and (.exit | has("prior_signals") | not)
		and .exit.killer.source == "user")
	| "\(.process.pid) \(.process.start_ns / 10000000 | floor) \(.exit.killer
		| "\(.pid) \(.comm)")"' "$out" >"$tmp/told"
check_sh 'each has its own start and its own killer' \
	diff "$tmp/expected" "$tmp/told"
finish
