#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_fd.sh
# vm: ends
# Who asked: the functions by their names and in their order, also of a program
# that has no symbols, whose file is gone, or that sees another file system.
. "$(dirname "$0")/lib_fd.sh"

# What a copy of the trigger needs of libraries, in $tmp/chroot.
make_chroot() {
	run "$exhaust" openat 1 --wait
	wait_ready
	awk '$6 ~ /^\// { print $6 }' "/proc/$pid/maps" | sort -u >"$tmp/needed"
	loader=$(tr '\0' '\n' <"$exhaust" | grep -a -o -m 1 '^/lib[^ ]*/ld-[^ ]*' || true)
	kill_wait "$pid"
	mkdir -p "$tmp/chroot/dev" "$tmp/chroot/$(dirname "$loader")"
	while read -r file; do
		mkdir -p "$tmp/chroot/$(dirname "$file")"
		cp -L "$file" "$tmp/chroot/$file"
	done <"$tmp/needed"
	cp -L "$loader" "$tmp/chroot/$loader"
	mknod "$tmp/chroot/dev/null" c 1 3
	mv "$tmp/chroot/$exhaust" "$tmp/chroot/elsewhere"
}

strip_program() {
	cp "$exhaust" "$tmp/unnamed" && strip "$tmp/unnamed" 2>"$tmp/value"
}

# asks PROGRAM ARGS...: in the background, alive for long enough to be looked at.
asks() {
	run "$@" --hold 30
	asked="$asked $pid:$run_out"
}

# swapped NAME COMMAND...: a copy of that name waits while the command is run.
swapped() {
	cp "$exhaust" "$tmp/$1"
	swapped_name=$1
	shift
	asks "$tmp/$swapped_name" openat 2 --wait
	wait_ready
	rm "$tmp/$swapped_name"
	"$@"
	kill -USR1 "$pid"
}

asked=
elsewhere=
! make_chroot >"$tmp/value" 2>&1 || elsewhere=1
unnamed=
! strip_program || unnamed=1
watch_start fdleak
asks "$exhaust" openat 2
plain=$pid
asks "$exhaust" accept 2
accepter=$pid
asks "$exhaust" openat 50 --threads 3
threads=$pid
swapped removed true
removed=$pid
# The file of that name is another one now.
swapped replaced cp "$leakfd" "$tmp/replaced"
replaced=$pid
if [ -n "$elsewhere" ]; then
	asks unshare -m chroot "$tmp/chroot" /elsewhere openat 2
	elsewhere=$pid
fi
if [ -n "$unnamed" ]; then
	asks "$tmp/unnamed" openat 2
	unnamed=$pid
fi
asks "$exhaust" io_uring-async 2
worker=$pid
# gone before anybody hears of it, and gone before its line is told
exhaust openat 1 --then-exit
gone=$pid
exhaust openat 1 --rest 3000
short=$pid
for asked_one in $asked; do
	pid=${asked_one%%:*}
	run_out=${asked_one#*:}
	await_done
done
# as told at once, and not only at the end
wait_until 5 has_refusal "$worker" || true
watch_stop

refused "$plain" 'a program'
stack_has .fd_exhausted.stack road_openat fail_again work main
says 'the caller in libc is the innermost' '.fd_exhausted.stack[0] | test("^syscall\\+")'
says 'where in the source, when there is debug information' \
	'[.fd_exhausted.stack[] | select(startswith("fail_again"))][0] | test("exhaust.c:[0-9]+|^fail_again\\+0x")'
says 'nothing is missing, and that is said' \
	'(.fd_exhausted | has("stack_note") | not) and (.fd_exhausted.stack | length < 12)'
refused "$accepter" 'accept'
stack_has .fd_exhausted.stack road_accept fail_again work main
check_flush
check_sh 'threads: each stack is one of theirs' jq -es --argjson pid "$threads" \
	'[.[] | select(.kind == "fd_exhausted" and .process.pid == $pid).fd_exhausted.stack
		| map(split("+")[0]) | (index("road_openat") < index("fail_again")) and (index("fail_again") < index("work"))]
		| length > 0 and all' "$out"
refused "$removed" 'a program whose file is gone'
stack_has .fd_exhausted.stack road_openat fail_again work main
says 'its path' '.process.exe | startswith($path)' --arg path "$tmp/removed"
refused "$replaced" 'a program whose file is another one'
stack_has .fd_exhausted.stack road_openat fail_again work main
if [ -n "$elsewhere" ]; then
	refused "$elsewhere" 'another root, another mount namespace'
	stack_has .fd_exhausted.stack road_openat fail_again work main
	says 'its path' '.process.exe | endswith("/elsewhere")'
else
	skip 'another root' "$(tail -n 1 "$tmp/value")"
fi
if [ -n "$unnamed" ] && command -v nm >"$tmp/value" 2>&1; then
	refused "$unnamed" 'no symbols'
	# the addresses are those of the program that has them
	for function in road_openat fail_again work; do
		range=$(nm -S "$exhaust" | awk -v name="$function" '$4 == name { print $1, $2 }')
		says "an address in $function" '[.fd_exhausted.stack[] | select(startswith("unnamed+0x"))
			| split("+0x")[1] | split(" ")[0] | ascii_downcase | explode
			| reduce .[] as $c (0; . * 16 + (if $c >= 97 then $c - 87 else $c - 48 end))
			| . > $low and . <= $low + $size] | any' \
			--argjson low "$((0x${range% *}))" --argjson size "$((0x${range#* }))"
	done
else
	skip 'no symbols' 'no strip or nm here'
fi
if grep -q '^done' "$tmp/fd.$worker"; then
	refused "$worker" 'a worker of io_uring'
	says 'has no stack of the program, and that is said' \
		'(.fd_exhausted | has("stack") | not) and (.fd_exhausted.stack_note | length > 0)'
else
	skip 'a worker of io_uring' "$(tail -n 1 "$tmp/fd.$worker")"
fi
refused "$short" 'alive for three seconds'
stack_has .fd_exhausted.stack road_openat fail_again work main
says 'its program' '.process.exe == $exe' --arg exe "$exhaust"
refused "$gone" 'gone at once'
says 'a stack, or why there is none' '.fd_exhausted | has("stack") or (.stack_note | length > 0)'
check_flush

# --- of what is open ---

run "$leakfd" deep --wait --every $((20 * slow)) --count 40
deep=$pid
wait_ready
look deep "$deep" $((4 * slow))
looks_armed deep
kill -USR2 "$deep"
look_end deep "$deep"
says 'the place is one, and the right one' '.fd_leak.sites | length == 1 and .[0].outstanding == 40'
stack_has '.fd_leak.sites[0].stack' deep_f deep_e deep_d deep_c deep_b deep_a main
says 'what it opens' '.fd_leak.sites[0].type == "device" and (.fd_leak.sites[0].example | test("/dev/null"))'
finish
