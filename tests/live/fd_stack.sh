#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_fd.sh
# vm: default
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

watch_start fdleak
exhaust openat 2
plain=$pid
exhaust accept 2
accepter=$pid
exhaust openat 50 --threads 3
threads=$pid
cp "$exhaust" "$tmp/removed"
run "$tmp/removed" openat 2 --wait
wait_ready
removed=$pid
rm "$tmp/removed"
kill -USR1 "$removed"
await_done
# The file is another one now.
cp "$exhaust" "$tmp/replaced"
run "$tmp/replaced" openat 2 --wait
wait_ready
replaced=$pid
rm "$tmp/replaced"
cp "$leakfd" "$tmp/replaced"
kill -USR1 "$replaced"
await_done
elsewhere=
if make_chroot >"$tmp/value" 2>&1; then
	run unshare -m chroot "$tmp/chroot" /elsewhere openat 2
	await_exit "$pid" 30
	cp "$run_out" "$tmp/fd.$pid"
	[ "$status" -ne 0 ] || elsewhere=$pid
fi
unnamed=
if strip_program; then
	run "$tmp/unnamed" openat 2
	await_exit "$pid" 30
	unnamed=$pid
fi
exhaust io_uring-async 2
worker=$pid
worker_status=$status
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
	says 'the path that it sees' '.process.exe == "/elsewhere"'
else
	skip 'another root' "$(tail -n 1 "$tmp/value" "$run_out" | tail -n 1)"
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
if [ "$worker_status" = 0 ]; then
	refused "$worker" 'a worker of io_uring'
	says 'has no stack of the program, and that is said' \
		'(.fd_exhausted | has("stack") | not) and (.fd_exhausted.stack_note | length > 0)'
else
	skip 'a worker of io_uring' "$(tail -n 1 "$run_out")"
fi
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
