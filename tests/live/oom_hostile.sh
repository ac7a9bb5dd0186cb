#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016 source=lib_oom.sh
# vm: ends
# A process and a cgroup with names made to break terminals and parsers.
. "$(dirname "$0")/lib_oom.sh"

limit=$((64 * MIB))
# Escape sequence, newline with a forged line, quote, bytes that are not UTF-8.
# The kernel refuses a newline in a cgroup's name.
hostile_comm='\x1b[31m\x0aFAKE"\xff\x5c'
hostile_cgroup=$(printf 'a b"\033[31m\\\377')

# Bytes of a class (tr's notation) in a file, newlines aside.
count_bytes() {
	tr -d '\n' <"$2" | tr -cd "$1" | wc -c
}

memory_controller
cgroup_new "$hostile_cgroup" "$limit"
watch_cards=1
watch_oom
cgroup_run "$hostile_cgroup" "$triggers/oom" -n "$hostile_comm" leak 10 12
wait_ready
wait_line oom_kill 1 60
await_exit "$pid" 30
watch_stop

check_sh 'the kernel counted one kill' \
	test "$(oom_kills "$hostile_cgroup")" -eq 1
check_sh 'one kill, one line' test "$(lines_of oom_kill)" -eq 1
for file in "$out" "$card"; do
	check_sh "no control bytes in the $(basename "$file")" \
		test "$(count_bytes '\001-\037\177' "$file")" -eq 0
	check_sh "only UTF-8 in the $(basename "$file")" \
		test "$(count_bytes '\370-\377' "$file")" -eq 0
	check_sh "no forged line in the $(basename "$file")" \
		test "$(grep -c '^ *FAKE' "$file")" -eq 0
done
check_sh 'there is a card' grep -q "$pid" "$card"
select_line oom_kill
check 'the name is kept' \
	'.process.comm | startswith("\u001b[31m\nFAKE\"")'
check 'the cgroup path is kept' \
	'.cgroup.path | startswith($base + "/a b\"\u001b[31m")' \
	--arg base "$memory_base"
check 'the victim is the one of the kernel log' \
	'.process.pid == $pid and .process.uid == $uid' --argjson pid "$pid" \
	--argjson uid "$(kernel_number "$pid" UID)"
check_kernel_bytes "$pid" anon anon-rss "$(kernel_slack 1)"
check 'the level that bound' \
	'[.oom_kill.limits[] | select(.binding)] | length == 1
		and .[0].max_bytes == $max' --argjson max "$limit"
finish
