#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2086,SC2154 source=lib.sh
# vm: ends
# kwhy doctor on systems that lack something: it names what, and what it says is
# what watching then does. What is missing is hidden in a private mount
# namespace or refused by triggers/refuse.
. "$(dirname "$0")/lib.sh"

kills=0
oomwatch=$build/oomwatch
kwhy=$build/kwhy
# Seconds that the doctor may take: no measure of speed.
bound=10
[ -z "${KWHY_GUEST:-}" ] || bound=120

# Prefixes of a command that hide or refuse a part of the system.
refuse() {
	"$triggers/refuse" -t 600 "$@"
}

plainly() {
	"$@"
}

apart() {
	unshare -m --propagation private sh -c "$apart_do"' && exec "$@"' sh "$@"
}

without_btf() {
	apart_do='mount -t tmpfs none /sys/kernel/btf' apart "$@"
}

without_proc() {
	apart_do='mount -t tmpfs none /proc' apart "$@"
}

without_tracefs() {
	apart_do='mount -t tmpfs none /sys/kernel/tracing &&
		{ [ ! -d /sys/kernel/debug/tracing ] ||
		mount -t tmpfs none /sys/kernel/debug; }' apart "$@"
}

# The mounts are there, and nothing is to be seen through them.
with_cgroups_covered() {
	apart_do='mount -t tmpfs none /sys/fs/cgroup' apart "$@"
}

without_cgroups() {
	apart_do='awk "\$0 ~ / - cgroup/ { print \$5 }" /proc/self/mountinfo |
		sed "1!G;h;\$!d" | while read -r dir; do umount -l "$dir"; done
		mount -t tmpfs none /sys/fs/cgroup' apart "$@"
}

# A forged file: lockdown itself cannot be switched off again before a reboot.
with_lockdown() {
	apart_do="cp /sys/kernel/btf/vmlinux $tmp/lockdown.btf
		mount -t tmpfs none /sys/kernel && mkdir /sys/kernel/btf /sys/kernel/security &&
		cp $tmp/lockdown.btf /sys/kernel/btf/vmlinux &&
		echo 'none integrity [confidentiality]' >/sys/kernel/security/lockdown" \
		apart "$@"
}

without_capability() {
	without_capability_names=$1
	shift
	refuse capability "$without_capability_names" "$@"
}

# step OUT COMMAND...: sets $rc.
step() {
	step_out=$1
	shift
	rc=0
	"$@" >"$step_out" 2>"$step_out.err" </dev/null || rc=$?
}

# examine TEXT PREFIX...: both forms of the doctor, and what watching then does.
# The checks that follow look at the doctor's JSON.
examine() {
	examine_text=$1
	shift
	read -r from _ </proc/uptime
	step "$tmp/doctor.json" "$@" timeout "$bound" "$kwhy" doctor --json $doctor_options
	doctor_rc=$rc
	read -r to _ </proc/uptime
	check_sh "$examine_text: the doctor ends within $bound s" \
		test $((${to%.*} - ${from%.*})) -le "$bound"
	step "$tmp/doctor.txt" "$@" timeout "$bound" "$kwhy" doctor $doctor_options
	text_rc=$rc
	step "$tmp/watch" "$@" timeout "$bound" "$oomwatch" -j -d 0.2 $doctor_options
	watch_rc=$rc
	step "$tmp/strict" "$@" timeout "$bound" "$oomwatch" -j -d 0.2 --strict $doctor_options
	strict_rc=$rc
	check_doctor
	check_prediction
}

# says CHECK STATE PATTERN: a row of the doctor.
says() {
	check_sh "$examine_text: $1 is $2 and says '$3'" \
		jq -e --arg id "$1" --arg state "$2" --arg pattern "$3" '
			[.checks[] | select(.id == $id)] | length == 1 and
			(.[0] | .state == $state and (.what | test($pattern)))' \
		"$tmp/doctor.json"
}

