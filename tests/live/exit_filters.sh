#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_exit.sh
# vm: ends
# Only this process, its children, this name, this cgroup, this user; only so
# many, only so long.
. "$(dirname "$0")/lib_exit.sh"

NOBODY=65534
base=$triggers/die

# The lines of the processes of this test, "KIND NAME" each.
told() {
	jq -r --argjson own "$1" 'select(.kind == "exit" or .kind == "exec")
		| (.process.pid | tostring) as $pid | select($own[$pid])
		| "\(.kind) \($own[$pid])"' "$out" | sort | tr '\n' ';'
}

# tells TEXT EXPECTED PID: lines of $own, a JSON object of names by pid.
tells() {
	wait_deaths "$3"
	watch_stop
	told "$own" >"$tmp/told"
	printf '%s' "$2" >"$tmp/expected"
	check_sh "$1" diff "$tmp/expected" "$tmp/told"
	check_sh "$1: the account" jq -es '.[-1].stop.kinds
		| all(.generated == .delivered + .filtered + .lost)' "$out"
}

memory_controller
own_cgroup=
cgroup_new inside
cgroup_new inside/here
cgroup_new outside
cgroup_new inside/below

# By pid: a process and not its child, nor one that is like it.
mkfifo "$tmp/go"
for children in '' --children; do
	run sh -c 'read -r line <"$0"; "$@" & echo "child $!"; wait $!; exit 143' \
		"$tmp/go" "$base" raise 15
	parent=$pid parent_out=$run_out
	# shellcheck disable=SC2086 # or nothing
	watch_start exitwatch --all -p "$parent" $children
	run "$base" raise 15
	like=$pid
	ends "$like"
	echo go >"$tmp/go"
	ends "$parent"
	run_out=$parent_out
	wait_word child "$patience"
	child=${words#child }
	own="{\"$parent\":\"parent\",\"$child\":\"child\",\"$like\":\"like\"}"
	if [ -z "$children" ]; then
		tells 'only this process' 'exit parent;' "$parent"
	else
		tells 'this process and what it starts' \
			'exec child;exit child;exit parent;' "$parent"
	fi
done

# By name: of who dies, not of who kills.
watch_start exitwatch -c wanted
run "$base" -n wanted raise 15
wanted=$pid
run "$base" -n wanted2 raise 15
longer=$pid
run "$base" -n other wait
other=$pid
wait_ready
run "$triggers/slay" -n wanted kill 15 "$other"
ends "$pid" "$other" "$wanted" "$longer"
own="{\"$wanted\":\"wanted\",\"$longer\":\"longer\",\"$other\":\"other\"}"
tells 'only this name' 'exit wanted;' "$wanted"

# By cgroup, and what is below it.
watch_start exitwatch --cgroup "$(cgroup_path inside)"
cgroup_run outside "$base" raise 15
outside=$pid
# On v2 no process lives in a cgroup whose controllers are its children's.
cgroup_run inside/here "$base" raise 15
inside=$pid
cgroup_run inside/below "$base" raise 15
below=$pid
ends "$outside" "$inside" "$below"
own="{\"$outside\":\"outside\",\"$inside\":\"inside\",\"$below\":\"below\"}"
tells 'only this cgroup and those below it' 'exit below;exit inside;' "$inside"

# By user.
watch_start exitwatch --uid "$NOBODY"
run "$base" raise 15
root=$pid
chmod 755 "$tmp"
cp "$base" "$tmp/die"
chmod 755 "$tmp/die"
run "$triggers/start" nobody "$tmp/die" raise 15
ends "$pid"
wait_word child 5
nobody=${words#child }
nobody=${nobody%% *}
ends "$root"
own="{\"$root\":\"root\",\"$nobody\":\"nobody\"}"
tells 'only this user' 'exit nobody;' "$nobody"

# So many.
watch_start exitwatch -n 3 -c wanted
for _ in 1 2 3 4 5; do
	run "$base" -n wanted raise 15
	ends "$pid"
done
await_exit "$watch_pid" "$patience"
check_sh 'it ends by itself after three' test "$status" -eq 0
check_sh 'three and no more' test "$(lines_of exit)" -eq 3
watch_start exitwatch -d 1
await_exit "$watch_pid" "$patience"
check_sh 'it ends by itself after a second' test "$status" -eq 0
check_sh 'with a stop line' jq -es '.[-1].kind == "stop"' "$out"
finish
