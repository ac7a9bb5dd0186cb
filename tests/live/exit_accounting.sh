#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_exit.sh
# vm: ends
# A storm of short programs: none is missed, and when there is no room for them
# the account tells how many were lost.
. "$(dirname "$0")/lib_exit.sh"

storm=3000
[ "${KWHY_GUEST:-0}" = 0 ] || storm=300

# storm_run: sets $stormer.
storm_run() {
	run "$triggers/start" -t 200 storm "$storm" "$die" exit 0
	stormer=$pid
	await_exit "$stormer" 200
	check_sh "$storm programs came and went" \
		grep -qx "made $storm" "$run_out"
}

# sum_up FILE: what it says, as shell variables.
sum_up() {
	eval "$(jq -rs --argjson parent "$stormer" '
		(map(select(.kind == "stop").stop.kinds[])
			| map({key: .kind, value: .}) | from_entries) as $tally
		| ("exec", "exit") as $kind
		| map(select(.kind == $kind)) as $lines
		| map(select(.kind == "gap" and .gap.kind == $kind).gap.count)
			as $gaps
		| $tally[$kind] // {}
		| @sh "\($kind)_generated=\(.generated // 0)",
		@sh "\($kind)_delivered=\(.delivered // 0)",
		@sh "\($kind)_filtered=\(.filtered // 0)",
		@sh "\($kind)_lost=\(.lost // 0)",
		@sh "\($kind)_lines=\($lines | length)",
		@sh "\($kind)_gaps=\($gaps | add // 0)",
		@sh "\($kind)_ours=\([$lines[]
			| select(.process.ppid == $parent)] | length)",
		@sh "\($kind)_storms=\([$lines[]
			| select(.exec.storm.pid == $parent)] | length)",
		@sh "\($kind)_pids=\([$lines[]
			| select(.process.ppid == $parent)
			| "\(.process.pid) \(.process.start_ns)"] | unique | length)"
		' "$1" | sed "s/^'\([a-z_]*\)'/\1/")"
}

# check_account KIND TEXT
check_account() {
	eval "generated=\$${1}_generated delivered=\$${1}_delivered"
	eval "filtered=\$${1}_filtered lost=\$${1}_lost gaps=\$${1}_gaps"
	eval "lines=\$${1}_lines ours=\$${1}_ours pids=\$${1}_pids"
	printf '# %s %s: %s generated, %s delivered, %s filtered, %s lost\n' \
		"$2" "$1" "$generated" "$delivered" "$filtered" "$lost"
	check_sh "$2, $1: generated = delivered + filtered + lost" \
		test "$generated" -eq $((delivered + filtered + lost))
	check_sh "$2, $1: what was delivered are lines" \
		test "$delivered" -eq "$lines"
	check_sh "$2, $1: what was lost is in gap lines" test "$lost" -eq "$gaps"
	check_sh "$2, $1: no process twice" test "$ours" -eq "$pids"
}

watch_start exitwatch --all -w "$tmp/copy"
storm_run
watch_stop
sum_up "$out"
for kind in exec exit; do
	check_account "$kind" 'enough room'
	check_sh "enough room, $kind: nothing lost" test "$lost" -eq 0
	check_sh "enough room, $kind: one line for each" \
		test "$ours" -eq "$storm"
done
check_sh 'the file has what went to stdout' cmp "$out" "$tmp/copy"

watch_start exitwatch
storm_run
watch_stop
sum_up "$out"
for kind in exec exit; do
	check_account "$kind" 'only what is unusual'
done
check_sh 'only what is unusual: not one exit' test "$exit_ours" -eq 0
check_sh 'only what is unusual: who starts so many, and not often' \
	test "$exec_storms" -lt 20
[ "$storm" -lt 3000 ] || check_sh 'only what is unusual: at least once' \
	test "$exec_storms" -ge 1
check_sh 'only what is unusual: and nothing else' \
	test "$exec_ours" -eq "$exec_storms"

# A page of room for a storm, and a reader that stands still.
watch_start exitwatch --all --ring 4
kill -STOP "$watch_pid"
storm_run
kill -CONT "$watch_pid"
kill -TERM "$watch_pid"
await_exit "$watch_pid" "$patience"
check_sh 'no room: it ends with 0' test "$status" -eq 0
check_sh 'no room: no hole in seq, and a stop line' \
	jq -es '([.[].seq] | . == [range(.[0]; .[0] + length)])
		and .[-1].kind == "stop"' "$out"
sum_up "$out"
for kind in exec exit; do
	check_account "$kind" 'no room'
done
check_sh 'no room: much is lost, and told' \
	test $((exec_lost + exit_lost)) -gt $((storm / 2))
check_sh 'no room: what is ours is all there or lost' \
	test $((exit_ours + exit_lost)) -ge "$storm"
finish