check_doctor() {
	check_sh "$examine_text: JSON with verdict, checks, kinds" \
		jq -e '(.verdict | IN("full", "degraded", "unavailable"))
			and (.checks | length > 0)
			and (.checks | all(has("id") and has("what")
				and (.state | IN("ok", "less", "bad"))
				and (has("remedy") or .state == "ok")))
			and (.checks | map(.id) | length == (unique | length))
			and (.kinds | type == "array")' "$tmp/doctor.json"
	verdict=$(jq -r .verdict "$tmp/doctor.json" 2>/dev/null || true)
	case $verdict in
	full) expected=0 ;;
	degraded) expected=1 ;;
	*) expected=77 ;;
	esac
	check_sh "$examine_text: $verdict is exit status $expected" \
		test "$doctor_rc $text_rc" = "$expected $expected"
	check_sh "$examine_text: the text has the same verdict" \
		grep -qx "verdict: $verdict" "$tmp/doctor.txt"
	check_sh "$examine_text: nothing on stderr" \
		test ! -s "$tmp/doctor.txt.err" -a ! -s "$tmp/doctor.json.err"
}

# What the doctor said is what watching does.
check_prediction() {
	case $verdict in
	full) predicted='0 0' ;;
	degraded) predicted='0 1' ;;
	*) predicted='77 77' ;;
	esac
	check_sh "$examine_text: watching ends with '$predicted' (plain, --strict)" \
		test "$watch_rc $strict_rc" = "$predicted"
	if [ "$verdict" = unavailable ]; then
		check_sh "$examine_text: oomwatch says why in one line" \
			test "$(wc -l <"$tmp/watch.err")" -eq 1
		return
	fi
	hook=$(jq -r '.kinds[] | select(.kind == "oom_kill").hook' "$tmp/doctor.json")
	check_sh "$examine_text: oomwatch takes the hook '$hook'" \
		jq -es --arg hook "$hook" 'map(.kind) == ["start", "stop"]
			and .[0].start.hooks[0].name == $hook' "$tmp/watch"
}

# The line of oomwatch has what the doctor's row says.
check_line() {
	check_sh "$examine_text: oomwatch says '$1'" grep -qF -e "$1" "$tmp/watch.err"
}

is_armed() {
	is_dead "$tool_pid" || grep -q '"kind":"start"' "$tmp/kill.out"
}

# sees_kill PREFIX...: a kill in the cgroup is told while the prefix holds.
sees_kill() {
	kills=$((kills + 1))
	cgroup_new "kill$kills" $((8 * MIB))
	"$@" "$oomwatch" -j -n 1 --cgroup "$(cgroup_path "kill$kills")" \
		$doctor_options >"$tmp/kill.out" 2>"$tmp/kill.err" &
	tool_pid=$!
	note_pid "$tool_pid"
	wait_until "$patience" is_armed || true
	cgroup_run "kill$kills" "$triggers/oom" burst 1 0 24
	await_exit "$tool_pid" "$patience"
	check_sh "$examine_text: a kill is told, with its cgroup and limit" \
		jq -es --arg path "$(cgroup_path "kill$kills")" --argjson pid "$pid" '
			map(select(.kind == "oom_kill")) | length == 1
			and (.[0] | .process.pid == $pid and .cgroup.path == $path
			and (.oom_kill.limits[0] | .path == $path and .binding
				and .max_bytes == 8388608)
			and .oom_kill.victim_anon_bytes > 4194304)' "$tmp/kill.out"
}

