#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_exit.sh
# vm: default v1
# TERM and two seconds later KILL: what became of the TERM.
. "$(dirname "$0")/lib_exit.sh"

stop_ms=2000

# told ACTION: sets $victim and $killer.
told() {
	run "$die" story "$@"
	victim=$pid
	wait_ready
	slay stop "$victim" "$stop_ms"
}

watch_start exitwatch
told default
default=$victim default_killer=$killer
told ignore
ignore=$victim ignore_killer=$killer
told block
block=$victim block_killer=$killer
told handle
handle=$victim handle_killer=$killer handle_out=$tmp/run.$((run_count - 1))

# Three TERM of three senders, then a KILL of a fourth.
run "$die" story ignore
thrice=$pid
wait_ready
senders=
for _ in 1 2 3; do
	slay kill 15 "$thrice"
	ends "$killer"
	senders="$senders $killer"
done
slay kill 9 "$thrice"
thrice_killer=$killer

# Signals that end nothing are no story.
victim
plain=$victim
for signal in 28 17 18 0; do
	slay kill "$signal" "$plain"
	ends "$killer"
done
slay kill 9 "$plain"
plain_killer=$killer
# shellcheck disable=SC2086 # words
ends $default $ignore $block $handle $thrice $plain $default_killer \
	$ignore_killer $block_killer $handle_killer
# shellcheck disable=SC2086 # words
wait_deaths $default $ignore $block $handle $thrice $plain
watch_stop

# story PID KILLER RESULT ACTION
story() {
	died_of 9
	killed_by "$2" slay
	says "one TERM before, $3" \
		'.exit.prior_signals | length == 1 and (.[0]
			| .signal == 15 and .signal_name == "SIGTERM"
			and .result == $result and .action == $action
			and .sender_pid == $sender and .sender_comm == "slay")' \
		--arg result "$3" --arg action "$4" --argjson sender "$2"
	says 'the action did not change' \
		'.exit.prior_signals[0] | (.action_at_death // .action) == .action'
	says 'when that was' \
		'.exit.prior_signals[0].age_ns > 1950000000
			and .exit.prior_signals[0].age_ns < 20000000000
			and ((.exit.prior_signals[0] | .age_ns + .uptime_ns)
				- .exit.program_ns | fabs < 200000000)'
	says 'it is PID 1 of nothing' \
		'(.exit.prior_signals[0].namespace_init // false) | not'
}

death "$default" 'TERM by default'
died_of 15
killed_by "$default_killer" slay
says 'nothing came before' '.exit | has("prior_signals") | not'
death "$ignore" 'TERM ignored'
story "$ignore" "$ignore_killer" ignored ignore
death "$block" 'TERM blocked'
story "$block" "$block_killer" blocked default
death "$handle" 'TERM handled'
story "$handle" "$handle_killer" delivered handler
check_sh 'the handler ran' grep -q '^got 15' "$handle_out"
death "$thrice" 'three TERM'
died_of 9
killed_by "$thrice_killer" slay
says 'all three, by who sent them' \
	'[.exit.prior_signals[] | .count // 1] | add == 3'
says 'the newest is the last one sent' \
	'.exit.prior_signals[0].sender_pid == $last' --argjson last "${senders##* }"
says 'newest first' '[.exit.prior_signals[].age_ns] | . == sort'
death "$plain" 'harmless signals'
died_of 9
killed_by "$plain_killer" slay
says 'are no story' '.exit | has("prior_signals") | not'
finish
