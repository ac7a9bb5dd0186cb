#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_exit.sh
# vm: ends
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

# Who unblocks it dies of who sent it, long before.
run "$die" story block 1500
unblocked=$pid
wait_ready
slay kill 15 "$unblocked"
unblocked_killer=$killer
ends "$killer"

# A handler that ends the process is no death by a signal.
run "$die" story obey
obeyed=$pid
wait_ready
slay kill 15 "$obeyed"
ends "$killer" "$obeyed"
obeyed_sender=$killer

# Who is stopped dies of nothing but KILL, until it goes on.
victim
stopped=$victim
slay kill 19 "$stopped"
ends "$killer"
slay kill 15 "$stopped"
ends "$killer"
stopped_sender=$killer
slay kill 9 "$stopped"
ends "$killer" "$stopped"
stopped_killer=$killer
victim
continued=$victim
slay kill 19 "$continued"
ends "$killer"
slay kill 15 "$continued"
ends "$killer"
continued_killer=$killer
slay kill 18 "$continued"
ends "$killer" "$continued"

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
ends $unblocked $default $ignore $block $handle $thrice $plain $default_killer \
	$ignore_killer $block_killer $handle_killer
# shellcheck disable=SC2086 # words
wait_deaths $default $ignore $block $handle $thrice $plain $unblocked $obeyed \
	$stopped $continued
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
death "$unblocked" 'a signal that was blocked for long'
died_of 15
killed_by "$unblocked_killer" slay
says 'when it was sent' '.exit.killer.age_ns > 1000000000
	and .exit.killer.age_ns < 20000000000'
says 'it is not its own predecessor' '.exit | has("prior_signals") | not'
death "$obeyed" 'a handler that ends the process'
exited 143
says 'copies nothing' '.exit | has("copied_from") | not'
says 'TERM came before' '.exit.prior_signals | length == 1 and (.[0]
	| .signal == 15 and .result == "delivered" and .action == "handler"
	and .sender_pid == $sender)' --argjson sender "$obeyed_sender"
death "$stopped" 'TERM, then KILL, while stopped'
died_of 9
killed_by "$stopped_killer" slay
says 'TERM came before' '.exit.prior_signals | length == 1 and (.[0]
	| .signal == 15 and .action == "default" and .sender_pid == $sender)' \
	--argjson sender "$stopped_sender"
death "$continued" 'TERM while stopped, then CONT'
died_of 15
killed_by "$continued_killer" slay
death "$plain" 'harmless signals'
died_of 9
killed_by "$plain_killer" slay
says 'are no story' '.exit | has("prior_signals") | not'
finish