here() {
	examine 'here' plainly
	check_sh 'here: every check is there' \
		jq -e '[.checks[].id] == ["privileges", "bpf", "memlock", "btf",
			"lockdown", "kprobes", "fentry", "tracefs", "cgroups"]' \
		"$tmp/doctor.json"
	if [ -e /sys/bus/event_source/devices/kprobe/type ]; then
		says kprobes ok 'kprobes work'
	else
		says kprobes less 'no kprobes'
	fi
	check_sh 'here: the hook follows from the checks' \
		jq -e '(.checks | map({(.id): .state}) | add) as $state
			| .kinds[0].hook == (
				if $state.fentry == "ok" then "fentry"
				elif $state.kprobes == "ok" then "kprobe"
				else "tracepoint" end)' "$tmp/doctor.json"
	check_sh 'here: each hook passed over has a reason and a remedy' \
		jq -e '.kinds | all(.refused | all(has("reason") and has("remedy")))' \
		"$tmp/doctor.json"
	check_sh 'here: full loses nothing, degraded something' \
		jq -e '.kinds | all((.verdict == "full") == (.fields_lost == []))' \
		"$tmp/doctor.json"
	says cgroups ok "^$(layout)$"
	doctor_options='--hook oom_kill=tracepoint'
	examine 'forced to tracepoints' plainly
	check_sh 'forced to tracepoints: degraded' test "$verdict" = degraded
	doctor_options=
}

# What /proc/self/mountinfo says about cgroups, in the doctor's words.
layout() {
	awk '
		/ - cgroup2 / { v2 = 1 }
		/ - cgroup / { v1 = 1; if ($NF ~ /(^|,)memory(,|$)/) memory = 1 }
		END {
			if (memory && v2)
				print "cgroup hybrid: memory on v1 beside v2"
			else if (v2)
				print "cgroup v2"
			else
				print v1 ? "cgroup v1" : "no cgroup hierarchy is mounted"
		}' /proc/self/mountinfo
}

privileges() {
	if ! refuse root true; then
		skip 'as nobody' 'cannot become nobody here'
	else
		cp "$oomwatch" "$kwhy" "$triggers/refuse" "$tmp"
		chmod 0711 "$tmp"
		chmod 0755 "$tmp/oomwatch" "$tmp/kwhy" "$tmp/refuse"
		oomwatch=$tmp/oomwatch kwhy=$tmp/kwhy
		examine 'as nobody' refuse root
		says privileges bad 'not root'
		check_line 'not root'
	fi
	examine 'without CAP_BPF' without_capability bpf,sys_admin
	says privileges bad 'CAP_BPF$'
	check_line 'CAP_BPF'
	examine 'without CAP_PERFMON' without_capability perfmon,sys_admin
	says privileges bad 'CAP_PERFMON$'
	check_line 'CAP_PERFMON'
	examine 'without CAP_BPF, CAP_PERFMON' without_capability bpf,perfmon,sys_admin
	says privileges bad 'CAP_BPF'
	examine 'without CAP_SYS_ADMIN' without_capability sys_admin
	says privileges ok 'CAP_BPF and CAP_PERFMON'
	check_sh 'without CAP_SYS_ADMIN: available' test "$verdict" != unavailable
	sees_kill without_capability sys_admin
}

seccomp() {
	for errno in EPERM ENOSYS; do
		examine "seccomp says $errno" refuse bpf "$errno"
		says privileges ok 'may load'
		says bpf bad seccomp
		check_line seccomp
	done
}

# A copy of the kernel's BTF does what the missing file did.
btf() {
	cp /sys/kernel/btf/vmlinux "$tmp/vmlinux.btf"
	examine 'no BTF' without_btf
	says btf bad 'btf/vmlinux is missing'
	check_line 'btf/vmlinux is missing'
	check_line '--btf FILE'
	doctor_options="--btf $tmp/vmlinux.btf"
	examine 'no BTF, --btf' without_btf
	check_sh 'no BTF, --btf: available' test "$verdict" != unavailable
	check_sh 'no BTF, --btf: oomwatch has a start and a stop' \
		jq -es 'map(.kind) == ["start", "stop"]' "$tmp/watch"
	sees_kill without_btf
	examine 'BTF and --btf' plainly
	check_sh 'BTF and --btf: available' test "$verdict" != unavailable
	echo garbage >"$tmp/garbage"
	doctor_options="--btf $tmp/garbage"
	step "$tmp/doctor.json" "$kwhy" doctor --json $doctor_options
	examine_text='--btf of garbage'
	check_sh "$examine_text: exit status 77" test "$rc" -eq 77
	check_sh "$examine_text: one row about BTF, and it is bad" \
		jq -e '[.checks[] | select(.id == "btf").state] == ["bad"]' \
		"$tmp/doctor.json"
	check_sh "$examine_text: it says what the error is" \
		sh -c '! grep "Unknown error" "$0"' "$tmp/doctor.json"
	doctor_options=
}

