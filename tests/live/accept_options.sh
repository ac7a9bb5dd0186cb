#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_accept.sh
# vm: host (what it asks of the tool is the same on every kernel)
# Only this process, this name, this cgroup, so many, so long: what is told and what is counted as filtered; and when the
# reader stands still.
. "$(dirname "$0")/lib_accept.sh"

started=

# look NAME ARGS...: a tool of its own, whose lines are in $tmp/NAME.ndjson
look() {
	look_name=$1
	shift
	"$build/acceptwatch" -o json "$@" >"$tmp/$look_name.ndjson" 2>"$tmp/$look_name.err" &
	eval "look_tool_$look_name=\$!"
	note_pid "$!"
	started="$started $look_name"
}

looks_armed() {
	for look_name in $started; do
		eval "look_tool=\$look_tool_$look_name"
		grep -q '"kind": *"start"' "$tmp/$look_name.ndjson" || is_dead "$look_tool" || return 1
	done
}

looks_stop() {
	for look_name in $started; do
		eval "look_tool=\$look_tool_$look_name"
		kill -TERM "$look_tool" 2>/dev/null || true
		await_exit "$look_tool" "$patience"
		out=$tmp/$look_name.ndjson
		check_sh "$look_name: it ends with 0" test "$status" -eq 0
		check_sh "$look_name: the stream is whole" is_whole
		check_sh "$look_name: the account balances" balanced accept_overflow
	done
	started=
}

# tells NAME SCENE...: exactly these, each with all its overflows
tells() {
	out=$tmp/$1.ndjson
	tells_name=$1
	tells_sum=0
	shift
	for tells_scene in one two three; do
		tells_count=0
		case " $* " in
		*" $tells_scene "*) tells_count=$(fact_of "$tells_scene" overflows) ;;
		esac
		tells_sum=$((tells_sum + tells_count))
		check_sh "$tells_name: $tells_count of $tells_scene" \
			test "$(scene_sum $tells_scene)" -eq "$tells_count"
	done
	# others may overflow at the same time
	check_sh "$tells_name: what was made and not told was filtered" test \
		"$(tally accept_overflow generated)" -ge "$(($(fact_of one overflows) + $(fact_of two overflows) + $(fact_of three overflows)))" \
		-a "$(tally accept_overflow lost)" -eq 0
	[ "$tells_sum" -ne 0 ] || check_sh "$tells_name: none delivered" test "$(tally accept_overflow delivered)" -eq 0
}

memory_controller
own_cgroup=
cgroup_new inside
cgroup_new inside/deep
scene one name=alpha listen=3 gate fill drop=7 "$rest" drop=5 freeze
scene two name=beta listen=3 gate cgroup="$(cgroup_file inside/deep cgroup.procs cgroup.procs)" fill sleep=100 drop=8 "$rest" freeze
scene three name=beta2 listen=3 gate fill drop=9 "$rest" freeze
wait_fact one gate
look all
look pid -p "$(fact_of one pid)"
look client -p "$(fact_of one client)"
look comm -c beta
look client_name -c accept
look cgroup --cgroup "$(cgroup_path inside)"
look both -c alpha --cgroup "$(cgroup_path inside)"
look once -c alpha -n 1
look short -d 1
check_sh 'the tools are armed' wait_until "$patience" looks_armed
await_exit "$look_tool_short" "$patience"
check_sh 'for a second: it ends by itself, with 0' test "$status" -eq 0
started=${started% short}
for name in one two three; do
	go_on $name
done
wait_until "$patience" is_dead "$look_tool_once" || true
check_sh 'one line: it ends by itself, before the second' test "$(grep -c '^drops' "$tmp/tcp.one")" -eq 0
scenes_end
looks_stop
tells all one two three
tells pid one
tells client
tells comm two
tells client_name
tells cgroup two
tells both
out=$tmp/once.ndjson
check_sh 'one line: one line' test "$(grep -c '"kind":"accept_overflow","severity"' "$out")" -eq 1
out=$tmp/short.ndjson
check_sh 'for a second: no line, and a stop' jq -es '.[-1].kind == "stop" and (map(.kind) | index("accept_overflow") == null)' "$out"
out=$tmp/all.ndjson
sum_up
about sum 'the common keys' '.scene == "two"'
says 'the cgroup is the owner'\''s' '.cgroup.path == $path' --arg path "$(cgroup_path inside/deep)"
says 'its name, its parent, its user' '.process | .comm == "beta" and .parent_comm == "accept" and .ppid == $ppid
	and .uid == 0 and .start_ns > 0 and (.exe | endswith("accept"))' --argjson ppid "$(fact_of two client)"
says 'clients are turned away, and somebody is at fault' '.severity == "error" and (.message | contains("beta"))'
check_rule accept-owner-blocked
check_flush

# A reader that stands still, and little room.
out=$tmp/out.ndjson
watch_start acceptwatch --ring 4
kill -STOP "$watch_pid"
for name in a b c d e f; do
	scene still_$name listen=2 fill drop=300 sleep=1200 drop=50 freeze
done
scene still_many many=40,20 freeze
scenes_end
kill -CONT "$watch_pid"
sleep 0.3
scene after listen=2 fill drop=6 sleep=2500 freeze
scenes_end
kill -TERM "$watch_pid"
await_exit "$watch_pid" "$patience"
check_sh 'a reader that stood still: it ends with 0' test "$status" -eq 0
check_sh 'a reader that stood still: the account balances' balanced accept_overflow
check_sh 'a reader that stood still: no hole in seq, and a stop line' jq -es \
	'([.[].seq] | . == [range(.[0]; .[0] + length)]) and .[-1].kind == "stop"' "$out"
lost=$(tally accept_overflow lost)
check_sh 'a reader that stood still: what is not known is not said to be 0' jq -es '[.[] | select(.kind == "accept_overflow")
	.accept_overflow | select(.netns == "0" or (.saddr == "::" and .listener_by == "port"))] | length == 0' "$out"
# without the namespace they are nobody's
nowhere=$(jq -s '[.[] | select(.kind == "accept_overflow").accept_overflow | select((.netns // "0") == "0").count] | add // 0' "$out")
sum_up
told_all=0
for name in still_a still_b still_c still_d still_e still_f still_many after; do
	told_all=$((told_all + $(fact_of $name overflows)))
	about sum "a reader that stood still, $name" '.scene == $scene' --arg scene "$name"
	says 'all, or what is lost is said' '.count <= $count and .count + $lost >= $count' \
		--argjson count "$(fact_of $name overflows)" --argjson lost "$((lost + nowhere))"
done
check_flush
check_sh 'a reader that stood still: the sum of all' test \
	"$(jq -s '[.[] | select(.kind == "accept_overflow").accept_overflow.count] | add // 0' "$stream")" -ge $((told_all - lost))
echo "# $lost lost, $nowhere without a namespace"
finish
