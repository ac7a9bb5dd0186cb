#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_exit.sh
# vm: ends
# What the processor refuses: address, instruction, function; and signals of the
# same numbers that are nothing of the kind.
. "$(dirname "$0")/lib_exit.sh"

# dies ARGS...: sets $victim.
dies() {
	run "$die" "$@"
	victim=$pid
	ends "$victim"
}

watch_start exitwatch
dies segv 0
null=$victim
dies segv dead0000
wild=$victim
dies segv deadbeefdeadbeef
gap=$victim
dies stack
stack=$victim
dies bus "$tmp/truncated"
bus=$victim
bus_address=$(sed -n 's/.*address=//p' "$run_out")
dies fpe
fpe=$victim fpe_status=$status
dies ill
ill=$victim
dies abort
abort=$victim
dies raise 11
raise=$victim
victim
sent=$victim
slay kill 11 "$sent"
sent_killer=$killer
ends "$killer" "$sent"
run "$triggers/perish" fault
thread=$pid
ends "$thread"
thread_tid=$(sed -n 's/.*tid=//p' "$run_out")
cp "$die" "$tmp/deleted"
run sh -c 'exec "$0" segv 0' "$tmp/deleted"
deleted=$pid
ends "$deleted"
rm "$tmp/deleted"
# shellcheck disable=SC2086 # words
wait_deaths $null $wild $gap $stack $bus $ill $abort $raise $sent $thread \
	$deleted
watch_stop

# fault SIGNAL CODE-NAME CODE [ADDRESS]
fault() {
	died_of "$1"
	caused_by fault
	says "$2" '.exit.fault.code_name == $name and .exit.fault.code == $code' \
		--arg name "$2" --argjson code "$3"
	[ $# -lt 4 ] || says "at $4" '.exit.fault.address == $address' \
		--arg address "$4"
}

# function NAME: of die, by its own symbols.
function_is() {
	says "in $1 of the program" '.exit.fault.mapping == $exe
		and (.exit.fault.symbol | split("+")[0] | split(".")[0]) == $name
		and (.exit.fault.offset | test("^0x[1-9a-f]"))' --arg name "$1" --arg exe "$die"
}

death "$null" 'a null pointer'
fault 11 SEGV_MAPERR 1 0x0
function_is run_segv
says 'the registers' '(.exit.fault.ip | startswith("0x"))
	and (.exit.fault.sp | startswith("0x")) and .exit.fault.ip != "0x0"'
death "$wild" 'a wild pointer'
fault 11 SEGV_MAPERR 1 0xdead0000
function_is run_segv
death "$gap" 'an address that cannot be'
died_of 11
caused_by fault
says 'the processor does not say which' \
	'.exit.fault | has("address") | not'
death "$stack" 'a stack overflow'
died_of 11
caused_by fault
function_is recurse
says 'the address is near the stack pointer' \
	'def hex: ascii_downcase | ltrimstr("0x") | explode
		| reduce .[] as $c (0; . * 16 + $c - (if $c > 96 then 87 else 48 end));
	(.exit.fault.address | hex) - (.exit.fault.sp | hex) | fabs < 65536'
death "$bus" 'behind the end of a file'
fault 7 BUS_ADRERR 2 "0x$bus_address"
function_is run_bus
if [ "$fpe_status" != 77 ]; then
	death "$fpe" 'a division by zero'
	fault 8 FPE_INTDIV 1
	function_is run_fpe
fi
death "$ill" 'no instruction'
fault 4 ILL_ILLOPN 2
function_is run_ill
death "$abort" 'abort()'
died_of 6
caused_itself
says 'no fault' '.exit | has("fault") | not'
death "$raise" 'SIGSEGV of its own'
died_of 11
caused_itself
says 'no fault' '.exit | has("fault") | not'
death "$sent" 'SIGSEGV of another'
died_of 11
killed_by "$sent_killer" slay
says 'no fault' '.exit | has("fault") | not'
death "$thread" 'a thread'
fault 11 SEGV_MAPERR 1 0x10
says 'which' '.exit.fault.tid == $tid and .exit.fault.thread == "faulter"
	and .process.comm == "perish" and .exit.threads == 3' \
	--argjson tid "$thread_tid"
death "$deleted" 'a file that is deleted soon after'
fault 11 SEGV_MAPERR 1 0x0
says 'its mapping all the same' '.exit.fault.mapping | startswith($path)' \
	--arg path "$tmp/deleted"
finish