lockdown() {
	examine 'lockdown (forged file)' with_lockdown
	says lockdown bad confidentiality
	check_line confidentiality
}

file_systems() {
	examine 'no tracefs' without_tracefs
	check_sh 'no tracefs: available' test "$verdict" != unavailable
	says tracefs ok 'not mounted, and not needed'
	for way in with_cgroups_covered without_cgroups; do
		examine "$way" "$way"
		check_sh "$way: available" test "$verdict" != unavailable
		sees_kill "$way"
	done
	says cgroups less 'no cgroup hierarchy is mounted'
	no_proc
}

no_proc() {
	step "$tmp/watch" without_proc timeout "$bound" "$oomwatch" -j -d 0.2
	if grep -q Sanitizer "$tmp/watch.err"; then
		skip 'no /proc' 'sanitizers need it'
		return
	fi
	check_sh 'no /proc: 77, one line that names it' \
		test "$rc $(wc -l <"$tmp/watch.err") $(grep -c "'/proc'" "$tmp/watch.err")" \
		= '77 1 1'
	step "$tmp/doctor.txt" without_proc timeout "$bound" "$kwhy" doctor
	check_sh 'no /proc: the doctor predicts it' \
		test "$rc $(grep -c '^verdict: unavailable' "$tmp/doctor.txt")" = '77 1'
}

memlock_prefix() {
	refuse memlock 64 "$triggers/refuse" -t 600 \
		capability sys_resource,sys_admin "$@"
}

# Before 5.11 maps count against the limit on locked memory.
memlock() {
	examine 'little memlock' memlock_prefix
	release=$(uname -r)
	minor=${release#*.}
	minor=${minor%%[!0-9]*}
	if [ "${release%%.*}" -lt 5 ] ||
		{ [ "${release%%.*}" -eq 5 ] && [ "$minor" -lt 11 ]; }; then
		says memlock bad 'too small'
		check_line memlock
		examine 'memlock that may be raised' refuse memlock 64
		says memlock ok 'was raised'
		check_sh 'memlock that may be raised: available' \
			test "$verdict" != unavailable
	else
		says memlock ok 'does not limit'
		skip 'little memlock is told' 'since 5.11 maps are charged to the cgroup'
	fi
}

# send SIGNAL PID: to a process that we started and that has not ended: the pid
# of one that has may be somebody else's by now.
send() {
	! grep -qxF "$2 $(start_ticks "$2")" "$tmp/pids" ||
		kill "-$1" "$2" 2>/dev/null || true
}

# Before 5.11 the maps of all of root's programs count together.
beside() {
	"$oomwatch" -j >"$tmp/other.out" 2>/dev/null &
	tool_pid=$!
	note_pid "$tool_pid"
	wait_until "$patience" grep -q '"kind":"start"' "$tmp/other.out" || true
	examine 'beside another tool' refuse memlock 64
	check_sh 'beside another tool: available' test "$verdict" != unavailable
	send TERM "$tool_pid"
	await_exit "$tool_pid" "$patience"
	check_sh 'beside another tool: that one ends with 0' test "$status" -eq 0
}

doctor_options=
memory_controller
here
beside
privileges
seccomp
if unshare -m --propagation private true 2>/dev/null; then
	if [ -e /sys/kernel/btf/vmlinux ]; then
		btf
		lockdown
	else
		skip 'no BTF, lockdown' 'this kernel has no BTF'
	fi
	file_systems
else
	skip 'what is hidden by mounts' 'no mount namespaces here'
fi
memlock
finish
