#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_exit.sh
# vm: ends
# Statuses that tell of another death: 128+n of a shell whose child died, and 126
# and 127 of one that could not start a program; and those that tell of nothing.
. "$(dirname "$0")/lib_exit.sh"

# shell SCRIPT ARGS...: sets $parent, and $child when the script says so.
shell() {
	run sh -c "$@"
	parent=$pid
}

child() {
	wait_word child "$patience"
	child=${words#child }
}

watch_start exitwatch
# shellcheck disable=SC2034 # its parameters
wait_child='"$@" & echo "child $!"; wait $!; exit $?'

shell "$wait_child" sh "$die" raise 9
copied=$parent
child
copied_child=$child
ends "$parent"

shell "$wait_child" sh "$die" wait
killed=$parent
child
killed_child=$child
wait_ready
slay kill 15 "$child"
child_killer=$killer
ends "$killer" "$parent"

shell 'exit 137'
plain=$parent
ends "$parent"

# What died is not what the status says.
shell '"$@" & echo "child $!"; wait $!; exit 137' sh "$die" raise 15
other=$parent
ends "$parent"

# Long before.
shell '"$@" & echo "child $!"; wait $!; sleep 6; exit 137' sh "$die" raise 9
late=$parent

shell 'exec /nonexistent/program'
missing=$parent
ends "$parent"
echo text >"$tmp/plain"
shell 'exec "$0"' "$tmp/plain"
denied=$parent
ends "$parent"

# A child that could not start its program, and a shell that says so after it.
# what the shell says of the child is no line of its own
shell '"$@" 2>/dev/null & echo "child $!"; wait $!; exit $?' sh /nonexistent/program
told=$parent
child
told_child=$child
ends "$parent"
shell 'exit 127'
bare=$parent
ends "$parent" "$late"
# shellcheck disable=SC2086 # words
wait_deaths $copied $copied_child $killed $killed_child $plain $other $late \
	$missing $denied $told $told_child $bare
watch_stop

death "$copied" 'a copied status'
exited 137
says 'whose it is' '.exit.copied_from | .pid == $child and .comm == "die"
	and .signal == 9 and .source == "self" and (has("code") | not)
	and .age_ns < 2000000000' --argjson child "$copied_child"
says 'the line it tells of' '.exit.copied_from.id == $id' \
	--arg id "$(jq -r 'select(.kind == "exit" and .process.pid == '"$copied_child"').id' "$out")"
death "$killed" 'a copied TERM'
exited 143
says 'whose it is, and who killed that' '.exit.copied_from
	| .pid == $child and .signal == 15 and .source == "user"
	and .killer_pid == $killer and .killer_comm == "slay"' \
	--argjson child "$killed_child" --argjson killer "$child_killer"
for pid in $plain $bare; do
	death "$pid" 'a status of its own'
	says 'copies nothing' '.exit | has("code")
		and (has("copied_from") or has("failed_exec") or has("killer") | not)'
done
death "$other" 'another signal than the status says'
exited 137
says 'copies nothing' '.exit | has("copied_from") | not'
death "$late" 'a death long before'
exited 137
says 'is not the cause, or its age is told' '.exit.copied_from == null
	or .exit.copied_from.age_ns > 5900000000'
death "$missing" 'no such program'
exited 127
says 'which' '.exit.failed_exec | .filename == "/nonexistent/program"
	and .ret == -2 and .reason == "no_such_file" and .age_ns < 2000000000'
death "$denied" 'not executable'
exited 126
says 'which' '.exit.failed_exec | .filename == $file and .ret == -13
	and .reason == "not_executable"' --arg file "$tmp/plain"
death "$told_child" 'a child without a program'
exited 127
says 'which' '.exit.failed_exec | .filename == "/nonexistent/program"
	and .ret == -2'
death "$told" 'a shell whose child had no program'
exited 127
says 'whose status it is' '.exit.copied_from | .pid == $child
	and .code == 127 and (has("signal") | not)' --argjson child "$told_child"
finish
